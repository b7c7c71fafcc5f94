"""Judging is blind, loses nothing, and its figures are those that brute force and scikit-learn find."""

from __future__ import annotations

import io
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import zlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from toolkit import report, runs, storage, vectors
from toolkit.evaluate import __main__, per_query
from toolkit.evaluate.judging import agreement, fromrun, pooling
from toolkit.evaluate.judging.agreement import results, write_qrels
from toolkit.evaluate.judging.pools import append_answer, read_answers
from toolkit.evaluate.judging.sessions import Session, judge, plain, resume

ROOT = Path(__file__).resolve().parents[2]
CORPUS = {f"d{i}": f"word{i} common thing{i % 7}" for i in range(60)}
QUERIES = {f"s{i}": f"word{i} thing{i % 5}" for i in range(10)}
RIGHT = {query: {f"d{query[1:]}", f"d{int(query[1:]) + 7}"} for query in QUERIES}


def ranking(seed: int, bonus: float) -> dict[str, dict[str, float]]:
    """Twelve documents a search, right ones `bonus` higher."""
    rng = random.Random(seed)
    return {
        query: {doc: rng.random() + bonus * (doc in RIGHT[query]) for doc in {*rng.sample(list(CORPUS), 10), *right}}
        for query, right in ((query, sorted(RIGHT[query])) for query in QUERIES)
    }


def systems() -> dict:
    return {"tuned": ranking(1, 1.0), "BM25": vectors.bm25(CORPUS), "weak": ranking(2, 0.0)}


def begin(folder: Path, **options) -> Session:
    return judge(systems(), QUERIES, CORPUS, folder=folder / "judging", **options)


def finish(session: Session, wrong: float = 0.0) -> None:
    rng = random.Random(session.judge)
    while (item := session.next()) is not None:
        session.answer((item.doc_id in RIGHT[item.query_id]) != (rng.random() < wrong))


def seen(session: Session) -> list[tuple[str, str]]:
    return list(session._pairs)


# Pooling


def test_pool_is_the_union_of_the_first_documents(tmp_path) -> None:
    """Each search has exactly the documents that some system puts among its first five, each once."""
    pairs = seen(begin(tmp_path))
    assert len(pairs) == len(set(pairs))
    found = [vectors.bm25(CORPUS).search(QUERIES, 5), ranking(1, 1.0), ranking(2, 0.0)]
    for query in QUERIES:
        firsts = {doc for one in found for doc in sorted(one[query], key=one[query].get, reverse=True)[:5]}
        assert {doc for name, doc in pairs if name == query} == firsts
    assert list(dict.fromkeys(query for query, _ in pairs)) == list(QUERIES)  # one search after the other


def test_judging_is_blind(tmp_path) -> None:
    """An item names no system, and the order depends on none: neither on which is first nor on who found it."""
    session = begin(tmp_path)
    shown = [str(session), repr(session.next()), *vars(session.next())]
    assert not any(name in text for text in shown for name in systems())
    turned = judge(dict(reversed(systems().items())), QUERIES, CORPUS, folder=tmp_path / "other")
    assert seen(turned) == seen(session)
    order = [doc for query, doc in seen(session) if query == "s0"]
    assert order not in (sorted(order), [*ranking(1, 1.0)["s0"]][: len(order)])
    places = []  # of documents that are right: found first by the best system, and yet anywhere in the order
    for query in QUERIES:
        docs = [doc for name, doc in seen(session) if name == query]
        places += [docs.index(doc) / (len(docs) - 1) for doc in RIGHT[query] if doc in docs]
    assert 0.3 < np.mean(places) < 0.7
    others = [
        seen(begin(tmp_path, judge="ann")),
        seen(judge(systems(), QUERIES, CORPUS, folder=tmp_path / "b", seed=1)),
    ]
    assert all(sorted(other) == sorted(seen(session)) and other != seen(session) for other in others)


def test_a_search_that_finds_nothing_counts_as_zero(tmp_path) -> None:
    """It is said, is not asked, and lowers every system; when no search finds anything, there is nothing to judge."""
    queries = {"s3": QUERIES["s3"], "empty": "zzzz"}
    session = judge({"BM25": vectors.bm25(CORPUS)}, queries, CORPUS, folder=tmp_path)
    assert "'zzzz'" in session.notes[0] and {query for query, _ in seen(session)} == {"s3"}
    finish(session)
    found = results(tmp_path)
    assert found.without == ["empty"] and "1 search without any relevant document" in str(found)
    assert found.table.set_index("metric")["score"]["accuracy@1"] == 0.5
    assert list(found.task.data.queries) == ["s3"]
    with pytest.raises(ValueError, match="no system finds anything for any of the 1 searches"):
        judge({"BM25": vectors.bm25(CORPUS)}, {"s1": "zzzz"}, CORPUS, folder=tmp_path / "none")


# Saving and going on


def test_goes_on_where_it_stopped(tmp_path) -> None:
    """Another session of the same judge starts at the next document, needs no models, and remembers every answer."""
    session = begin(tmp_path)
    for answer in (True, False, None):
        session.answer(answer)
    waiting = session.next()
    for again in (resume(session.folder), begin(tmp_path)):
        assert again.next() == waiting and again._answers == session._answers
    assert waiting.place == f"4 of {len(seen(session))}" and session.progress.startswith("3 of ")


