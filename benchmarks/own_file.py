"""Four files of strangers through the command with the default guess: what it took them for, how long, what it said.

    TOOLKIT_DATA=... python benchmarks/own_file.py [folder for files and runs]

Writes the table to benchmarks/results/own_file.md and into benchmarks/own_file.md. The files are made from public
data sets (see `FILES`), the last one is made ugly on purpose. Caches start empty, so that times are those of a first
run. Then a model that was tuned on docstrings meets the questions and paragraphs: what a layer does on texts of another
kind.
"""

from __future__ import annotations

import csv
import gzip
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import pandas as pd
from blocks import markdown, update

from toolkit import evaluate, prepare, vectors

ROOT = Path(__file__).resolve().parent.parent
RECIPE = ROOT / "recipes" / "semantic_search.py"
SIGNATURE = (
    "\n\n-- \nJane Roe\nCustomer Success, Example Ltd.\nThis e-mail is confidential and meant for its addressee."
)
QUOTED = (
    "\n\nOn Mon, Mar 3, 2025 at 9:14 AM, Support <help@example.com> wrote:\n> Dear customer,\n> did you restart it?\n"
)


def lines(path: Path) -> list[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def write(path: Path, rows: list[dict[str, Any]], **options: Any) -> None:
    with path.open("w", encoding=options.pop("encoding", "utf-8"), newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), **options)
        writer.writeheader()
        writer.writerows(rows)


def questions(data: Path, path: Path) -> None:
    """SQuAD 1.1, validation part: 10,570 questions on 2,067 paragraphs."""
    text = {row["pid"]: row["text"] for row in lines(data / "squad_v1/dev.passages.jsonl.gz")}
    rows = lines(data / "squad_v1/dev.questions.jsonl.gz")
    write(path, [{"id": r["id"], "question": r["question"], "paragraph": text[r["pid"]]} for r in rows])


def duplicates(data: Path, path: Path) -> None:
    """Quora question pairs, 20,000 drawn by seed, with their 0/1 column."""
    text = pd.read_parquet(data / "quora/questions.parquet").set_index("qid")["text"]
    pairs = pd.read_parquet(data / "quora/pairs.parquet").sample(20_000, random_state=0)
    table = pd.DataFrame({"question1": text.reindex(pairs["qid1"]).to_numpy(),
                          "question2": text.reindex(pairs["qid2"]).to_numpy(),
                          "is_duplicate": pairs["is_duplicate"].astype(int).to_numpy()})  # fmt: skip
    table.to_csv(path, index=False)


def intents(data: Path, path: Path) -> None:
    """Banking77: 13,083 utterances with 77 intents."""
    rows = [row for part in ("train", "test") for row in lines(data / f"banking77/{part}.jsonl.gz")]
    write(path, [{"text": row["text"], "label": row["label"]} for row in rows])


def ugly(data: Path, path: Path) -> None:
    """XQuAD in three languages as mails: semicolons, quoted replies, signatures, two encodings, NUL, gaps."""
    rng = random.Random(0)
    rows = []
    for language in ("en", "de", "es"):
        text = {row["pid"]: row["text"].strip() for row in lines(data / f"xquad/{language}.passages.jsonl.gz")}
        for row in lines(data / f"xquad/{language}.questions.jsonl.gz"):
            body = text[row["pid"]] + rng.choice(["", QUOTED, SIGNATURE, SIGNATURE + QUOTED])
            rows.append({"Ticket No.": f"{len(rows):06d}", "created": f"2025-{rng.randint(1, 12):02d}-01",
                         "from": f"user{rng.randint(1, 400)}@example.com", "Betreff": row["question"].strip(),
                         "Beschreibung": body, "": ""})  # fmt: skip
    rng.shuffle(rows)
    for row in rng.sample(rows, 60):
        row["Betreff"] = ""
    for row in rng.sample(rows, 40):
        row["Beschreibung"] += "\x00"
    write(path, rows, delimiter=";")
    whole = path.read_bytes().split(b"\r\n")
    for number in rng.sample(range(1, len(whole)), 200):  # lines that another program wrote in its own encoding
        whole[number] = whole[number].decode("utf-8").encode("cp1252", "ignore")
    whole.insert(500, b"this line;has too few fields")
    path.write_bytes(b"\r\n".join(whole))


