"""Texts cleaned, assigned to languages, and cut to what a model reads."""
