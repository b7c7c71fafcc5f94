from . import cache
from .encoding import encode
from .exact import nearest
from .keywords import bm25, keyword_query
from .lengths import truncation
from .loading import load
from .origin import DEFAULT, Origin
from .probing import probe
from .protocols import Encoder, Ranking, Reranker, System
from .rankings import from_ranking
from .reranking import rerank
from .systems import dense, fuse

__all__ = [
    "DEFAULT",
    "Encoder",
    "Origin",
    "Ranking",
    "Reranker",
    "System",
    "bm25",
    "cache",
    "dense",
    "encode",
    "from_ranking",
    "fuse",
    "keyword_query",
    "load",
    "nearest",
    "probe",
    "rerank",
    "truncation",
]
