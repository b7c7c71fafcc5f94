"""One look at a data set, and advice on it."""
