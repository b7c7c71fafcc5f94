"""Figures show every value, describe it in a sentence, and use colours that everybody can tell apart."""

from __future__ import annotations

import html
import re
from itertools import combinations, pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex

from toolkit import plots


def results(models: list[str], tasks: list[str]) -> pd.DataFrame:
    """A table as `Scores` makes it, with a number of its own in each cell."""
    rows = [(model, task, metric) for metric in ("nDCG@10", "MRR@10") for model in models for task in tasks]
    table = pd.DataFrame(rows, columns=["model", "task", "metric"])
    table["score"] = 0.1 + np.arange(len(table)) / 100
    return table.assign(low=table["score"] - 0.03, high=table["score"] + 0.05)


HISTORY = pd.DataFrame({
    "candidate": [f"s{i}" for i in range(9) for _ in range(3)], "epoch": [0, 1, 2] * 9, "loss": 1.0,
    "dev": [0.1, 0.3, 0.2] * 9,
})  # fmt: skip


@pytest.mark.parametrize("tasks", [["one"], ["one", "two"], list("abcdefghi")])
def test_systems_draws_every_value(tasks: list[str]) -> None:
    """A line a system, a point with its number for each task, at its value with its interval."""
    table = results(["base", "tuned", "BM25"], tasks)
    figure = plots.systems(table, metric="MRR@10").figure
    [axes] = figure.axes
    shown = table[table["metric"] == "MRR@10"]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["base", "tuned", "BM25"]
    assert "MRR@10" in axes.get_xlabel() and "95 % interval" in axes.get_xlabel()
    drawn = [container.lines for container in axes.containers]
    points = [x for data, _, _ in drawn for x in data.get_xdata()]
    assert sorted(points) == pytest.approx(sorted(shown["score"]))
    ends = [segment[:, 0] for _, _, [bars] in drawn for segment in bars.get_segments()]
    assert sorted(map(tuple, ends)) == pytest.approx(np.array(sorted(zip(shown["low"], shown["high"], strict=True))))
    assert sorted(text.get_text() for text in axes.texts) == sorted(f"{score:.3f}" for score in shown["score"])
    legend = [text.get_text() for legend in figure.legends for text in legend.get_texts()]
    assert legend == (tasks if len(tasks) > 1 else [])
    for container in axes.containers:  # in the row of its system, whatever the shift
        assert [round(y) for y in container.lines[0].get_ydata()] == [0, 1, 2]


@pytest.mark.parametrize("tasks", [["one"], ["test", "three keywords"]])
def test_a_narrow_figure_holds_all_its_letters(tasks: list[str]) -> None:
    """At the width of a phone every letter is inside the figure, and no number of the axis touches another."""
    figure = plots.systems(results(["base", "tuned", "BM25", "tuned+BM25"], tasks)).narrow
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    assert figure.get_size_inches()[0] == 3.6
    [axes], frame = figure.axes, figure.bbox
    ticks = [text for text in axes.get_xticklabels() if axes.viewLim.x0 <= text.get_position()[0] <= axes.viewLim.x1]
    texts = [*axes.texts, *axes.get_yticklabels(), *ticks, axes.xaxis.label]
    boxes = [text.get_window_extent(canvas.get_renderer()) for text in texts if text.get_text()]
    assert len(boxes) > 9
    for box in boxes:
        assert frame.x0 <= box.x0 and box.x1 <= frame.x1 and frame.y0 <= box.y0 and box.y1 <= frame.y1
    marks = [text.get_window_extent(canvas.get_renderer()) for text in ticks]
    assert len(marks) > 2 and all(left.x1 < right.x0 for left, right in pairwise(marks))


def test_learning_marks_the_best_epoch() -> None:
    """A line a candidate, labelled axes, and a star where the validation score is highest; nine are no problem."""
    [axes] = plots.learning(HISTORY).figure.axes
    assert "epoch" in axes.get_xlabel() and "nDCG@10 on validation data" in axes.get_ylabel()
    lines, stars = axes.get_lines()[0::2], axes.get_lines()[1::2]
    assert len(lines) == 9 and all(list(line.get_ydata()) == [0.1, 0.3, 0.2] for line in lines)
    assert [(list(s.get_xdata()), list(s.get_ydata())) for s in stars] == [([1], [0.3])] * 9
    assert [text.get_text() for text in axes.get_legend().get_texts()] == [f"s{i}" for i in range(9)]


def test_epochs_are_whole_numbers() -> None:
    """No tick between two epochs, however many there are."""
    long = pd.DataFrame({"candidate": "both", "epoch": range(18), "loss": 1.0, "dev": np.linspace(0.5, 0.6, 18)})
    for picture in (plots.learning(long), plots.overfitting(long)):
        picture.png()
        assert all(float(tick).is_integer() for tick in picture.figure.axes[-1].get_xticks())


