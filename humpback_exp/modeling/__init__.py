"""One causal LM for both directions: loading, loss, the Lightning module, checkpoints, export."""
