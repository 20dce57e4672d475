"""Change a model's input and see what follows."""