def test_back_changes_an_answer(tmp_path) -> None:
    """The later answer counts, in this session and the next; after it the first open document waits."""
    session = begin(tmp_path)
    first = session.next()
    session.back()
    assert session.next() == first  # there is nothing before the first
    session.answer(True)
    second = session.next()
    session.answer(True)
    session.back()
    session.back()
    assert session.next() == first
    session.answer(False)
    assert session.next().place.startswith("3 of")
    for one in (session, resume(session.folder)):
        assert [one._answers[item.query_id, item.doc_id][0] for item in (first, second)] == [False, True]


def test_done(tmp_path) -> None:
    """When all is judged an answer is refused, and one can still go back."""
    session = begin(tmp_path)
    finish(session)
    assert session.done and session.next() is None and "all is judged" in str(session)
    with pytest.raises(ValueError, match="are judged: nothing waits for an answer"):
        session.answer(True)
    session.back()
    assert session.next().place == f"{len(seen(session))} of {len(seen(session))}"
    session.answer(None)
    assert session.next() is None


@pytest.mark.skipif(os.name == "nt", reason="SIGKILL")
def test_a_kill_loses_at_most_the_answer_in_flight(tmp_path) -> None:
    """A process that is killed while it answers without pause leaves every answer that it had finished."""
    begin(tmp_path)
    code = (
        "import sys; from toolkit.evaluate.judging.sessions import resume\n"
        "session = resume(sys.argv[1])\n"
        "while session.next():\n"
        "    session.answer(True)\n"
        "    print(len(session._answers), flush=True)\n"
    )
    for stop in (5, 12):
        child = subprocess.Popen(
            [sys.executable, "-c", code, str(tmp_path / "judging")], stdout=subprocess.PIPE, text=True, cwd=ROOT
        )
        reported = 0
        for line in child.stdout:  # to its end: the child may answer on before the signal reaches it
            reported = int(line)
            if reported >= stop:
                child.send_signal(signal.SIGKILL)
        child.wait()
        child.stdout.close()
        kept = len(resume(tmp_path / "judging")._answers)
        assert reported <= kept <= reported + 1


@pytest.mark.parametrize("cut", [5, 12])
def test_half_a_last_line(tmp_path, cut) -> None:
    """What a crash left of a line is dropped, said, asked again, and does not spoil the next answer."""
    session = begin(tmp_path)
    for _ in range(3):
        session.answer(True)
    file = session.folder / "judgements-me.csv"
    file.write_bytes(file.read_bytes()[:-cut])
    again = resume(session.folder)
    assert len(again._answers) == 2 and "half a line" in again.notes[0]
    again.answer(False)
    last = resume(session.folder)
    assert [value for value, _ in last._answers.values()] == [True, True, False] and last.notes == []


@pytest.mark.parametrize(
    "saved",
    [
        lambda data: data.replace(b"\n", b"\r"),  # "CSV (Macintosh)" of spreadsheets
        lambda data: data.replace(b"\n", b"\r\n"),
        lambda data: data.rstrip(b"\n"),  # an editor that strips the last end of a line
        lambda data: data.replace(b"\n", b"\r").rstrip(b"\r"),
        lambda data: b"\xef\xbb\xbf" + data + b"\n",
    ],
)
def test_answers_that_were_saved_by_another_program(tmp_path, saved) -> None:
    """Whatever ends the lines, no answer is lost by the next, nor said to be."""
    session = begin(tmp_path)
    for number in range(15):
        session.answer((True, False, None)[number % 3])
    file = session.folder / "judgements-me.csv"
    file.write_bytes(saved(file.read_bytes()))
    again = resume(session.folder)
    assert again._answers == session._answers and again.notes == []
    again.answer(True)
    last = resume(session.folder)
    assert len(last._answers) == 16 and last._answers == again._answers and last.notes == []


@pytest.mark.parametrize("header", ["judge,que", "judge,query_id,doc_id,relevant,seconds"])
def test_nothing_but_a_heading(tmp_path, header) -> None:
    """A heading, whole or half, is no answer, and the first answer stands below one heading."""
    session = begin(tmp_path)
    file = session.folder / "judgements-me.csv"
    file.write_text(header)
    assert not resume(session.folder)._answers
    resume(session.folder).answer(True)
    assert len(resume(session.folder)._answers) == 1
    assert file.read_text().count("relevant") == 1 and len(file.read_text().splitlines()) == 2


