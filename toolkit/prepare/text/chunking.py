"""Cut long texts into chunks that fit a model's limit, and count what would be truncated."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import compress, pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from toolkit.prepare.text.unicode import optional_import
from toolkit.vectors.inputs import check_texts, each

if TYPE_CHECKING:
    from datasets import Dataset

    from toolkit.prepare.text.cleaning import Cleaned

PART_CHARACTERS = 100_000  # characters passed to the tokenizer as one text, so that its threads share the work ...
BATCH = 2_000_000  # ... and in one call: its output takes some hundred bytes per token

_PARAGRAPH = re.compile(r"\n[^\S\n]*\n\s*")
_PLAIN = " \t\n\r"  # white space at which tokenizers of BERT's kind cut before anything else


def chunk(model: Any, texts: Sequence[str], *, max_tokens: int | None = None, language: str = "en") -> Dataset:
    """Cut texts into pieces that the model reads whole, at ends of paragraphs, sentences, lines or words.

    A piece is filled up to the limit, then ends at the last paragraph break that leaves it at least half full,
    else at the last end of a sentence (library sentencex) or line that leaves it a quarter full, else at a word.
    A word that alone exceeds the limit is cut between two of its tokens.

    Parameters
    ----------
    model : SentenceTransformer
        Its tokenizer counts, with special tokens and the longest of its prompts.
    texts : sequence of str
    max_tokens : int, optional
        Maximum tokens per piece, up to the model's own limit, which is the default.
    language : str
        ISO 639-1 code of the texts, so abbreviations do not end a sentence. Sentence ends of all scripts are known.

    Returns
    -------
    Dataset
        Columns ``text source start end``: ``texts[source][start:end]`` is the piece. Texts that fit are returned whole;
        in others, white space around a piece is dropped. Texts of only white space give no pieces.

    Raises
    ------
    ValueError
        For a limit that the model does not allow, or a model without a limit where none is given.
    ModuleNotFoundError
        The package sentencex is missing.
    """
    from datasets import Dataset

    check_texts(texts)
    texts = list(each(texts))
    cutter = _Cutter(model, max_tokens, language)
    spans = [(source, *span) for source, found in enumerate(cutter.cut_all(texts)) for span in found]
    sources, starts, ends = (list(column) for column in zip(*spans, strict=True)) if spans else ([], [], [])
    pieces = [texts[source][start:end] for source, start, end in spans]
    return Dataset.from_dict({"text": pieces, "source": sources, "start": starts, "end": ends})


def chunk_pairs(model: Any, cleaned: Cleaned) -> tuple[Dataset, list[str]]:
    """Cut the documents of clean pairs into passages that the model reads whole.

    Every passage of a relevant document counts as relevant, since the data do not say which one
    is. So accuracy@1 measures whether the first passage found is one of the right document.

    Parameters
    ----------
    model : SentenceTransformer
    cleaned : Cleaned

    Returns
    -------
    Dataset
        One row per passage: ``anchor positive`` and, if present, ``positive_id`` (with the number of the
        passage), ``group`` and ``time``.
    list of str
        Passages of the other documents.
    """
    from datasets import Dataset

    frame = cleaned.data.to_pandas()
    distinct = list(dict.fromkeys(frame["positive"]))
    pieces = chunk(model, distinct).to_pandas()
    pieces["number"] = pieces.groupby("source").cumcount() + 1
    pieces["positive"] = [distinct[source] for source in pieces["source"]]
    rows = frame.merge(pieces[["positive", "text", "number"]], on="positive", how="inner", sort=False)
    if "positive_id" in rows:
        rows["positive_id"] = [f"{name}#{n}" for name, n in zip(rows["positive_id"], rows["number"], strict=True)]
    rows["positive"] = rows["text"]
    others = chunk(model, cleaned.documents)["text"][:] if cleaned.documents else []
    return Dataset.from_pandas(rows[list(frame.columns)], preserve_index=False), list(dict.fromkeys(others))


@dataclass(frozen=True)
class TruncationReport:
    """Counts of what a model silently truncates.

    Attributes
    ----------
    table : DataFrame
        Rows ``whole texts`` and, where pieces were given, ``pieces``: ``read texts tokens limit cut share_cut lost
        share_lost``; cut texts are longer than the limit, lost tokens are beyond it, shares are 0 to 1.
    """

    table: pd.DataFrame

    @property
    def sentence(self) -> str:
        """The table in a sentence or two."""
        sentences = []
        for row in self.table.to_dict("records"):
            reads = "texts of any length" if pd.isna(row["limit"]) else f"{row['limit']:.0f} tokens"
            tokens = f"{row['lost']:,} of {row['tokens']:,} tokens ({row['share_lost']:.1%})"
            cut = f"{row['cut']:,} ({row['share_cut']:.1%}), and with them {tokens}" if row["cut"] else "none"
            sentences.append(f"Of {row['texts']:,} {row['read']} the model, which reads {reads}, cuts {cut}.")
        return " ".join(sentences)

    def __str__(self) -> str:
        return self.sentence

    def _repr_html_(self) -> str:
        return f"<p>{self.sentence}</p>{self.table.to_html(index=False)}"


def truncation_report(
    model: Any, texts: Sequence[str], *, chunks: Dataset | Sequence[str] | None = None
) -> TruncationReport:
    """Count the texts, and the share of their tokens, that a model silently cuts, before and after chunking.

    Tokens are counted as in `toolkit.vectors.truncation`: with special tokens and the model's longest prompt, so
    pieces have more tokens in total than whole texts.

    Parameters
    ----------
    model : SentenceTransformer
    texts : sequence of str
    chunks : Dataset or sequence of str, optional
        The pieces of the texts, as `chunk` returns them.

    Raises
    ------
    ValueError
        When there are no texts, or one item is not a text; the message names it.
    """
    from toolkit.vectors import truncation

    given: dict[str, Any] = {"whole texts": texts}
    if chunks is not None:
        pieces: Any = chunks
        given["pieces"] = pieces["text"][:] if hasattr(pieces, "column_names") else pieces
    rows = []
    for read, some in given.items():
        frame = truncation(model, some)
        if frame.empty:
            raise ValueError(f"expected at least one text to count tokens, got no {read}")
        cut, lost, tokens = int((frame["lost"] > 0).sum()), int(frame["lost"].sum()), int(frame["tokens"].sum())
        rows.append({"read": read, "texts": len(frame), "tokens": tokens, "limit": frame["limit"].iloc[0], "cut": cut,
                     "share_cut": cut / len(frame), "lost": lost, "share_lost": lost / tokens})  # fmt: skip
    return TruncationReport(pd.DataFrame(rows))


Spans = list[tuple[int, int]]


class _Cutter:
    """Cuts texts for one model and one limit."""

    def __init__(self, model: Any, max_tokens: int | None, language: str) -> None:
        own = model.max_seq_length if isinstance(model.max_seq_length, int) else None
        if max_tokens is None and (own is None or own >= 1_000_000):
            raise ValueError("the model reads texts of any length: pass max_tokens to cut them anyway")
        if max_tokens is not None and (max_tokens < 1 or (own is not None and max_tokens > own)):
            raise ValueError(f"expected max_tokens from 1 to the model's limit, {own or 'any'}, got {max_tokens}")
        tokenizer = getattr(model.tokenizer, "backend_tokenizer", model.tokenizer)
        if not hasattr(tokenizer, "to_str"):
            raise ValueError(f"expected a tokenizer of the library tokenizers, got {type(tokenizer).__name__}")
        self.model, self.limit, self.language = model, int(max_tokens or own or 0), language
        self.tokenizer = type(tokenizer).from_str(tokenizer.to_str())  # a copy: the model's own keeps its truncation
        self.tokenizer.no_truncation(), self.tokenizer.no_padding()
        longest = max((str(prompt or "") for prompt in model.prompts.values()), key=len, default="")
        self.room = self.limit - len(self.tokenizer.encode(longest))
        if self.room < 1:
            raise ValueError(f"{self.limit} tokens leave no room after special tokens and prompt: raise max_tokens")
        # Such a tokenizer cuts at white space first, so a part between white space has as many tokens as it has inside
        # of the whole text. Others (byte pairs, unigrams) may need another token at a cut: their pieces are recounted.
        first = type(self.tokenizer.pre_tokenizer).__name__
        self.exact = first == "BertPreTokenizer" and (not longest or longest[-1] in _PLAIN)

    def cut_all(self, texts: Sequence[str]) -> Iterator[Spans]:
        """Yield start and end of the pieces of each text, none over the limit by the tokenizer's count."""
        number = np.cumsum([len(text) for text in texts], dtype=np.int64) // BATCH
        for first, last in pairwise([0, *(np.flatnonzero(np.diff(number)) + 1).tolist(), len(texts)]):
            yield from self._cut_verified(texts[first:last], self.room)

    def _cut_verified(self, texts: Sequence[str], room: int) -> list[Spans]:
        """Cut texts into pieces, cutting those that exceed the limit again with less room."""
        from toolkit.vectors import truncation

        def is_exact(text: str, begin: int, end: int) -> bool:  # surrounded by plain white space
            before, after = text[max(0, begin - 1) : begin], text[end : end + 1]
            return self.exact and before in _PLAIN and after in _PLAIN

        found = [self._cut(text, starts, room) for text, starts in zip(texts, self._starts(texts), strict=True)]
        doubtful = [(at, number) for at, spans in enumerate(found) for number, span in enumerate(spans)
                    if not is_exact(texts[at], *span)]  # fmt: skip
        pieces = [texts[at][slice(*found[at][number])] for at, number in doubtful]
        over = truncation(self.model, pieces)["tokens"].to_numpy() > self.limit
        for (at, number), piece in reversed([*zip(compress(doubtful, over), compress(pieces, over), strict=True)]):
            # A tokenizer may need more tokens for a piece after the prompt, or for one that begins inside of a word.
            if room == 1:
                raise ValueError(f"{self.limit} tokens are too few for one character of this text: raise max_tokens")
            begin = found[at][number][0]
            smaller = self._cut_verified([piece], room // 2)[0]
            found[at][number : number + 1] = [(begin + start, begin + end) for start, end in smaller]
        return found

    def _starts(self, texts: Sequence[str]) -> Iterator[NDArray[np.int64]]:
        """Yield for each text the positions where its tokens start, in order."""
        parts = [(source, begin, part) for source, text in enumerate(texts) for begin, part in _parts(text)]
        found = [[np.empty(0, dtype=np.int64)] for _ in texts]
        for first in range(0, len(parts), 64):  # a long text alone may have many parts
            some = parts[first : first + 64]
            encoded = self.tokenizer.encode_batch([part for *_, part in some], add_special_tokens=False)
            for (source, begin, _), encoding in zip(some, encoded, strict=True):
                found[source].append(np.array(encoding.offsets, dtype=np.int64).reshape(-1, 2)[:, 0] + begin)
        yield from (np.maximum.accumulate(np.concatenate(several)) for several in found)

    def _cut(self, text: str, starts: NDArray[np.int64], room: int) -> Spans:
        if len(starts) <= room:
            return [(0, len(text))] if text.strip() else []
        end_of_text = len(text.rstrip())
        paragraphs, sentences = self._ends(text)
        spans: Spans = []
        done = 0
        while done < end_of_text:
            first = int(np.searchsorted(starts, done))
            if len(starts) - first <= room:
                end = end_of_text
            else:
                stop = int(starts[first + room])  # the first token that does not fit
                if stop <= done:  # several tokens of one character
                    stop = int(next(iter(starts[starts > done]), end_of_text))
                half, quarter = (max(int(starts[first + room // part]), done) for part in (2, 4))
                end = (
                    _last(paragraphs, half, stop)
                    or _last(sentences, quarter, stop)
                    or _end_of(text, text.rfind("\n", quarter, stop), quarter)
                    or _end_of_word(text, done, stop)
                )
            piece = text[done:end]
            begin = done + len(piece) - len(piece.lstrip())
            spans += [(begin, begin + len(piece.strip()))] if piece.strip() else []
            done = end
        return spans

    def _ends(self, text: str) -> tuple[list[int], list[int]]:
        """Return where paragraphs and sentences end, excluding trailing white space."""
        segment = optional_import("sentencex", "cutting texts into pieces", "sentencex").segment
        paragraphs = []
        for match in _PARAGRAPH.finditer(text):
            line = text.rfind("\n", 0, match.start()) + 1
            paragraphs.append(_end_of(text, match.start(), line) or line)
        sentences = set(paragraphs)
        for begin, part in _parts(text):
            at = 0
            for sentence in segment(self.language, part)[:-1]:  # the end of a part need not be that of a sentence
                at = part.index(kept, at) + len(kept) if (kept := sentence.rstrip()) else at
                sentences.add(begin + at)
        return paragraphs, sorted(sentences)


def _last(places: Sequence[int], low: int, high: int) -> int:
    """Return the last position above `low` and up to `high`, or 0."""
    number = bisect_right(places, high) - 1
    return places[number] if number >= 0 and places[number] > low else 0


def _end_of(text: str, place: int, low: int) -> int:
    """Move a position back over white space; return 0 if that is not beyond `low`."""
    end = len(text[low:place].rstrip()) if place > low else 0
    return low + end if end else 0


def _end_of_word(text: str, low: int, high: int) -> int:
    """Return where the last word before `high` ends, or `high` if no word ends beyond `low`."""
    place = high
    while place > low and not text[place].isspace() and not text[place - 1].isspace():
        place -= 1
    return _end_of(text, place, low) or high


def _parts(text: str) -> Iterator[tuple[int, str]]:
    """Split a text into parts of at most `PART_CHARACTERS` characters, at a paragraph, line, sentence or word."""
    start = 0
    while len(text) - start > PART_CHARACTERS:
        ends = (
            text.rfind(mark, start + PART_CHARACTERS // 2, start + PART_CHARACTERS - 1)
            for mark in ("\n\n", "\n", ". ", " ")
        )
        end = next((end + 1 for end in ends if end >= 0), start + PART_CHARACTERS)
        yield start, text[start:end]
        start = end
    yield start, text[start:]
