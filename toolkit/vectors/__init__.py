"""Texts to vectors to neighbours: load a model, encode with a cache, search exactly, by keywords, and fuse."""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)
