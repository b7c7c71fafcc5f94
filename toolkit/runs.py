"""Record a run (folder, tables, report and run.json), compare runs in a table, and start commands from a shell."""

from __future__ import annotations

import json
import os
import re
import shlex
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from toolkit import report
from toolkit.hardware import machine
from toolkit.report import Block, Code, Folded, Section
from toolkit.storage import replacing, write_json

PLACEHOLDER = "your search"  # stands for a text of the user's in a private run
_CHOOSE_ANOTHER_FOLDER = "expected a folder that can be written to: choose another one (--out in the recipes)"
_MAIL = re.compile(r"[\w.+-]+@[\w-]+\.[\w.-]+")


class Run:
    """A run in progress. Made by `start`.

    Attributes
    ----------
    name : str
        Of the recipe.
    root : Path
        Folder that receives the run.
    settings : dict
        What the recipe was called with.
    private : bool
        Whether the user's texts are kept out of report, tables and log.
    title : str
        Of the report.
    record : dict
        Further facts for ``run.json``. Paths inside the folder of the run are written relative to it.
    seconds : dict of step to float
    sections : list of Section
    """

    def __init__(self, name: str, root: Path, settings: Mapping[str, Any], *, private: bool, title: str) -> None:
        self.name, self.root, self.settings, self.private, self.title = name, root, dict(settings), private, title
        self.record: dict[str, Any] = {}
        self.seconds: dict[str, float] = {}
        self.sections: list[Section] = []
        self._summary: list[str] = []
        self._started, self._last = time.strftime("%Y-%m-%dT%H:%M:%S"), time.perf_counter()

    @cached_property
    def folder(self) -> Path:
        """Folder of the run until it is finished, ``<root>/<date>_<time>_<name>.partial``; made when first used.

        Raises
        ------
        OSError
            When it cannot be made.
        """
        stamp = time.strftime("%Y-%m-%d_%H%M%S")
        for attempt in range(1, 1000):
            path = self.root / (f"{stamp}_{self.name}" + (f"_{attempt}" if attempt > 1 else ""))
            partial = path.with_name(path.name + ".partial")
            if path.exists():
                continue
            try:
                partial.mkdir(parents=True)
            except FileExistsError:
                continue
            except OSError as error:
                raise OSError(
                    f"cannot make the run folder {partial}: {error.strerror}; {_CHOOSE_ANOTHER_FOLDER}"
                ) from error
            return partial
        raise OSError(f"{self.root} already holds 999 runs named {stamp}_{self.name}; remove some")

    @property
    def final(self) -> Path:
        """Folder of the run once it is finished."""
        return self.folder.with_name(self.folder.name.removesuffix(".partial"))

    def say(self, *parts: str | pd.DataFrame | Section) -> None:
        """Print sentences, tables and sections without buffering; in a private run leave texts out."""
        for part in parts:
            if isinstance(part, Section):
                if not (self.private and part.all_texts):
                    cut = part.without_texts() if self.private else part
                    blocks = [block.text if isinstance(block, Code) else block for block in cut.blocks]
                    say(f"{cut.heading}:", *(block for block in blocks if isinstance(block, str | pd.DataFrame)))
            else:
                say(part)

    def lap(self, step: str) -> None:
        """End a step: add the seconds since the last lap to its total."""
        now = time.perf_counter()
        self.seconds[step] = self.seconds.get(step, 0.0) + now - self._last
        self._last = now

    def summary(self, sentences: Sequence[str], *more: Block) -> None:
        """Print the verdict, and put it at the top of the report, followed there by `more`."""
        self._summary = list(sentences)
        say("", *sentences)
        self.sections.insert(0, Section("Verdict", [*sentences, *more]))

    def add(self, *sections: Section) -> None:
        """Add sections to the report; their tables and pictures are kept beside it."""
        self.sections += sections

    def shown(self, text: str) -> str:
        """Return a text of the user's, or in a private run a placeholder."""
        return PLACEHOLDER if self.private else text

    def disclosure(self) -> str:
        """Return a sentence on how many of the user's texts the report shows."""
        texts = [] if self.private else [*dict.fromkeys(text for part in self.sections for text in part.shown_texts())]
        if not texts:
            return "report.html contains no text from your file; the bundle does: it is the search index."
        mails = sum(bool(_MAIL.search(text)) for text in texts)
        return (
            f"report.html contains {len(texts)} texts from your file, {mails} with e-mail addresses; --private leaves "
            f"them out."
        )

    def close(self, error: BaseException | None = None) -> None:
        """Write report, tables, figures and ``run.json``; if the run finished (no `error`), rename the folder."""
        if error is not None and "folder" not in vars(self) and not self.sections:
            return  # nothing was done yet
        kept = [section.without_texts() if self.private else section for section in self.sections]
        for section in kept:
            for name, table in section.tables.items():
                with replacing(self.folder / f"{name}.csv") as temporary:
                    table.to_csv(temporary, index=False)
            for name, picture in section.pictures.items():
                picture.save(self.folder / f"{name}.png")
        record: dict[str, Any] = {"recipe": self.name, "started": self._started}
        if error is not None:
            message = type(error).__name__ if self.private else f"{type(error).__name__}: {error}"
            record |= {"unfinished": True, "error": message}
        if not hasattr(sys, "ps1") and "ipykernel" not in sys.modules:
            record["command"] = f"{this_python()} {' '.join(map(quoted, sys.argv))}"
        record |= {"settings": self.settings, **self._relative(self.record), "verdict": self._summary}
        record["seconds"] = round(sum(self.seconds.values()), 1)
        record["seconds_by_step"] = {step: round(seconds, 1) for step, seconds in self.seconds.items()}
        record["machine"] = machine()
        write_json(self.folder / "run.json", record)
        blocks: list[Block] = [pd.DataFrame({"step": list(self.seconds), "seconds": list(self.seconds.values())})]
        blocks += ["To repeat:", Code(record["command"])] if "command" in record else []
        whole = Code((self.folder / "run.json").read_text(encoding="utf-8"))
        blocks.append(Folded("Settings, digests, versions, machine: run.json", [whole], printed=False))
        report.write(self.folder / "report.html", self.title, [*kept, Section("This run", blocks)])
        if error is not None:
            say(f"Unfinished: partial results are in {self.folder}. Vectors are cached, so the next run is faster.")
            return
        self.folder.rename(self.final)
        say("", f"{'Report:':12} {self.final / 'report.html'}", f"{'Seconds:':12} {record['seconds']}")

    def _relative(self, value: Any) -> Any:
        """Make paths inside the folder of the run relative to it."""
        if isinstance(value, Mapping):
            return {key: self._relative(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self._relative(item) for item in value]
        if isinstance(value, str | Path) and self.final.name in str(value):
            for folder in (self.folder.absolute(), self.final.absolute()):
                if Path(value).absolute().is_relative_to(folder):
                    return Path(value).absolute().relative_to(folder).as_posix()
        return value


def check_writable(root: str | Path) -> None:
    """Make the folder that receives runs, and check that it can be written to, before any long work.

    Raises
    ------
    OSError
        When it cannot; the message names it.
    """
    root = Path(root)
    try:
        root.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=root):
            pass
    except OSError as error:
        raise OSError(f"{root} cannot be written to ({error.strerror}): {_CHOOSE_ANOTHER_FOLDER}") from error


