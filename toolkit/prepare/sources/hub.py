"""Load data sets from the Hugging Face Hub or a local copy of a repository; without a network, fail within seconds."""

from __future__ import annotations

import logging
import os
import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from toolkit.prepare.sources.catalogue import ALIASES, repository

if TYPE_CHECKING:
    from datasets import Dataset

_TIMEOUT = 6  # seconds; otherwise the libraries retry for half a minute or longer


def fetch(hub: str, subset: str | None, split: str | None, revision: str | None) -> Dataset:
    """Load one split of a data set of the Hub, or of the copy in ``TOOLKIT_DATA/<owner>/<name>``, which is read first.

    Raises
    ------
    ConnectionError
        The Hub cannot be reached, and there is no copy.
    FileNotFoundError
        There is no such data set, or access to it is restricted.
    ValueError
        It has no such subset, split or revision, or cannot be loaded.
    """
    from datasets import load_dataset

    copy, found = None, None
    if revision is None:
        copy = repository(hub)
        with suppress(Exception), _quiet(offline=True):  # not downloaded, or incompletely
            found = load_dataset(hub, subset) if copy is None else None
    if found is None:
        if copy is None:
            require(hub, revision)
        try:
            with _quiet():
                found = load_dataset(str(copy or hub), subset, revision=revision)
        except (ValueError, OSError, RuntimeError) as error:  # raised by the builders; they list the available subsets
            raise ValueError(f"{hub} cannot be loaded: {str(error)[:400]}") from error
    return one_split(found, split, hub)


def one_split(data: Any, split: str | None, name: str) -> Dataset:
    """Return a split of a DatasetDict; by default the only one, or ``train``.

    Raises
    ------
    ValueError
        There is no such split, or there are several and none is named.
    """
    names = list(data)
    if split is None and len(names) > 1 and "train" not in names:
        raise ValueError(f"{name} has the splits {', '.join(names)}: name one, as in split={names[0]!r}")
    if split is None:
        return data["train" if "train" in names else names[0]]
    same = [n for n in names if n == split] or [n for n in names if ALIASES.get(n, n) == ALIASES.get(split, split)]
    if not same:
        raise ValueError(f"{name} has no split {split!r}: expected {', '.join(names)}")
    return data[same[0]]


def require(hub: str, revision: str | None = None) -> None:
    """Check that the Hub has a data set, raising within seconds if there is no answer.

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
    download = f"hf download {hub} --repo-type dataset --local-dir {hub}"
    way_out = f"To read a copy in {where}, run '{download}' on another computer and copy the folder there."
    if constants.HF_HUB_OFFLINE:
        raise ConnectionError(f"HF_HUB_OFFLINE is set, and {hub!r} was not downloaded before. {way_out}")
    answer: queue.Queue[Exception | None] = queue.Queue()

    def ask() -> None:
        try:
            HfApi().dataset_info(hub, revision=revision, timeout=_TIMEOUT - 1)
            answer.put(None)
        except Exception as error:  # of any type: raised again below
            answer.put(error)

    # Looking up a host name has no time limit of its own, hence a thread with a timeout.
    threading.Thread(target=ask, daemon=True).start()
    try:
        error = answer.get(timeout=_TIMEOUT)
    except queue.Empty:
        raise ConnectionError(f"the Hugging Face Hub gave no answer within {_TIMEOUT} seconds. {way_out}") from None
    if isinstance(error, errors.RevisionNotFoundError):
        raise ValueError(f"{hub} has no revision {revision!r} on the Hugging Face Hub") from error
    if isinstance(error, errors.GatedRepoError):
        raise FileNotFoundError(f"accept the terms of {hub} on its page on the Hugging Face Hub first") from error
    if isinstance(error, (errors.RepositoryNotFoundError, errors.HFValidationError)):
        raise FileNotFoundError(f"there is no file {hub}, and no data set {hub} on the Hugging Face Hub") from error
    if error is not None:
        raise ConnectionError(f"the Hugging Face Hub cannot be reached ({str(error)[:80]}). {way_out}") from error


@contextmanager
def _quiet(*, offline: bool = False) -> Iterator[None]:
    """Load without progress bars and warnings; with `offline`, also without requests."""
    import datasets
    from huggingface_hub import constants

    logger, before = logging.getLogger("datasets"), constants.HF_HUB_OFFLINE
    level, shown = logger.level, not datasets.are_progress_bars_disabled()
    datasets.disable_progress_bars()
    logger.setLevel(logging.ERROR)
    constants.HF_HUB_OFFLINE = before or offline  # the libraries read it at every request
    try:
        yield
    finally:
        constants.HF_HUB_OFFLINE = before
        logger.setLevel(level)
        if shown:
            datasets.enable_progress_bars()
