"""Files of many formats as tables of texts."""
