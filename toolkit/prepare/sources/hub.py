"""Data sets of the Hugging Face Hub, or of a local folder laid out like there; without a network it fails quickly."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from toolkit.prepare.sources.catalogue import ALIASES, repository

if TYPE_CHECKING:
    from datasets import Dataset

_PATIENCE = 6  # seconds; without this the libraries try again for half a minute and longer


def fetch(hub: str, subset: str | None, split: str | None, revision: str | None) -> Dataset:
    """Load one split of a data set of the Hub, or of the copy in ``TOOLKIT_DATA/<owner>/<name>``, which is read first.

    Raises
    ------
    ConnectionError
        The Hub cannot be reached, and there is no copy.
    FileNotFoundError
        There is no such data set, or it may not be read.
    ValueError
        It has no such subset, split or revision, or cannot be loaded.
    """
    from datasets import load_dataset

    copy, downloaded = repository(hub) if revision is None else None, None
    if copy is None and revision is None:
        with suppress(Exception), _offline(), _without_bars():  # not downloaded before, or not completely
            downloaded = load_dataset(hub, subset)
    if downloaded is not None:
        return one_split(downloaded, split, hub)
    if copy is None:
        require(hub, revision)
    try:
        with _without_bars():
            found = load_dataset(str(copy or hub), subset, revision=None if copy else revision)
    except (ValueError, OSError, RuntimeError) as error:  # the builders', which name the subsets there are
        raise ValueError(f"{hub} cannot be loaded: {str(error)[:400]}") from error
    return one_split(found, split, hub)


def one_split(data: Any, split: str | None, name: str) -> Dataset:
    """Take a split of a DatasetDict; without `split` the only one or ``train``.

    Raises
    ------
    ValueError
        There is no such split, or it must be named.
    """
    names = list(data)
    if split is None:
        if len(names) > 1 and "train" not in names:
            raise ValueError(f"{name} has the splits {', '.join(names)}: name one, as in split={names[0]!r}")
        return data["train" if "train" in names else names[0]]
    same = [n for n in names if n == split] or [n for n in names if ALIASES.get(n, n) == ALIASES.get(split, split)]
    if not same:
        raise ValueError(f"{name} has no split {split!r}: expected {', '.join(names)}")
    return data[same[0]]


def require(hub: str, revision: str | None = None) -> None:
    """Ask the Hub for a data set, once, and raise within seconds where there is no answer.

    Raises
    ------
    ConnectionError
        The Hub cannot be reached; the message names the folder in which a copy would be found.
    FileNotFoundError
        There is no such data set, or its terms must be accepted first.
    ValueError
        It has no such revision.
    """
    from huggingface_hub import HfApi, constants, errors

    folder = os.environ.get("TOOLKIT_DATA")
    where = f"{folder}/{hub}" if folder else f"a folder {hub} below the one that TOOLKIT_DATA names (it is not set)"
    way_out = (
        f"Expected a file or folder of that name, a network, or a copy of the data set {hub!r} in {where}: run "
        f"'hf download {hub} --repo-type dataset --local-dir {hub}' on another computer and bring that folder."
    )
    if constants.HF_HUB_OFFLINE:
        raise ConnectionError(f"HF_HUB_OFFLINE is set, and {hub!r} was not downloaded before. {way_out}")
    failure: list[Exception] = []
    done = threading.Event()

    def ask() -> None:
        try:
            HfApi().dataset_info(hub, revision=revision, timeout=_PATIENCE - 1)
        except Exception as error:  # of any kind: it is raised below
            failure.append(error)
        done.set()

    # Looking up a host name has no time limit of its own, hence a thread.
    threading.Thread(target=ask, daemon=True).start()
    if not done.wait(_PATIENCE):
        raise ConnectionError(f"the Hugging Face Hub gave no answer within {_PATIENCE} seconds. {way_out}")
    for error in failure:
        if isinstance(error, errors.RevisionNotFoundError):
            raise ValueError(f"{hub} has no revision {revision!r} on the Hugging Face Hub") from error
        if isinstance(error, errors.GatedRepoError):
            raise FileNotFoundError(f"accept the terms of {hub} on its page on the Hugging Face Hub first") from error
        if isinstance(error, (errors.RepositoryNotFoundError, errors.HFValidationError)):
            raise FileNotFoundError(f"there is no file {hub}, and no data set {hub} on the Hugging Face Hub") from error
        raise ConnectionError(f"the Hugging Face Hub cannot be reached ({str(error)[:80]}). {way_out}") from error


@contextmanager
def _offline() -> Iterator[None]:
    """No request is sent: the libraries read this constant at every one."""
    from huggingface_hub import constants

    before = constants.HF_HUB_OFFLINE
    constants.HF_HUB_OFFLINE = True
    try:
        yield
    finally:
        constants.HF_HUB_OFFLINE = before


@contextmanager
def _without_bars() -> Iterator[None]:
    import datasets

    shown = not datasets.are_progress_bars_disabled()
    logger = logging.getLogger("datasets")
    level = logger.level
    datasets.disable_progress_bars()
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)
        if shown:
            datasets.enable_progress_bars()
