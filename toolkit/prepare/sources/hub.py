"""Data sets of the Hugging Face Hub, or of a folder that is laid out as there; without a network it says so quickly."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datasets import Dataset

_PATIENCE = 6  # seconds; without this the libraries try again for half a minute and longer


def fetch(hub: str, subset: str | None, split: str | None, revision: str | None) -> Dataset:
    """One split of a data set of the Hub, or of the copy in ``TOOLKIT_DATA/<owner>/<name>``, which is read first.

    Raises
    ------
    ConnectionError
        The Hub cannot be reached, and there is no copy.
    FileNotFoundError
        There is no such data set, or it may not be read.
    ValueError
        It has no such subset, split or revision, or cannot be loaded.
    """
    from toolkit.prepare.sources.localcopies import repository

    copy = repository(hub) if revision is None else None
    if copy is None and revision is None and (answer := _cached(hub, subset)) is not None:
        return one_split(answer, split, hub)
    if copy is None:
        _require(hub, revision)
    return one_split(_loaded(str(copy or hub), subset, revision if copy is None else None, hub), split, hub)


def one_split(data: Any, split: str | None, name: str) -> Dataset:
    """A split of a DatasetDict; where none is asked for, the only one or ``train``."""
    from toolkit.prepare.sources.beir import ALIASES

    names = list(data)
    if split is None:
        if len(names) > 1 and "train" not in names:
            raise ValueError(f"{name} has the splits {', '.join(names)}: name one, as in split={names[0]!r}")
        return data["train" if "train" in names else names[0]]
    found = next((n for n in names if n == split), None) or next(
        (n for n in names if ALIASES.get(n, n) == ALIASES.get(split, split)), None
    )
    if found is None:
        raise ValueError(f"{name} has no split {split!r}: expected {', '.join(names)}")
    return data[found]


def _loaded(path: str, subset: str | None, revision: str | None, name: str) -> Any:
    from datasets import load_dataset

    try:
        with _no_bars():
            return load_dataset(path, subset, revision=revision)
    except (ValueError, OSError, RuntimeError) as error:  # of its builders, which say what subsets there are
        raise ValueError(f"{name} cannot be loaded: {str(error)[:400]}") from error


def _cached(hub: str, subset: str | None) -> Any | None:
    """What was downloaded before, which needs no network; None where nothing was."""
    from datasets import load_dataset

    try:
        with _offline(), _no_bars():
            return load_dataset(hub, subset)
    except Exception:  # not there, or not whole: the Hub is asked
        return None


def _require(hub: str, revision: str | None) -> None:
    """Ask the Hub for the data set, once, and raise within seconds where no answer comes."""
    from huggingface_hub import HfApi, constants, errors

    if constants.HF_HUB_OFFLINE:
        raise ConnectionError(f"HF_HUB_OFFLINE is set, and {hub!r} was not downloaded before. {_way_out(hub)}")
    failure: list[Exception] = []
    done = threading.Event()

    def ask() -> None:
        try:
            HfApi().dataset_info(hub, revision=revision, timeout=_PATIENCE - 1)
        except Exception as error:  # whatever it is, the caller says it
            failure.append(error)
        done.set()

    # Looking up a host name has no time limit of its own, hence a thread that is waited for.
    threading.Thread(target=ask, daemon=True).start()
    if not done.wait(_PATIENCE):
        raise ConnectionError(f"the Hugging Face Hub gave no answer within {_PATIENCE} seconds. {_way_out(hub)}")
    if not failure:
        return
    error = failure[0]
    if isinstance(error, errors.RevisionNotFoundError):
        raise ValueError(f"{hub} has no revision {revision!r} on the Hugging Face Hub") from error
    if isinstance(error, errors.GatedRepoError):
        raise FileNotFoundError(
            f"{hub} must be agreed to on its page on the Hugging Face Hub before it can be read"
        ) from error
    if isinstance(error, (errors.RepositoryNotFoundError, errors.HFValidationError)):
        raise FileNotFoundError(
            f"there is no file {hub}, and no data set of that name on the Hugging Face Hub"
        ) from error
    raise ConnectionError(f"the Hugging Face Hub cannot be reached ({str(error)[:80]}). {_way_out(hub)}") from error


def _way_out(hub: str) -> str:
    import os

    folder = os.environ.get("TOOLKIT_DATA")
    where = f"{folder}/{hub}" if folder else f"a folder {hub} below the one that TOOLKIT_DATA names (it is not set)"
    return (
        f"Expected a file or folder of that name, a network, or a copy of the data set {hub!r} in {where}: run "
        f"'hf download {hub} --repo-type dataset --local-dir {hub}' on another computer and bring that folder."
    )


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
def _no_bars() -> Iterator[None]:
    import logging

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
