"""Rows done chunk by chunk by any number of workers, resumable to the byte."""
