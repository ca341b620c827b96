"""A model that compares two answers: what it is asked, what its replies mean, how far it can be trusted, what it costs."""
