from . import paper
from .combining import Combined, combine
from .comparison import Comparison, compare, compare_systems
from .ledgers import ledger, record
from .wording import best, conclusions, headline, verdict

__all__ = [
    "Combined",
    "Comparison",
    "best",
    "combine",
    "compare",
    "compare_systems",
    "conclusions",
    "headline",
    "ledger",
    "paper",
    "record",
    "verdict",
]
