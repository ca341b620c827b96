"""Benchmarks through lm-eval, in this process: its tasks, its requests and its figures, with our prompts and folders."""
