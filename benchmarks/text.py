"""Cleaning, chunking and near-duplicates beside named peers: speed, and whether the result is as good.

    pip install beautifulsoup4 lxml langchain-text-splitters datasketch      # the peers
    python benchmarks/text.py --html FOLDER          # all parts; FOLDER holds pages, such as a package's documentation
    python benchmarks/text.py --part chunk --write   # one part, and its table into benchmarks/text.md

Each part runs both sides in one process, by turns; times are medians with the smallest and largest beside them. The
tokenizer and the search for near-copies use all cores where their libraries do; the peers use one. What a split
of a million texts takes is in benchmarks/leakage.py.
"""

from __future__ import annotations

import os
import random
import re
import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Literal

import pandas as pd
import tyro
from blocks import ROOT, markdown, update

from toolkit import prepare, vectors
from toolkit.hardware import machine
from toolkit.prepare.sources.pydocs import collect
from toolkit.prepare.values import shingles

WORD = re.compile(r"\w+")


def by_turns(sides: dict[str, Callable[[], Any]], rounds: int) -> tuple[dict[str, list[float]], dict[str, Any]]:
    """Seconds of each side in ABBA order, and its result."""
    times: dict[str, list[float]] = {name: [] for name in sides}
    results: dict[str, Any] = {}
    for number in range(rounds):
        for name in list(sides) if number % 2 == 0 else reversed(list(sides)):
            start = time.perf_counter()
            results[name] = sides[name]()
            times[name].append(time.perf_counter() - start)
    return times, results


def columns(times: dict[str, list[float]], name: str) -> dict[str, str]:
    """The columns that say how long a side took, and by how much the first side is faster."""
    ours = next(iter(times))
    ratio = statistics.median(times[name]) / statistics.median(times[ours])
    spread = f"{statistics.median(times[name]):.2f} ({min(times[name]):.2f} to {max(times[name]):.2f})"
    return {"engine": name, "seconds": spread, "ours is faster by": "" if name == ours else f"{ratio:.1f}x"}


def clean_part(folder: Path | None, size: int, rounds: int) -> pd.DataFrame:
    """HTML to text beside BeautifulSoup with lxml; quality is the share of words in common with its get_text."""
    from bs4 import BeautifulSoup

    if folder is None or not any(folder.rglob("*.html")):
        sys.exit(f"the part clean needs --html: a folder of pages, got {folder}")
    files = sorted(path for path in folder.rglob("*.html") if path.stat().st_size > 2_000)
    files = random.Random(0).sample(files, min(size, len(files)))
    pages = [path.read_text(encoding="utf-8", errors="replace") for path in files]

    def peer(page: str) -> str:
        soup = BeautifulSoup(page, "lxml")
        for dropped in soup(["script", "style", "noscript", "template"]):
            dropped.decompose()
        return str(soup.get_text(" "))

    sides = {"html_to_text": prepare.text.html_to_text, "BeautifulSoup, lxml, get_text": peer}
    times, results = by_turns({name: lambda f=f: [f(page) for page in pages] for name, f in sides.items()}, rounds)
    ours, theirs = ([Counter(WORD.findall(text)) for text in results[name]] for name in sides)
    common = [2 * (a & b).total() / max(1, a.total() + b.total()) for a, b in zip(ours, theirs, strict=True)]
    quality = f"{statistics.mean(common):.4f} (lowest page {min(common):.4f})"
    megabytes = f"{sum(map(len, pages)) / 1e6:.1f}"
    return pd.DataFrame([
        {"pages": f"{len(pages):,}", "MB": megabytes, **columns(times, name), "words in common (F1)": quality}
        for name in sides
    ])  # fmt: skip


def chunk_part(size: int, rounds: int) -> pd.DataFrame:
    """Chunking beside LangChain's recursive splitter with the same tokenizer and limit."""
    from langchain_text_splitters import RecursiveCharacterTextSplitter

    model = vectors.load(device="cpu")
    tables = []
    for kind, texts in long_texts(size).items():
        peer = RecursiveCharacterTextSplitter.from_huggingface_tokenizer(
            model.tokenizer, chunk_size=model.max_seq_length - 2, chunk_overlap=0
        )
        sides = {
            "chunk": lambda texts=texts: prepare.chunk(texts, model)["text"][:],
            "RecursiveCharacterTextSplitter": lambda texts=texts, peer=peer: [
                piece for text in texts for piece in peer.split_text(text)
            ],
        }
        times, results = by_turns(sides, rounds)
        ends = [paragraph_and_sentence_ends(text) for text in texts]
        for name, pieces in results.items():
            lengths = vectors.truncation(model, pieces)
            at = share_at_ends(texts, ends, pieces)
            tables.append({"texts": kind, "MB": f"{sum(map(len, texts)) / 1e6:.2f}", **columns(times, name),
                           "pieces": f"{len(pieces):,}", "mean tokens": f"{lengths['tokens'].mean():.0f}",
                           "over the limit": int((lengths["lost"] > 0).sum()), "end a paragraph": f"{at[0]:.1%}",
                           "end a paragraph or sentence": f"{at[1]:.1%}"})  # fmt: skip
    return pd.DataFrame(tables)


def long_texts(size: int) -> dict[str, list[str]]:
    """Docstrings joined to long texts and, with TOOLKIT_DATA, paragraphs of Wikipedia (SQuAD) joined to articles."""
    bodies = [record["body"] for record in collect() if len(record["body"]) > 800][: 20 * size]
    kinds = {"docstrings": ["\n\n".join(bodies[at : at + 20]) for at in range(0, len(bodies), 20)]}
    if os.environ.get("TOOLKIT_DATA"):
        file = Path(os.environ["TOOLKIT_DATA"]) / "squad_v1" / "dev.passages.jsonl.gz"
        passages = list(pd.read_json(file, lines=True)["text"])[: 40 * size]
        kinds["Wikipedia"] = ["\n\n".join(passages[at : at + 40]) for at in range(0, len(passages), 40)]
    return kinds


