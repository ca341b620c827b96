"""Ratings: text -> score or unreadable, and scores -> the pairs that are kept. Torch-free."""
