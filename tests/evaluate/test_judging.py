"""Judging is blind, resumes, takes further searches, and loses no answer."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import numpy as np
import pytest
from handmade_judging import CORPUS, QUERIES, RIGHT, begin, finish, finish_by_text, ranking, searchers, systems
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from toolkit import vectors
from toolkit.evaluate.judging import judge, results, resume
from toolkit.evaluate.judging.pool import append_answer, read_answers, read_pool

ROOT = Path(__file__).resolve().parents[2]


def test_pool_is_the_union_of_the_first_documents(tmp_path) -> None:
    """Each search has exactly the documents that some system puts among its first five, each once."""
    pairs = begin(tmp_path).pairs
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
    assert turned.pairs == session.pairs
    order = [doc for query, doc in session.pairs if query == "s0"]
    assert order not in (sorted(order), [*ranking(1, 1.0)["s0"]][: len(order)])
    places = []  # of documents that are right: found first by the best system, and yet anywhere in the order
    for query in QUERIES:
        docs = [doc for name, doc in session.pairs if name == query]
        places += [docs.index(doc) / (len(docs) - 1) for doc in RIGHT[query] if doc in docs]
    assert 0.3 < np.mean(places) < 0.7
    others = [begin(tmp_path, judge="ann"), judge(systems(), QUERIES, CORPUS, folder=tmp_path / "b", seed=1)]
    assert all(sorted(one.pairs) == sorted(session.pairs) and one.pairs != session.pairs for one in others)


def test_a_search_that_finds_nothing_counts_as_zero(tmp_path) -> None:
    """It is noted, is not asked, and lowers every system; when no search finds anything, there is nothing to judge."""
    queries = {"s3": QUERIES["s3"], "empty": "zzzz"}
    session = judge({"BM25": vectors.bm25(CORPUS)}, queries, CORPUS, folder=tmp_path)
    assert "'zzzz'" in session.notes[0] and {query for query, _ in session.pairs} == {"s3"}
    finish(session)
    found = results(tmp_path)
    assert found.without == ["empty"] and "1 search without any relevant document" in str(found)
    assert found.table.set_index("metric")["score"]["accuracy@1"] == 0.5
    assert list(found.task.data.queries) == ["s3"]
    with pytest.raises(ValueError, match="no system finds anything for any of the 1 searches"):
        judge({"BM25": vectors.bm25(CORPUS)}, {"s1": "zzzz"}, CORPUS, folder=tmp_path / "none")


def test_goes_on_where_it_stopped(tmp_path) -> None:
    """Another session of the same judge starts at the next document, needs no models, and remembers every answer."""
    session = begin(tmp_path)
    for answer in (True, False, None):
        session.answer(answer)
    waiting = session.next()
    for again in (resume(session.folder), begin(tmp_path)):
        assert again.next() == waiting and again.answers == session.answers and again.notes == []
    assert waiting.place == f"4 of {len(session.pairs)}" and session.progress.startswith("3 of ")


def test_back_changes_an_answer(tmp_path) -> None:
    """The later answer counts, now and later; then the first open document is next, and at the end none."""
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
        assert [one.answers[item.query_id, item.doc_id][0] for item in (first, second)] == [False, True]
    finish(session)
    assert session.done and session.next() is None
    with pytest.raises(ValueError, match="are judged"):
        session.answer(True)
    session.back()
    assert session.next().place == f"{len(session.pairs)} of {len(session.pairs)}"
    session.answer(None)
    assert session.next() is None


@pytest.mark.skipif(os.name == "nt", reason="SIGKILL")
def test_a_kill_loses_at_most_the_answer_in_flight(tmp_path) -> None:
    """A process that is killed while it answers without pause leaves every answer that it had finished."""
    begin(tmp_path)
    code = (
        "import sys; from toolkit.evaluate.judging import resume\n"
        "session = resume(sys.argv[1])\n"
        "while session.next():\n"
        "    session.answer(True)\n"
        "    print(len(session.answers), flush=True)\n"
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
        kept = len(resume(tmp_path / "judging").answers)
        assert reported <= kept <= reported + 1


@pytest.mark.parametrize("cut", [5, 12])
def test_half_a_last_line(tmp_path, cut) -> None:
    """What a crash left of a line is dropped with a note, asked again, and does not spoil the next answer."""
    session = begin(tmp_path)
    for _ in range(3):
        session.answer(True)
    file = session.folder / "judgements-me.csv"
    file.write_bytes(file.read_bytes()[:-cut])
    again = resume(session.folder)
    assert len(again.answers) == 2 and len(again.notes) == 1 and "judgements-me.csv" in again.notes[0]
    again.answer(False)
    last = resume(session.folder)
    assert [value for value, _ in last.answers.values()] == [True, True, False] and last.notes == []


@pytest.mark.parametrize(
    "saved",
    [
        lambda data: data.replace(b"\n", b"\r\n"),
        lambda data: data.rstrip(b"\n"),  # an editor that strips the last line end
        lambda data: b"\xef\xbb\xbf" + data + b"\n",
    ],
)
def test_answers_that_were_saved_by_another_program(tmp_path, saved) -> None:
    """No answer is lost, neither now nor by the next; other line ends are refused, and the file stays as it is."""
    session = begin(tmp_path)
    for number in range(15):
        session.answer((True, False, None)[number % 3])
    file = session.folder / "judgements-me.csv"
    file.write_bytes(saved(file.read_bytes()))
    again = resume(session.folder)
    assert again.answers == session.answers and again.notes == []
    again.answer(True)
    last = resume(session.folder)
    assert len(last.answers) == 16 and last.answers == again.answers and last.notes == []
    data = file.read_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r")
    file.write_bytes(data)
    for use in (lambda: resume(session.folder), lambda: again.answer(True)):
        with pytest.raises(ValueError, match="line ends"):
            use()
    assert file.read_bytes() == data


@pytest.mark.parametrize("header", ["judge,que", "judge,query_id,doc_id,relevant,seconds"])
def test_nothing_but_a_heading(tmp_path, header) -> None:
    """A heading, whole or half, is no answer, and the first answer stands below one heading."""
    session = begin(tmp_path)
    file = session.folder / "judgements-me.csv"
    file.write_text(header)
    assert not resume(session.folder).answers
    resume(session.folder).answer(True)
    assert len(resume(session.folder).answers) == 1
    assert file.read_text().count("relevant") == 1 and len(file.read_text().splitlines()) == 2


@given(data=st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_cut_loses_a_whole_line(tmp_path, data) -> None:
    """Wherever a file is cut, every line before the last stays when another is added."""
    folder = Path(tempfile.mkdtemp(dir=tmp_path))
    file = folder / "judgements-me.csv"
    pairs = [("s1", f'd{n}, "ä"') for n in range(4)]
    for number, pair in enumerate(pairs[:3]):
        append_answer(file, "me", pair, (True, False, None)[number], 1.5)
    whole = file.read_bytes().replace(b"\n", data.draw(st.sampled_from([b"\n", b"\r\n"])))
    cut = whole[: data.draw(st.integers(0, len(whole)))]
    file.write_bytes(cut)
    append_answer(file, "me", pairs[3], True, 2.0)
    found, notes = read_answers(file, {"s1": {doc for _, doc in pairs}})
    assert file.read_bytes().startswith(cut[: cut.rfind(b"\n") + 1])
    kept = max(0, cut.count(b"\n") - 1)
    assert set(pairs[:kept]) <= set(found) and found[pairs[3]] == (True, 2.0) and notes == []
    assert all(found[pair][0] == (True, False, None, True)[pairs.index(pair)] for pair in found)


def test_what_was_pooled_from_something_else_is_refused(tmp_path) -> None:
    """Other documents, systems, depth or seed: the message says which, and answers stay as they are."""
    session = begin(tmp_path)
    session.answer(True)
    before = {file.name: file.read_bytes() for file in session.folder.iterdir()}
    cases = [
        ("other documents", (systems(), QUERIES, {**CORPUS, "d59": "other"}), {}),
        ("other systems: 'weak'", ({**systems(), "weak": ranking(5, 0.0)}, QUERIES, CORPUS), {}),
        ("other systems, tuned, BM25, weak", ({"tuned": ranking(1, 1.0)}, QUERIES, CORPUS), {}),
        ("depth 5 and not 4", (systems(), QUERIES, CORPUS), {"depth": 4}),
        ("seed 0 and not 3", (systems(), QUERIES, CORPUS), {"seed": 3}),
    ]
    for words, data, options in cases:
        with pytest.raises(ValueError, match=words):
            judge(*data, folder=session.folder, **options)
    assert {file.name: file.read_bytes() for file in session.folder.iterdir()} == before
    (session.folder / "pool.json").unlink()
    with pytest.raises(ValueError, match="holds answers but no pool.json"):
        begin(tmp_path)


MORE = {"s1": "word20 thing6", "s2": "word21 thing0", "mine": "word22 thing1"}  # two ids are taken by other searches


def test_searches_are_added(tmp_path) -> None:
    """Those that were there keep documents, order and answers; the new ones are those of a pool made at once."""
    session = judge(searchers(), QUERIES, CORPUS, folder=tmp_path)
    finish(session)
    other = judge(searchers(), QUERIES, CORPUS, folder=tmp_path, judge="ann")
    other.answer(True)
    answers = {f: f.read_bytes() for f in tmp_path.glob("*.csv")}
    more = judge(searchers(), MORE, CORPUS, folder=tmp_path)
    assert more.pairs[: len(session.pairs)] == session.pairs and more.answers == session.answers and not more.done
    assert {file: file.read_bytes() for file in answers} == answers
    assert "10 searches" in more.notes[0] and "3 were added" in more.notes[0]
    whole = {**QUERIES, "s11": MORE["s1"], "s12": MORE["s2"], "mine": MORE["mine"]}
    once = judge(searchers(), whole, CORPUS, folder=tmp_path / "once")
    assert once.pairs == more.pairs and read_pool(once.folder) == read_pool(tmp_path)
    other.answer(False)  # a session that was open meanwhile
    assert len(resume(tmp_path, judge="ann").answers) == 2
    for wanted in (QUERIES, MORE, whole):  # cells of a notebook that are run again
        again = judge(searchers(), wanted, CORPUS, folder=tmp_path)
        assert again.pairs == more.pairs and again.notes == []
    assert len(results(tmp_path).qrels) == len(QUERIES)
    finish_by_text(more)
    assert len(results(tmp_path).qrels) == len(whole)


def test_searches_are_added_to_finished_rankings(tmp_path) -> None:
    """They cover all searches, so that another system of the same name is found out; searches are known by text."""
    few = {query: QUERIES[query] for query in ("s0", "s1", "s2")}
    session = judge(systems(), few, CORPUS, folder=tmp_path)
    before = (tmp_path / "pool.json").read_bytes()
    with pytest.raises(ValueError, match="lacks 3 searches"):
        judge({**systems(), "tuned": {"s7": {"d1": 1.0}}}, {"s7": QUERIES["s7"]}, CORPUS, folder=tmp_path)
    with pytest.raises(ValueError, match="other systems: 'tuned'"):
        judge({**systems(), "tuned": ranking(7, 1.0)}, QUERIES, CORPUS, folder=tmp_path)
    assert (tmp_path / "pool.json").read_bytes() == before
    turned = {f"x{query}": text for query, text in reversed(QUERIES.items())}
    named = {
        name: one if name == "BM25" else {f"x{query}": row for query, row in one.items()}
        for name, one in systems().items()
    }
    more = judge(named, turned, CORPUS, folder=tmp_path)
    pool, once = (read_pool(folder) for folder in (tmp_path, begin(tmp_path / "once").folder))
    assert set(pool["queries"]) == {*few, *(f"xs{n}" for n in range(3, 10))}
    assert {query.removeprefix("x"): row for query, row in pool["systems"]["tuned"].items()} == once["systems"]["tuned"]
    assert more.pairs[: len(session.pairs)] == session.pairs


def test_a_near_tie_that_turns_changes_no_pool(tmp_path) -> None:
    """A system that finds one document of a hundred anew is the same, and what was judged of it stays."""
    few = dict(list(QUERIES.items())[:8])
    docs = list(CORPUS)
    found = {query: {doc: -float(n) for n, doc in enumerate(docs[:12])} for query in QUERIES}
    judge({"a": found}, few, CORPUS, folder=tmp_path)
    pool = read_pool(tmp_path)
    found["s0"] = {**found["s0"], docs[0]: -11.5}  # out of the first ten
    judge({"a": found}, QUERIES, CORPUS, folder=tmp_path)
    later = read_pool(tmp_path)
    assert len(later["queries"]) == 10
    assert all(later["systems"]["a"][query] == row for query, row in pool["systems"]["a"].items())


def test_a_pool_is_extended_whole_or_not_at_all(tmp_path, monkeypatch) -> None:
    """A disk that is full leaves the pool as it was; judges who add at once lose nobody's searches."""
    judge(searchers(), QUERIES, CORPUS, folder=tmp_path)
    before = (tmp_path / "pool.json").read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
        with pytest.raises(OSError, match="No space left"):
            judge(searchers(), MORE, CORPUS, folder=tmp_path)
    assert (tmp_path / "pool.json").read_bytes() == before and not list(tmp_path.glob("*.tmp"))
    texts = [f"word{30 + n} thing{n}" for n in range(4)]
    start = threading.Barrier(len(texts))

    def add(text: str) -> None:
        start.wait(timeout=60)
        judge(searchers(), {"s1": text}, CORPUS, folder=tmp_path)

    threads = [threading.Thread(target=add, args=(text,)) for text in texts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    queries = read_pool(tmp_path)["queries"]
    assert set(texts) <= set(queries.values()) and len(queries) == len(QUERIES) + len(texts)


def test_time_left(tmp_path) -> None:
    """Four seconds an answer before three answers; then the judge's own median, also when resumed."""
    session = begin(tmp_path)
    n = len(session.pairs)
    assert f"about {4 * n / 60:.0f} minutes left if each takes 4 seconds" in session.progress
    for number, seconds in enumerate((9.0, 10.0, 500.0)):
        append_answer(session.folder / "judgements-me.csv", "me", session.pairs[number], True, seconds)
    assert f"3 of {n} documents, about {10 * (n - 3) / 60:.0f} minutes" in resume(session.folder).progress


def test_damaged_files(tmp_path) -> None:
    """A changed pool, answers to documents that were not pooled, and lines that are not answers are named."""
    session = begin(tmp_path)
    session.answer(True)
    file = session.folder / "judgements-me.csv"
    good = file.read_text()
    for line, message in {
        "me,s0,d999,1,2.0\n": "line 3 .*document 'd999' for search 's0'",
        "me,s0\n": "line 3 ",
        "me,s0,d0,perhaps,1\n": "line 3 ",
        "ann,s0,d0,1,1\n": "line 3 .*'ann'",
    }.items():
        file.write_text(good + line)
        for read in (resume, results):
            with pytest.raises(ValueError, match=message):
                read(session.folder)
    file.write_text(good)
    pool = session.folder / "pool.json"
    text = pool.read_text()
    for damaged in (text.replace("word1 thing1", "word2 thing1"), text[:100]):
        pool.write_text(damaged)
        with pytest.raises(ValueError, match=r"pool\.json"):
            resume(session.folder)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"systems": {"a": {**ranking(1, 1), "s0": {"d999": 1.0}}}}, "'s0'.*'d999'.*corpus"),
        ({"systems": {"a": {**ranking(1, 1), "s0": {"d1": float("nan")}}}}, "'s0'.*'d1'.* nan"),
        ({"systems": {"a": vectors.bm25({"d999": "word1"})}}, "document 'd999', which the corpus lacks"),
        ({"systems": {"a": {"s0": {"d1": 1.0}}}}, "lacks 9 searches"),
        ({"systems": [ranking(1, 1)]}, "expected systems as"),
        ({"queries": {}}, "at least one"),
        ({"corpus": {"d": 3}}, "the text of 'd' is int"),
        ({"corpus": {"a\nb": "text"}}, "without control characters"),
        ({"depth": 0}, "depth of at least 1"),
        ({"judge": "../me"}, "a judge's name of letters"),
        ({"folder": __file__}, "cannot write to"),
    ],
)
def test_bad_input(tmp_path, change, message) -> None:
    """What cannot be judged is refused with the reason."""
    given = {"systems": systems(), "queries": QUERIES, "corpus": CORPUS, "folder": tmp_path / "x"} | change
    with pytest.raises((ValueError, OSError), match=message):
        judge(**given)
