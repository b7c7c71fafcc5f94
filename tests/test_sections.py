"""Each result becomes a section whose numbers are those of the result, and that declares the user's texts."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from handmade_rankings import TASK, N, at

from toolkit import evaluate, prepare, sections, vectors
from toolkit.evaluate import Comparison
from toolkit.report import Code, Folded, Section, SideBySide, Terms

BEFORE, AFTER = [2] * 20 + [1] * 10 + [6] * 10, [1] * 20 + [3] * 10 + [6] * 10


@pytest.fixture(scope="module")
def compared() -> Comparison:
    return evaluate.compare_systems({"base": at(BEFORE), "tuned": at(AFTER)}, TASK)


def tables(section: Section) -> list[pd.DataFrame]:
    return [block for block in section.blocks if isinstance(block, pd.DataFrame)]


def words_of(section: Section) -> str:
    return "\n".join(block for block in section.blocks if isinstance(block, str))


def test_comparison_keeps_results_of_all_tasks(compared: Comparison) -> None:
    """Tables of the test under fixed names, those of further tasks by their name, and a picture with every value."""
    short = evaluate.compare_systems(
        {"base": at(AFTER), "tuned": at(BEFORE)}, TASK.with_queries(str.upper, "few words")
    )
    section = sections.comparison(compared, short)
    assert {"results", "comparison", "per_query", "comparison_few_words"} == set(section.tables)
    assert set(section.tables["results"]["task"]) == {"t", "few words"}
    pd.testing.assert_frame_equal(section.tables["comparison_few_words"], short.table)
    score = compared.results.query("model == 'tuned' and metric == 'nDCG@10'")["score"].iloc[0]
    assert f"tuned on t {score:.3f}" in section.pictures["systems"].alt
    assert "query" in section.tables["per_query"] and "query" not in section.without_texts().tables["per_query"]


def test_numbers_pair_every_system_with_the_baseline(compared: Comparison) -> None:
    """One row a system and metric; the baseline has no difference to itself; p and mdd are those of the comparison."""
    section = sections.numbers(compared)
    table = tables(section)[0].set_index(["model", "metric"])
    assert len(table) == len(compared.results)
    row, found = table.loc[("tuned", "nDCG@10")], compared.row("tuned", "nDCG@10")
    assert row["minus base [95 %]"].startswith(f"{found['difference']:+.3f} [{found['low']:+.3f}, ")
    assert (row["p"], row["mdd"], row["n"]) == (found["p_holm"], found["mdd"], N)
    base = table.loc[("base", "nDCG@10")]
    assert base["minus base [95 %]"] == "" and np.isnan(base["p"])
    assert row["unjudged@10"] == pytest.approx(compared.scores["tuned"].unjudged(10))
    assert set(section.tables["ties"]["model"]) == set(compared.scores)


def test_diagnostics_slice_the_searches(compared: Comparison) -> None:
    """Slices by length and overlap, kept in one table; rankings have no vectors to show."""
    section = sections.diagnostics(compared, "tuned")
    folded = [block for block in section.blocks if isinstance(block, Folded)]
    assert len(folded) == 2 and set(section.tables) == {"slices"}
    assert {"length", "overlap"} == set(section.tables["slices"]["by"])


def test_diagnostics_show_the_vectors_of_both_models(model: Any) -> None:
    """Measures of the space before and after, where both systems search by vectors."""
    found = evaluate.compare_systems({"base": model, "tuned": model}, TASK, dtype="float32")
    space = sections.diagnostics(found, "tuned").tables["space"]
    assert list(space) == ["measure", "base", "tuned", "reads"]
    np.testing.assert_allclose(space["base"], space["tuned"])


def test_examples_are_texts(compared: Comparison) -> None:
    """Helped, hurt and unchanged side by side, kept as a table beside that of all errors; a private run has none."""
    section = sections.examples(compared, "tuned", seed=1)
    shown = [block for block in section.blocks if isinstance(block, SideBySide)]
    assert len(shown) == 8 and set(section.tables["examples"]["kind"]) == {"helped", "hurt", "unchanged"}
    assert all({"base", "tuned"} <= set(block.columns) for block in shown)
    assert all(any(right for items in block.columns.values() for _, right in items) for block in shown)
    assert len(section.tables["errors"]) == N and section.tables["errors"]["change"].is_monotonic_decreasing
    private = section.without_texts()
    assert private.tables == {} and "search" not in str(private.blocks[0]).replace("searches", "")


def test_data_counts_what_was_left_out() -> None:
    """Steps that dropped or changed something; their examples are the user's texts."""
    loaded = prepare.load([(f"search {i}", f"text {i}  twice  spaced") for i in range(30)] + [("search 0", "")] * 2)
    cleaned = prepare.clean(loaded)
    split = prepare.split(cleaned, sizes=(0.6, 0.2, 0.2), groups=None)
    section = sections.data(loaded, cleaned, split, leaks=["no leak"])
    dropped = section.tables["dropped"]
    assert ((dropped["dropped"] > 0) | (dropped["changed"] > 0)).all() and dropped["dropped"].sum() == 2
    pd.testing.assert_frame_equal(section.tables["split"], split.table)
    assert "no leak" in words_of(section)
    assert "example" not in section.without_texts().tables["dropped"] and section.shown_texts()


