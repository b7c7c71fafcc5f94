"""The public benchmark, by mteb's own code."""