@given(data=st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_cut_loses_a_whole_line(tmp_path, data) -> None:
    """Wherever a file is cut and however its lines end, every line before the last stays when another is added."""
    folder = Path(tempfile.mkdtemp(dir=tmp_path))
    file = folder / "judgements-me.csv"
    pairs = [("s1", f'd{n}, "ä"') for n in range(4)]
    for number, pair in enumerate(pairs[:3]):
        append_answer(file, "me", pair, (True, False, None)[number], 1.5)
    end = data.draw(st.sampled_from([b"\n", b"\r", b"\r\n"]))
    whole = file.read_bytes().replace(b"\n", end)
    cut = whole[: data.draw(st.integers(0, len(whole)))]
    file.write_bytes(cut)
    append_answer(file, "me", pairs[3], True, 2.0)
    found, notes = read_answers(file, {"s1": {doc for _, doc in pairs}})
    assert file.read_bytes().startswith(cut[: max(cut.rfind(b"\n"), cut.rfind(b"\r")) + 1])
    kept = max(0, len(cut.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")) - 2)
    assert set(pairs[:kept]) <= set(found) and found[pairs[3]] == (True, 2.0) and notes == []
    assert all(found[pair][0] == (True, False, None, True)[pairs.index(pair)] for pair in found)


def test_what_was_pooled_from_something_else_is_refused(tmp_path) -> None:
    """Other documents, systems, depth or seed: the message says which, and answers stay as they are."""
    session = begin(tmp_path)
    session.answer(True)
    before = {file.name: file.read_bytes() for file in session.folder.iterdir()}
    cases = [
        ("from other documents", (systems(), QUERIES, {**CORPUS, "d59": "other"}), {}),
        ("from other systems: 'weak'", ({**systems(), "weak": ranking(5, 0.0)}, QUERIES, CORPUS), {}),
        ("from other systems, tuned, BM25, weak", ({"tuned": ranking(1, 1.0)}, QUERIES, CORPUS), {}),
        ("with another depth, 5 and not 4", (systems(), QUERIES, CORPUS), {"depth": 4}),
        ("with another seed, 0 and not 3", (systems(), QUERIES, CORPUS), {"seed": 3}),
    ]
    for words, data, options in cases:
        with pytest.raises(ValueError, match=f"was pooled {words}.*resume"):
            judge(*data, folder=session.folder, **options)
    assert {file.name: file.read_bytes() for file in session.folder.iterdir()} == before
    (session.folder / "pool.json").unlink()
    with pytest.raises(ValueError, match="holds answers but no pool.json"):
        begin(tmp_path)


# Further searches


MORE = {"s1": "word20 thing6", "s2": "word21 thing0", "mine": "word22 thing1"}  # two ids are taken by other searches


def searchers() -> dict:
    """Systems that can rank any search."""

    class Letters:
        def search(self, queries, k):
            return {q: {d: -float(zlib.crc32((text + d).encode())) for d in CORPUS} for q, text in queries.items()}

    return {"letters": Letters(), "BM25": vectors.bm25(CORPUS)}


def test_searches_are_added(tmp_path) -> None:
    """Those that were there keep documents, order and answers; the new ones are those of a pool made at once."""
    session = judge(searchers(), QUERIES, CORPUS, folder=tmp_path)
    finish(session)
    other = judge(searchers(), QUERIES, CORPUS, folder=tmp_path, judge="ann")
    other.answer(True)
    before, answers = seen(session), {f: f.read_bytes() for f in tmp_path.glob("*.csv")}
    more = judge(searchers(), MORE, CORPUS, folder=tmp_path)
    assert seen(more)[: len(before)] == before and more._answers == session._answers and not more.done
    assert {file: file.read_bytes() for file in answers} == answers
    assert more.notes == ["10 searches are there, 3 new ones are added; ids in the pool: s1 is s11, s2 is s12"]
    whole = {**QUERIES, "s11": MORE["s1"], "s12": MORE["s2"], "mine": MORE["mine"]}
    once = judge(searchers(), whole, CORPUS, folder=tmp_path / "once")
    assert seen(once) == seen(more) and once._pool == more._pool
    other.answer(False)  # a session that was open meanwhile
    assert len(resume(tmp_path, judge="ann")._answers) == 2
    for wanted in (QUERIES, MORE, whole):  # cells of a notebook that are run again
        again = judge(searchers(), wanted, CORPUS, folder=tmp_path)
        assert again._pool == more._pool and again.notes == []
    assert len(results(tmp_path).qrels) == len(QUERIES)
    finish_by_text(more)
    assert len(results(tmp_path).qrels) == len(whole)


def finish_by_text(session: Session) -> None:
    while (item := session.next()) is not None:
        session.answer(item.query.split()[0] in item.text.split())


def test_searches_are_added_to_finished_rankings(tmp_path) -> None:
    """They hold the searches that are there too, so that another system of the same name is found out."""
    few = {query: QUERIES[query] for query in ("s0", "s1", "s2")}
    session = judge(systems(), few, CORPUS, folder=tmp_path)
    before = (tmp_path / "pool.json").read_bytes()
    with pytest.raises(ValueError, match="finished ranking, and 3 of the searches .* give all"):
        judge(systems(), {"s7": QUERIES["s7"]}, CORPUS, folder=tmp_path)
    with pytest.raises(ValueError, match="from other systems: 'tuned' found other documents"):
        judge({**systems(), "tuned": ranking(7, 1.0)}, QUERIES, CORPUS, folder=tmp_path)
    assert (tmp_path / "pool.json").read_bytes() == before
    turned = {
        f"x{query}": text for query, text in reversed(QUERIES.items())
    }  # other ids: a search is known by its text
    named = {
        name: one if name == "BM25" else {f"x{query}": row for query, row in one.items()}
        for name, one in systems().items()
    }
    more = judge(named, turned, CORPUS, folder=tmp_path)
    assert set(more._pool["queries"]) == {*few, *(f"xs{n}" for n in range(3, 10))}
    once = begin(tmp_path / "once")
    pool, whole = more._pool["systems"]["tuned"], once._pool["systems"]["tuned"]
    assert {query.removeprefix("x"): row for query, row in pool.items()} == whole
    assert seen(more)[: len(session._pairs)] == seen(session)


def test_a_near_tie_that_turns_changes_no_pool(tmp_path) -> None:
    """A system that finds one document of a hundred anew is the same, and what was judged of it stays."""
    few = dict(list(QUERIES.items())[:8])
    docs = list(CORPUS)
    found = {query: {doc: -float(n) for n, doc in enumerate(docs[:12])} for query in QUERIES}
    pool = judge({"a": found}, few, CORPUS, folder=tmp_path)._pool
    found["s0"] = {**found["s0"], docs[0]: -11.5}  # out of the first ten
    later = judge({"a": found}, QUERIES, CORPUS, folder=tmp_path)._pool
    assert len(later["queries"]) == 10
    assert all(later["systems"]["a"][query] == row for query, row in pool["systems"]["a"].items())


def test_a_pool_is_extended_whole_or_not_at_all(tmp_path, monkeypatch) -> None:
    """A disk that is full leaves the pool as it was; two judges who add at once lose neither's searches."""
    judge(searchers(), QUERIES, CORPUS, folder=tmp_path)
    before = (tmp_path / "pool.json").read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
        with pytest.raises(OSError, match="No space left"):
            judge(searchers(), MORE, CORPUS, folder=tmp_path)
    assert (tmp_path / "pool.json").read_bytes() == before and not list(tmp_path.glob("*.tmp"))
    lists = pooling._first

    def meanwhile(*given):
        monkeypatch.setattr(pooling, "_first", lists)
        judge(searchers(), {"s1": "word30 thing2"}, CORPUS, folder=tmp_path, judge="ann")
        return lists(*given)

    monkeypatch.setattr(pooling, "_first", meanwhile)
    both = judge(searchers(), {"s1": "word31 thing3"}, CORPUS, folder=tmp_path)
    assert {"word30 thing2", "word31 thing3"} <= set(both._pool["queries"].values())
    assert len(both._pool["queries"]) == len(QUERIES) + 2


def test_time_left(tmp_path) -> None:
    """Assumed seconds before three answers, said to be assumed; then the judge's own median, also when resumed."""
    session = begin(tmp_path)
    n = len(seen(session))
    assert f"about {4 * n / 60:.0f} minutes left if each takes 4 seconds (assumed)" in session.progress
    for number, seconds in enumerate((9.0, 10.0, 500.0)):
        append_answer(session._file, "me", seen(session)[number], True, seconds)
    told = resume(session.folder).progress
    assert told == f"3 of {n} documents, about {10 * (n - 3) / 60:.0f} minutes left"


def test_damaged_files(tmp_path) -> None:
    """A changed pool, answers to documents that were not pooled, and lines that are no answers are named."""
    session = begin(tmp_path)
    session.answer(True)
    file = session.folder / "judgements-me.csv"
    good = file.read_text()
    for line, message in {
        "me,s0,d999,1,2.0\n": "line 3 .*document 'd999' for search 's0' is not in pool.json",
        "me,s0\n": "line 3 .* is damaged",
        "me,s0,d0,perhaps,1\n": "line 3 .* is damaged",
        "ann,s0,d0,1,1\n": "an answer of 'ann'",
    }.items():
        file.write_text(good + line)
        for read in (resume, results):
            with pytest.raises(ValueError, match=message):
                read(session.folder)
    file.write_text(good)
    pool = session.folder / "pool.json"
    text = pool.read_text()
    pool.write_text(text.replace("word1 thing1", "word2 thing1"))
    with pytest.raises(ValueError, match="was changed after it was written"):
        resume(session.folder)
    pool.write_text(text[:100])
    with pytest.raises(ValueError, match="pool.json is damaged"):
        resume(session.folder)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"systems": {"a": ranking(1, 1), "A ": ranking(2, 1)}}, "two systems have the same name"),
        ({"systems": {"a": {"s0": {"d999": 1.0}}}}, "document 'd999', which the corpus lacks"),
        ({"systems": {"a": {"s0": {"d1": float("nan")}}}}, "score nan"),
        ({"systems": [ranking(1, 1)]}, "expected systems as"),
        ({"queries": {}}, "got 0 searches"),
        ({"corpus": {"a\nb": "text"}}, "without control characters"),
        ({"judge": "../me"}, "a judge's name of letters"),
        ({"folder": __file__}, "cannot write to"),
    ],
)
def test_bad_input(tmp_path, change, message) -> None:
    """What cannot be judged is refused with the reason."""
    given = {"systems": systems(), "queries": QUERIES, "corpus": CORPUS, "folder": tmp_path / "x"} | change
    with pytest.raises((ValueError, OSError), match=message):
        judge(**given)


