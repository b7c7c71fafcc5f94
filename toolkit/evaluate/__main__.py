"""Command line: ``python -m toolkit.evaluate judge runs/<id> --queries searches.txt``, then ``results runs/<id>``."""

from __future__ import annotations

import sys
import warnings
from itertools import islice, takewhile
from pathlib import Path

import tyro

from toolkit import report
from toolkit.evaluate.judging import agreement, pool
from toolkit.evaluate.judging import queries as searches
from toolkit.evaluate.judging import session as judging
from toolkit.evaluate.judging.terminal import ask, show
from toolkit.runs import command_line, quoted, this_python

FIRST_PROMPT = "Type your searches, one per line, as you would into a search box; finish with an empty line."
ADD_PROMPT = "Everything is judged. To add searches, type them, one per line; to skip this, press Enter."


def judge(
    run: tyro.conf.Positional[Path],
    queries: Path | None = None,
    judge: str = "me",
    folder: Path | None = None,
    depth: int | None = None,
    seed: int | None = None,
) -> None:
    """Judge what the systems of a run find for real searches, without seeing which system found it.

    Run it again on the same folder to continue where you stopped, or with new searches to add them.

    Args:
        run: Folder of a run.
        queries: Your searches, one per line (.txt) or in a column "query" (.csv); by default you type them.
        judge: Your name, if several people judge.
        folder: Where answers are kept; by default RUN/judging.
        depth: Documents to judge per system and search; by default 5.
        seed: Seed of the order; by default 0.
    """
    typed = run
    run, place = _places(run, folder)
    options = {name: value for name, value in (("depth", depth), ("seed", seed)) if value is not None}
    if queries is not None or not (place / pool.POOL).exists():
        session = _pooled(run, place, judge, queries, options)
    else:
        session = judging.resume(place, judge=judge)
        old = pool.read_pool(place)
        if other := [f"--{name} {old[name]}" for name, value in options.items() if old[name] != value]:
            raise ValueError(f"{place} was created with {' '.join(other)}: omit these options, or use --folder NAME")
        n = session.searches
        show(f"Continuing with the {n:,} search{'es' if n != 1 else ''} of {place}.")
        if session.done and sys.stdin.isatty() and pool.has_documents(run):
            session = _pooled(run, place, judge, None, options)
    for note in session.notes:
        show(f"Note: {note}.")
    if not session.done:
        show(f"To judge: {session.progress}.")
    status = 0
    try:
        ask(session)
    except KeyboardInterrupt:
        status = 130
    finally:
        python = f"{this_python()} -m toolkit.evaluate"
        command = f"{python} judge {quoted(str(typed))}"
        command += f" --folder {quoted(str(folder))}" if folder is not None else ""
        command += f" --judge {session.judge}" if session.judge != "me" else ""
        show(
            f"\nSaved: {session.progress}, in {session.folder}.",
            f"Add searches: {command} --queries more.txt" if session.done else f"Continue:     {command}",
            f"Results:      {python} results {quoted(str(session.folder))}",
        )
    sys.exit(status)


def results(folder: tyro.conf.Positional[Path]) -> None:
    """Show the results of the answers so far, and write them as qrels.

    Args:
        folder: Folder of a run, or of its answers.
    """
    typed = folder
    run, folder = _places(folder, None)
    name = pool.deployed(run)
    name = name if name in pool.read_pool(folder)["systems"] else None
    found = agreement.results(folder, about=name)
    lines = [str(found), *([f"{name} is the system that this run deployed."] if name else [])]
    show(*lines)
    for table in (found.table, found.comparison, found.agreement):
        if len(table):
            show("\n" + table.to_string(index=False, float_format=lambda x: f"{x:.3f}"))
    if found.qrels:
        show("\nWritten: " + ", ".join(map(str, agreement.write_qrels(folder))))
    page = run / "report.html"
    if len(found.table) and page.is_file():
        wide = report.wide(found.table[found.table["metric"].ne("unjudged@10")])
        tables = [table for table in (found.comparison, found.agreement) if len(table)]
        report.insert(page, report.Section("Results on judged real searches", [*lines, wide, *tables]))
        show(f"Added to {page}.")
    if pool.has_documents(run):
        show(f"Add searches: {this_python()} -m toolkit.evaluate judge {quoted(str(typed))} --queries more.txt")


def _places(path: Path, folder: Path | None) -> tuple[Path, Path]:
    """Return the run, and the folder of its answers; `path` may be either."""
    path = path.expanduser()
    if folder is not None:
        return path, folder.expanduser()
    return (path.parent, path) if (path / pool.POOL).is_file() else (path, path / "judging")


def _pooled(run: Path, place: Path, judge: str, file: Path | None, options: dict[str, int]) -> judging.Session:
    """Make a pool of what the run's systems find, or add further searches to it."""
    corpus = pool.run_documents(run)  # first, so that a wrong folder is reported before searches are typed
    old = pool.read_pool(place) if (place / pool.POOL).exists() else None
    if old is not None:
        options = {"depth": old["depth"], "seed": old["seed"], **options}
    source: str | Path | None = file
    if source is None:
        show(ADD_PROMPT if old else FIRST_PROMPT)
        source = "".join(islice(takewhile(str.strip, iter(sys.stdin.readline, "")), searches.MAX_QUERIES + 1))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        wanted = searches.queries_from(source) if source or not old else {}
        added = set(wanted.values()) - set(old["queries"].values() if old else ())
        if added:
            show("Loading the models and searching ...")
            systems = pool.run_systems(run, corpus)
    for warning in caught:
        show(f"Note: {warning.message}.")
    if old is not None and not added:
        show(f"No new searches to add: the pool still has {len(old['queries'])}.")
        return judging.resume(place, judge=judge)
    if old is not None and set(old["systems"]) <= set(systems):
        systems = {name: systems[name] for name in old["systems"]}
    return judging.judge(systems, wanted, corpus, folder=place, judge=judge, **options)


if __name__ == "__main__":
    command_line({"judge": judge, "results": results}, prog="python -m toolkit.evaluate")
