from .comparing import describe, describe_slices, slices, systems, tradeoff
from .spaces import recall, scatter
from .style import COLOURS, MARKERS, img, png, save
from .texts import contents, describe_contents, describe_leaks, leaks
from .thresholds import describe_threshold, threshold
from .training import describe_learning, describe_overfitting, learning, overfitting

__all__ = [
    "COLOURS",
    "MARKERS",
    "contents",
    "describe",
    "describe_contents",
    "describe_leaks",
    "describe_learning",
    "describe_overfitting",
    "describe_slices",
    "describe_threshold",
    "img",
    "leaks",
    "learning",
    "overfitting",
    "png",
    "recall",
    "save",
    "scatter",
    "slices",
    "systems",
    "threshold",
    "tradeoff",
]
