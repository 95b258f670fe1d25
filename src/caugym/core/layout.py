"""Where the numbers of a binary model stand: all table entries end to end, and which states read them."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from caugym.core.graph import DAG, bits
from caugym.core.query import Assignment

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Layout:
    """All entries of all tables of a graph over binary variables end to end, and the states that read them.

    State s is an integer whose bit v is the level of variable v. The rows of a table stand in the order of
    `caugym.core.scm.SCM`: the last parent changes fastest.

    Attributes:
        dag: The graph.
        start: For each variable the number of its first entry; and, at the end, the number of entries.
        entry: (states, variables): the entry that gives the chance of the variable's level.
        level: (states, variables): the level.
        on: (states, entries): 1.0 where the state reads the entry and has level 1 of its variable.
        off: The same with level 0.
    """

    dag: DAG
    start: tuple[int, ...]
    entry: NDArray[np.int64]
    level: Bools
    on: Floats
    off: Floats

    def owned(self, variable: int) -> slice:
        """The entries of a variable's table."""
        return slice(self.start[variable], self.start[variable + 1])

    def happens(self, assignments: Sequence[Assignment]) -> Bools:
        """(assignments, states): whether the state has these levels."""
        members, levels = np.zeros((2, len(assignments), 1), dtype=np.int64)
        for i, assignment in enumerate(assignments):
            for v, level in assignment:
                if level != (levels[i, 0] >> v & 1) and members[i, 0] >> v & 1:
                    members[i, 0] = -1  # both levels at once: never
                members[i, 0] |= 1 << v
                levels[i, 0] |= level << v
        every = np.arange(len(self.level))
        found: Bools = (every & members) == levels
        return found


@lru_cache(maxsize=1 << 10)
def layout(dag: DAG) -> Layout:
    """The layout of a graph."""
    states = np.arange(1 << dag.n)
    level = (states[:, None] >> np.arange(dag.n) & 1).astype(bool)
    entry, start = np.zeros_like(level, dtype=np.int64), [0]
    for v, parents in enumerate(dag.parents):
        for p in bits(parents):
            entry[:, v] = 2 * entry[:, v] + level[:, p]
        entry[:, v] += start[-1]
        start.append(start[-1] + (1 << parents.bit_count()))
    reads = (entry[..., None] == np.arange(start[-1])).astype(float)
    on = np.einsum("sv,sve->se", level.astype(float), reads)
    return Layout(dag, tuple(start), entry, level, on, reads.sum(1) - on)
