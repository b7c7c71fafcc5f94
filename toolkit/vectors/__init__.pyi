from .encoding import encode
from .exact import nearest
from .keywords import BM25, bm25, keyword_query
from .lengths import truncation
from .loading import EMBEDDED, STATIC, UNIVERSAL, load, load_again, needs_toolkit
from .origin import Declared, Origin, declared, describe, origin_of
from .precision import resolve_dtype
from .probing import probe
from .protocols import Encoder, Ranking, Reranker, System
from .rankings import from_ranking, fuse_rankings, top
from .reranking import pair_scores, rerank
from .small import first_layers
from .store import cache_clear, cache_info
from .systems import as_system, dense, fuse, restore

__all__ = [
    "BM25",
    "EMBEDDED",
    "STATIC",
    "UNIVERSAL",
    "Declared",
    "Encoder",
    "Origin",
    "Ranking",
    "Reranker",
    "System",
    "as_system",
    "bm25",
    "cache_clear",
    "cache_info",
    "declared",
    "dense",
    "describe",
    "encode",
    "first_layers",
    "from_ranking",
    "fuse",
    "fuse_rankings",
    "keyword_query",
    "load",
    "load_again",
    "nearest",
    "needs_toolkit",
    "origin_of",
    "pair_scores",
    "probe",
    "rerank",
    "resolve_dtype",
    "restore",
    "top",
    "truncation",
]
