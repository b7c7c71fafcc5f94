"""Checks never raise, and what the lessons build on does what its name says."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from datasets import Dataset

from toolkit import course, deploy, exercises, finetune, plots, prepare, vectors
from toolkit.finetune import suggest_loss

ROW = pd.Series({"low": -0.1, "high": 0.2})


@pytest.mark.parametrize(
    ("name", "right", "wrong", "against"),
    [
        ("leak", 0.65, 0.1, [SimpleNamespace(share=0.651)]),
        ("loss", "TripletLoss", "MultipleNegativesRankingLoss", []),
        ("tied", True, False, [ROW]),
        ("recall", 0.95, 0.5, []),
    ],
)
def test_check_ticks_what_is_right_and_hints_at_the_rest(
    name: str, right: Any, wrong: Any, against: list[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    """A tick for the answer, a hint for another, for none, and for nonsense; never an error."""
    for answer, sign in ((right, "✓"), (wrong, "→"), (None, "→"), (object(), "→"), (float("nan"), "→")):
        course.check(name, answer, *against)
        said = capsys.readouterr().out
        assert said.startswith(sign) and len(said.splitlines()) == 1
    assert name != "recall" or exercises.hint(name, True)  # a truth value is not a recall
    course.check("no such exercise", 1)
    assert capsys.readouterr().out.startswith("→")


def test_begin_takes_the_mode_and_stamps_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The argument goes before the environment; results of a sample are stamped as such."""
    monkeypatch.setenv("TOOLKIT_MODE", "class")
    assert course.begin("01").mode == "class" and "small sample" in course.begin("01").stamp
    assert course.begin("01", mode="full").stamp == "pydocs, full mode, seed 0"
    assert "01" in capsys.readouterr().out
    with pytest.raises(ValueError, match="'fast', 'class', 'full'.*'quick'"):
        course.begin("01", mode="quick")


def test_two_files_of_one_name_are_two_lessons(tmp_path: Path) -> None:
    """What was tuned on one is not taken up for the other; the stamp shows the name and no folder."""
    one, other = (course.begin("03", data=str(tmp_path / folder / "mine.csv")) for folder in ("a", "b"))
    assert one.folder != other.folder and one.folder == course.begin("05", data=one.data).folder
    assert one.stamp.startswith("mine.csv, ") and course.begin("03").folder.name == "pydocs-fast-0"


def test_a_search_to_try_is_of_the_readers_file(tmp_path: Path) -> None:
    """Of a file it is a search of its validation part; what was kept before is moved aside, never lost."""
    rows = [f"text {i} on topic {i * 31 % 17} and {i * 7 % 13}" for i in range(90)]
    file = tmp_path / "mine.csv"
    pd.DataFrame({"question": [f"why {r}?" for r in rows], "answer": [f"{r} is it" for r in rows]}).to_csv(file)
    lesson = replace(course.begin("05", data=str(file)), folder=tmp_path / "kept")
    assert lesson.search in lesson.split.dev.data.queries.values()
    assert lesson.search not in lesson.split.train["anchor"][:]
    lesson.place("bundle").write_text("first")
    lesson.place("bundle").write_text("second")
    assert (lesson.place("bundle").with_name("bundle-before")).read_text() == "second"


def test_a_file_without_searches_is_refused_with_the_way_out(tmp_path: Path) -> None:
    """Short texts alone can be searched, but no lesson can be measured with them."""
    file = tmp_path / "names.csv"
    pd.DataFrame({"name": [f"screw {i}" for i in range(60)]}).to_csv(file, index=False)
    with pytest.raises(ValueError, match=r"names\.csv"):
        _ = course.begin("00", data=str(file)).cleaned


