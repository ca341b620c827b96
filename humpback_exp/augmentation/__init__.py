"""Text that a model wrote becomes an instruction or a rewritten answer, or the reason why not."""
