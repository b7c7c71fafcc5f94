"""A model and a task to scores for each item."""
