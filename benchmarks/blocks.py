"""Tables in Markdown files are generated: replace a block between its markers, and keep the source beside it.

    python benchmarks/blocks.py runs/<id>        # the table and verdict of a run into README.md

A test compares every block with its file in benchmarks/results/, so that no digit is typed by hand.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pandas as pd

from toolkit import report

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results"


def update(page: str | Path, name: str, text: str) -> None:
    """Write `text` to benchmarks/results/<name>.md and between the markers of `name` in `page`."""
    page = Path(page)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.md").write_text(text.strip() + "\n", encoding="utf-8")
    start, end = f"<!-- {name}: generated, do not edit -->", f"<!-- {name}: end -->"
    content = page.read_text(encoding="utf-8")
    pattern = re.compile(re.escape(start) + ".*?" + re.escape(end), re.DOTALL)
    if not pattern.search(content):
        raise ValueError(f"{page} has no markers {start} and {end}")
    page.write_text(pattern.sub(lambda _: f"{start}\n\n{text.strip()}\n\n{end}", content), encoding="utf-8")


def markdown(table: pd.DataFrame) -> str:
    """A DataFrame as a Markdown table."""
    rows = [list(table.columns), ["---"] * len(table.columns), *table.astype(str).values.tolist()]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def run_block(run: Path) -> str:
    """Verdict and table of a run, for README."""
    record = json.loads((run / "run.json").read_text(encoding="utf-8"))
    results = pd.read_csv(run / "results.csv")
    n, groups = results["n"].iloc[0], results["n_groups"].iloc[0]
    machine = record["machine"]
    where = f"{machine['processor']}, {machine['cores']} cores, Python {machine['python']}"
    return "\n\n".join([
        "> " + " ".join(record["verdict"]),
        "> With the same searches cut to three keywords: " + " ".join(record["verdict_three_keywords"]),
        markdown(report.wide(results)),
        f"{n:,} test searches in {groups:,} groups; in brackets 95 % intervals over groups. Run `{run.name}`: "
        f"{record['seconds']} seconds in {record['settings']['dtype']} on {where}.",
    ])  # fmt: skip


if __name__ == "__main__":
    if len(sys.argv) != 2 or not (Path(sys.argv[1]) / "run.json").is_file():
        sys.exit(f"usage: python {sys.argv[0]} runs/<id>  (a finished run)")
    update(ROOT / "README.md", "results", run_block(Path(sys.argv[1])))
