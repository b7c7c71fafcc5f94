from .chunking import chunk
from .cleaning import Cleaned, clean, suggest_steps
from .columns import Guess, guess
from .duplicates import near_pairs
from .files import FileTable, read
from .languages import about, languages, spoken, told
from .leakage import Audit, audit
from .passages import chunk_pairs
from .shapes import RetrievalData, Split, Task, shape_of
from .sources import Loaded, load
from .splitting import TooFewGroupsError, split
from .tasks import task

__all__ = [
    "Audit",
    "Cleaned",
    "FileTable",
    "Guess",
    "Loaded",
    "RetrievalData",
    "Split",
    "Task",
    "TooFewGroupsError",
    "about",
    "audit",
    "chunk",
    "chunk_pairs",
    "clean",
    "guess",
    "languages",
    "load",
    "near_pairs",
    "read",
    "shape_of",
    "split",
    "spoken",
    "suggest_steps",
    "task",
    "told",
]
