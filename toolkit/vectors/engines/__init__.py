"""Engines: how a model is run, from token ids to pooled vectors."""
