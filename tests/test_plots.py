"""Figures say what they show, in words too, and in colours that everybody can tell apart."""

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
from matplotlib.figure import Figure

from toolkit import plots


def results(models: list[str], tasks: list[str]) -> pd.DataFrame:
    """A table as `Scores` makes it, with a number of its own in each cell."""
    rows = [(model, task, metric) for metric in ("nDCG@10", "MRR@10") for model in models for task in tasks]
    table = pd.DataFrame(rows, columns=["model", "task", "metric"])
    table["score"] = 0.1 + np.arange(len(table)) / 100
    return table.assign(low=table["score"] - 0.03, high=table["score"] + 0.05)


HISTORY = pd.DataFrame({
    "sides": [f"s{i}" for i in range(9) for _ in range(3)], "epoch": [0, 1, 2] * 9, "loss": 1.0,
    "dev": [0.1, 0.3, 0.2] * 9,
})  # fmt: skip


@pytest.mark.parametrize("tasks", [["one"], ["one", "two"], list("abcdefghi")])
def test_systems_draws_every_value(tasks: list[str]) -> None:
    """A line a system, a point with its number for each task, at its value with its interval."""
    table = results(["base", "tuned", "BM25"], tasks)
    figure = plots.systems(table, metric="MRR@10")
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
    assert len(plots.png(figure)) > 1000


@pytest.mark.parametrize("tasks", [["one"], ["test", "three keywords"]])
def test_a_narrow_figure_holds_all_its_letters(tasks: list[str]) -> None:
    """At the width of a telephone every letter is inside the figure, and no number of the axis touches another."""
    figure = plots.systems(results(["base", "tuned", "BM25", "tuned+BM25"], tasks), width=3.6)
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
    [axes] = plots.learning(HISTORY).axes
    assert "epoch" in axes.get_xlabel() and "nDCG@10 on validation data" in axes.get_ylabel()
    lines, stars = axes.get_lines()[0::2], axes.get_lines()[1::2]
    assert len(lines) == 9 and all(list(line.get_ydata()) == [0.1, 0.3, 0.2] for line in lines)
    assert [(list(s.get_xdata()), list(s.get_ydata())) for s in stars] == [([1], [0.3])] * 9
    assert [text.get_text() for text in axes.get_legend().get_texts()] == [f"s{i}" for i in range(9)]


def test_epochs_are_whole_numbers() -> None:
    """No tick between two epochs, however many there are."""
    long = pd.DataFrame({"sides": "both", "epoch": range(18), "loss": 1.0, "dev": np.linspace(0.5, 0.6, 18)})
    for figure in (plots.learning(long), plots.overfitting(long)):
        plots.png(figure)
        assert all(float(tick).is_integer() for tick in figure.axes[-1].get_xticks())


def test_names_of_points_that_lie_close_do_not_cover_each_other() -> None:
    """Two models of like quality and speed, as one finds them on short texts: both names can be read."""
    table = pd.DataFrame({"model": ["WordLlama", "MiniLM-L6", "BM25", "MiniLM-L3", "USE"], "low": 0.94, "high": 1.0})
    table["nDCG@10"] = [0.984, 0.976, 0.976, 0.973, 0.963]
    table["texts_per_second"] = [577, 9, 6057, 13, 53]
    figure = plots.tradeoff(table)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    boxes = [text.get_window_extent(canvas.get_renderer()) for text in figure.axes[0].texts]
    assert [text.get_text() for text in figure.axes[0].texts] == list(table["model"])
    assert not any(one.overlaps(other) for one, other in combinations(boxes, 2))


@pytest.mark.parametrize("figure", [plots.systems(results(["a"], list("abcdefghi"))), plots.learning(HISTORY)])
def test_colours_are_of_the_palette(figure: Figure) -> None:
    """No colour of matplotlib's own choice, and neighbours differ in colour and in marker."""
    lines = [line for line in figure.axes[0].get_lines() if line.get_marker() not in ("None", "", "|", "*", None)]
    assert {to_hex(line.get_color()).upper() for line in lines} == set(plots.COLOURS)
    looks = [(to_hex(line.get_color()), line.get_marker()) for line in lines if line.get_marker() in plots.MARKERS]
    assert len(set(looks[:7])) == 7


