"""Stories: real-world variables in causal order, which lend their names to the nodes of a graph.

A story lists its variables so that any earlier one may plausibly act on any later one directly. Whatever
graph a problem has, its nodes can then take names whose arrows make sense: `place` puts a topological
order of the graph onto ascending positions of a story.

The stories stand in ``data/<field>.yaml``. Each entry reads as a sentence: ``blood pressure: is low / high``
names a variable, its verb (``is`` or ``are``) and its levels, level 0 first.
"""

from dataclasses import dataclass
from functools import cache
from itertools import combinations
from pathlib import Path
from random import Random
from zlib import crc32

import yaml

from caugym.core.graph import DAG
from caugym.problems.problem import Variable

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class Story:
    """A setting from the real world.

    Attributes:
        field: E.g. ``"medicine"``; the name of the file it stands in.
        title: In a few words; unique.
        variables: In causal order: an earlier variable may act on any later one, never the reverse.
    """

    field: str
    title: str
    variables: tuple[Variable, ...]

    @property
    def reserved(self) -> bool:
        """Whether only problems of the split ``"test"`` tell this story (about a third of all)."""
        return crc32(self.title.encode()) % 3 == 0


def __getattr__(name: str) -> tuple[Story, ...]:
    if name == "STORIES":  # read on first use: most commands need no story
        return stories()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


@cache
def stories() -> tuple[Story, ...]:
    """All stories, by field, in the order of the files; also found as ``STORIES``."""
    files = sorted(Path(__file__).with_name("data").glob("*.yaml"))
    return tuple(
        Story(file.stem, title, tuple(_variable(name, entry) for name, entry in variables.items()))
        for file in files
        for title, variables in yaml.load(file.read_bytes(), _Loader).items()  # noqa: S506 (safe loaders)
    )


def place(dag: DAG, rng: Random, split: str) -> tuple[Variable, ...] | None:
    """Story variables for the nodes of a graph, such that every arrow makes sense.

    Args:
        dag: The graph.
        rng: Chooses the story, the topological order and the positions.
        split: ``"test"`` draws from the reserved stories, every other split from the rest, so that no name
            is seen in both.

    Returns:
        The variable of each node, or None when no story is long enough for the graph.
    """
    random = rng.random
    told = _told(split == "test", dag.n)
    if not told:
        return None
    variables = told[int(random() * len(told))].variables
    ways = _ascending(len(variables), dag.n)
    positions = ways[int(random() * len(ways))]

    chosen = list(variables[: dag.n])
    parents = dag.parents
    waiting, missing = list(range(dag.n)), (1 << dag.n) - 1
    for position in positions:
        ready = [v for v in waiting if not parents[v] & missing]
        node = ready[int(random() * len(ready))]
        waiting.remove(node)
        missing ^= 1 << node
        chosen[node] = variables[position]
    return tuple(chosen)


@cache
def _told(reserved: bool, length: int) -> tuple[Story, ...]:
    """The stories of a split that have at least ``length`` variables."""
    return tuple(s for s in stories() if s.reserved == reserved and len(s.variables) >= length)


@cache
def _ascending(n: int, k: int) -> tuple[tuple[int, ...], ...]:
    return tuple(combinations(range(n), k))


def _variable(name: str, entry: str) -> Variable:
    verb, levels = entry.split(" ", 1)
    return Variable(name, tuple(levels.split(" / ")), plural=verb == "are")