def test_names_of_points_that_lie_close_do_not_cover_each_other() -> None:
    """Two models of like quality and speed, as one finds them on short texts: both names can be read."""
    table = pd.DataFrame({"model": ["WordLlama", "MiniLM-L6", "BM25", "MiniLM-L3", "USE"], "low": 0.94, "high": 1.0})
    table["nDCG@10"] = [0.984, 0.976, 0.976, 0.973, 0.963]
    table["texts_per_second"] = [577, 9, 6057, 13, 53]
    picture = plots.tradeoff(table)
    figure = picture.figure
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    boxes = [text.get_window_extent(canvas.get_renderer()) for text in figure.axes[0].texts]
    assert [text.get_text() for text in figure.axes[0].texts] == list(table["model"])
    assert not any(one.overlaps(other) for one, other in combinations(boxes, 2))
    assert (
        "WordLlama 0.984 (0.940 to 1.000) at 577" in picture.alt
        and "BM25 0.976 (0.940 to 1.000) at 6,057" in picture.alt
    )
    with pytest.raises(ValueError, match="texts_per_second"):
        plots.tradeoff(table.drop(columns="texts_per_second"))


@pytest.mark.parametrize("picture", [plots.systems(results(["a"], list("abcdefghi"))), plots.learning(HISTORY)])
def test_colours_are_of_the_palette(picture: plots.Picture) -> None:
    """No colour of matplotlib's own choice, and neighbours differ in colour and in marker."""
    lines = [
        line for line in picture.figure.axes[0].get_lines() if line.get_marker() not in ("None", "", "|", "*", None)
    ]
    assert {to_hex(line.get_color()).upper() for line in lines} == set(plots.COLOURS)
    looks = [(to_hex(line.get_color()), line.get_marker()) for line in lines if line.get_marker() in plots.MARKERS]
    assert len(set(looks[:7])) == 7


def test_alternative_text_holds_every_value() -> None:
    """The sentence for readers who cannot see the figure has each system, task, score and interval."""
    table = results(["base", "tuned"], ["dev", "test"])
    alt = plots.systems(table, metric="MRR@10").alt
    for row in table[table["metric"] == "MRR@10"].itertuples():
        assert f"{row.model} on {row.task} {row.score:.3f} ({row.low:.3f} to {row.high:.3f})" in alt
    assert alt.startswith("MRR@10") and alt.count("(") == 4


def test_missing_metric() -> None:
    """A metric that the table lacks is refused with those it has."""
    with pytest.raises(ValueError, match="'nDCG@5'; it has MRR@10, nDCG@10"):
        plots.systems(results(["a"], ["t"]), metric="nDCG@5")


def test_systems_that_come_twice() -> None:
    """Two rows for one point are refused by name."""
    table = pd.concat([results(["a"], ["t"])] * 2)
    with pytest.raises(ValueError, match="several of 'a' on 't'"):
        plots.systems(table)


def test_intervals_without_width_or_ends() -> None:
    """Rounding that puts an end past the mean, and groups too few for an interval, still make a figure."""
    for low, high in ((0.1 + 2e-17, 0.1 - 2e-17), (np.nan, np.nan), (0.1 + 1e-16, 0.1)):
        picture = plots.systems(results(["a"], ["t"]).assign(score=0.1, low=low, high=high))
        assert len(picture.png()) > 1000 and picture.figure.axes[0].texts[0].xy[0] == pytest.approx(0.1)


def test_alternative_text_is_escaped_and_never_empty() -> None:
    """It cannot leave its attribute, and the image travels with the tag; a notebook shows the same."""
    alt = '"><script>alert(1)</script> & é'
    picture = plots.Picture(plots.learning(HISTORY).figure, alt)
    [found] = re.findall(r'^<img alt="([^"]*)" src="data:image/png;base64,[\w+/=]+">$', picture.html())
    assert "<" not in found and html.unescape(found) == alt == repr(picture)
    assert picture._repr_html_() == picture.html() and len(picture.html(dpi=40)) < len(picture.html())
    for empty in ("", "  "):
        with pytest.raises(ValueError, match="alternative text"):
            plots.Picture(picture.figure, empty)


def test_the_narrow_figure_is_drawn_where_there_is_one() -> None:
    """At equal resolution it has fewer pixels; without one the figure itself is drawn."""
    picture = plots.learning(HISTORY)
    width = {narrow: int.from_bytes(picture.png(dpi=100, narrow=narrow)[16:20], "big") for narrow in (False, True)}
    assert width == {False: 700, True: 360}
    single = plots.overfitting(HISTORY[:3])
    assert single.narrow is None and single.png(narrow=True) == single.png()


