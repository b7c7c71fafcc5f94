from .agreement import Judged, results, write_qrels
from .combining import Combined, combine
from .comparing import Comparison, compare, contest
from .examples import Example, copies_above, examples, slices
from .judging import Session, judge, resume
from .ledgers import ledger, record
from .metrics import METRICS, per_query
from .ranking import rank
from .reranking import Reranker, rerank
from .scoring import Scores, score
from .searches import queries_from
from .wording import best, conclusions, headline, verdict

__all__ = [
    "METRICS",
    "Combined",
    "Comparison",
    "Example",
    "Judged",
    "Reranker",
    "Scores",
    "Session",
    "best",
    "combine",
    "compare",
    "conclusions",
    "contest",
    "copies_above",
    "examples",
    "headline",
    "judge",
    "ledger",
    "per_query",
    "queries_from",
    "rank",
    "record",
    "rerank",
    "results",
    "resume",
    "score",
    "slices",
    "verdict",
    "write_qrels",
]
