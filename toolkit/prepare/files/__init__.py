"""Files of every kind to tables of texts."""
