from .cleaning import Cleaned, clean
from .duplicates import near_pairs
from .leakage import Audit, audit
from .shapes import RetrievalData, Split, Task, shape_of
from .sources import Loaded, load
from .splitting import split
from .tasks import task

__all__ = [
    "Audit",
    "Cleaned",
    "Loaded",
    "RetrievalData",
    "Split",
    "Task",
    "audit",
    "clean",
    "load",
    "near_pairs",
    "shape_of",
    "split",
    "task",
]
