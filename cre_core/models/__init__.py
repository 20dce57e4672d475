"""Models: tensors in, tensors out. One file per model; `registry.MODELS` lists them."""
