"""Forty searches whose right document stands where a test wants it."""

from __future__ import annotations

from toolkit.prepare import RetrievalData, Task

N = 40
TASK = Task(
    "t",
    "retrieval",
    RetrievalData(
        {f"d{i}": f"text {i}" for i in range(N)},
        {f"q{i}": f"search {i}" for i in range(N)},
        {f"q{i}": {f"d{i}": 1} for i in range(N)},
    ),
    {},
)


def at(places: list[int]) -> dict[str, dict[str, float]]:
    """Rankings of five documents with the right one at these places; 6 is not found."""
    return {
        f"q{i}": {d: -float(r) for r, d in enumerate(
            [f"d{(i + s) % N}" for s in range(1, place)] + [f"d{i}"] * (place < 6)
            + [f"d{(i + s) % N}" for s in range(place, 5)]
        )}
        for i, place in enumerate(places)
    }  # fmt: skip