def test_describe_holds_every_value() -> None:
    """The sentence for who cannot see the figure has each system, task, score and interval."""
    table = results(["base", "tuned"], ["dev", "test"])
    sentence = plots.describe(table, metric="MRR@10")
    for row in table[table["metric"] == "MRR@10"].itertuples():
        assert f"{row.model} on {row.task} {row.score:.3f} ({row.low:.3f} to {row.high:.3f})" in sentence
    assert sentence.startswith("MRR@10") and sentence.count("(") == 4


@pytest.mark.parametrize("function", [plots.systems, plots.describe])
def test_missing_metric(function: object) -> None:
    """A metric that the table lacks is refused with those it has."""
    with pytest.raises(ValueError, match="no metric 'nDCG@5'; it has MRR@10, nDCG@10"):
        function(results(["a"], ["t"]), metric="nDCG@5")


def test_systems_that_come_twice() -> None:
    """Two rows for one point are refused by name."""
    table = pd.concat([results(["a"], ["t"])] * 2)
    with pytest.raises(ValueError, match="several of 'a' on 't'"):
        plots.systems(table)


def test_intervals_without_width_or_ends() -> None:
    """Rounding that puts an end past the mean, and groups too few for an interval, still make a figure."""
    for low, high in ((0.1 + 2e-17, 0.1 - 2e-17), (np.nan, np.nan), (0.1 + 1e-16, 0.1)):
        figure = plots.systems(results(["a"], ["t"]).assign(score=0.1, low=low, high=high))
        assert len(plots.png(figure)) > 1000 and figure.axes[0].texts[0].xy[0] == pytest.approx(0.1)


def test_img_escapes_its_words() -> None:
    """Alternative text cannot leave its attribute, is never empty, and the picture travels with the tag."""
    figure, alt = plots.learning(HISTORY), '"><script>alert(1)</script> & é'
    tag = plots.img(figure, alt)
    [found] = re.findall(r'^<img alt="([^"]*)" src="data:image/png;base64,[\w+/=]+">$', tag)
    assert "<" not in found and html.unescape(found) == alt
    for empty in ("", "  "):
        with pytest.raises(ValueError, match="alternative text"):
            plots.img(figure, empty)


def test_save_is_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A figure that cannot be drawn leaves the old file and nothing beside it."""
    figure = plots.learning(HISTORY)
    plots.save(figure, tmp_path / "a.png")
    data = (tmp_path / "a.png").read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n" and data == plots.png(figure)

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("no ink")

    monkeypatch.setattr(figure, "savefig", fail)
    with pytest.raises(RuntimeError, match="no ink"):
        plots.save(figure, tmp_path / "a.png")
    assert (tmp_path / "a.png").read_bytes() == data and [file.name for file in tmp_path.iterdir()] == ["a.png"]


def test_slices_are_drawn_in_order_with_their_intervals() -> None:
    """A line a slice from the top, at its difference, and filled where it is shown; the words hold every value."""
    table = pd.DataFrame({"slice": ["short", "long"], "model": "tuned", "metric": "nDCG@10",
                          "difference": [0.1, -0.02],
                          "low": [0.05, -0.05], "high": [0.15, 0.01], "p_holm": [0.01, 0.4],
                          "n": [1200, 30]})  # fmt: skip
    axes = plots.slices(table, "base").axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["short (n = 1,200)", "long (n = 30)"]
    drawn = [bars.lines[0] for bars in axes.containers]
    assert [line.get_xdata()[0] for line in drawn] == [0.1, -0.02] and axes.yaxis_inverted()
    assert drawn[1].get_markerfacecolor() == "white" != drawn[0].get_markerfacecolor()
    words = plots.describe_slices(table, "base")
    assert "tuned minus base" in words and all(x in words for x in ("+0.100", "+0.050", "+0.150", "-0.020", "+0.010"))
