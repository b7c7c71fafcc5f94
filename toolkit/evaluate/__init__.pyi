from .agreement import Judged, results, write_qrels
from .benchmarking import Benchmarked, benchmark
from .combining import Combined, combine
from .comparing import Comparison, compare, contest
from .examples import Example, copies_above, examples, slices
from .failures import errors
from .general import Forgetting, forgetting
from .judging import Session, judge, resume
from .labelling import slice_by
from .leaking import LeakEffect, leak_effect
from .ledgers import ledger, record
from .maps import Projection, project
from .metrics import METRICS, per_query
from .mtebchecks import trained_on
from .mtebtasks import as_mteb
from .publishedscores import compare_with_published, published
from .ranking import rank
from .reranking import Reranker, rerank
from .scoring import Scores, score
from .searches import queries_from
from .slicing import Sliced, by_slice
from .spaces import space
from .thresholds import Threshold, threshold
from .wording import best, conclusions, headline, verdict

__all__ = [
    "METRICS",
    "Benchmarked",
    "Combined",
    "Comparison",
    "Example",
    "Forgetting",
    "Judged",
    "LeakEffect",
    "Projection",
    "Reranker",
    "Scores",
    "Session",
    "Sliced",
    "Threshold",
    "as_mteb",
    "benchmark",
    "best",
    "by_slice",
    "combine",
    "compare",
    "compare_with_published",
    "conclusions",
    "contest",
    "copies_above",
    "errors",
    "examples",
    "forgetting",
    "headline",
    "judge",
    "leak_effect",
    "ledger",
    "per_query",
    "project",
    "published",
    "queries_from",
    "rank",
    "record",
    "rerank",
    "results",
    "resume",
    "score",
    "slice_by",
    "slices",
    "space",
    "threshold",
    "trained_on",
    "verdict",
    "write_qrels",
]
