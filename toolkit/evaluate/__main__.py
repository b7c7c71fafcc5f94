"""Command line: ``python -m toolkit.evaluate judge runs/<id> --queries searches.txt``, then ``results runs/<id>``."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import tyro

from toolkit import report
from toolkit.evaluate.judging import fromrun, pooling, pools, searches, sessions
from toolkit.evaluate.judging.agreement import results as judged
from toolkit.evaluate.judging.agreement import write_qrels
from toolkit.evaluate.judging.terminal import ask, say
from toolkit.runs import command_line, quoted, this_python
from toolkit.storage import digest_texts

TYPE = "Type your searches, one a line, as you would into a search box; an empty line ends."
MORE = "All is judged. Type further searches to add them, one a line; an empty line leaves it at these."


def judge(
    run: tyro.conf.Positional[Path],
    queries: Path | None = None,
    judge: str = "me",
    folder: Path | None = None,
    depth: int | None = None,
    seed: int | None = None,
) -> None:
    """Judge what a run's models and keyword search find for real searches, without seeing which found it.

    Again on the same folder it goes on where you stopped; with further searches it adds them.

    Args:
        run: Folder of a run.
        queries: Your searches, one a line (.txt) or in a column "query" (.csv); without it they are typed.
        judge: Your name, where several people judge.
        folder: Where answers are kept; RUN/judging without it.
        depth: Documents to judge of each system and search; 5 without it.
        seed: Seed of the order; 0 without it.
    """
    typed = run
    run, place = _places(run, folder)
    options = {name: value for name, value in (("depth", depth), ("seed", seed)) if value is not None}
    if queries is not None or not (place / pools.POOL).exists():
        session = _pooled(run, place, judge, queries, options)
    else:
        session = sessions.resume(place, judge=judge)
        old = pools.read_pool(place)
        if other := [f"--{name} {old[name]}" for name, value in options.items() if old[name] != value]:
            raise ValueError(f"{place} was pooled with {' '.join(other)}: leave that out, or give --folder NAME")
        say(f"Going on with the {_searches(session)} of {place}.")
        if session.done and sys.stdin.isatty() and fromrun.is_one(run):
            session = _pooled(run, place, judge, None, options)
    for note in session.notes:
        say(f"Note: {note}.")
    if not session.done:
        say(f"To judge: {session.progress}.")
    status = 0
    try:
        ask(session)
    except KeyboardInterrupt:
        status = 130
    finally:
        _close(session, typed, folder)
    sys.exit(status)


def results(folder: tyro.conf.Positional[Path]) -> None:
    """Say what the answers so far show, and write them as qrels.

    Args:
        folder: Folder of a run, or of its answers.
    """
    typed = folder
    run, folder = _places(folder, None)
    name = _deployed(run, folder)
    found = judged(folder, about=name)
    told = [str(found), *([f"{name} is what the bundle of this run searches by."] if name else [])]
    say(*told)
    for table in (found.table, found.comparison, found.agreement):
        if len(table):
            say("\n" + table.to_string(index=False, float_format=lambda x: f"{x:.3f}"))
    if found.qrels:
        say("\nWritten: " + ", ".join(map(str, write_qrels(folder))))
    page = run / "report.html"
    if len(found.table) and page.is_file():
        wide = report.wide(found.table[found.table["metric"].ne("unjudged@10")])
        tables = [table for table in (found.comparison, found.agreement) if len(table)]
        report.insert(page, "Real searches, judged", [*told, wide, *tables])
        say(f"Added to {page}.")
    if fromrun.is_one(run):
        say(f"Add searches: {this_python()} -m toolkit.evaluate judge {quoted(str(typed))} --queries more.txt")


def _places(path: Path, folder: Path | None) -> tuple[Path, Path]:
    """The run, and the folder of its answers: of the two that `path` may be."""
    path = path.expanduser()
    if folder is not None:
        return path, folder.expanduser()
    return (path.parent, path) if (path / pools.POOL).is_file() else (path, path / "judging")


def _pooled(run: Path, place: Path, judge: str, file: Path | None, options: dict[str, int]) -> sessions.Session:
    """A new pool of what the run's systems find, or further searches in the one that is there."""
    corpus = fromrun.documents(run)  # first, since a wrong folder should be known before searches are typed
    systems = fromrun.names(run)
    old = pools.read_pool(place) if (place / pools.POOL).exists() else None
    try:
        if old is not None:
            options = {"depth": old["depth"], "seed": old["seed"], **options}
            systems = list(old["systems"]) if set(old["systems"]) <= set(systems) else systems
            pooling.check_same(place, old, systems=systems, corpus=digest_texts(corpus, corpus.values()), **options)
        wanted = _queries(file, MORE if old else TYPE)
        if old is not None:
            ids = pooling.place(old["queries"], wanted)
            wanted = {**old["queries"], **{ids[query]: text for query, text in wanted.items()}}
            if len(wanted) == len(old["queries"]):
                say(f"No further search is added: {len(wanted)} are there.")
                return sessions.resume(place, judge=judge)
        say("Loading the models and searching ...")
        found = fromrun.rankings(run, wanted, corpus, systems)
        session = sessions.judge(found, wanted, corpus, folder=place, judge=judge, **options)
    except pooling.OtherPoolError as error:
        raise ValueError(
            f"{error.what}. To go on with what is there, leave --queries, --depth and --seed out; to judge anew, give "
            f"another folder: --folder NAME"
        ) from error
    return session


def _queries(file: Path | None, prompt: str) -> dict[str, str]:
    """Searches of a file, or typed at a prompt; of those none where some are there already and nothing is typed."""
    if file is None:
        say(prompt)
        text = "\n".join(_until_empty())
        if prompt is MORE and not text:
            return {}
    elif not file.expanduser().is_file():
        raise FileNotFoundError(f"there is no file {file}: expected searches, one a line")
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        found = searches.queries_from(text if file is None else file)
    for warning in told:
        say(f"Note: {warning.message}.")
    return found


def _until_empty() -> Iterator[str]:
    for line in islice(iter(sys.stdin.readline, ""), searches.MOST + 1):
        if not line.strip():
            return
        yield line.rstrip("\n")


def _close(session: sessions.Session, typed: Path, folder: Path | None) -> None:
    """Say what is saved, and what to type next."""
    say(f"\nSaved: {session.progress}, in {session.folder}.")
    python = f"{this_python()} -m toolkit.evaluate"
    command = f"{python} judge {quoted(str(typed))}"
    command += f" --folder {quoted(str(folder))}" if folder is not None else ""
    command += f" --judge {session.judge}" if session.judge != "me" else ""
    if session.done:
        say(f"Add searches: {command} --queries more.txt")
    else:
        say(f"Go on with:   {command}")
    say(f"Results:      {python} results {quoted(str(session.folder))}")


def _deployed(run: Path, place: Path) -> str | None:
    """The run's deployed system, where it was pooled."""
    name = fromrun.deployed(run)
    return name if name in pools.read_pool(place)["systems"] else None


def _searches(session: sessions.Session) -> str:
    return f"{session.searches:,} search" + ("es" if session.searches != 1 else "")


if __name__ == "__main__":
    command_line({"judge": judge, "results": results}, prog="python -m toolkit.evaluate")
