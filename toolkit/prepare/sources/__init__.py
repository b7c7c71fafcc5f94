"""Load data from files, from the Hub, from the catalogue of known data sets, or from memory."""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)
