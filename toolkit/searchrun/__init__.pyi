from .findings import Findings, stands_in
from .firstlook import LOOK, Forecast, forecast, in_words, opening, sample
from .searchreport import conclude
from .using import Use
from .whys import Why, why

__all__ = [
    "LOOK",
    "Findings",
    "Forecast",
    "Use",
    "Why",
    "conclude",
    "forecast",
    "in_words",
    "opening",
    "sample",
    "stands_in",
    "why",
]
