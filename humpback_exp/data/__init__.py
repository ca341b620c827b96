"""Pairs -> token ids and labels -> micro-batches in a fixed order.

seed file, scored folder -> examples -> tokens -> order -> loader. Only `loader` needs torch.
"""