# Results


def test_scores_are_those_of_the_known_qrels(tmp_path) -> None:
    """Judged without error, precision and accuracy are those of the truth, and nDCG that of the judged documents."""
    finish(begin(tmp_path))
    found = results(tmp_path / "judging")
    table = found.table.set_index(["model", "metric"])["score"]
    for name, system in systems().items():
        ranked = system if isinstance(system, dict) else system.search(QUERIES, 10)
        firsts = {q: sorted(row, key=lambda doc: (-row[doc], doc)) for q, row in ranked.items()}
        assert table[name, "accuracy@1"] == np.mean([firsts[q][0] in RIGHT[q] for q in QUERIES])
        hits = [len(set(firsts[q][:5]) & RIGHT[q]) / 5 for q in QUERIES]
        assert table[name, "precision@5"] == pytest.approx(np.mean(hits))
        judged = {q: {d for d, grade in row.items() if grade} for q, row in found.qrels.items()}
        cut = {q: {d: ranked[q][d] for d in row[:10]} for q, row in firsts.items()}
        qrels = {q: dict.fromkeys(docs, 1) for q, docs in judged.items()}
        assert table[name, "nDCG@10"] == pytest.approx(per_query(cut, qrels, ["nDCG@10"])["nDCG@10"].mean())
        nobody = [np.mean([d not in found.qrels[q] for d in firsts[q][:10]]) for q in QUERIES]
        assert table[name, "unjudged@10"] == pytest.approx(np.mean(nobody))
        assert 0 < table[name, "unjudged@10"] < 1
    assert found.task.data.queries.keys() | set(found.without) == QUERIES.keys()
    assert results(tmp_path / "judging", corpus=CORPUS).task.data.corpus == CORPUS
    with pytest.raises(ValueError, match="not the one that was searched"):
        results(tmp_path / "judging", corpus={})


