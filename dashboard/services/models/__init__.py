"""One resident process that holds the models and answers every web worker."""
