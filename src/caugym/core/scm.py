"""Discrete structural causal models, many at a time: one graph, a batch of conditional probability tables."""

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from caugym.core.errors import InputError
from caugym.core.graph import DAG, bits

Array = NDArray[np.float64]


@dataclass(frozen=True)
class SCM:
    """A batch of models on one graph, all mechanisms independent (Markovian).

    Attributes:
        dag: The causal graph.
        tables: For each variable v, ``P(v | parents)`` of shape ``(batch, *cards of parents, card of v)``,
            the parents ascending.
        cards: For each variable its number of levels; empty means that all are binary.

    Raises:
        InputError: If a table has the wrong shape, or is not made of probabilities that sum to 1.
    """

    dag: DAG
    tables: tuple[Array, ...]
    cards: tuple[int, ...] = field(default=())

    def __post_init__(self) -> None:
        cards = self.cards or (2,) * self.dag.n
        object.__setattr__(self, "cards", cards)
        if len(cards) != self.dag.n or len(self.tables) != self.dag.n:
            raise InputError(f"a graph of {self.dag.n} variables needs as many tables and numbers of levels")
        tables = tuple(np.asarray(table, dtype=np.float64) for table in self.tables)
        for v, table in enumerate(tables):
            shape = (len(tables[0]), *(cards[p] for p in bits(self.dag.parents[v])), cards[v])
            if table.shape != shape:
                raise InputError(f"the table of variable {v} has shape {table.shape}; it must be {shape}")
        rows = [table.reshape(-1, table.shape[-1]) for table in tables]
        if not all(map(_distributions, rows)):
            raise InputError(next(filter(None, map(_objection, range(self.dag.n), rows))))
        object.__setattr__(self, "tables", tuple(map(_batch_last_in_memory, tables)))

    @property
    def batch(self) -> int:
        """The number of models."""
        return len(self.tables[0])

    def take(self, entries: Sequence[int]) -> "SCM":
        """Some of the models, which are not checked again."""
        taken = copy(self)
        object.__setattr__(taken, "tables", tuple(table[entries] for table in self.tables))
        return taken

    def joint(self) -> Array:
        """The joint distributions, of shape ``(batch, *cards)``."""
        result = np.ones((self.batch, *(1,) * self.dag.n))
        for v, table in enumerate(self.tables):
            axes = self.dag.parents[v] | 1 << v
            # parents come before v in the table, but v stands among them in the joint
            table = np.moveaxis(table, -1, 1 + (self.dag.parents[v] & (1 << v) - 1).bit_count())
            shape = [self.cards[w] if axes >> w & 1 else 1 for w in range(self.dag.n)]
            result = result * table.reshape(self.batch, *shape)
        return result


def random_scm(
    dag: DAG, rng: np.random.Generator, batch: int = 1, cards: Sequence[int] = (), low: float = 0.0
) -> SCM:
    """A batch of models whose rows are uniform on the distributions with no probability below ``low``."""
    counts = tuple(cards) or (2,) * dag.n
    tables = []
    for v, parents in enumerate(dag.parents):
        draws = rng.dirichlet(np.ones(counts[v]), size=(batch, *(counts[p] for p in bits(parents))))
        tables.append(low + (1 - low * counts[v]) * draws)
    return SCM(dag, tuple(tables), counts)


def _distributions(rows: Array) -> bool:
    # comparisons with NaN are false
    return bool((rows >= 0).all() and (abs(rows.sum(-1) - 1) <= _ROUNDING).all())


_ROUNDING = 1e-12


def _objection(v: int, rows: Array) -> str | None:
    if not np.isfinite(rows).all():
        return f"the table of variable {v} contains a number that is not finite"
    for wrong in rows[(rows < 0) | (rows > 1)]:
        return f"the table of variable {v} contains {wrong:g}; a probability lies in [0, 1]"
    if not _distributions(rows):
        return f"the rows of the table of variable {v} must each sum to 1"
    return None


def _batch_last_in_memory(table: Array) -> Array:
    # sums over levels then run along contiguous batches, an order of magnitude faster for large ones
    if len(table) == 1:
        return table
    last = np.ascontiguousarray(table.transpose(*range(1, table.ndim), 0))
    return last.transpose(-1, *range(table.ndim - 1))
