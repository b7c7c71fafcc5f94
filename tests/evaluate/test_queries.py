"""Searches are taken from lines and files alike, and what is none is refused."""

from __future__ import annotations

import pytest

from toolkit.evaluate.judging.queries import queries_from


def test_queries_from(tmp_path) -> None:
    """Lines and files give the same searches; blanks and repeats go, the repeats with a note."""
    with pytest.warns(UserWarning, match="1 repeated searches"):
        assert queries_from("one\n\n two \none\n") == {"s1": "one", "s2": "two"}
    files = {
        "a.txt": "one\r\ntwo\r\n",
        "b.csv": 'id,Query\n7,one\n8,"two"\n', "c.csv": "one\ntwo\n",
        "d.tsv": "text\tn\none\t1\ntwo\t2\n",
    }  # fmt: skip
    for name, text in files.items():
        (tmp_path / name).write_bytes(b"\xef\xbb\xbf" + text.encode())
        for source in (tmp_path / name, str(tmp_path / name)):
            assert queries_from(source) == {"s1": "one", "s2": "two"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (" \n", "1 to 500 searches, .*got 0"),
        ("\n".join(map(str, range(501))), "got 501"),
        ("short\n" + "x" * 501, "line 2 has 501 characters"),
        ("missing.txt", "there is no file"),
    ],
)
def test_queries_that_are_refused(text, message) -> None:
    """None, too many, too long, and a file that is not there."""
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        queries_from(text)
