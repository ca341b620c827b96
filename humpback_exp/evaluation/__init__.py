"""What a model is worth: loss on held-out pairs, win rate against another model, telling good pairs from corrupted ones."""
