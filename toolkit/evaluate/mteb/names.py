"""From names to tasks of mteb: tasks, parts of tasks, whole benchmarks, and tasks of one's own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from toolkit.evaluate.mteb.tasks import as_mteb, nearest, registered, require_mteb, watched
from toolkit.prepare import Task


def resolve(names: str | Task | Sequence[Any]) -> list[Any]:
    """Tasks of mteb, each once, with the splits and subsets that were asked for.

    Raises
    ------
    ValueError
        For a name that neither a task nor a benchmark has, a split or subset that a task has not, or no names.
    """
    mteb = require_mteb()
    asked = list(names) if isinstance(names, (list, tuple)) else [names] if names is not None else []
    if not asked:
        raise ValueError("expected names of tasks or benchmarks, got none: mteb.get_tasks() lists tasks")
    benchmarks = {one.name: one for one in mteb.get_benchmarks()} if _needs_benchmarks(asked) else {}
    whole: dict[str, Any] = {}
    parts: dict[str, list[tuple[str, str]]] = {}
    for one in asked:
        if not isinstance(one, str):  # a task of the user's own (as_mteb refuses what is none), or one of mteb's
            _add(whole, one if hasattr(one, "metadata") else as_mteb(cast(Task, one)))
        elif one in benchmarks:
            for task in benchmarks[one].tasks:
                for simple in _simple(task):
                    _add(whole, simple)
        else:
            _add_named(one, benchmarks, whole, parts)
    for name, wanted in parts.items():
        if name not in whole:
            whole[name] = _part_of(name, wanted)
    return list(whole.values())


def _needs_benchmarks(asked: Sequence[Any]) -> bool:
    """Whether a name is no task's: the list of benchmarks takes a second or two."""
    known = registered()
    return any(isinstance(one, str) and one.split("/")[0] not in known for one in asked)


def _simple(task: Any) -> list[Any]:
    """A task, or the tasks that it is the mean of (as CQADupstack)."""
    inner = getattr(task.metadata, "tasks", None)
    return [simple for part in inner for simple in _simple(part)] if inner else [task]


def _add(whole: dict[str, Any], task: Any) -> None:
    name = task.metadata.name
    if name in whole and hasattr(task, "toolkit_task"):
        raise ValueError(f"two tasks are called {name!r}: give one another name, dataclasses.replace(task, name=...)")
    whole.setdefault(name, watched(task))


def _add_named(
    one: str, benchmarks: dict[str, Any], whole: dict[str, Any], parts: dict[str, list[tuple[str, str]]]
) -> None:
    known = registered()
    name, _, rest = one.partition("/")
    if name not in known:
        raise ValueError(
            f"mteb has no task and no benchmark called {one!r}: {nearest(one, [*known, *benchmarks])} "
            f"(mteb.get_tasks() and mteb.get_benchmarks() list them)"
        )
    if not rest:
        for simple in _simple(known[name]()):
            _add(whole, simple)
        return
    metadata = known[name].metadata
    split, _, subset = rest.partition("/")
    if split not in metadata.eval_splits or (subset and subset not in metadata.hf_subsets):
        raise ValueError(
            f"{name} has the splits {', '.join(metadata.eval_splits)} and the subsets "
            f"{', '.join(metadata.hf_subsets[:12])}{', ...' if len(metadata.hf_subsets) > 12 else ''}; got {rest!r}: "
            f"expected {name}/<split>/<subset>"
        )
    parts.setdefault(name, []).extend((split, one) for one in ([subset] if subset else metadata.hf_subsets))


def _part_of(name: str, wanted: list[tuple[str, str]]) -> Any:
    """A task with some of its splits and subsets. All splits have the same subsets: mteb knows no other way."""
    task = watched(registered()[name]())
    splits = [split for split in task.metadata.eval_splits if split in {split for split, _ in wanted}]
    subsets = [subset for subset in task.metadata.hf_subsets if subset in {subset for _, subset in wanted}]
    if len(splits) * len(subsets) != len(set(wanted)):
        raise ValueError(
            f"expected the same subsets of {name} for each split, got "
            f"{', '.join(f'{split}/{subset}' for split, subset in wanted)}: ask for them in two calls"
        )
    task.hf_subsets, task._eval_splits = subsets, splits
    return task