def test_two_judges(tmp_path) -> None:
    """Each has a file, their agreement is scikit-learn's, and a document on which they differ is not relevant."""
    first, second = begin(tmp_path, judge="ann"), begin(tmp_path, judge="bob")
    finish(first)
    finish(second, wrong=0.2)
    first.back()
    first.answer(None)  # unsure: out of the agreement, and bob's answer decides
    pairs = [pair for pair in seen(first) if first._answers[pair][0] is not None]
    a, b = ([session._answers[pair][0] for pair in pairs] for session in (first, second))
    found = results(tmp_path / "judging")
    [row] = found.agreement.to_dict("records")
    assert (row["judge"], row["other"], row["n"]) == ("ann", "bob", len(seen(first)) - 1)
    assert row["agreement"] == np.mean(np.equal(a, b)) < 1
    assert row["kappa"] == pytest.approx(cohen_kappa_score(a, b))
    for (query, doc), one, two in zip(pairs, a, b, strict=True):
        assert found.qrels[query][doc] == int(one and two)
    finish(begin(tmp_path, judge="cy"), wrong=0.3)
    three = results(tmp_path / "judging")
    assert len(three.agreement) == 3
    assert f"3 judges; kappa {three.agreement['kappa'].mean():.2f}" in str(three)


def test_only_searches_judged_whole_count(tmp_path) -> None:
    """One that is begun is told and left out; with none at all nothing is said."""
    session = begin(tmp_path)
    assert "None of the 10 searches" in results(session.folder).sentence
    while session.next().query_id != "s3":
        session.answer(session.next().doc_id in RIGHT[session.next().query_id])
    session.answer(True)
    found = results(session.folder)
    assert list(found.qrels) == ["s0", "s1", "s2"] and found.table["n"].eq(3).all()
    assert "1 search judged in part: not counted." in found.notes
    assert found.sentence.startswith("3 searches: right answer first")
    skipped = begin(tmp_path, judge="unsure")
    while skipped.next() is not None:
        skipped.answer(None)
    assert list(results(session.folder).qrels) == ["s0", "s1", "s2", "s3"]  # s3 has one answer, the others none


def test_the_verdict_follows_the_numbers(tmp_path) -> None:
    """Shown where the adjusted p-value says so; else how much these and 30 searches would show."""
    finish(begin(tmp_path))
    found = results(tmp_path / "judging", about="BM25")
    table = found.comparison.set_index("other")
    right = found.table[found.table["metric"] == "accuracy@1"].set_index("model")["score"] * 10
    assert (table["difference"] * 10).to_dict() == pytest.approx((right["BM25"] - right.drop("BM25")).to_dict())
    for other, row in table.iterrows():
        assert (f"than {other}, by" in found.sentence) == (row["p_holm"] < 0.05)
    pair = pd.DataFrame([{"model": "tuned", "other": "BM25", "difference": 0.3, "p_holm": 0.4, "mdd": 0.6}])
    assert agreement.verdict_of({"tuned": 8, "BM25": 5}, pair, 10) == (
        "10 searches: right answer first tuned 8, BM25 5. tuned against BM25 (30 of 100, would take about 40): too few "
        "to be sure: 30 searches would show a difference of 35 of 100, these show one of 60."
    )
    few = agreement.verdict_of({"tuned": 2, "BM25": 1}, pair, 3)
    assert few.endswith("tuned against BM25: too few to be sure, judge 10 or more.")
    with pytest.raises(ValueError, match="no system 'x' was pooled"):
        results(tmp_path / "judging", about="x")


