from .columns.guessing import Guess, guess
from .columns.order import shape_of
from .describing.look import Description, describe
from .files.reading import FileTable, read
from .pairing.making import Paired, pairs
from .shapes import RetrievalData, Split, Task
from .sources.knownsets import known
from .sources.loaded import Loaded
from .sources.loading import load
from .splits.duplicates import near_pairs
from .splits.leakage import Audit, audit
from .splits.splitting import TooFewGroupsError, split
from .splits.tasks import task
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
