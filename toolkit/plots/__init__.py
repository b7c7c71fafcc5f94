"""Draw figures in colour-blind-safe colours, each with alternative text.

Functions take tables, never models, and return a `Picture`.
"""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)
