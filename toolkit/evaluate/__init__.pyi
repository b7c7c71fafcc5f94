from .agreement import Judged, results, write_qrels
from .comparing import Comparison, compare, contest
from .examples import Example, copies_above, examples, slices
from .judging import Session, judge, resume
from .metrics import METRICS, per_query
from .ranking import rank
from .reranking import Reranker, rerank
from .scoring import Scores, score
from .searches import queries_from
from .wording import best, headline, verdict

__all__ = [
    "METRICS",
    "Comparison",
    "Example",
    "Judged",
    "Reranker",
    "Scores",
    "Session",
    "best",
    "compare",
    "contest",
    "copies_above",
    "examples",
    "headline",
    "judge",
    "per_query",
    "queries_from",
    "rank",
    "rerank",
    "results",
    "resume",
    "score",
    "slices",
    "verdict",
    "write_qrels",
]
