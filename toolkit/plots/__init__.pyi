from .data import contents, leaks, scatter
from .results import recall, slices, systems, threshold, tradeoff
from .style import COLOURS, MARKERS, Picture
from .training import learning, overfitting

__all__ = [
    "COLOURS",
    "MARKERS",
    "Picture",
    "contents",
    "leaks",
    "learning",
    "overfitting",
    "recall",
    "scatter",
    "slices",
    "systems",
    "threshold",
    "tradeoff",
]
