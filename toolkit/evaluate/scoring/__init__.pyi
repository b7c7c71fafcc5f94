from .metrics import METRICS, per_query
from .ranking import rank
from .scores import Scores, score

__all__ = ["METRICS", "Scores", "per_query", "rank", "score"]
