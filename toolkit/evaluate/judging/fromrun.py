"""What a finished run, or a bundle alone, lets one judge: its documents, its systems, and which of them is deployed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from toolkit import vectors
from toolkit.evaluate.scoring.ranking import DEPTH, Ranking, search
from toolkit.storage import digest_file

KEYWORDS = "BM25"
_NAMES = {"vectors": "{}", "keywords": KEYWORDS, "both": f"{{}}+{KEYWORDS}"}  # how a bundle searches: its system's name


def is_one(run: Path) -> bool:
    """Whether a folder is a run, or a bundle, with documents to be searched."""
    return (_bundle(run) / "documents.jsonl").is_file()


def documents(run: Path) -> dict[str, str]:
    """Texts of a run's bundle. Read as plain files, since this package lies below the one that loads bundles."""
    if not is_one(run):
        raise FileNotFoundError(f"{run} holds no bundle/documents.jsonl: expected the folder of a finished run")
    with (_bundle(run) / "documents.jsonl").open(encoding="utf-8") as lines:
        return {row["id"]: row["text"] for row in map(json.loads, lines)}


def names(run: Path) -> list[str]:
    """The systems that a run compared, named as there: the one that is deployed first."""
    models = _models(run)
    every = [*models, KEYWORDS, *(f"{model}+{KEYWORDS}" for model in models)]
    first = deployed(run)
    return sorted(every, key=lambda name: name != first)


def deployed(run: Path) -> str | None:
    """The system that the run's bundle searches by; where the bundle does not say, what the run's record names."""
    models, record, packed = _models(run), _read(run / "run.json"), _read(_bundle(run) / "bundle.json")
    told = record.get("deployed")
    if packed.get("by") in _NAMES:
        model = next(iter(models))
        if {"base", "tuned"} <= set(models):
            parts = {part: digest for part, digest in packed.get("sha256", {}).items() if part.startswith("model/")}
            same = all((run / part).is_file() and digest_file(run / part) == parts[part] for part in parts)
            model = "tuned" if same else "base"
        told = _NAMES[packed["by"]].format(model)
    return told if told in {KEYWORDS, *models, *(f"{model}+{KEYWORDS}" for model in models)} else None


def rankings(
    run: Path, queries: Mapping[str, str], corpus: Mapping[str, str], wanted: Sequence[str]
) -> dict[str, Ranking]:
    """What each of the systems `wanted` finds; a model is loaded only where one needs it."""
    needed = {name: place for name, place in _models(run).items() if {name, f"{name}+{KEYWORDS}"} & set(wanted)}
    language = {**_read(_bundle(run) / "bundle.json"), **_read(run / "run.json")}.get("language", "english")
    found = {KEYWORDS: search(vectors.bm25(corpus, language=language), queries, corpus, DEPTH)}
    for name, (place, revision) in needed.items():
        found[name] = search(vectors.load(place, revision=revision), queries, corpus, DEPTH)
        found[f"{name}+{KEYWORDS}"] = vectors.fuse(found[name], found[KEYWORDS])
    return {name: found[name] for name in wanted}


def _models(run: Path) -> dict[str, tuple[str | Path, str | None]]:
    """Name of each model, and the place and revision to load it from."""
    record = _read(run / "run.json")
    if not isinstance(record.get("base"), dict):  # a bundle alone
        return {"model": (_bundle(run) / "model", None)}
    tuned: dict[str, tuple[str | Path, str | None]] = {"tuned": (run / "model", None)}
    base = {"base": (record["base"]["name"], record["base"].get("commit"))}
    return (tuned if (run / "model").is_dir() else {}) | base


def _bundle(run: Path) -> Path:
    return run / "bundle" if (run / "bundle").is_dir() else run


def _read(file: Path) -> dict[str, Any]:
    return dict(json.loads(file.read_text(encoding="utf-8"))) if file.is_file() else {}
