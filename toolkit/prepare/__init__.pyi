from .chunking import chunk
from .cleaning import Cleaned, clean, suggest_steps
from .columnorder import shape_of
from .columns import Guess, guess
from .duplicates import near_pairs
from .files import FileTable, read
from .knownsets import known
from .languages import about, languages, spoken, told
from .leakage import Audit, audit
from .loaded import Loaded
from .pairing import Paired, pairs
from .passages import chunk_pairs
from .shapes import RetrievalData, Split, Task
from .sources import load
from .splitting import TooFewGroupsError, split
from .tasks import task

__all__ = [
    "Audit",
    "Cleaned",
    "FileTable",
    "Guess",
    "Loaded",
    "Paired",
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
    "known",
    "languages",
    "load",
    "near_pairs",
    "pairs",
    "read",
    "shape_of",
    "split",
    "spoken",
    "suggest_steps",
    "task",
    "told",
]