def test_doctor_says_what_to_do(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """A missing package and too little memory are named with the way out, and the line is green only without any."""
    monkeypatch.setattr(course, "find_spec", lambda name: None if name == "faiss" else object())
    memory = SimpleNamespace(available=0.4e9)
    monkeypatch.setattr("psutil.virtual_memory", lambda: memory)
    assert not course.report_health()
    said = capsys.readouterr().out
    assert all(value in said for value in ("faiss", "python3 run.py install", "0.4 GB", "1.5"))
    memory.available = 8e9
    monkeypatch.setattr(course, "find_spec", lambda name: object())
    assert [problem for problem in course.doctor() if "run.py install" in problem or "memory" in problem] == []


def test_show_stamps_results_and_keeps_alternative_text(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tables and pictures carry the stamp; the html that JupyterLab shows carries the sentence, as does plain text."""
    shown = []
    monkeypatch.setattr("IPython.display.display", lambda thing, **options: shown.append((thing, options)))
    lesson = course.begin("03", mode="fast")
    history = pd.DataFrame(
        {"candidate": ["both"] * 3, "epoch": [0, 1, 2], "loss": [np.nan, 0.5, 0.2], "dev": [0.5, 0.7, 0.6]}
    )
    picture = plots.learning(history)
    lesson.show(picture)
    lesson.show(history)
    [(made, options), (table, _)] = shown
    assert (
        f'alt="{picture.alt}"' in made["text/html"] and made["text/plain"] == picture.alt and options == {"raw": True}
    )
    assert made["image/png"] in made["text/html"] and picture.figure.get_supxlabel() == lesson.stamp
    assert lesson.stamp in table.to_html()


def test_short_searches_and_negatives() -> None:
    """Each text has both its searches, the second made of words of the first; negatives are wrong texts."""
    pairs = Dataset.from_dict({"anchor": ["compute the rolling median quickly", "read a csv file into a table"],
                               "positive": ["rolling things", "reading things"]})  # fmt: skip
    twice = course.with_keyword_searches(pairs).to_pandas()
    assert twice["positive"].tolist() == ["rolling things"] * 2 + ["reading things"] * 2
    for first, second in zip(twice["anchor"][::2], twice["anchor"][1::2], strict=True):
        assert set(second.split()) < set(first.split()) and len(second.split()) == 3
    negatives = course.with_negatives(pairs)
    assert negatives["negative"][:] == ["reading things", "rolling things"]
    assert "TripletLoss" in suggest_loss(negatives)["loss"].tolist()


def test_the_careless_index_misses_and_can_be_repaired() -> None:
    """Few of the nearest are found as it is set up; a longer search finds nearly all."""
    rng = np.random.default_rng(0)
    vectors_ = rng.normal(size=(2000, 64)).astype(np.float32)
    vectors_ /= np.linalg.norm(vectors_, axis=1, keepdims=True)
    index = course.careless_index(vectors_)
    assert deploy.indexes.measure(index, vectors_, vectors_[:100])["recall"] < 0.8
    index.hnsw.efSearch = 1024
    assert deploy.indexes.measure(index, vectors_, vectors_[:100])["recall"] > 0.9


def test_a_lesson_takes_up_what_another_left(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without a model of the reader's one is trained; with one it is taken; a new one does not overwrite it."""
    monkeypatch.chdir(tmp_path)
    rows = [f"text {i} on topic {i * 31 % 17} and {i * 7 % 13}" for i in range(90)]
    table = pd.DataFrame({"question": [f"why {r}?" for r in rows], "answer": [f"{r} is it" for r in rows]})
    table.to_csv("mine.csv", index=False)
    first = course.begin("03", data="mine.csv")
    monkeypatch.setattr(course.Lesson, "split", property(lambda self: prepare.split(self.cleaned.data, groups=None)))
    train, trained = finetune.train, []
    monkeypatch.setattr(
        finetune, "train", lambda *args, **options: trained.append(train(*args, **options)) or trained[-1]
    )
    assert first.tuned is trained[0].model
    [tuned] = trained
    first.keep(tuned)
    kept = first.keep(tuned)
    assert kept.is_dir() and kept.with_name("model-before").is_dir()
    again = course.begin("04", data="mine.csv")
    assert again.tuned is not tuned.model and len(trained) == 1
    for model in (again.tuned, tuned.model):
        found = vectors.encode(model, ["a search"], side="query", dtype="float32")
        assert found[0] @ vectors.encode(tuned.model, ["a search"], side="query", dtype="float32")[0] > 0.99999
