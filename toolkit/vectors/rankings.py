"""Truncate and fuse rankings, and use the results of another search engine as a system."""

from __future__ import annotations

import csv
import io
import re
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from toolkit.storage import digest_file, digest_texts
from toolkit.vectors.inputs import check_queries
from toolkit.vectors.protocols import Ranking


def top(scores: Mapping[str, float], k: int) -> dict[str, float]:
    """Return the `k` best documents with their scores, best first; equal scores in the order of their ids.

    Examples
    --------
    >>> top({"b": 1.0, "c": 2.0, "a": 1.0}, 2)
    {'c': 2.0, 'a': 1.0}
    """
    return dict(sorted(scores.items(), key=lambda item: (-item[1], item[0]))[:k])


def fuse_rankings(*rankings: Ranking, k: int = 60) -> dict[str, dict[str, float]]:
    """Fuse rankings ``{query_id: {doc_id: score}}`` by reciprocal rank; see `toolkit.vectors.fuse`.

    Examples
    --------
    >>> fused = fuse_rankings({"q": {"a": 9.0, "b": 5.0}}, {"q": {"b": 0.7, "c": 0.6}})
    >>> sorted(fused["q"], key=fused["q"].get, reverse=True)
    ['b', 'a', 'c']
    """
    fused: dict[str, dict[str, float]] = {}
    for ranking in rankings:
        for query, scores in ranking.items():
            total = fused.setdefault(query, {})
            for rank, document in enumerate(sorted(scores, key=lambda doc: (-scores[doc], doc)), 1):
                total[document] = total.get(document, 0.0) + 1.0 / (k + rank)
    return fused


@dataclass(frozen=True)
class ExternalRanking:
    """Results of another search engine. Made by `from_ranking`.

    Attributes
    ----------
    ranking : mapping of query id or query text to mapping of document id to score
    corpus : mapping of document id to text
        Empty where none was given.
    name : str
    source : str
        File that the results were read from, or "memory".
    digest : str
        SHA-256 of that file, or of the results.
    """

    ranking: Ranking
    corpus: Mapping[str, str]
    name: str
    source: str
    digest: str

    @property
    def record(self) -> dict[str, Any]:
        """Where the results come from."""
        return {"kind": "ranking", "name": self.name, "source": self.source, "sha256": self.digest}

    def search(self, queries: Mapping[str, str], k: int = 10) -> dict[str, dict[str, float]]:
        """Return the first `k` results of each query, which is found by its id or else by its text.

        Warns
        -----
        UserWarning
            When some of the queries have no results; they count as if nothing were found.

        Raises
        ------
        ValueError
            When none of the queries has results.
        """
        check_queries(queries, k)
        by_text = {_normalise(key): row for key, row in self.ranking.items()}
        found = {
            query: self.ranking[query] if query in self.ranking else by_text.get(_normalise(text))
            for query, text in queries.items()
        }
        missing = [query for query, row in found.items() if row is None]
        if queries and len(missing) == len(queries):
            raise ValueError(
                f"{self.name} ({self.source}) has results for none of the {len(queries)} queries: expected their ids "
                f"(such as {missing[0]!r}) or their texts (such as {queries[missing[0]]!r:.60}); it has "
                f"{next(iter(self.ranking), 'nothing')!r:.60}, ..."
            )
        if missing:
            warnings.warn(
                f"{self.name} ({self.source}) has no results for {len(missing)} of {len(queries)} queries (first: "
                f"{missing[0]!r}): they count as if nothing were found",
                UserWarning,
                stacklevel=2,
            )
        return {query: top(row or {}, k) for query, row in found.items()}


