from . import indexes, packing
from .bundles import Bundle, Hit, load
from .indexes import Index, build_index
from .packing import bundle

__all__ = ["Bundle", "Hit", "Index", "build_index", "bundle", "indexes", "load", "packing"]
