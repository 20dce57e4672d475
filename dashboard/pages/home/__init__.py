"""Home: the studies at hand, and loci to open."""
