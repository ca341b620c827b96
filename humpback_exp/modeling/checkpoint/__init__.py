"""What an unfinished training goes on from."""
