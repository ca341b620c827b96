"""Finished folders -> pages and one table of runs: what came out, how sure it is, what was made from what."""
