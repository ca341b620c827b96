"""What a run needs and what a machine has, known before anything is loaded. Torch-free, so it answers at once."""
