"""Figures that everybody can read: colours of Okabe and Ito, labelled axes, a sentence for who cannot see them.

Functions take tables, never models, and return a matplotlib `Figure` that belongs to no window.
"""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)
