from .bundles import Bundle, Hit, bundle, load, snippet
from .indexing import Index, build_index, measure

__all__ = ["Bundle", "Hit", "Index", "build_index", "bundle", "load", "measure", "snippet"]
