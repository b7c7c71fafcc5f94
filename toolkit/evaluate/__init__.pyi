from .comparing import Comparison, compare, contest
from .metrics import METRICS, per_query
from .scoring import Scores, rank, score
from .wording import verdict

__all__ = ["METRICS", "Comparison", "Scores", "compare", "contest", "per_query", "rank", "score", "verdict"]
