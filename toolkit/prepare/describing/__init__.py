"""One look at data: what is in them, and what to do about it."""
