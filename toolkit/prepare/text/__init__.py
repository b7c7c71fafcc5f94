"""Clean texts, detect their languages, and cut them to the length that a model reads."""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)
