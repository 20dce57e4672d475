"""Metrics, intervals, simple baselines, and the benchmarks of expression and links."""
