"""What all figures share: colours, a bare frame, and the ways out of the program."""

from __future__ import annotations

import base64
import html
import io
from pathlib import Path
from typing import Literal

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from toolkit.storage import replacing

# M. Okabe and K. Ito, "Color Universal Design", 2008: told apart by readers with any colour vision.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
MARKERS = ("o", "s", "D", "^", "v", "P", "X")


def tidy(axes: Axes, *, grid: Literal["both", "x"] | None = "both") -> None:
    """Two lines of the frame are enough; a faint grid where values are read off."""
    axes.spines[["top", "right"]].set_visible(False)
    if grid:
        axes.grid(axis=grid, alpha=0.3)


def png(figure: Figure, *, dpi: int = 110) -> bytes:
    """The figure as a PNG on a white ground."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=dpi, facecolor="white")
    return buffer.getvalue()


def save(figure: Figure, path: str | Path) -> None:
    """Write the figure as PNG, whole or not at all."""
    with replacing(path) as temporary:
        temporary.write_bytes(png(figure))


def img(figure: Figure, alt: str, *, dpi: int = 110) -> str:
    """The figure as an HTML ``<img>`` that carries its own data and its alternative text."""
    if not alt.strip():
        raise ValueError("expected a sentence as alternative text, got an empty one")
    data = base64.b64encode(png(figure, dpi=dpi)).decode()
    return f'<img alt="{html.escape(alt, quote=True)}" src="data:image/png;base64,{data}">'
