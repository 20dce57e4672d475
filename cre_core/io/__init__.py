"""Readers and writers, one file per format family. Everything they return is validated and 0-based half-open."""