def test_qrels_can_be_read_again(tmp_path) -> None:
    """Both forms hold every judgement, zeros too; TREC's is left out where an id holds a space."""
    import pytrec_eval

    finish(begin(tmp_path))
    qrels = results(tmp_path / "judging").qrels
    beir, trec = write_qrels(tmp_path / "judging")
    table = pd.read_csv(beir, sep="\t", dtype=str)
    assert list(table) == ["query-id", "corpus-id", "score"]
    again: dict = {}
    for query, doc, grade in table.itertuples(index=False):
        again.setdefault(query, {})[doc] = int(grade)
    with trec.open() as file:
        assert pytrec_eval.parse_qrel(file) == again == qrels
    assert {grade for row in qrels.values() for grade in row.values()} == {0, 1}
    spaced = judge({"a": {"s": {"my file": 1.0}}}, {"s": "x"}, {"my file": "y"}, folder=tmp_path / "spaced")
    spaced.answer(True)
    assert [file.name for file in write_qrels(spaced.folder)] == ["qrels.tsv"]


# The command line


def shell(*arguments: str, typed: str = "") -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "toolkit.evaluate", *map(str, arguments)]
    return subprocess.run(command, input=typed, capture_output=True, text=True, cwd=ROOT, encoding="utf-8")


def test_terminal_session(tmp_path) -> None:
    """Letters on lines judge a pool to the end, over two processes, and the results are those of the known qrels."""
    session = begin(tmp_path)
    keys = ["y" if doc in RIGHT[query] else "n" for query, doc in seen(session)]
    first = shell("judge", session.folder, typed="".join(f"{key}\n" for key in keys[:20]))
    assert first.returncode == 0, first.stderr
    assert "Saved: 20 of" in first.stdout and "Go on with: " in first.stdout
    assert not any(name in first.stdout for name in systems())
    assert f"Going on with the 10 searches of {session.folder}." in first.stdout
    rest = "\nn\nb\n" + "".join({"y": "Yes\n", "n": " NO\r\n"}[key] for key in keys[20:])  # and a change of mind
    second = shell("judge", tmp_path / "judging", typed=rest)
    assert f"Saved: {len(keys)} of {len(keys)} documents" in second.stdout, second.stdout[-300:] + second.stderr
    finish(begin(tmp_path / "other"))
    assert results(session.folder).qrels == results(tmp_path / "other" / "judging").qrels
    told = shell("results", session.folder)
    assert results(session.folder).sentence in told.stdout and "unjudged@10" in told.stdout
    assert (session.folder / "qrels.txt").is_file()
    wrong = shell("results", tmp_path)
    assert wrong.returncode == 0  # its subfolder judging
    wrong = shell("results", tmp_path / "nowhere")
    assert wrong.returncode == 1 and wrong.stderr.startswith("error: there is no pool.json")


def test_nothing_steers_the_terminal(tmp_path) -> None:
    """Escape sequences and turned letters in documents and searches are shown as marks."""
    evil = "red \x1b[31m\x1b]0;title\x07 \x9b2J \u202eturned\r\n two\rover"
    session = judge({"a": {"s": {"d": 1.0}}}, {"s": evil}, {"d": evil}, folder=tmp_path)
    done = shell("judge", tmp_path, typed="y\n")
    assert done.returncode == 0 and "red" in done.stdout
    for text in (done.stdout, str(session)):
        assert not set("\x1b\x07\x9b\u202e\r") & set(text)
    assert plain("naïve\n\tन्‍ \ud800") == "naïve\n    न्‍ �"


@pytest.mark.skipif(os.name == "nt", reason="needs a pseudo-terminal")
def test_one_key_an_answer_on_a_terminal(tmp_path) -> None:
    """On a terminal no Enter is needed, and Ctrl-C leaves what was answered and says how to go on."""
    import pty

    session = begin(tmp_path)
    leader, follower = pty.openpty()
    command = [sys.executable, "-m", "toolkit.evaluate", "judge", str(session.folder)]
    child = subprocess.Popen(
        command, stdin=follower, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT,
        start_new_session=True,
    )  # fmt: skip
    text = ""
    for key in (b"y\n", b"\r\nn", None):  # those who press Enter as well answer once
        for line in child.stdout:
            text += line
            if "yes" in line:
                break
        if key is not None:
            os.write(leader, key)
    os.write(leader, b"\x1bOS")  # F4, which ends in a letter that is an answer
    time.sleep(0.5)
    child.send_signal(signal.SIGINT)
    rest, errors = child.communicate(timeout=60)
    os.close(leader)
    os.close(follower)
    assert child.returncode == 130, errors
    assert "Saved: 2 of" in rest and "Go on with: " in rest and "Traceback" not in errors
    assert "Expected" not in text + rest
    assert [value for value, _ in resume(session.folder)._answers.values()] == [True, False]


@pytest.mark.parametrize("line", ["sum of an array", "new york", "yy", "unsure", "1"])
def test_searches_from_a_pipe_are_no_answers(tmp_path, line) -> None:
    """Only whole words are: a search that begins with such a letter stops it, with what to do; nothing is stored."""
    session = begin(tmp_path)
    done = shell("judge", session.folder, "--judge", "ann", typed=f"y\n{line}\ny\n")
    assert done.returncode == 1 and "Saved: 1 of" in done.stdout
    assert done.stderr.startswith(f"error: {line!r} is no answer") and "--queries FILE" in done.stderr
    assert len(resume(session.folder, judge="ann")._answers) == 1


