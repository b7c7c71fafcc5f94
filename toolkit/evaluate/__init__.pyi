from .comparing.combining import Combined, combine
from .comparing.comparison import Comparison, compare, contest
from .comparing.ledgers import ledger, record
from .comparing.wording import best, conclusions, headline, verdict
from .judging.agreement import Judged, results, write_qrels
from .judging.searches import queries_from
from .judging.sessions import Session, judge, resume
from .mteb.benchmarking import Benchmarked, benchmark
from .mteb.checks import trained_on
from .mteb.publishing import compare_with_published, published
from .mteb.tasks import as_mteb
from .reasons.drawn import Example, copies_above, examples, slices
from .reasons.failures import errors
from .reasons.general import Forgetting, forgetting
from .reasons.labelling import slice_by
from .reasons.leaking import LeakEffect, leak_effect
from .reasons.maps import Projection, project
from .reasons.slicing import Sliced, by_slice
from .reasons.spaces import space
from .reasons.thresholds import Threshold, threshold
from .scoring.metrics import METRICS, per_query
from .scoring.ranking import rank
from .scoring.reranking import Reranker, rerank
from .scoring.scores import Scores, score

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
