from .describing.description import Description, describe
from .files.reading import FileTable, read
from .frames import shape_of
from .guess.guessing import Guess
from .pairing.making import Pairs, make_pairs
from .sources.catalogue import known
from .sources.loading import Loaded, ReadOptions, load
from .splitting.auditing import Audit, audit
from .splitting.dividing import TooFewGroupsError
from .splitting.near_copies import near_pairs
from .splitting.splitting import split, task
from .tasks import RetrievalData, Split, Task
from .text.chunking import TruncationReport, chunk, chunk_pairs, truncation_report
from .text.cleaning import Cleaned, clean, suggest_steps
from .text.html import html_to_text
from .text.language import assign_languages, detect_languages, language_mismatch, language_shares
from .text.mail import reply_only
from .text.unicode import repair_mojibake, tidy

__all__ = [
    "Audit",
    "Cleaned",
    "Description",
    "FileTable",
    "Guess",
    "Loaded",
    "Pairs",
    "ReadOptions",
    "RetrievalData",
    "Split",
    "Task",
    "TooFewGroupsError",
    "TruncationReport",
    "assign_languages",
    "audit",
    "chunk",
    "chunk_pairs",
    "clean",
    "describe",
    "detect_languages",
    "html_to_text",
    "known",
    "language_mismatch",
    "language_shares",
    "load",
    "make_pairs",
    "near_pairs",
    "read",
    "repair_mojibake",
    "reply_only",
    "shape_of",
    "split",
    "suggest_steps",
    "task",
    "tidy",
    "truncation_report",
]
