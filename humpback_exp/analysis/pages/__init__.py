"""Pages: of the whole loop, of a sweep, and of models side by side."""
