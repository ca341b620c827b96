"""Wiring only: each stage reads finished folders, runs parts, and finishes one folder of its own."""
