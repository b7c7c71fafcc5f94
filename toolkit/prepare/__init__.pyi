from .characters import repair_mojibake, tidy
from .chunking import chunk
from .cleaning import Cleaned, clean, suggest_steps
from .columnorder import shape_of
from .columns import Guess, guess
from .describing import Description, describe
from .duplicates import near_pairs
from .files import FileTable, read
from .knownsets import known
from .languages import about, languages, spoken, told
from .leakage import Audit, audit
from .loaded import Loaded
from .mail import reply_only
from .markup import html_to_text
from .pairing import Paired, pairs
from .passages import chunk_pairs
from .reading import TruncationReport, truncation_report
from .shapes import RetrievalData, Split, Task
from .sources import load
from .splitting import TooFewGroupsError, split
from .tasks import task

__all__ = [
    "Audit",
    "Cleaned",
    "Description",
    "FileTable",
    "Guess",
    "Loaded",
    "Paired",
    "RetrievalData",
    "Split",
    "Task",
    "TooFewGroupsError",
    "TruncationReport",
    "about",
    "audit",
    "chunk",
    "chunk_pairs",
    "clean",
    "describe",
    "guess",
    "html_to_text",
    "known",
    "languages",
    "load",
    "near_pairs",
    "pairs",
    "read",
    "repair_mojibake",
    "reply_only",
    "shape_of",
    "split",
    "spoken",
    "suggest_steps",
    "task",
    "tidy",
    "told",
    "truncation_report",
]
