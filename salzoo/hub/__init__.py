"""Checkpoints: saving, loading, importing and, by name, finding them."""
