"""Tables in Markdown files are generated: replace a block between its markers, and keep the source beside it.

    python benchmarks/blocks.py runs/<id>        # picture, verdict and table of a run into README.md

A test compares every block with its file in benchmarks/results/, so that no digit is typed by hand.
"""

from __future__ import annotations

import json
import re
import sys
import textwrap
from pathlib import Path

import pandas as pd

from toolkit import plots, report

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
        markdown(report.wide(results)),
        f"{n:,} test searches in {groups:,} groups; in brackets 95 % intervals over groups; three keywords: the same "
        f"searches cut to their three rarest words. Run `{run.name}`: {record['seconds']} seconds in "
        f"{record['settings']['dtype']} on {where}.",
    ])  # fmt: skip


def picture_block(run: Path) -> str:
    """Writes the picture of README: three systems with intervals, and one search before and after."""
    results = pd.read_csv(run / "results.csv").query("task == 'test' and model in ('BM25', 'base', 'tuned')")
    examples = pd.read_csv(run / "examples.csv").query("kind == 'helped'")
    query = next(
        q for q, rows in examples.groupby("query", sort=False) if rows.query("model == 'tuned'")["right"].iloc[0]
    )
    found = examples[examples["query"] == query]
    picture = plots.systems(results)
    figure = picture.figure
    figure.set_size_inches(9, 4.1)
    figure.set_layout_engine("none")
    figure.axes[0].set_position((0.08, 0.66, 0.88, 0.3))
    lines = [f"One search, drawn by seed from those that tuning helped:  {textwrap.shorten(query, 90)}"]
    for model, rows in found.groupby("model", sort=False):
        lines.append(f"{model} model")
        lines += [f"{'✓' if row.right else ' '} {row.rank}. {textwrap.shorten(row.text, 96, placeholder=' ...')}"
                  for row in rows.itertuples()]  # fmt: skip
    for number, line in enumerate(lines):
        weight = "bold" if line.endswith(" model") or number == 0 else "normal"
        figure.text(0.03, 0.49 - 0.054 * number, line, fontsize=9, weight=weight, family="DejaVu Sans")
    picture.save(RESULTS / "readme.png")
    places = "; ".join(
        f"{model}: " + ", ".join(f"{row.rank}. {row.text.partition(':')[0]}{' (right)' if row.right else ''}"
                                 for row in rows.itertuples())
        for model, rows in found.groupby("model", sort=False)
    )  # fmt: skip
    alt = f"{picture.alt} One search, {query.rstrip('.')}: {places}."
    return f"![{alt.replace('[', '(').replace(']', ')')}](benchmarks/results/readme.png)"


if __name__ == "__main__":
    if len(sys.argv) != 2 or not (Path(sys.argv[1]) / "run.json").is_file():
        sys.exit(f"usage: python {sys.argv[0]} runs/<id>  (a finished run)")
    update(ROOT / "README.md", "results", run_block(Path(sys.argv[1])))
    update(ROOT / "README.md", "picture", picture_block(Path(sys.argv[1])))
