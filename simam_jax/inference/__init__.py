"""What `evaluate` and `predict` share: a run restored, and run over images."""
