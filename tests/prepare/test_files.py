"""Files and folders as a whole: what is not there, not allowed, or written meanwhile, and the digest."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from handmade import save

from toolkit.prepare.files.reading import read

TEXT = "id,text\n1,first text here\n2,second text here\n"


def test_folder(tmp_path: Path) -> None:
    """One row a text file, named by its path; the digest follows names and texts."""
    (tmp_path / "sub").mkdir()
    save(tmp_path / "b.txt", "zwei")
    save(tmp_path / "sub" / "a.md", "Größe".encode("cp1252"))
    save(tmp_path / "c.pdf", "%PDF")
    save(tmp_path / "d.txt", "\n")
    table = read(tmp_path)
    assert table.data.to_numpy().tolist() == [["b.txt", "zwei"], ["sub/a.md", "Größe"]] and table.format == "folder"
    assert any("cp1252" in note for note in table.notes)
    others, empty = table.notes[-2:]
    assert "1 other file" in others and ".pdf 1" in others and "1 empty file" in empty
    (tmp_path / "b.txt").rename(tmp_path / "e.txt")
    assert read(tmp_path).digest != table.digest


def test_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Near names are offered; folders without texts, missing folders and closed files are told apart."""
    save(tmp_path / "Tickets.csv", TEXT)
    with pytest.raises(FileNotFoundError, match="did you mean Tickets.csv"):
        read(tmp_path / "ticket.csv")
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        read(tmp_path / "nowhere" / "ticket.csv")
    with pytest.raises(ValueError, match=r"no .txt or .md files \(it holds Tickets.csv\): name a single file"):
        read(tmp_path)
    with pytest.raises(ValueError, match="sample of at least 1, got 0"):
        read(tmp_path / "Tickets.csv", sample=0)

    def closed(*args: object, **options: object) -> None:
        raise PermissionError(13, "Permission denied", "Tickets.csv")

    monkeypatch.setattr(Path, "open", closed)
    with pytest.raises(PermissionError, match="Tickets.csv"):
        read(tmp_path / "Tickets.csv")


def test_changed_while_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that another program still writes is not taken half."""
    path = save(tmp_path / "a.csv", TEXT)

    def digest(of: Path) -> str:
        os.utime(of, ns=(1, 1))
        return ""

    monkeypatch.setattr("toolkit.prepare.files.reading.digest_file", digest)
    with pytest.raises(ValueError, match="a.csv changed while it was read"):
        read(path)


def test_all_rows_equal_and_few(tmp_path: Path) -> None:
    """Three equal rows are three rows, and the digest is that of the bytes."""
    path = save(tmp_path / "same.csv", "question,answer\n" + "why,because\n" * 3)
    table = read(path)
    assert len(table.data) == 3
    assert table.digest == __import__("hashlib").sha256(path.read_bytes()).hexdigest()


def test_options_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    """A sheet of a csv file, a separator of JSON, an encoding of a parquet file: each is named with the file."""
    csv = save(tmp_path / "a.csv", TEXT)
    json = save(tmp_path / "a.json", '[{"a": 1}]')
    parquet = tmp_path / "a.parquet"
    read(csv).data.to_parquet(parquet)
    for path, options in (
        (csv, {"sheet": "one"}),
        (json, {"separator": ";"}),
        (parquet, {"encoding": "utf-8"}),
        (parquet, {"sheet": "one"}),
        (tmp_path, {"sheet": "one"}),
        (tmp_path, {"separator": ","}),
    ):
        [option] = options
        with pytest.raises(ValueError, match=rf"{option}=.*{path.name} is read as"):
            read(path, **options)
    for separator in ("", ";;", '"'):
        with pytest.raises(ValueError, match="separator of one character"):
            read(csv, separator=separator)
