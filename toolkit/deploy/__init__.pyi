from .bundles import Bundle, Hit, load
from .indexing import Index, build_index, measure
from .packing import bundle, snippet

__all__ = ["Bundle", "Hit", "Index", "build_index", "bundle", "load", "measure", "snippet"]
