"""Long texts in pieces that a model reads whole."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datasets import Dataset

# Characters that are split at a time, as many as ten pieces have: the splitter's time grows with the square of a
# paragraph. A text of more is not tokenised to see whether it fits.
PART, PER_TOKEN = 10_000, 40


def chunk(texts: Sequence[str], model: Any, *, max_tokens: int | None = None, overlap: int = 0) -> Dataset:
    """Cut texts into pieces that the model reads whole, at ends of paragraphs, sentences or words.

    Parameters
    ----------
    texts : sequence of str
    model : SentenceTransformer
        Its tokenizer counts, with special tokens and the longest of its prompts.
    max_tokens : int, optional
        Most tokens of a piece, at most the model's own limit, which is the default.
    overlap : int
        Tokens that a piece may share with the one before it.

    Returns
    -------
    Dataset
        Columns ``text source start end``: ``texts[source][start:end]`` is the piece. Texts that fit come back whole;
        of the others white space around a piece is left out. Texts of white space alone have no piece.

    Raises
    ------
    ValueError
        For a limit or overlap that the model does not allow, or a model without a limit where none is given.
    ModuleNotFoundError
        The package semantic-text-splitter is missing.
    """
    from datasets import Dataset

    from toolkit.vectors import truncation

    if isinstance(texts, str):
        raise ValueError("expected a list of texts, got a single str: put it in a list, [text]")
    texts = list(texts)
    limit = _limit(model, max_tokens)
    cutter = _Cutter(model, limit, overlap)
    spans: list[tuple[int, int, int]] = []
    counted = truncation(model, ["" if cutter.surely_long(text) else text for text in texts])["tokens"]
    for source, (text, tokens) in enumerate(zip(texts, counted, strict=True)):
        if text.strip():
            long = tokens > limit or cutter.surely_long(text)
            found = cutter.cut(text) if long else [(0, len(text))]
            spans += [(source, start, end) for start, end in found]
    sources, starts, ends = (list(column) for column in zip(*spans, strict=True)) if spans else ([], [], [])
    pieces = [texts[source][start:end] for source, start, end in spans]
    return Dataset.from_dict({"text": pieces, "source": sources, "start": starts, "end": ends})


def _limit(model: Any, max_tokens: int | None) -> int:
    own = model.max_seq_length if isinstance(model.max_seq_length, int) else None
    if max_tokens is None and (own is None or own >= 1_000_000):
        raise ValueError("the model reads texts of any length: give max_tokens to cut them all the same")
    if max_tokens is not None and (max_tokens < 1 or (own is not None and max_tokens > own)):
        raise ValueError(f"expected max_tokens from 1 to the model's limit, {own or 'any'}, got {max_tokens}")
    return int(max_tokens or own or 0)


class _Cutter:
    """Cuts long texts for one model and one limit."""

    def __init__(self, model: Any, limit: int, overlap: int) -> None:
        tokenizer = getattr(model.tokenizer, "backend_tokenizer", model.tokenizer)
        if not hasattr(tokenizer, "to_str"):
            raise ValueError(
                f"expected a model with a tokenizer of the library tokenizers, got {type(tokenizer).__name__}: its "
                f"texts cannot be cut by tokens"
            )
        self.model, self.limit, self.overlap = model, limit, overlap
        self.part = max(PART, PER_TOKEN * limit)
        self.tokenizer = type(tokenizer).from_str(tokenizer.to_str())  # a copy: the model's own keeps its truncation
        self.tokenizer.no_truncation(), self.tokenizer.no_padding()
        longest = max((str(prompt or "") for prompt in model.prompts.values()), key=len, default="")
        self.room = limit - len(self.tokenizer.encode(longest))
        if self.room < 1:
            raise ValueError(f"{limit} tokens leave no room beside the {limit - self.room} of special ones and prompt")
        if not 0 <= overlap < self.room:
            raise ValueError(f"expected an overlap from 0 to {self.room - 1} tokens, got {overlap}")

    def surely_long(self, text: Any) -> bool:
        """Whether a text is too long to count its tokens; what is no text is refused where they are counted."""
        return isinstance(text, str) and len(text) > self.part

    def cut(self, text: str, room: int | None = None) -> list[tuple[int, int]]:
        """Start and end of the pieces of a text; by the tokenizer's own count none is over the limit."""
        from toolkit.vectors import truncation

        room = room or self.room
        splitter = _splitter().from_huggingface_tokenizer(self.tokenizer, room, min(self.overlap, room - 1))
        spans = []
        for begin, part in _parts(text, self.part):
            spans += [(begin + at, begin + at + len(piece)) for at, piece in splitter.chunk_indices(part)]
        over = truncation(self.model, [text[start:end] for start, end in spans])["tokens"] > self.limit
        if not over.any():
            return spans
        # A tokenizer may need more tokens for a piece after the prompt, or for one that begins inside of a word.
        if room == 1:
            raise ValueError(f"{self.limit} tokens are too few for single characters of this text: raise max_tokens")
        fine = []
        for (start, end), long in zip(spans, over, strict=True):
            smaller = self.cut(text[start:end], room // 2) if long else [(0, end - start)]
            fine += [(start + a, start + b) for a, b in smaller]
        return fine


def _parts(text: str, most: int) -> Iterator[tuple[int, str]]:
    """A text in parts of at most so many characters, that end with a paragraph, a line, a sentence or a word."""
    start = 0
    while len(text) - start > most:
        ends = (text.rfind(mark, start + most // 2, start + most - 1) for mark in ("\n\n", "\n", ". ", " "))
        end = next((end + 1 for end in ends if end >= 0), start + most)
        yield start, text[start:end]
        start = end
    yield start, text[start:]


def _splitter() -> Any:
    try:
        from semantic_text_splitter import TextSplitter
    except ImportError:
        raise ModuleNotFoundError(
            "cutting texts into pieces needs the extra [text]: pip install 'embedding-recipes[text]'",
            name="semantic_text_splitter",
        ) from None
    return TextSplitter
