"""A frozen config becomes a fresh process group."""
