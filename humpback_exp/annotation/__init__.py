"""People who judge: the page they work on, their judgements, and how far these can be trusted."""
