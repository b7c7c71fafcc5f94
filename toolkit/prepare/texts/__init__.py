"""Texts cleaned, told by language, and cut to what a model reads."""
