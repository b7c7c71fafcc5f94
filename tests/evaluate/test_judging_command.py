"""The command judges a run or a bundle to the end, over several processes, and adds searches."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from handmade_judging import CORPUS, QUERIES, RIGHT, begin, finish, finish_by_text, systems

from toolkit import report, runs, vectors
from toolkit.evaluate import __main__
from toolkit.evaluate.judging import judge, results, resume
from toolkit.evaluate.judging.pool import read_pool, run_systems
from toolkit.evaluate.judging.session import plain

ROOT = Path(__file__).resolve().parents[2]
WORDS = {"kind": "bm25", "name": "BM25", "language": "english"}


def shell(*arguments: str, typed: str = "") -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "toolkit.evaluate", *map(str, arguments)]
    return subprocess.run(command, input=typed, capture_output=True, text=True, cwd=ROOT, encoding="utf-8")


def next_command(told: str, label: str) -> str:
    """The command that the last output names."""
    return next(line for line in told.splitlines() if line.startswith(label)).partition(":")[2]


def make_run(folder: Path, record: dict | None = None, bundle: dict | None = None) -> Path:
    """A finished run as far as judging reads it: documents, and the records of its systems."""
    (folder / "bundle").mkdir(parents=True, exist_ok=True)
    documents = [json.dumps({"id": doc, "text": text}) for doc, text in CORPUS.items()]
    (folder / "bundle" / "documents.jsonl").write_text("\n".join(documents) + "\n")
    (folder / "bundle" / "bundle.json").write_text(json.dumps(bundle or {"system": WORDS}))
    if record is not None:
        (folder / "run.json").write_text(json.dumps(record))
    return folder


def words_run(folder: Path) -> Path:
    """A run of BM25 alone, so that no model is needed; all is judged."""
    run = make_run(folder, {"systems": [WORDS], "deployed": WORDS})
    finish(judge({"BM25": vectors.bm25(CORPUS)}, QUERIES, CORPUS, folder=run / "judging", depth=3))
    return run


def test_terminal_session(tmp_path) -> None:
    """Letters on lines judge a pool to the end, over two processes, and the results are those of the known qrels."""
    session = begin(tmp_path)
    keys = ["y" if doc in RIGHT[query] else "n" for query, doc in session.pairs]
    first = shell("judge", session.folder, typed="".join(f"{key}\n" for key in keys[:20]))
    assert first.returncode == 0, first.stderr
    assert "Saved: 20 of" in first.stdout and next_command(first.stdout, "Continue")
    assert not any(name in first.stdout for name in systems())
    rest = "\nn\nb\n" + "".join({"y": "Yes\n", "n": " NO\r\n"}[key] for key in keys[20:])  # and a change of mind
    second = shell("judge", tmp_path / "judging", typed=rest)
    assert f"Saved: {len(keys)} of {len(keys)} documents" in second.stdout, second.stdout[-300:] + second.stderr
    finish(begin(tmp_path / "other"))
    assert results(session.folder).qrels == results(tmp_path / "other" / "judging").qrels
    told = shell("results", tmp_path)  # whose subfolder is judging
    assert results(session.folder).sentence in told.stdout and "unjudged@10" in told.stdout
    assert (session.folder / "qrels.txt").is_file()
    wrong = shell("results", tmp_path / "nowhere")
    assert wrong.returncode == 1 and "pool.json" in wrong.stderr


def test_nothing_steers_the_terminal(tmp_path) -> None:
    """Escape sequences and turned letters in documents and searches are shown as marks."""
    evil = "red \x1b[31m\x1b]0;title\x07 \x9b2J \u202eturned\r\n two\rover"
    session = judge({"a": {"s": {"d": 1.0}}}, {"s": evil}, {"d": evil}, folder=tmp_path)
    done = shell("judge", tmp_path, typed="y\n")
    assert done.returncode == 0 and "red" in done.stdout
    for text in (done.stdout, str(session)):
        assert not set("\x1b\x07\x9b\u202e\r") & set(text)
    assert plain("naïve\n\tन्‍ \ud800") == "naïve\n    न्‍ �"


@pytest.mark.parametrize("line", ["sum of an array", "yy", "unsure", "1"])
def test_searches_from_a_pipe_are_no_answers(tmp_path, line, monkeypatch) -> None:
    """Only whole words are: a search that begins with such a letter stops it, with the way out; nothing is stored."""
    session = begin(tmp_path)
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"y\n{line}\ny\n"))
    with pytest.raises(ValueError, match=f"'{line}' is not an answer.*--queries"):
        __main__.judge(session.folder, judge="ann")
    assert len(resume(session.folder, judge="ann").answers) == 1


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
    assert "Saved: 2 of" in rest and "Continue: " in rest and "Traceback" not in errors
    assert "Expected" not in text + rest
    assert [value for value, _ in resume(session.folder).answers.values()] == [True, False]


def test_searches_are_added_by_the_shell(tmp_path) -> None:
    """A file of further searches is added to what is there; other documents are refused with the way out."""
    run = words_run(tmp_path / "my run")
    (tmp_path / "more.csv").write_text("query\nword30 thing2\nword3 thing3\nword31\n")
    before = resume(run / "judging")
    added = shell("judge", run, "--queries", tmp_path / "more.csv", typed="y\n")
    assert added.returncode == 0, added.stderr
    assert "2 were added" in added.stdout
    after = resume(run / "judging")
    assert [*read_pool(run / "judging")["queries"].values()] == [*QUERIES.values(), "word30 thing2", "word31"]
    assert after.pairs[: len(before.pairs)] == before.pairs
    assert len(after.answers) == len(before.answers) + 1 and before.answers.items() <= after.answers.items()
    command = next_command(added.stdout, "Continue")
    again = subprocess.run(command, shell=True, input="n\n", capture_output=True, text=True, cwd=ROOT)
    assert "12 searches" in again.stdout and f"Saved: {len(after.answers) + 1} of" in again.stdout
    told = subprocess.run(next_command(again.stdout, "Results"), shell=True, capture_output=True, text=True, cwd=ROOT)
    assert "10 searches: right answer first: BM25" in told.stdout and next_command(told.stdout, "Add searches")
    nothing = shell("judge", run, "--queries", tmp_path / "more.csv", typed="")
    assert "No new searches" in nothing.stdout
    pool = (run / "judging" / "pool.json").read_bytes()
    with (run / "bundle" / "documents.jsonl").open("a") as file:
        file.write(json.dumps({"id": "new", "text": "new"}) + "\n")
    (tmp_path / "more.csv").write_text("query\nword33\n")
    refused = shell("judge", run, "--queries", tmp_path / "more.csv")
    assert refused.returncode == 1 and "from other documents" in refused.stderr and "--folder NAME" in refused.stderr
    assert (run / "judging" / "pool.json").read_bytes() == pool


@pytest.mark.skipif(os.name == "nt", reason="needs a pseudo-terminal")
def test_searches_are_added_at_the_terminal(tmp_path) -> None:
    """When all is judged the terminal asks for further searches, and goes on with them."""
    import pty

    run = words_run(tmp_path / "run")
    n = len(resume(run / "judging").answers)
    leader, follower = pty.openpty()
    command = [sys.executable, "-m", "toolkit.evaluate", "judge", str(run)]
    child = subprocess.Popen(
        command, stdin=follower, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT
    )
    told = ""
    for wait, keys in (("To add searches", b"word30 thing2\nword3 thing3\n\n"), ("yes", b"y"), ("yes", b"q")):
        for line in child.stdout:
            told += line
            if wait in line:
                break
        os.write(leader, keys)
    rest, errors = child.communicate(timeout=60)
    os.close(leader)
    os.close(follower)
    assert child.returncode == 0, errors
    assert "1 were added" in told and f"Saved: {n + 1} of" in rest


def test_answers_without_their_run(tmp_path, monkeypatch, capsys) -> None:
    """Where the documents are elsewhere, what was judged can be seen, and searches are added by naming the run."""
    run = words_run(tmp_path / "run")

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    answers = (run / "judging").rename(tmp_path / "elsewhere")
    monkeypatch.setattr(sys, "stdin", Terminal())
    with pytest.raises(SystemExit, match="0"):
        __main__.judge(answers)
    assert "Saved: " in capsys.readouterr().out
    __main__.results(answers)
    assert "Add searches" not in capsys.readouterr().out
    (tmp_path / "more.txt").write_text("word30\n")
    with pytest.raises(FileNotFoundError, match=r"documents.jsonl"):
        __main__.judge(answers, queries=tmp_path / "more.txt")
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    with pytest.raises(SystemExit, match="0"):
        __main__.judge(run, folder=answers, queries=tmp_path / "more.txt")
    told = capsys.readouterr().out
    assert "1 were added" in told and f"--folder {runs.quoted(str(answers))}" in told
    with pytest.raises(ValueError, match="--depth 3"):
        __main__.judge(run, folder=answers, depth=4)


def test_the_report_has_no_empty_table(tmp_path) -> None:
    """With one judge there is no agreement to show, with one system nothing to compare; else both are there."""
    run = words_run(tmp_path / "run")
    page = report.write(run / "report.html", "A run", [report.Section("First", ["words"])])
    __main__.results(run)
    assert page.read_text().count("<table") == 1
    finish(resume(run / "judging", judge="ann"))
    __main__.results(run)
    assert page.read_text().count("<table") == 2 and "<th>kappa</th>" in page.read_text()


def dense(name: str, **record: str) -> dict:
    return {"kind": "dense", "name": name, "model": {"name": vectors.DEFAULT, **record}, "dtype": "auto"}


def fused(name: str, part: dict) -> dict:
    return {"kind": "fusion", "name": name, "parts": [part, WORDS], "k": 60, "depth": 100}


def test_a_run_is_judged(tmp_path, model, monkeypatch, capsys) -> None:
    """All systems of a run that can search anew, the deployed one first; searches are typed before answers."""
    model.save_pretrained(str(tmp_path / "run" / "model"), create_model_card=False)
    base, tuned = dense("base"), dense("tuned", folder="model")
    both = fused("base+BM25", base)
    current = {"kind": "ranking", "name": "current", "source": "results.csv", "sha256": "0"}
    run = make_run(
        tmp_path / "run",
        {"systems": [WORDS, current, base, tuned, both, fused("tuned+BM25", tuned)], "deployed": both},
    )
    monkeypatch.setattr(sys, "stdin", io.StringIO("word3 thing3\nword4\nword4\n\ny\nn\n"))
    with pytest.raises(SystemExit, match="0"):  # in this process, which has the libraries loaded
        __main__.judge(run)
    told = capsys.readouterr().out
    assert "1 repeated searches" in told and "Note: current" in told and "Saved: 2 of" in told
    pool = read_pool(run / "judging")
    assert list(pool["systems"]) == ["base+BM25", "BM25", "base", "tuned", "tuned+BM25"]
    assert pool["queries"] == {"s1": "word3 thing3", "s2": "word4"}
    assert pool["systems"]["tuned"] == pool["systems"]["base"]  # the same model here
    system = vectors.fuse(vectors.dense(model, CORPUS), vectors.bm25(CORPUS))
    expected = {query: list(row) for query, row in system.search(pool["queries"], 10).items()}
    assert pool["systems"]["base+BM25"] == pool["systems"]["tuned+BM25"] == expected
    monkeypatch.setattr(sys, "stdin", io.StringIO("yes\n"))
    (tmp_path / "more.txt").write_text("word9 thing2\n")
    with pytest.raises(SystemExit, match="0"):
        __main__.judge(run, queries=tmp_path / "more.txt")
    told = capsys.readouterr().out
    assert "1 were added" in told and "Saved: 3 of" in told
    later = read_pool(run / "judging")
    for name, found in pool["systems"].items():
        assert {query: later["systems"][name][query] for query in found} == found
    finish_by_text(resume(run / "judging"))
    __main__.results(run)
    told = capsys.readouterr().out
    assert "base+BM25 against " in told and "base+BM25 is the system that this run deployed" in told


def test_the_systems_of_a_run_and_of_a_bundle(tmp_path, model) -> None:
    """The deployed one is first; of a bundle alone its system, its parts, and keyword search beside a lone model."""
    base = dense("base")
    run = make_run(tmp_path / "run", {"systems": [WORDS, base], "deployed": base})
    assert list(run_systems(run, CORPUS)) == ["base", "BM25"]
    assert list(run_systems(run / "bundle", CORPUS)) == ["BM25"]
    model.save_pretrained(str(tmp_path / "alone" / "bundle" / "model"), create_model_card=False)
    packed = dense("tuned", folder="model")
    alone = make_run(tmp_path / "alone", bundle={"system": packed})
    assert list(run_systems(alone / "bundle", CORPUS)) == ["tuned", "BM25", "tuned+BM25"]
    make_run(tmp_path / "alone", bundle={"system": fused("mine", packed)})
    found = run_systems(alone, CORPUS)
    assert list(found) == ["mine", "tuned", "BM25"]
    assert found["mine"].parts == (found["tuned"], found["BM25"])  # each model is loaded once
    (alone / "run.json").write_text(json.dumps({"deployed": "tuned"}))  # of an older version
    with pytest.raises(ValueError, match="names a system"):
        run_systems(make_run(alone, bundle={"by": "vectors"}), CORPUS)
