from . import files, frames, guess, pairing, schema, sources, splitting, text
from .describing.description import Description, describe
from .pairing.making import Pairs, make_pairs
from .sources.loading import Loaded, ReadOptions, load
from .splitting.auditing import Audit, audit
from .splitting.dividing import TooFewGroupsError
from .splitting.splitting import split, task
from .tasks import RetrievalData, Split, Task
from .text.chunking import chunk
from .text.cleaning import Cleaned, clean

__all__ = [
    "Audit",
    "Cleaned",
    "Description",
    "Loaded",
    "Pairs",
    "ReadOptions",
    "RetrievalData",
    "Split",
    "Task",
    "TooFewGroupsError",
    "audit",
    "chunk",
    "clean",
    "describe",
    "files",
    "frames",
    "guess",
    "load",
    "make_pairs",
    "pairing",
    "schema",
    "sources",
    "split",
    "splitting",
    "task",
    "text",
]