def paragraph_and_sentence_ends(text: str) -> tuple[set[int], set[int]]:
    """Ends of paragraphs and of sentences by a rule that neither side uses, without white space behind them."""
    paragraphs = {len(text[: match.start()].rstrip()) for match in re.finditer(r"\n[^\S\n]*\n", text)}
    paragraphs.add(len(text.rstrip()))
    return paragraphs, paragraphs | {match.end() for match in re.finditer(r"[.!?][\"')\]]*(?=\s)", text)}


def share_at_ends(texts: list[str], ends: list[tuple[set[int], set[int]]], pieces: list[str]) -> tuple[float, float]:
    """Share of the pieces that end a paragraph, and that end a paragraph or a sentence."""
    counts, source, at = [0, 0], 0, 0
    for piece in map(str.strip, pieces):
        while (found := texts[source].find(piece, at)) < 0:
            source, at = source + 1, 0
        at = found + len(piece)
        for kind in (0, 1):
            counts[kind] += at in ends[source][kind]
    return counts[0] / len(pieces), counts[1] / len(pieces)


def duplicates_part(size: int, rounds: int) -> pd.DataFrame:
    """Near-copies beside datasketch; truth is every pair of a part of the texts by exact Jaccard similarity."""
    texts = with_copies(size)
    sides = {
        "near_pairs": partial(prepare.splitting.near_pairs, texts),
        "datasketch, 128 permutations": partial(by_datasketch, texts),
        "datasketch, 256 permutations": partial(by_datasketch, texts, 256),
    }
    times, results = by_turns(sides, rounds)
    subset = min(3_000, len(texts))
    truth = exact_pairs(texts[:subset])
    rows = []
    for name, found in results.items():
        pairs = {(int(a), int(b)) for a, b in found if b < subset}
        # Of equal texts near_pairs names each with the first alone, so groups are compared: pairs that hang together.
        pairs = together(pairs, subset)
        right = len(pairs & together(truth, subset))
        rows.append({"texts": f"{len(texts):,}", **columns(times, name), "pairs": f"{len(found):,}",
                     f"recall, first {subset:,}": f"{right / max(1, len(together(truth, subset))):.4f}",
                     "precision": f"{right / max(1, len(pairs)):.4f}"})  # fmt: skip
    return pd.DataFrame(rows)


def with_copies(size: int) -> list[str]:
    """Docstrings, every third followed by a copy with one word in twenty replaced; in an order drawn by seed."""
    rng = random.Random(0)
    bodies = [" ".join(record["body"].split()[:120]) for record in collect() if len(record["body"]) > 200]
    texts = []
    for number in range(size):
        body = bodies[number % len(bodies)]
        words = body.split() if number < len(bodies) else [f"w{number}", *body.split()[number % 7 :: 2]]
        texts.append(" ".join(words))
        if number % 3 == 0:
            texts.append(" ".join(f"x{number}" if rng.random() < 0.05 else word for word in words))
    rng.shuffle(texts)
    return texts[:size]


def by_datasketch(texts: list[str], permutations: int = 128) -> list[tuple[int, int]]:
    from datasketch import MinHash, MinHashLSH

    index = MinHashLSH(threshold=0.7, num_perm=permutations)
    pairs = []
    for number, text in enumerate(texts):
        signature = MinHash(num_perm=permutations)
        signature.update_batch([word.encode() for word in shingles(text)])
        pairs += [(int(other), number) for other in index.query(signature)]
        index.insert(number, signature)
    return pairs


def exact_pairs(texts: list[str]) -> set[tuple[int, int]]:
    sets = [shingles(text) for text in texts]
    return {(a, b) for b in range(len(sets)) for a in range(b)
            if len(sets[a] & sets[b]) >= 0.7 * len(sets[a] | sets[b]) > 0}  # fmt: skip


def together(pairs: set[tuple[int, int]], n: int) -> set[tuple[int, int]]:
    """All pairs of texts that hang together by these pairs."""
    import numpy as np

    from toolkit.prepare.splitting.near_copies import connected_components

    labels = connected_components(n, [np.array(sorted(pairs), dtype=np.int64).reshape(-1, 2)])
    groups: dict[int, list[int]] = {}
    for number, label in enumerate(labels):
        groups.setdefault(int(label), []).append(number)
    return {(a, b) for group in groups.values() for b in group for a in group if a < b}


def main(
    part: Literal["all", "clean", "chunk", "duplicates"] = "all",
    html: Path | None = None,
    pages: int = 500,
    long: int = 5,
    texts: int = 20_000,
    rounds: int = 3,
    write: bool = False,
) -> None:
    """Measure.

    Args:
        part: One part, or all.
        html: Folder of pages for the part clean.
        pages: Most pages of it.
        long: Long texts of each kind for the part chunk.
        texts: Texts for the part duplicates.
        rounds: Times that each side runs.
        write: Write the tables into benchmarks/text.md.
    """
    parts = {"clean": lambda: clean_part(html, pages, rounds), "chunk": lambda: chunk_part(long, rounds),
             "duplicates": lambda: duplicates_part(texts, rounds)}  # fmt: skip
    here = machine()
    for name, measure in parts.items():
        if part in ("all", name):
            table = f"{here['processor']}, {here['cores']} cores.\n\n{markdown(measure())}"
            print(f"{name}: {table}\n", flush=True)
            if write:
                update(ROOT / "benchmarks" / "text.md", f"text_{name}", table)


if __name__ == "__main__":
    tyro.cli(main)
