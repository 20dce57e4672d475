"""Prepare data, run the models, perturb them, and score them against what was measured."""
