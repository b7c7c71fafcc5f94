"""The report of a search run, from the verdict to the licences, and what of the user's texts is in it."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pandas as pd

from toolkit import plots, report, runs, vectors
from toolkit.hardware import machine
from toolkit.report import Block, Code, Details, Picture, SideBySide, Terms
from toolkit.searchrun.findings import JUDGING, Findings

SHOWN = 160  # characters of a text that a report shows
PHONE = 3.6  # inches: the width of a figure for a telephone
KINDS = {"helped": "better with {}", "hurt": "worse with {}", "unchanged": "the same with {}"}
_MAIL = re.compile(r"[\w.+-]+@[\w-]+\.[\w.-]+")


def conclude(found: Findings) -> list[str | pd.DataFrame]:
    """Write report, tables, figures and ``run.json``, give the run its final name, and return what to print."""
    sections = dict(_sections(found))
    report.write(found.run / "report.html", _title(found), sections)
    runs.save_tables(found.run, found.tables)
    for name, picture in _pictures(found).items():
        plots.save(picture.figure, found.run / f"{name}.png")
    final = runs.finish(found.run, found.record)
    parts: list[str | pd.DataFrame] = ["", *found.verdict, "", *found.limits]
    if found.test is not None:
        parts += ["", report.wide(found.results)]
    parts += ["", f"Base model: {found.base_name}.", f"Deployed: {found.use.deployed}. {found.use.about_index}"]
    parts += ["", found.use.about_snippet, "", found.use.snippet]
    commands = {**found.use.commands, "Report": final / "report.html", "Seconds": f"{sum(found.seconds.values()):.1f}"}
    parts += ["", *(f"{what + ':':12} {line}" for what, line in commands.items())]
    return [*parts, "Nothing left this machine.", *filter(None, [_shown(found, sections)])]


def _shown(found: Findings, sections: Mapping[str, Sequence[Block]]) -> str:
    """What of the user's texts the report holds, in a sentence."""
    if found.demo:
        return ""
    texts = shown_texts(sections)
    if not found.private and found.use.search not in texts:
        texts.append(found.use.search)  # in the lines to paste
    if not texts:
        return "report.html contains no text from your file; the bundle does: it is the search index."
    mails = sum(bool(_MAIL.search(text)) for text in texts)
    return (
        f"report.html contains {len(texts)} texts from your file, {mails} with e-mail addresses. Sharing it? --private."
    )


def shown_texts(sections: Mapping[str, Sequence[Block]]) -> list[str]:
    """The user's own texts that a report shows: searches and documents side by side, and examples in tables."""
    texts: dict[str, None] = {}
    for block in (block for blocks in sections.values() for block in blocks):
        if isinstance(block, SideBySide):
            texts |= dict.fromkeys([block.heading, *(text for items in block.columns.values() for text, _ in items)])
        if isinstance(block, pd.DataFrame):
            for column in {"example", "line"} & set(block.columns):
                texts |= dict.fromkeys(str(text) for text in block[column].dropna() if str(text).strip())
    return list(texts)


def _title(found: Findings) -> str:
    if found.demo:
        return "Did tuning help? Semantic search over docstrings"
    return f"Semantic search in {Path(found.loaded.name).name}"


def _sections(found: Findings) -> Iterator[tuple[str, list[Block]]]:
    yield "Verdict", _verdict(found)
    yield "What the words mean", [Terms(_words(found))]
    yield "What this does not tell you", list(found.limits)
    if found.test is not None:
        yield "The systems, with 95 % intervals", [_pictures(found)["systems"]]
        yield "Searches side by side", _examples(found)
    yield "The data", _data(found)
    if found.test is not None:
        yield "Every number", _numbers(found)
    yield "What it costs", _cost(found)
    yield "Use it", _use(found)
    yield "For the referee", _referee(found)
    yield "Licences", _licences(found)


def _words(found: Findings) -> dict[str, str]:
    """What a reader needs who never measured a search; each word stands somewhere in the report."""
    words = {"base": f"the base model, {found.base_name}, as it came: nothing here changed it."}
    if found.test is not None and found.split is not None:
        words |= {
            "tuned": f"base with a small layer on top, trained on {len(found.split.train):,} pairs of these texts.",
            "BM25": "keyword search: it counts the words that search and text share, and needs no model. base+BM25 and "
            "tuned+BM25 fuse the two lists.",
            "validation, test": "parts of the data that training does not see. Validation data (dev) decide what to "
            "use; test says how good that is.",
            "nDCG@10": "how high the right text stands among the first ten: 1 when it always comes first, 0 when it is "
            "never among them.",
            "0.8 [0.7, 0.9]": "a value and its 95 % interval: how far chance may have moved it, by which "
            f"{found.searches} happen to be in the test. A difference is shown where its interval leaves out zero.",
            "groups": f"{found.searches} that hang together, such as by a shared text. Intervals come from resampling: "
            "drawing whole groups again and again.",
            "mdd, could have seen": "the smallest true difference that a test of this size shows four times of "
            "five; smaller ones it may miss.",
        }
    kind = found.use.index.kind
    exact = "every vector is compared, so nothing is missed" if kind == "Flat" else "a graph, which is fast"
    words[f"Index {kind}"] = (
        f"how vectors are searched: {exact}. Its recall@10 is the share of the ten nearest texts that it finds."
    )
    return words


def _verdict(found: Findings) -> list[Block]:
    blocks: list[Block] = [*found.verdict]
    if found.short is not None:
        cut = " ".join(found.verdict_short)
        blocks.append(f"The same searches cut to their three rarest words: {cut}")
    if found.repeats is not None and found.combined is not None:
        blocks += [*found.combined.sentences, found.repeats]
    return blocks


