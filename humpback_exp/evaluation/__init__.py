"""What a model is worth: loss on held-out human pairs, win rate against another model, how well it rates."""
