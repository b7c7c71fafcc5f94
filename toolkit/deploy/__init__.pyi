from .bundles import Bundle, Hit, bundle, load, needs_toolkit, snippet
from .indexing import Index, build_index, measure

__all__ = ["Bundle", "Hit", "Index", "build_index", "bundle", "load", "measure", "needs_toolkit", "snippet"]
