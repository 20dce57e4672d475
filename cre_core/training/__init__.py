"""Recipes, losses and the loop, on Lightning's trainer."""
