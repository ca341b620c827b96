"""Comparisons and folders -> sentences of the pages: what was run, what was found, what to know before believing it."""