FILES = {"questions.csv": questions, "duplicates.csv": duplicates, "intents.csv": intents, "ugly.csv": ugly}


def run(path: Path, folder: Path) -> dict[str, Any]:
    """The command as a stranger gives it, without a terminal; returns a row of the table, from before if it was run."""
    kept = folder / f"{path.stem}.json"
    if kept.exists():
        return dict(json.loads(kept.read_text(encoding="utf-8")))
    environment = {**os.environ, "TOOLKIT_CACHE": str(folder / f"cache-{path.stem}")}
    command = [
        sys.executable,
        str(RECIPE),
        "--data",
        path.name,
        "--out",
        f"runs-{path.stem}",
    ]
    started = time.perf_counter()
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, stdin=subprocess.DEVNULL
    )
    seconds = time.perf_counter() - started
    (folder / f"{path.stem}.log").write_text(done.stdout + done.stderr, encoding="utf-8")
    if done.returncode:
        sys.exit(f"{path.name}: {done.stderr[-2000:]}")
    [record_file] = (folder / f"runs-{path.stem}").glob("*/run.json")
    record = json.loads(record_file.read_text(encoding="utf-8"))
    said = done.stdout.splitlines()
    row = {
        "file": path.name,
        "taken for": next(line for line in said if "I take `" in line),
        "promised": next(line for line in said if "on this machine" in line).split(" on this machine")[0],
        "took": f"{seconds:.0f} s",
        "deployed": record["deployed"],
        "verdict": record["verdict"][0],
        "tuned against base": record["verdict"][3] if len(record["verdict"]) > 3 else "",
    }
    kept.write_text(json.dumps(row), encoding="utf-8")
    return row


def elsewhere(folder: Path) -> str:
    """A layer that was tuned on docstrings, on the questions and paragraphs."""
    environment = {**os.environ, "TOOLKIT_CACHE": str(folder / "cache-questions")}
    command = [sys.executable, str(RECIPE), "--out", "runs-pydocs"]
    subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True)
    [tuned] = (folder / "runs-pydocs").glob("*/model")
    os.environ["TOOLKIT_CACHE"] = environment["TOOLKIT_CACHE"]
    rows = prepare.clean(prepare.load(folder / "questions.csv").data).data
    test = prepare.split(rows, sizes=(0.7, 0.1, 0.2)).test
    models = {"base": vectors.load(), "tuned on docstrings": vectors.load(tuned)}
    scores = {name: evaluate.score(model, test, name=name) for name, model in models.items()}
    row = evaluate.compare(scores, baseline="base").row("tuned on docstrings", "nDCG@10")
    ends = f"[{row['low']:+.3f}, {row['high']:+.3f}]"
    return (
        f"A layer tuned on docstrings, on the test part of questions.csv: {row['score'] - row['difference']:.3f} with "
        f"the base model, {row['score']:.3f} with the layer, {row['difference']:+.3f} {ends} "
        f"nDCG@10 ({row['n']:,} searches in {row['n_groups']:,} groups)."
    )


def main(folder: Path) -> None:
    data = Path(os.environ["TOOLKIT_DATA"])
    table = []
    for name, make in FILES.items():
        make(data, folder / name)
        table.append({**run(folder / name, folder), "made from": (make.__doc__ or "").strip()})
        print(pd.DataFrame(table).iloc[-1].to_string(), flush=True)
    machine = json.loads(next((folder / "runs-questions").glob("*/run.json")).read_text(encoding="utf-8"))["machine"]
    text = "\n\n".join([
        markdown(pd.DataFrame(table)), elsewhere(folder),
        f"{machine['processor']}, {machine['cores']} cores, `python benchmarks/own_file.py`.",
    ])  # fmt: skip
    update(ROOT / "benchmarks" / "own_file.md", "own_file", text)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(tempfile.mkdtemp(prefix="own-file-")))