@contextmanager
def start(
    name: str,
    out: str | Path = "runs",
    *,
    settings: Mapping[str, Any] | None = None,
    private: bool = False,
    title: str | None = None,
) -> Iterator[Run]:
    """Record a run: complete when the block ends, marked unfinished when it raises or is interrupted.

    A finished run has the folder ``<out>/<date>_<time>_<name>`` with ``report.html``, ``run.json``, tables and figures.
    An unfinished one keeps the suffix ``.partial``, what there was until then, and in ``run.json`` ``"unfinished":
    true`` and the error. No folder is created before something is written.

    Parameters
    ----------
    name : str
        Of the recipe.
    out : path
        Folder that receives the run; made where it does not exist.
    settings : mapping, optional
        What the recipe was called with, for the record.
    private : bool
        Keep the user's texts out of report, tables and log: what a `Section` declares as such is left out.
    title : str, optional
        Title of the report; by default `name`.

    Yields
    ------
    Run

    Raises
    ------
    OSError
        When `out` cannot be written to.
    ValueError
        For a name that is empty or contains a slash.

    Examples
    --------
    >>> with start("demo", tempfile.mkdtemp()) as run:
    ...     run.summary(["It works."])
    ...     run.lap("work")
    <BLANKLINE>
    It works.
    <BLANKLINE>
    Report: ...report.html
    Seconds: ...
    """
    if not name or Path(name).name != name:
        raise ValueError(f"expected a run name that is a valid folder name, got {name!r}")
    check_writable(out)
    run = Run(name, Path(out), settings or {}, private=private, title=title or name)
    try:
        yield run
        run.close()
    except BaseException as error:
        with suppress(Exception):  # errors while saving partial results: the original error matters more
            run.close(error)
        raise


