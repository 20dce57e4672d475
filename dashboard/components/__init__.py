"""Builders of page parts."""
