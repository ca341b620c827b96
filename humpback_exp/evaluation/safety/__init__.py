"""Answers to sensitive prompts under each setting of the tags: how many refuse, and a page to read them."""
