"""Where the numbers of a binary model stand: all table entries end to end, and which states read them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from caugym.core.errors import InputError
from caugym.core.graph import DAG, bits, mask
from caugym.core.query import Assignment, Term

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

MOST = 12
"""The most variables: there are two to this power of states."""


@dataclass(frozen=True)
class Layout:
    """All entries of the tables of some variables end to end, and the states that read them.

    The variables must be closed under parents; all others then sum to 1 and can be forgotten. Bit i of a
    state is the level of the i-th of them. The rows of a table stand in the order of `caugym.core.scm.SCM`:
    the last parent changes fastest.

    Attributes:
        dag: The graph.
        variables: The variables, ascending.
        owned: For each variable its entries.
        size: The number of entries.
        entry: (states, variables): the entry that gives the chance of the variable's level.
        level: (states, variables): the level.
        reads: (states, 2 * entries): 1.0 where the state reads the entry and has level 1 of its variable;
            then the same with level 0.
    """

    dag: DAG
    variables: tuple[int, ...]
    owned: dict[int, slice]
    size: int
    entry: NDArray[np.int64]
    level: Bools
    reads: Floats

    def happens(self, assignments: Sequence[Assignment]) -> Bools:
        """(assignments, states): whether the state has these levels."""
        where = {v: i for i, v in enumerate(self.variables)}
        members, levels = np.zeros((2, len(assignments), 1), dtype=np.int64)
        for row, assignment in enumerate(assignments):
            some = on = 0
            for v, level in assignment:
                some |= 1 << where[v]
                on |= level << where[v]
            members[row], levels[row] = some, on
        every = np.arange(len(self.level))
        found: Bools = (every & members) == levels
        return found


@lru_cache(maxsize=1 << 10)
def layout(dag: DAG, needed: int) -> Layout:
    """The layout of the variables in a bitmask and their ancestors.

    Raises:
        InputError: If more than `MOST` variables take part.
    """
    members = dag.ancestors(needed)
    if members.bit_count() > MOST:
        raise InputError(
            f"{members.bit_count()} variables matter; whether numbers suffice can be decided for up to {MOST}"
        )
    variables = tuple(bits(members))
    states = np.arange(1 << len(variables))
    level = (states[:, None] >> np.arange(len(variables)) & 1).astype(bool)
    entry, owned, size = np.zeros_like(level, dtype=np.int64), {}, 0
    for i, v in enumerate(variables):
        for p in bits(dag.parents[v]):
            entry[:, i] = 2 * entry[:, i] + level[:, variables.index(p)]
        entry[:, i] += size
        owned[v] = slice(size, size := size + (1 << dag.parents[v].bit_count()))
    reads = np.zeros((len(states), 2 * size))
    for i in range(len(variables)):
        reads[states, np.where(level[:, i], entry[:, i], entry[:, i] + size)] = 1
    return Layout(dag, variables, owned, size, entry, level, reads)


def involved(terms: Iterable[Term]) -> int:
    """The variables in some terms, as a bitmask."""
    return mask(v for term in terms for v, _ in (*term.event, *term.given, *term.do))
