from .declared import Declared, declared
from .encoding import encode
from .exact import nearest
from .fusion import fuse
from .keywords import Retriever, bm25, keyword_query
from .lengths import truncation
from .loading import EMBEDDED, STATIC, UNIVERSAL, describe, load, needs_toolkit
from .precision import resolve_dtype
from .probing import probe
from .small import first_layers
from .store import cache_clear, cache_info

__all__ = [
    "EMBEDDED",
    "STATIC",
    "UNIVERSAL",
    "Declared",
    "Retriever",
    "bm25",
    "cache_clear",
    "cache_info",
    "declared",
    "describe",
    "encode",
    "first_layers",
    "fuse",
    "keyword_query",
    "load",
    "nearest",
    "needs_toolkit",
    "probe",
    "resolve_dtype",
    "truncation",
]
