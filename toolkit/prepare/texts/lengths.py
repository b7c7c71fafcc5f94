"""How much of the texts a model reads, as they are and in pieces."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

if TYPE_CHECKING:
    from datasets import Dataset

WHOLE, PIECES = "whole texts", "pieces"


@dataclass(frozen=True)
class TruncationReport:
    """What a model's limit cuts without a word.

    Attributes
    ----------
    table : DataFrame
        Rows ``whole texts`` and, where pieces were given, ``pieces``: ``read texts tokens limit cut share_cut lost
        share_lost``; cut texts are longer than the limit, lost tokens lie beyond it, shares are 0 to 1.
    """

    table: pd.DataFrame

    @property
    def sentence(self) -> str:
        """The same in a sentence or two."""
        rows = [self._told(row) for row in self.table.to_dict("records")]
        return " ".join(rows)

    def _told(self, row: dict[Any, Any]) -> str:
        if pd.isna(row["limit"]):
            return f"The model reads {row['read']} of any length: it cuts none of {row['texts']:,}."
        if not row["cut"]:
            return f"Of {row['texts']:,} {row['read']} the model, which reads {row['limit']:.0f} tokens, cuts none."
        return (
            f"Of {row['texts']:,} {row['read']} the model, which reads {row['limit']:.0f} tokens, cuts {row['cut']:,} "
            f"({row['share_cut']:.1%}), and with them {row['lost']:,} of {row['tokens']:,} tokens "
            f"({row['share_lost']:.1%})."
        )

    def __str__(self) -> str:
        return self.sentence

    def _repr_html_(self) -> str:
        return f"<p>{self.sentence}</p>{self.table.to_html(index=False)}"


def truncation_report(
    texts: Sequence[str], model: Any, *, chunks: Dataset | Sequence[str] | None = None
) -> TruncationReport:
    """How many texts, and what share of their tokens, a model silently cuts: before and after they are chunked.

    Tokens are counted as in `toolkit.vectors.truncation`: with special ones and the longest of the model's prompts, so
    pieces have more of them in all than whole texts have.

    Parameters
    ----------
    texts : sequence of str
    model : SentenceTransformer
    chunks : Dataset or sequence of str, optional
        The pieces of the texts, as `chunk` returns them.

    Raises
    ------
    ValueError
        When there are no texts, or one of them is none; the message names it.
    """
    from toolkit.vectors import truncation

    given: dict[str, Any] = {WHOLE: texts}
    if chunks is not None:
        pieces: Any = chunks
        given[PIECES] = pieces["text"][:] if hasattr(pieces, "column_names") else pieces
    rows = []
    for read, some in given.items():
        frame = truncation(model, some)
        if frame.empty:
            raise ValueError(f"expected at least one text to count the tokens of, got no {read}")
        cut, lost, tokens = int((frame["lost"] > 0).sum()), int(frame["lost"].sum()), int(frame["tokens"].sum())
        rows.append({"read": read, "texts": len(frame), "tokens": tokens, "limit": frame["limit"].iloc[0], "cut": cut,
                     "share_cut": cut / len(frame), "lost": lost, "share_lost": lost / tokens})  # fmt: skip
    return TruncationReport(pd.DataFrame(rows))
