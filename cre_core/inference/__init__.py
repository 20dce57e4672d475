"""Run trained models: which fold may speak about which gene, and what it predicts."""
