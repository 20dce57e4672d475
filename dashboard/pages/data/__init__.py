"""Data: where every file comes from."""
