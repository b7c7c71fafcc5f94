from .agreement import Judged, results, write_qrels
from .benchmarking import Benchmarked, benchmark
from .combining import Combined, combine
from .comparing import Comparison, compare, contest
from .examples import Example, copies_above, examples, slices
from .judging import Session, judge, resume
from .ledgers import ledger, record
from .metrics import METRICS, per_query
from .mtebchecks import trained_on
from .mtebtasks import as_mteb
from .publishedscores import compare_with_published, published
from .ranking import rank
from .reranking import Reranker, rerank
from .scoring import Scores, score
from .searches import queries_from
from .wording import best, conclusions, headline, verdict

__all__ = [
    "METRICS",
    "Benchmarked",
    "Combined",
    "Comparison",
    "Example",
    "Judged",
    "Reranker",
    "Scores",
    "Session",
    "as_mteb",
    "benchmark",
    "best",
    "combine",
    "compare",
    "compare_with_published",
    "conclusions",
    "contest",
    "copies_above",
    "examples",
    "headline",
    "judge",
    "ledger",
    "per_query",
    "published",
    "queries_from",
    "rank",
    "record",
    "rerank",
    "results",
    "resume",
    "score",
    "slices",
    "trained_on",
    "verdict",
    "write_qrels",
]
