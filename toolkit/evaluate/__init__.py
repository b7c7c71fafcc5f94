"""Score models and systems per item, with intervals, and compare them on the same items."""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)