def _pictures(found: Findings) -> dict[str, Picture]:
    if found.test is None or found.tuned is None:
        return {}
    history = found.tuned.history
    small = plots.learning(history)
    small.set_size_inches(PHONE, 3)
    sentence = f"nDCG@10 on validation data by epoch, best with sides = {found.tuned.sides}."
    return {
        "systems": Picture(
            plots.systems(found.results), plots.describe(found.results), plots.systems(found.results, width=PHONE)
        ),
        "learning": Picture(plots.learning(history), sentence, small),
    }


def _examples(found: Findings) -> list[Block]:
    assert found.test is not None
    if found.private:
        return ["Left out: the run was private."]
    other, third = found.compared, "" if found.compared == "tuned" else " (tuned is shown too)"
    blocks: list[Block] = [
        f"base beside {other}{third}: up to three {found.searches} that do better with {other} by nDCG@10, three that "
        f"do worse, and two whose right text keeps its place; drawn by the run's seed and not by taste. Texts are cut "
        f"at {SHOWN} characters."
    ]
    for example in found.examples:
        places = ", ".join(f"{name}: {place or 'not in the first 100'}" for name, place in example.place.items())
        columns = {
            name: [(textwrap.shorten(text, SHOWN, placeholder=" ..."), right) for text, right in items]
            for name, items in example.found.items()
        }
        if not any(right for items in columns.values() for _, right in items):
            columns["the right text"] = [(textwrap.shorten(example.right[0], SHOWN, placeholder=" ..."), True)]
        heading = textwrap.shorten(example.query, SHOWN, placeholder=" ...")
        blocks.append(
            SideBySide(heading, f"{KINDS[example.kind].format(other)}; place of the right text: {places}", columns)
        )
    return blocks


def _data(found: Findings) -> list[Block]:
    blocks: list[Block] = []
    if found.loaded.guess is not None:
        blocks += [found.loaded.guess.reason, found.shown(found.loaded.guess.columns)]
    blocks += [*found.loaded.notes, "Rows in and out, and why:", found.steps]
    if len(found.cleaned.lines):
        blocks += ["Lines that repeat in over 1 % of the texts were dropped:", found.shown(found.cleaned.lines)]
    blocks += ["Languages:", found.languages]
    if found.by_language is not None and found.by_language["slice"].nunique() > 1:
        table = report.wide(found.by_language.rename(columns={"slice": "task"}))
        blocks += ["Each language by itself:", table.rename(columns={"task": "language"})]
    if found.split is not None:
        blocks += ["Searches, and the groups that stay together:", found.split.table, *found.leaks]
    return blocks


def _numbers(found: Findings) -> list[Block]:
    return [
        "Read the paired difference to base with its interval, not the overlap of two intervals. p is adjusted by Holm "
        "over the systems and metrics of a task; mdd is the smallest true difference that this test would have "
        "shown with 80 % probability; unjudged@10 is the share of the first ten that nobody judged.",
        found.numbers,
        *(found.why.blocks if found.why else []),
    ]


def _cost(found: Findings) -> list[Block]:
    return [pd.DataFrame({"step": list(found.seconds), "seconds": list(found.seconds.values())}), found.use.about_index]


def _use(found: Findings) -> list[Block]:
    change = (
        "from toolkit import deploy\n"
        f"bundle = deploy.load({str(found.use.bundle)!r})\n"
        'bundle = bundle.add({"new-1": "text of a new document"})  # the folder is written anew\n'
        'bundle = bundle.remove(["new-1"])  # text and vector are gone from it for good'
    )
    commands = found.use.commands
    return [
        f"Search it, in the shell (deployed: {found.use.deployed}):",
        Code(commands["Search it"]),
        found.use.about_snippet,
        Code(found.use.snippet),
        f"Judge it: searches that people really type, and you say what is right. {JUDGING}",
        Code(commands["Judge it"]),
        "Add and remove documents:",
        Code(change),
    ]


def _referee(found: Findings) -> list[Block]:
    written = found.record
    scored = written["data"].get("test_scored")
    declared = vectors.declared(found.base)
    trained = ", ".join(declared.datasets) or "its card names none"
    blocks: list[Block] = []
    if scored:
        blocks.append(f"Finished runs in this folder that scored this test set: {scored}.")
    if found.why is not None and found.test is not None:
        blocks.append(
            f"{found.why.scored} Each system counts as one: this run scored {len(found.test.scores)} "
            f"(`evaluate.ledger()` lists them all)."
        )
    return [
        *blocks,
        f"Training sets that the base model declares: {trained}. Texts that are among them are not unseen.",
        "Chosen on dev: sides and epoch of the layer, the system to use, the settings of the index. Test decided "
        "none of these: all systems were scored on it in one pass, at the end.",
        *([_pictures(found)["learning"]] if found.tuned else []),
        "For a paper: `comparison.to_paper(folder)` of the package `toolkit.evaluate` writes qrels and rankings in "
        "TREC form, a table in LaTeX, and a paragraph on methods.",
        "To repeat:",
        Code(written["command"]),
        Details("Settings, digests, versions, machine: run.json, beside this page", {**written, "machine": machine()}),
    ]


def _licences(found: Findings) -> list[Block]:
    licence = vectors.declared(found.base).license or "not declared in its card"
    data = (
        "The docstrings belong to their projects, under the licence of each."
        if found.demo
        else "The texts are yours: whether the tuned model may be passed on is decided by their licence too."
    )
    return [f"Base model: {licence}. Toolkit: Apache-2.0. {data}"]