def words_run(folder: Path) -> Path:
    """A run whose documents BM25 alone has searched, so that no model is needed; all is judged."""
    (folder / "bundle").mkdir(parents=True)
    documents = [json.dumps({"id": doc, "text": text}) for doc, text in CORPUS.items()]
    (folder / "bundle" / "documents.jsonl").write_text("\n".join(documents) + "\n")
    finish(judge({"BM25": vectors.bm25(CORPUS)}, QUERIES, CORPUS, folder=folder / "judging", depth=3))
    return folder


def test_searches_are_added_by_the_shell(tmp_path) -> None:
    """A file of further searches is added to what is there; what cannot be is refused in words of the shell."""
    run = words_run(tmp_path / "my run")
    (tmp_path / "more.csv").write_text("query\nword30 thing2\nword3 thing3\nword31\n")
    before = resume(run / "judging")
    added = shell("judge", run, "--queries", tmp_path / "more.csv", typed="y\n")
    assert added.returncode == 0, added.stderr
    assert "Note: 10 searches are there, 2 new ones are added." in added.stdout
    after = resume(run / "judging")
    assert [*after._pool["queries"].values()] == [*QUERIES.values(), "word30 thing2", "word31"]
    assert seen(after)[: len(seen(before))] == seen(before)
    assert len(after._answers) == len(before._answers) + 1 and before._answers.items() <= after._answers.items()
    command = next(line for line in added.stdout.splitlines() if line.startswith("Go on with:")).partition(":")[2]
    again = subprocess.run(command, shell=True, input="n\n", capture_output=True, text=True, cwd=ROOT)
    assert "Going on with the 12 searches" in again.stdout and f"Saved: {len(after._answers) + 1} of" in again.stdout
    command = next(line for line in again.stdout.splitlines() if line.startswith("Results:")).partition(":")[2]
    told = subprocess.run(command, shell=True, capture_output=True, text=True, cwd=ROOT).stdout
    assert "10 searches: right answer first BM25" in told and "Add searches: " in told
    nothing = shell("judge", run, "--queries", tmp_path / "more.csv", typed="")
    assert "No further search is added: 12 are there." in nothing.stdout
    pool = (run / "judging" / "pool.json").read_bytes()
    with (run / "bundle" / "documents.jsonl").open("a") as file:
        file.write(json.dumps({"id": "new", "text": "new"}) + "\n")
    for options, words in {(): "from other documents", ("--depth", "4"): "from other documents"}.items():
        refused = shell("judge", run, "--queries", tmp_path / "more.csv", *options)
        assert refused.returncode == 1 and words in refused.stderr and "--folder NAME" in refused.stderr
        assert "resume(" not in refused.stderr
    assert (run / "judging" / "pool.json").read_bytes() == pool


@pytest.mark.skipif(os.name == "nt", reason="needs a pseudo-terminal")
def test_searches_are_added_at_the_terminal(tmp_path) -> None:
    """When all is judged the terminal asks for further searches, and goes on with them."""
    import pty

    run = words_run(tmp_path / "run")
    n = len(resume(run / "judging")._answers)
    leader, follower = pty.openpty()
    command = [sys.executable, "-m", "toolkit.evaluate", "judge", str(run)]
    child = subprocess.Popen(
        command, stdin=follower, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT
    )
    told = ""
    for wait, keys in (("Type further searches", b"word30 thing2\nword3 thing3\n\n"), ("yes", b"y"), ("yes", b"q")):
        for line in child.stdout:
            told += line
            if wait in line:
                break
        os.write(leader, keys)
    rest, errors = child.communicate(timeout=60)
    os.close(leader)
    os.close(follower)
    assert child.returncode == 0, errors
    assert "10 searches are there, 1 new one is added" in told and f"Saved: {n + 1} of" in rest


def test_answers_without_their_run(tmp_path, monkeypatch, capsys) -> None:
    """Where the documents are gone or others by now, what was judged can be seen, and nothing can be added."""
    run = words_run(tmp_path / "run")

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    answers = tmp_path / "elsewhere"
    shutil.copytree(run / "judging", answers)
    monkeypatch.setattr(sys, "stdin", Terminal())
    with pytest.raises(SystemExit, match="0"):
        __main__.judge(answers)
    assert "Saved: " in capsys.readouterr().out
    __main__.results(answers)
    assert "Add searches" not in capsys.readouterr().out
    (tmp_path / "more.txt").write_text("word30\n")
    with pytest.raises(FileNotFoundError, match=r"no bundle/documents.jsonl: expected the folder of a finished run"):
        __main__.judge(answers, queries=tmp_path / "more.txt")
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    with pytest.raises(SystemExit, match="0"):
        __main__.judge(run, folder=answers, queries=tmp_path / "more.txt")
    told = capsys.readouterr().out
    assert "10 searches are there, 1 new one is added" in told and f"--folder {runs.quoted(str(answers))}" in told
    with pytest.raises(ValueError, match="was pooled with --depth 3: leave that out, or give --folder NAME"):
        __main__.judge(run, depth=4)


