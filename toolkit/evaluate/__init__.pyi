from . import analysis, comparing, judging, mteb, scoring
from .analysis import errors
from .comparing import Combined, Comparison, best, compare, compare_systems, paper, verdict
from .judging import judge
from .mteb import as_mteb, benchmark
from .scoring import Scores, score

__all__ = [
    "Combined",
    "Comparison",
    "Scores",
    "analysis",
    "as_mteb",
    "benchmark",
    "best",
    "compare",
    "compare_systems",
    "comparing",
    "errors",
    "judge",
    "judging",
    "mteb",
    "paper",
    "score",
    "scoring",
    "verdict",
]