def test_training_shows_the_curves() -> None:
    """The candidates, and the history as a table and a picture."""
    history = pd.DataFrame({"candidate": "both", "epoch": [0, 1], "loss": [np.nan, 0.5], "dev": [0.5, 0.7]})
    candidates = pd.DataFrame({"candidate": ["both"], "dev": [0.7], "chosen": [True]})
    section = sections.training(SimpleNamespace(history=history, candidates=candidates, metric="nDCG@10"))
    assert section.tables["history"] is history and "0.500 to 0.700" in section.pictures["learning"].alt
    assert tables(section)[0] is candidates


def test_terms_explain_what_is_there(model: Any) -> None:
    """Without a measurement only the model is explained; an index by its kind."""
    [only] = sections.terms(model).blocks
    assert isinstance(only, Terms) and list(only.meaning) == ["base"] and "all-MiniLM-L6-v2" in only.meaning["base"]
    [both] = sections.terms(model, pairs=1234, searches="questions", index=SimpleNamespace(kind="Flat")).blocks
    assert "1,234" in both.meaning["tuned"] and "questions" in both.meaning["groups"] and "Index Flat" in both.meaning


def test_limits_name_what_is_known(model: Any, compared: Comparison) -> None:
    """Shares are those of the results; what is not given is left out, and the last sentence always stands."""
    nothing = sections.limits()
    assert len(nothing.blocks) == 1 and nothing.tables == {}
    lengths = pd.DataFrame({"tokens": [100, 300], "lost": [0, 44], "limit": [256, 256]})
    german = pd.DataFrame({"language": ["de"], "texts": [30], "share": [1.0]})
    few = SimpleNamespace(train=range(250), notes=["a note of the split"])
    section = sections.limits(stand_in="Titles stand in.", model=model, languages=german, split=few, test=compared,
                              system=compared.systems["tuned"], lengths=lengths)  # fmt: skip
    said = words_of(section)
    for value in ("Titles stand in.", "German", "250", "a note of the split", "50%", "11%", "256"):
        assert value in said
    assert f"{compared.scores['tuned'].unjudged(10):.0%}" in said and section.blocks[-1] == nothing.blocks[-1]


def test_deployment_gives_lines_to_paste(model: Any, tmp_path: Path) -> None:
    """Commands with the search quoted and cut to a line; lines by vectors alone say so; what the index misses."""
    corpus = TASK.data.corpus
    dense, words = vectors.dense(model, corpus, name="base", dtype="float32"), vectors.bm25(corpus)
    measured = {"recall": 0.987, "megabytes": 6.9, "median_ms": 0.3}
    long = "it's\n" + "long " * 50
    for system, alone in ((dense, False), (words, False), (vectors.fuse(dense, words, name="both"), True)):
        index = SimpleNamespace(kind="Flat") if system is not words else None
        run = tmp_path / "run"
        section = sections.deployment(system, run, query=long, index=index, measured=measured, texts=[long])
        search, judge, lines, change = (block.text for block in section.blocks if isinstance(block, Code))
        assert system.name in section.blocks[0] and ("0.987" in section.blocks[0]) == (index is not None)
        assert "\n" not in search and str(run) in search and len(search) < 400
        assert str(run) in judge and "bundle.remove" in change
        assert ("faiss" in lines) == (system is not words) and ("vectors alone" in words_of(section)) == alone
        assert section.shown_texts() == [long]


def test_licences_and_reproducibility(model: Any, compared: Comparison) -> None:
    """The licence and training sets of the model's card, and how often the test was used."""
    assert "apache-2.0" in words_of(sections.licences(model, "Ours.")).lower()
    section = sections.reproducibility(compared, model, scored="Scored 7 times.", chosen="the index")
    assert all(value in words_of(section) for value in ("Scored 7 times.", "the index", f"{len(compared.scores)}"))
    assert all(name in words_of(section) for name in vectors.origin.declared(model).datasets)
