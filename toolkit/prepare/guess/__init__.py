"""Guess which columns of a table hold queries, documents, labels and the rest."""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)
