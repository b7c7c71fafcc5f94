"""Connected components against networkx: of edges, of equal values, and of queries that share documents."""

from __future__ import annotations

import itertools
from collections.abc import Mapping

import networkx
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from toolkit.prepare.splitting.groups import query_groups, row_groups, sharing
from toolkit.prepare.splitting.near_copies import connected_components


@settings(deadline=None)
@given(st.integers(1, 12), st.data())
def test_components_equal_networkx(n: int, data: st.DataObject) -> None:
    """Rows share a label exactly where networkx finds them connected, also when edges repeat."""
    pair = st.tuples(st.integers(0, n - 1), st.integers(0, n - 1))
    edges = data.draw(st.lists(pair, max_size=12)) * data.draw(st.sampled_from([1, 128]))
    labels = connected_components(n, [np.array(edges, dtype=np.int64).reshape(-1, 2)])
    graph = networkx.Graph(edges)
    graph.add_nodes_from(range(n))
    ours = {frozenset(np.flatnonzero(labels == label).tolist()) for label in labels}
    assert ours == set(map(frozenset, networkx.connected_components(graph)))


@settings(deadline=None)
@given(st.lists(st.integers(0, 4)))
def test_sharing_joins_equal_values(values: list[int]) -> None:
    """Joined by `sharing`, rows share a component exactly where their values are equal."""
    labels = connected_components(len(values), [sharing(enumerate(values))]) if values else []
    assert all((labels[i] == labels[j]) == (values[i] == values[j])
               for i, j in itertools.combinations(range(len(values)), 2))  # fmt: skip


def parts(groups: Mapping[str, int]) -> set[frozenset[str]]:
    """The queries of each group."""
    found: dict[int, set[str]] = {}
    for query, group in groups.items():
        found.setdefault(group, set()).add(query)
    return set(map(frozenset, found.values()))


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from("abcdefgh"), st.dictionaries(st.sampled_from("uvwxyz"), st.integers(0, 2))))
def test_query_groups_equal_networkx(qrels: dict[str, dict[str, int]]) -> None:
    """Queries are in one group exactly where a chain of relevant documents connects them."""
    graph = networkx.Graph([(("q", q), ("d", d)) for q, row in qrels.items() for d, grade in row.items() if grade > 0])
    graph.add_nodes_from(("q", query) for query in qrels)
    theirs = {frozenset(name for side, name in part if side == "q") for part in networkx.connected_components(graph)}
    assert parts(query_groups(qrels)) == theirs and list(query_groups(qrels)) == list(qrels)


def test_texts_and_labels_join_queries() -> None:
    """Near-copies of queries, near-copies of relevant documents and equal labels each join."""
    long = "the moving median of a series of numbers over a window of fixed size that slides along"
    corpus = {"d1": long, "d2": long + " it", "d3": "read a file", "d4": "read  a FILE", "d5": "something else"}
    qrels = {"a": {"d1": 1, "d3": 0}, "b": {"d2": 1}, "c": {"d4": 1}, "d": {"d5": 1}}
    queries = {"a": "median", "b": "how to read csv files", "c": "colours of a plot", "d": "Colours of a plot!"}
    assert parts(query_groups(qrels)) == {frozenset(query) for query in "abcd"}
    assert parts(query_groups(qrels, queries=queries)) == {frozenset("a"), frozenset("b"), frozenset("cd")}
    assert parts(query_groups(qrels, corpus=corpus)) == {frozenset("ab"), frozenset("c"), frozenset("d")}
    assert parts(query_groups(qrels, labels=[("a", 1), ("d", 1), ("b", 2)])) == {*map(frozenset, ("ad", "b", "c"))}
    assert query_groups({}) == {}


def test_row_groups() -> None:
    """Labels of the user join in place of near-copies, and shared texts still do."""
    sides = [["a b c d e f", "a b c d e f g", "x"], ["u", "v", "U!"]]
    assert row_groups(sides).tolist() == [0, 0, 0]
    assert row_groups(sides, [None, 1, 1]).tolist() == [0, 0, 0] and row_groups(sides, [1, 2, 3]).tolist() == [0, 1, 0]
    assert row_groups(sides, None).tolist() == [0, 1, 2]
    assert row_groups([["a", "b", "c"]], labels=["g", None, "g"]).tolist() == [0, 1, 0]
