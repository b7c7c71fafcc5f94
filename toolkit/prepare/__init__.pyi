from .describing.look import Description, describe
from .files.reading import FileTable, read
from .frames import shape_of
from .guess.guessing import Guess
from .pairing.making import Pairs, make_pairs
from .sources.knownsets import known
from .sources.loaded import Loaded
from .sources.loading import load
from .splitting.auditing import Audit, audit
from .splitting.dividing import TooFewGroupsError
from .splitting.near_copies import near_pairs
from .splitting.splitting import split, task
from .tasks import RetrievalData, Split, Task
from .texts.characters import repair_mojibake, tidy
from .texts.chunking import chunk
from .texts.cleaning import Cleaned, clean, suggest_steps
from .texts.languages import about, languages, spoken, told
from .texts.lengths import TruncationReport, truncation_report
from .texts.mail import reply_only
from .texts.markup import html_to_text
from .texts.passages import chunk_pairs

__all__ = [
    "Audit",
    "Cleaned",
    "Description",
    "FileTable",
    "Guess",
    "Loaded",
    "Pairs",
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
    "html_to_text",
    "known",
    "languages",
    "load",
    "make_pairs",
    "near_pairs",
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
