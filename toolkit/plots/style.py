"""Define the look that all figures share, and the picture: a figure with its description."""

from __future__ import annotations

import base64
import html
import io
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from toolkit.storage import replacing

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# M. Okabe and K. Ito, "Color Universal Design", 2008: distinct for readers with any colour vision.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
MARKERS = ("o", "s", "D", "^", "v", "P", "X")
PHONE = 3.6  # inches: the width of a figure on a phone


@dataclass(frozen=True, repr=False)
class Picture:
    """A figure and the sentence that describes it; a notebook shows it with the sentence as alternative text.

    Attributes
    ----------
    figure : matplotlib Figure
        Not attached to a window.
    alt : str
        What the figure shows, with its values, for readers who cannot see it.
    narrow : matplotlib Figure, optional
        The same for the screen of a phone.

    Raises
    ------
    ValueError
        When `alt` is empty.
    """

    figure: Figure
    alt: str
    narrow: Figure | None = None

    def __post_init__(self) -> None:
        if not self.alt.strip():
            raise ValueError("expected a sentence as alternative text, got an empty one")

    def png(self, *, dpi: int = 110, narrow: bool = False) -> bytes:
        """Return the figure, or with `narrow` the one for a phone, as a PNG on a white background."""
        buffer = io.BytesIO()
        figure = self.narrow if narrow and self.narrow is not None else self.figure
        figure.savefig(buffer, format="png", dpi=dpi, facecolor="white")
        return buffer.getvalue()

    def html(self, *, dpi: int = 110) -> str:
        """Return the figure as an HTML ``<img>`` that contains its own data and alternative text."""
        data = base64.b64encode(self.png(dpi=dpi)).decode()
        return f'<img alt="{html.escape(self.alt, quote=True)}" src="data:image/png;base64,{data}">'

    def save(self, path: str | Path) -> None:
        """Write the figure as a PNG file, whole or not at all."""
        with replacing(path) as temporary:
            temporary.write_bytes(self.png())

    def __repr__(self) -> str:
        return self.alt

    def _repr_html_(self) -> str:
        return self.html()


def tidy(axes: Axes, *, grid: Literal["both", "x"] | None = "both") -> None:
    """Keep two sides of the frame, and draw a faint grid where values are read off."""
    axes.spines[["top", "right"]].set_visible(False)
    if grid:
        axes.grid(axis=grid, alpha=0.3)
