"""Recipes: one script a task, each from a file of yours to a measured and deployed result."""