def test_the_report_has_no_empty_table(tmp_path) -> None:
    """With one judge there is no agreement to show, with one system nothing to compare; else both are there."""
    run = words_run(tmp_path / "run")
    page = report.write(run / "report.html", "A run", {"First": ["words"]})
    __main__.results(run)
    assert "Real searches, judged" in page.read_text() and page.read_text().count("<table") == 1
    finish(resume(run / "judging", judge="ann"))
    __main__.results(run)
    assert page.read_text().count("<table") == 2 and "<th>kappa</th>" in page.read_text()


@pytest.mark.parametrize(
    ("by", "model", "told", "expected"),
    [
        ("vectors", "tuned", "tuned", "tuned"), ("vectors", "base", "base", "base"),
        ("both", "base", "base+BM25", "base+BM25"), ("both", "tuned", "tuned+BM25", "tuned+BM25"),
        ("keywords", "base", "BM25", "BM25"),
        ("both", "base", "tuned", "base+BM25"),  # what is deployed counts, not what was recommended
        (None, None, "base", "base"), (None, None, None, None), (None, None, "gone", None),
    ],
)  # fmt: skip
def test_the_deployed_system_is_first(tmp_path, by, model, told, expected) -> None:
    """All that the run compared is judged, and what its bundle searches by comes first."""
    for place in ("model", "bundle/model"):
        (tmp_path / place).mkdir(parents=True)
    (tmp_path / "model" / "weights").write_text("tuned")
    (tmp_path / "bundle" / "model" / "weights").write_text(str(model))
    record = {"base": {"name": "x"}, "deployed": told}
    (tmp_path / "run.json").write_text(json.dumps(record))
    if by is not None:
        digest = storage.digest_file(tmp_path / "bundle" / "model" / "weights")
        packed = {"by": by, "sha256": {"documents.jsonl": "0", "model/weights": digest}}
        (tmp_path / "bundle" / "bundle.json").write_text(json.dumps(packed))
    assert fromrun.deployed(tmp_path) == expected
    every = ["tuned", "base", "BM25", "tuned+BM25", "base+BM25"]
    names = fromrun.names(tmp_path)
    assert sorted(names) == sorted(every) and names[0] == (expected or "tuned")
    alone = fromrun.names(tmp_path / "bundle")
    first = {"vectors": "model", "both": "model+BM25", "keywords": "BM25", None: "model"}[by]
    assert alone[0] == first and sorted(alone) == ["BM25", "model", "model+BM25"]


def test_a_run_is_judged(tmp_path, model, monkeypatch, capsys) -> None:
    """A run folder gives all systems that it compared, the deployed one first; searches are typed before answers."""
    run = tmp_path / "run"
    (run / "bundle").mkdir(parents=True)
    model.save_pretrained(str(run / "model"), create_model_card=False)
    documents = [json.dumps({"id": doc, "text": text}) for doc, text in CORPUS.items()]
    (run / "bundle" / "documents.jsonl").write_text("\n".join(documents) + "\n")
    base = {"name": "sentence-transformers/all-MiniLM-L6-v2"}
    (run / "run.json").write_text(json.dumps({"base": base, "language": "english", "deployed": "base+BM25"}))
    monkeypatch.setattr(sys, "stdin", io.StringIO("word3 thing3\nword4\nword4\n\ny\nn\n"))
    with pytest.raises(SystemExit, match="0"):  # in this process, which has the libraries loaded
        __main__.judge(run)
    told = capsys.readouterr().out
    assert "Note: 1 repeated searches were left out" in told and "Saved: 2 of" in told
    pool = json.loads((run / "judging" / "pool.json").read_text())
    assert list(pool["systems"]) == ["base+BM25", "tuned", "base", "BM25", "tuned+BM25"]
    assert pool["queries"] == {"s1": "word3 thing3", "s2": "word4"}
    assert pool["systems"]["tuned"] == pool["systems"]["base"]  # the same model here
    fused = vectors.fuse(*({"q": {d: -i for i, d in enumerate(pool["systems"][n]["s2"])}} for n in ("tuned", "BM25")))
    assert pool["systems"]["tuned+BM25"]["s2"][0] == max(fused["q"], key=fused["q"].get)
    assert pool["systems"]["base+BM25"] == pool["systems"]["tuned+BM25"]
    monkeypatch.setattr(sys, "stdin", io.StringIO("yes\n"))
    (tmp_path / "more.txt").write_text("word9 thing2\n")
    with pytest.raises(SystemExit, match="0"):
        __main__.judge(run, queries=tmp_path / "more.txt")
    told = capsys.readouterr().out
    assert "2 searches are there, 1 new one is added" in told and "Saved: 3 of" in told
    later = json.loads((run / "judging" / "pool.json").read_text())
    for name, found in pool["systems"].items():
        assert {query: later["systems"][name][query] for query in found} == found
    finish_by_text(resume(run / "judging"))
    __main__.results(run)
    told = capsys.readouterr().out
    assert "base+BM25 against " in told and "base+BM25 is what the bundle of this run searches by." in told
    assert "no bundle/documents.jsonl" in shell("judge", tmp_path / "none", typed="a\n\n").stderr
