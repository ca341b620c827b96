"""The reference engine: transformers' models, our prefill, cache and decoding."""
