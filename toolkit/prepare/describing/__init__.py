"""Summarise a data set and advise on it."""