def table(folder: str | Path = "runs") -> pd.DataFrame:
    """Compare the runs of a folder in one table, one row per run, the oldest first.

    Parameters
    ----------
    folder : path

    Returns
    -------
    DataFrame
        ``run recipe started unfinished data model deployed verdict seconds``, and for each metric of the test
        ``baseline <metric>`` and ``deployed <metric>`` as ``score [low, high]``, with the 95 % interval; ``verdict`` is
        its first sentence. Values that a run did not record are missing.
    """
    rows = []
    for path in sorted(path for path in Path(folder).glob("*") if path.is_dir()):
        record: dict[str, Any] = {}
        with suppress(OSError, ValueError):
            record = dict(json.loads((path / "run.json").read_text(encoding="utf-8")))
        if "recipe" not in record and path.suffix != ".partial":
            continue  # not a run
        deployed = record.get("deployed")
        deployed = deployed.get("name") if isinstance(deployed, Mapping) else deployed
        model = str(record.get("base", {}).get("name", ""))
        row = {
            "run": path.name.removesuffix(".partial"), "recipe": record.get("recipe"), "started": record.get("started"),
            "unfinished": path.suffix == ".partial", "data": record.get("data", {}).get("name"),
            "model": (Path(model).name if Path(model).is_absolute() else model) or None, "deployed": deployed,
            "verdict": next(iter(record.get("verdict") or ()), None), "seconds": record.get("seconds"),
        }  # fmt: skip
        with suppress(OSError, ValueError, KeyError, IndexError):
            results = pd.read_csv(path / "results.csv")
            scores = report.wide(results[results["task"] == results["task"].iloc[0]]).set_index("model")
            for part, name in (("baseline", record.get("baseline")), ("deployed", deployed)):
                if name in scores.index:
                    row |= {f"{part} {metric}": cell for metric, cell in scores.loc[name].drop("task").items()}
        rows.append(row)
    columns = ["run", "recipe", "started", "unfinished", "data", "model", "deployed", "verdict", "seconds"]
    found = pd.DataFrame(rows, columns=None if rows else columns)
    return found[[*columns, *(name for name in found if name not in columns)]]


def say(*parts: str | pd.DataFrame) -> None:
    """Print sentences and tables without buffering."""
    for part in parts:
        text = part if isinstance(part, str) else part.to_string(index=False, float_format=report.number)
        print(text, flush=True)


def quoted(text: str) -> str:
    """Quote a text as one shell word, so that nothing in it is executed."""
    if os.name == "nt":
        return '"' + "".join(" " if character in '"%!' else character for character in text) + '"'
    return shlex.quote(text)


def this_python() -> str:
    """Return the command that starts this Python from the current folder, such as ``.venv/bin/python``."""
    path = Path(sys.executable)
    short = path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
    return f'"{short}"' if " " in str(short) else str(short)


def command_line(commands: Callable[..., Any] | Mapping[str, Callable[..., Any]], prog: str | None = None) -> None:
    """Run a function, or one of several, as a command; a user error ends with one sentence and exit status 1."""
    import tyro

    try:
        if isinstance(commands, Mapping):
            tyro.extras.subcommand_cli_from_dict(dict(commands), prog=prog)
        else:
            tyro.cli(commands, prog=prog)
    except (ValueError, OSError, ImportError) as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt as error:
        print(error, file=sys.stderr)
        sys.exit(130)
