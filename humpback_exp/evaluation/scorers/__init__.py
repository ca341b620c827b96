"""What each scorer measures of a pair: ratings that a model writes, the level it would begin with, likelihoods."""
