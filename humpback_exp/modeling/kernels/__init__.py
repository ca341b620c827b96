"""Attention, Llama's blocks and the loss as autograd functions of our own."""
