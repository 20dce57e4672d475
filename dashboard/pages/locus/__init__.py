"""Locus: tracks, links of several methods and what was measured, on one axis."""
