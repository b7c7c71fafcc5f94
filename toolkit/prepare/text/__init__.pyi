from .boilerplate import drop_repeated
from .chunking import TruncationReport, chunk, chunk_pairs, truncation_report
from .cleaning import Cleaned, clean, suggest_steps
from .html import html_to_text
from .language import assign_languages, detect_languages, language_mismatch, language_name, language_shares
from .mail import reply_only
from .unicode import count_words, first_sentence, repair_mojibake, tidy

__all__ = [
    "Cleaned",
    "TruncationReport",
    "assign_languages",
    "chunk",
    "chunk_pairs",
    "clean",
    "count_words",
    "detect_languages",
    "drop_repeated",
    "first_sentence",
    "html_to_text",
    "language_mismatch",
    "language_name",
    "language_shares",
    "repair_mojibake",
    "reply_only",
    "suggest_steps",
    "tidy",
    "truncation_report",
]