def test_save_is_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A figure that cannot be drawn leaves the old file and nothing beside it."""
    picture = plots.learning(HISTORY)
    picture.save(tmp_path / "a.png")
    data = (tmp_path / "a.png").read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n" and data == picture.png()

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("no ink")

    monkeypatch.setattr(picture.figure, "savefig", fail)
    with pytest.raises(RuntimeError, match="no ink"):
        picture.save(tmp_path / "a.png")
    assert (tmp_path / "a.png").read_bytes() == data and [file.name for file in tmp_path.iterdir()] == ["a.png"]


def test_slices_are_drawn_in_order_with_their_intervals() -> None:
    """A line a slice from the top, at its difference, filled where it is significant; the sentence has every value."""
    table = pd.DataFrame({"slice": ["short", "long"], "model": "tuned", "metric": "nDCG@10",
                          "difference": [0.1, -0.02],
                          "low": [0.05, -0.05], "high": [0.15, 0.01], "p_holm": [0.01, 0.4],
                          "n": [1200, 30]})  # fmt: skip
    picture = plots.slices(table, "base")
    axes = picture.figure.axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["short (n = 1,200)", "long (n = 30)"]
    drawn = [bars.lines[0] for bars in axes.containers]
    assert [line.get_xdata()[0] for line in drawn] == [0.1, -0.02] and axes.yaxis_inverted()
    assert drawn[1].get_markerfacecolor() == "white" != drawn[0].get_markerfacecolor()
    assert "tuned minus base" in picture.alt
    assert all(value in picture.alt for value in ("+0.100", "+0.050", "+0.150", "-0.020", "+0.010"))


def test_learning_curves_are_described() -> None:
    """Start, best and its epoch of each candidate; loss and score of one by its ends."""
    history = pd.DataFrame(
        {"candidate": ["both"] * 3, "epoch": [0, 1, 2], "loss": [np.nan, 0.5, 0.2], "dev": [0.5, 0.7, 0.6]}
    )
    assert "both 0.500 to 0.700 at epoch 1" in plots.learning(history).alt
    alt = plots.overfitting(history).alt
    assert "0.5 to 0.2 in 2 epochs" in alt and "0.500 to 0.600" in alt and "0.700" in alt


def test_recall_and_leaks_are_described() -> None:
    """Each bar has its name and its value in the sentence, and the bars are as long as it says."""
    picture = plots.recall({"careless": {"recall": 0.625}, "Flat": {"recall": 1.0}})
    assert "careless 0.62" in picture.alt and "Flat 1.00" in picture.alt
    assert [bar.get_width() for bar in picture.figure.axes[0].patches] == [0.625, 1.0]
    picture = plots.leaks(pd.DataFrame({"reason": ["same search", "near-copy"], "n": [0, 1200], "share": [0.0, 0.25]}))
    assert "same search 0.0% (0)" in picture.alt and "near-copy 25.0% (1,200)" in picture.alt
    assert [bar.get_width() for bar in picture.figure.axes[0].patches] == [0.0, 25.0]


def test_a_map_shows_every_vector_and_its_note() -> None:
    """The six most frequent labels have a colour, the rest are grey; the note is printed and is the description."""
    table = pd.DataFrame({"x": range(36), "y": range(36), "label": [f"l{min(i // 5, 7)}" for i in range(36)]})
    picture = plots.scatter(table, note="keeps 40% of the neighbours")
    drawn = picture.figure.axes[0].collections
    assert sum(len(points.get_offsets()) for points in drawn) == 36 and len(drawn) == 7
    assert picture.alt == "keeps 40% of the neighbours" == picture.figure.get_supxlabel()


def test_a_threshold_is_described_by_its_point_and_medians() -> None:
    """Precision and recall there, its interval, and the median scores of right and wrong on both parts."""
    scores = pd.DataFrame({"part": ["dev"] * 4 + ["test"] * 4, "score": [0.9, 0.7, 0.3, 0.1] * 2,
                           "right": [True, True, False, False] * 2})  # fmt: skip
    curve = pd.DataFrame({"threshold": [0.5], "precision": [1.0], "recall": [1.0]})
    chosen = {"value": 0.5, "low": 0.4, "high": 0.6, "precision": 1.0, "recall": 1.0}
    picture = plots.threshold(curve, scores, chosen)
    for value in ("1.000", "0.5 (0.4 to 0.6)", "dev right 0.800", "dev wrong 0.200", "test right 0.800"):
        assert value in picture.alt
    assert len(picture.figure.axes) == 3
