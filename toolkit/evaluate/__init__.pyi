from . import analysis, mteb
from .analysis.failures import errors
from .comparing.combining import Combined, combine
from .comparing.comparison import Comparison, compare, contest
from .comparing.ledgers import ledger, record
from .comparing.wording import best, conclusions, headline, verdict
from .judging.agreement import Judged, results, write_qrels
from .judging.searches import queries_from
from .judging.sessions import Session, judge, resume
from .mteb.benchmarking import benchmark
from .mteb.tasks import as_mteb
from .scoring.metrics import METRICS, per_query
from .scoring.ranking import rank
from .scoring.reranking import Reranker, rerank
from .scoring.scores import Scores, score

__all__ = [
    "METRICS",
    "Combined",
    "Comparison",
    "Judged",
    "Reranker",
    "Scores",
    "Session",
    "analysis",
    "as_mteb",
    "benchmark",
    "best",
    "combine",
    "compare",
    "conclusions",
    "contest",
    "errors",
    "headline",
    "judge",
    "ledger",
    "mteb",
    "per_query",
    "queries_from",
    "rank",
    "record",
    "rerank",
    "results",
    "resume",
    "score",
    "verdict",
    "write_qrels",
]
