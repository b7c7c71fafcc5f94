from .comparing import Comparison, compare, contest
from .examples import Example, copies_above, examples, slices
from .metrics import METRICS, per_query
from .scoring import Scores, rank, score
from .wording import best, headline, verdict

__all__ = [
    "METRICS",
    "Comparison",
    "Example",
    "Scores",
    "best",
    "compare",
    "contest",
    "copies_above",
    "examples",
    "headline",
    "per_query",
    "rank",
    "score",
    "slices",
    "verdict",
]