def from_ranking(
    source: str | Path | Ranking, corpus: Mapping[str, str] | None = None, *, name: str = "current search"
) -> ExternalRanking:
    """Use the results of another search engine as a system, such as the search that you have today.

    Parameters
    ----------
    source : path or mapping
        ``{query_id: {doc_id: score}}``; or a file: a run file of trec_eval (query id, Q0, document id, rank, score,
        tag, separated by spaces), or a ``.csv`` or ``.tsv`` file with a header row. Its columns are ``query_id`` (or
        ``qid``, ``query``), ``doc_id`` (or ``docid``, ``document``), and ``score`` or ``rank``; without either, the
        rows are taken in their order, best first. Queries and documents are given by id or by text.
    corpus : mapping of document id to text, optional
        With it every document is checked, and documents given by text get their ids.
    name : str
        Name of the system in tables.

    Returns
    -------
    ExternalRanking
        A system that returns these results for the queries that they hold.

    Raises
    ------
    FileNotFoundError
        There is no such file.
    ValueError
        For a file in another format, a score that is not a number, a document twice for one query, or documents that
        the corpus lacks.

    Examples
    --------
    >>> current = from_ranking({"q": {"a": 2.0, "b": 1.0}}, {"a": "red fox", "b": "blue whale"})
    >>> current.search({"q": "fox"}, k=1)
    {'q': {'a': 2.0}}
    """
    if isinstance(source, Mapping):
        ranking = {str(query): {str(doc): float(score) for doc, score in row.items()} for query, row in source.items()}
        lines = (f"{query}\t{doc}\t{score}" for query, row in ranking.items() for doc, score in row.items())
        place, digest = "memory", digest_texts(lines)
    else:
        path = Path(source).expanduser()
        if not path.is_file():
            raise FileNotFoundError(f"there is no file {path}: expected results as a trec_eval run, .csv or .tsv")
        ranking, place, digest = _read_results(path), path.name, digest_file(path)
    if not any(ranking.values()):
        raise ValueError(f"{place} holds no results: expected {{query_id: {{doc_id: score}}}} with at least one")
    wrong = next((f"{q!r}, {d!r}" for q, row in ranking.items() for d, score in row.items() if score != score), None)
    if wrong:
        raise ValueError(f"the score of query and document {wrong} is nan: expected a number")
    if corpus:
        known = {_normalise(text): doc for doc, text in reversed(list(corpus.items()))}
        for query, row in ranking.items():
            ids = {doc if doc in corpus else known.get(_normalise(doc), doc): score for doc, score in row.items()}
            if len(ids) < len(row):
                raise ValueError(f"{place} gives a document a second time for query {query!r:.60}, by id or by text")
            ranking[query] = ids
        unknown = [doc for row in ranking.values() for doc in row if doc not in corpus]
        if unknown:
            raise ValueError(
                f"{place} names {len(set(unknown)):,} documents missing from the corpus (first: {unknown[0]!r:.60}): "
                f"expected document ids such as {next(iter(corpus))!r}, or texts of the corpus"
            )
    return ExternalRanking(ranking, corpus or {}, name, place, digest)


_QUERY = ("query_id", "qid", "query-id", "query", "search", "q")
_DOCUMENT = ("doc_id", "docid", "doc-id", "document_id", "docno", "corpus-id", "document", "doc", "text")


def _read_results(path: Path) -> dict[str, dict[str, float]]:
    """Read a trec_eval run, or a table with a header row."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not UTF-8 text ({error}): save it as UTF-8") from error
    rows: Iterable[tuple[int, str, str, str | None, str | None]]
    if path.suffix.lower() in (".csv", ".tsv"):
        head = text.partition("\n")[0]
        delimiter = "\t" if "\t" in head else ";" if head.count(";") > head.count(",") else ","
        table = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter)
        names = {str(name).strip().casefold(): name for name in table.fieldnames or ()}
        query, document = (next((names[n] for n in wanted if n in names), None) for wanted in (_QUERY, _DOCUMENT))
        if query is None or document is None:
            raise ValueError(
                f"{path} has the columns {', '.join(names) or '(none)'}: expected query_id, doc_id and score or rank"
            )
        score, rank = names.get("score"), names.get("rank")
        rows = (
            (table.line_num, row[query], row[document], row[score] if score else None, row[rank] if rank else None)
            for row in table
        )
    else:
        lines = [(number, line.split()) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
        wrong = next((number for number, fields in lines if len(fields) != 6), None)
        if wrong is not None:
            raise ValueError(
                f"line {wrong} of {path} does not have six fields: expected query id, Q0, document id, rank, score and "
                f"tag, as trec_eval reads them, or a .csv file with a header row"
            )
        rows = ((number, fields[0], fields[2], fields[4], None) for number, fields in lines)
    ranking: dict[str, dict[str, float]] = {}
    for line, query_id, doc_id, score_text, rank_text in rows:
        row = ranking.setdefault(str(query_id or "").strip(), {})
        doc_id = str(doc_id or "").strip()
        if doc_id in row:
            raise ValueError(f"line {line} of {path} gives document {doc_id!r:.60} a second time for its query")
        try:
            row[doc_id] = float(score_text) if score_text else -float(rank_text) if rank_text else -float(len(row))
        except ValueError:
            raise ValueError(f"line {line} of {path} has the score {score_text or rank_text!r}, not a number") from None
    return ranking


def _normalise(text: str) -> str:
    """Fold the case of a text and collapse its whitespace."""
    return re.sub(r"\s+", " ", text).strip().casefold()
