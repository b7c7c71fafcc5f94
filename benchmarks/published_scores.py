"""Cut the table of published MTEB scores that comes with the toolkit out of a larger one.

python benchmarks/published_scores.py FILE.csv.gz     columns: model, task, metric, score (times 100), source

What is left out: means over whole benchmarks, which can be computed, and the path of each file.
"""

from __future__ import annotations

import gzip
import sys

import pandas as pd

from toolkit.evaluate.mteb.publishing import TABLE


def main(source: str) -> None:
    table = pd.read_csv(source)
    table = table[~table["source"].str.startswith("computed")]
    parts = table["source"].str.extract(
        r"@\w+ [^/]+/(?P<revision>[^/]+)/[^ ]+?\.json(?: \(mean of (?P<parts>\d+) split)?"
    )
    table["revision"] = parts["revision"].str[:12]
    table["parts"] = parts["parts"].fillna("1").astype(int)
    table = table.sort_values(["task", "model"])[["model", "task", "metric", "score", "revision", "parts"]]
    # Without a time stamp: the same table is the same file.
    text = table.to_csv(index=False, lineterminator="\n").encode()
    TABLE.write_bytes(gzip.compress(text, 9, mtime=0))
    print(f"{len(table):,} scores of {table['model'].nunique()} models, {TABLE.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main(sys.argv[1])
