"""The locus figure: one file a kind of band, and the stack of them on one axis."""
