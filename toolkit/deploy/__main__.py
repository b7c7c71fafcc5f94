"""Command line: ``python -m toolkit.deploy search runs/<id> "rolling median of a series"``."""

from __future__ import annotations

import sys
import textwrap
from pathlib import Path

import tyro

from toolkit import deploy
from toolkit.runs import command_line


def search(
    path: tyro.conf.Positional[Path], query: tyro.conf.Positional[str], k: int = 5, system: str | None = None
) -> None:
    """Search a bundle.

    Args:
        path: Folder of a run or a bundle.
        query: What to search for.
        k: How many documents to show.
        system: Search by this part of the bundle, such as BM25; by default by the whole bundle.
    """
    print("Loading the model ...", file=sys.stderr, flush=True)
    for place, hit in enumerate(deploy.load(path).find(query, k, system=system), 1):
        print(f"{place:2d}. {hit.score:.3f}  {textwrap.shorten(hit.text, 240, placeholder=' ...')}")


def verify(path: tyro.conf.Positional[Path]) -> None:
    """Check that the parts of a bundle belong together and are undamaged.

    Args:
        path: Folder of a run or a bundle.
    """
    loaded = deploy.load(path)
    print(f"{loaded.path} is intact: {len(loaded.corpus):,} documents, {len(loaded.manifest['sha256'])} files checked.")


if __name__ == "__main__":
    command_line({"search": search, "verify": verify}, prog="python -m toolkit.deploy")
