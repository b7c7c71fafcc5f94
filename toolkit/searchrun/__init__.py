"""A search run beside its rooms: the first look at a file, what was found out, why, and the report."""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)
