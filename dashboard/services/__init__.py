"""Cached calls into cre_core."""
