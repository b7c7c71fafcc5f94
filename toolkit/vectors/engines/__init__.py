"""Run models, from token ids to pooled vectors."""
