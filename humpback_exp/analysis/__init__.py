"""Finished folders -> one page: what came out, how sure it is, what the rows look like, what was made from what."""
