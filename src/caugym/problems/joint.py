"""Numbers for structures: printed decimals, and a joint distribution that has exactly those decimals.

A batch of problems over different graphs is embedded in one complete graph on ``slots`` variables: the
table of slot v lists P(v = 1 | all earlier slots), and does not depend on slots that are not parents. State
s of the first v slots is an integer whose bit u is the level of slot u.

Printed numbers are rounded, so the joint they were computed from no longer has them. `fit` moves the
tables, by Newton steps of least length, to a near joint that does; the last steps keep the slopes of the one
before, which that near hardly change. Problems whose numbers no near joint has are told apart by what is
left over, and drawn again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from caugym.core.graph import DAG
from caugym.core.query import Assignment, Term
from caugym.core.scm import SCM

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

STRAIGHT = 3
"""Steps with the slopes of the step before them."""

RAREST = 0.02
"""No stated probability conditions on, or is, an event rarer than this."""


@dataclass(frozen=True, slots=True)
class Fitted:
    """Printed numbers and the joints that have them, for a batch of B problems.

    Attributes:
        printed: (B, terms): each stated probability in units of the last decimal; columns past a problem's
            own terms are padding.
        tables: For each slot v, (B, 2**v): P(v = 1 | state of the earlier slots).
        exact: (B,): whether the joint has the printed numbers (to 1e-12), every table lies well inside
            (0, 1), and no stated probability conditions on or is an event rarer than 0.02.
    """

    printed: Ints
    tables: list[Floats]
    exact: Bools


@dataclass(frozen=True, slots=True)
class Shape:
    """A problem without its numbers, as `fit` takes it.

    Attributes:
        ties: For each entry of all tables end to end, the first entry that it must equal.
        cells: (`width`, 4): for each term, event and condition together, then the condition: the variables as
            a bitmask, and those of them at level 1. Zeros are padding.
    """

    ties: Ints
    cells: Ints


def shape(dag: DAG, terms: Sequence[Term]) -> Shape:
    """The shape of a problem that states these terms, over slots in causal order."""
    padding = [(0, 0, 0, 0)] * (width(len(terms)) - len(terms))
    return Shape(_ties(dag.parents), np.array([*map(_sides, terms), *padding]))


def fit(shapes: Sequence[Shape], uniforms: Floats, decimals: int, parity: int) -> Fitted:
    """Draw tables, print the stated probabilities, and find a near joint that has the printed numbers.

    Args:
        shapes: B problems on equally many slots, all of one `width`.
        uniforms: (B, 2**slots - 1) numbers in [0, 1), the only source of chance.
        decimals: Decimals of the printed numbers.
        parity: 0 or 1: whether the printed numbers of a problem, in units of the last decimal, add up to an
            even or an odd number.
    """
    unit = 10**decimals
    ties = np.stack([shape.ties for shape in shapes])
    entries = 0.1 + 0.8 * np.take_along_axis(uniforms, ties, axis=1)
    rows = _rows(np.stack([shape.cells for shape in shapes]), uniforms.shape[1] + 1)
    probability, rarest = rows.stated(joint_of(_tables(entries)))
    printed = _rounded(probability * unit, rows.mine, parity)
    # the steps move a probability by about a unit, so what is much too rare now need not be fitted
    exact = (~rows.mine | (rarest >= RAREST - 2 / unit)).all(axis=1)
    if (some := np.flatnonzero(exact)).size:
        newton = 3 if decimals < 4 else 1  # each squares what is left over
        entries[some], exact[some] = _fitted(
            entries[some], ties[some], rows.take(some), printed[some] / unit, newton
        )
    return Fitted(printed, _tables(entries), exact)


def _rounded(numbers: Floats, mine: Bools, parity: int) -> Ints:
    """Whole numbers near ``numbers``, of which a row's own add up to the parity.

    Where they do not, the one nearest to a tie is rounded to its other side. P(event) and P(not event) are
    of equal parity, so a problem keeps the parity of its sum however it is told.
    """
    whole = np.rint(numbers)
    off = np.where(mine, numbers - whole, 0.0)
    wrong = np.flatnonzero(np.where(mine, whole, 0.0).sum(axis=1) % 2 != parity)
    nearest = np.abs(off[wrong]).argmax(axis=1)
    whole[wrong, nearest] += np.where(off[wrong, nearest] < 0, -1.0, 1.0)
    return whole.astype(np.int64)


def _fitted(entries: Floats, ties: Ints, rows: "_Rows", target: Floats, newton: int) -> tuple[Floats, Bools]:
    """The entries of near joints, and whether these have the target probabilities."""
    equal = _Equal.entries(ties, rows.mine.shape[1])
    balance = rows.both - target[..., None] * rows.given
    for _ in range(newton):
        short, slope = _slopes(_tables(entries), equal, balance)
        moves = _moves(slope, rows.mine)
        entries = _moved(entries, moves, short)
    for _ in range(STRAIGHT):
        short = np.matmul(balance, joint_of(_tables(entries))[..., None])[..., 0]
        entries = _moved(entries, moves, short)
    probability, rarest = rows.stated(joint_of(_tables(entries)))
    holds = (np.abs(probability - target) < 1e-12) & (target > 0) & (target < 1) & (rarest >= RAREST)
    inside = (entries > 0.01) & (entries < 0.99)
    exact: Bools = np.logical_and.reduce(np.concatenate([~rows.mine | holds, inside], axis=1), axis=1)
    return entries, exact


def _tables(entries: Floats) -> list[Floats]:
    """The tables of all slots, which stand end to end in the entries."""
    slots = entries.shape[1].bit_length()
    return [entries[:, (1 << v) - 1 : (2 << v) - 1] for v in range(slots)]


@dataclass(frozen=True, slots=True)
class _Rows:
    """The stated terms of a batch as sums over states.

    Attributes:
        both: (B, rows, states): 1 where event and condition hold.
        given: (B, rows, states): 1 where the condition holds.
        conditional: (B, rows): whether there is a condition.
        mine: (B, rows): False for padding.
    """

    both: Floats
    given: Floats
    conditional: Bools
    mine: Bools

    def stated(self, joint: Floats) -> tuple[Floats, Floats]:
        """P(event | given) of each row, and of what it divides by (of the event if there is no condition)."""
        both, given = (np.matmul(side, joint[..., None])[..., 0] for side in (self.both, self.given))
        return both / given, np.where(self.conditional, given, both)

    def take(self, entries: Ints) -> "_Rows":
        """Some of the batch."""
        return _Rows(self.both[entries], self.given[entries], self.conditional[entries], self.mine[entries])


def _rows(cells: Ints, states: int) -> _Rows:
    packed = cells.transpose(2, 0, 1)
    both, both_on, given_, given_on_ = packed[..., None]
    every = np.arange(states)
    return _Rows(
        ((every & both) == both_on).astype(float),
        ((every & given_) == given_on_).astype(float),
        packed[2] > 0,
        packed[0] > 0,
    )


def width(terms: int) -> int:
    """How many rows a problem of so many terms is padded to.

    Sizes of matrices change the last bit of what is solved with them, so problems of different widths never
    share a batch: an item must not depend on its neighbours.
    """
    return -(-terms // 4) * 4


@lru_cache(maxsize=1 << 14)
def _sides(term: Term) -> tuple[int, int, int, int]:
    """Event and condition together, then the condition: the variables, and those of them at level 1."""
    event, event_on = _packed(term.event)
    given, given_on = _packed(term.given)
    return event | given, event_on | given_on, given, given_on


def _packed(assignment: Assignment) -> tuple[int, int]:
    members = on = 0
    for variable, level in assignment:
        members |= 1 << variable
        on |= level << variable
    return members, on


@dataclass(frozen=True, slots=True)
class Readings:
    """Terms to be read off joint distributions of one graph.

    Attributes:
        both: (states, terms): 1 where event and condition hold.
        given: (states, terms): 1 where the condition holds.
        conditional: (terms,): whether there is a condition.
    """

    both: Floats
    given: Floats
    conditional: Bools

    def probabilities(self, joint: Floats) -> Floats:
        """P(event | given) of each term on each joint distribution (S, states): (S, terms)."""
        return np.asarray((joint @ self.both) / (joint @ self.given))

    def rarest(self, joint: Floats) -> Floats:
        """What each term divides by; the event itself if there is no condition: (S, terms)."""
        return np.where(self.conditional, joint @ self.given, joint @ self.both)


def readings(terms: Sequence[Term], slots: int) -> Readings:
    """The terms, over so many slots, ready to be read off."""
    rows = _rows(np.array([[*map(_sides, terms)]]), 1 << slots)
    return Readings(rows.both[0].T, rows.given[0].T, rows.conditional[0])


def joints(dag: DAG, uniforms: Floats) -> Floats:
    """The joint distributions (S, states) that numbers in [0, 1) (S, 2**slots - 1) stand for."""
    return joint_of(_tables(0.1 + 0.8 * uniforms[:, _ties(dag.parents)]))


def joint_of(tables: Sequence[Floats]) -> Floats:
    """The joint distributions of a batch of tables, (B, 2**slots)."""
    joint = np.ones((len(tables[0]), 1))
    for table in tables:
        joint = np.concatenate([joint * (1 - table), joint * table], axis=1)
    return joint


@dataclass(frozen=True, slots=True)
class _Equal:
    """Which entries of the tables must stay equal, laid out for slopes of shape (B, rows, entries).

    Attributes:
        first: For each slope the flat position of the first entry that it must equal.
        share: (B, 1, entries): 1 / how many entries are equal, at the first of them.
    """

    first: Ints
    share: Floats

    @classmethod
    def entries(cls, ties: Ints, rows: int) -> "_Equal":
        batch, entries = ties.shape
        first = np.arange(batch * rows).reshape(batch, rows, 1) * entries + ties[:, None]
        alike = np.bincount((np.arange(batch)[:, None] * entries + ties).ravel(), minlength=ties.size)
        return cls(first, 1 / np.maximum(alike, 1).reshape(batch, 1, entries))

    def averaged(self, slope: Floats) -> Floats:
        """The slopes, averaged over entries that must stay equal."""
        total = np.bincount(self.first.ravel(), slope.ravel(), slope.size).reshape(slope.shape)
        averaged: Floats = (total * self.share).ravel()[self.first]
        return averaged


def _moves(slope: Floats, mine: Bools) -> Floats:
    """For each row the least move of the entries by which it, and no other row, grows by 1."""
    # padding, and rows that repeat others
    ridge = np.eye(mine.shape[1]) * np.where(mine, 1e-15, 1.0)[..., None]
    moves: Floats = np.linalg.solve(slope @ slope.swapaxes(1, 2) + ridge, slope).astype(float)
    return moves


def _moved(entries: Floats, moves: Floats, short: Floats) -> Floats:
    """The entries after a step towards ``sum over states of balance * joint = 0``, which is ``short`` now."""
    moved: Floats = np.clip(entries - np.matmul(short[:, None], moves)[:, 0], 1e-3, 1 - 1e-3)
    return moved


def _slopes(tables: Sequence[Floats], equal: _Equal, balance: Floats) -> tuple[Floats, Floats]:
    """``sum over states of balance * joint``, (B, rows), and its slopes in the entries of the tables."""
    weighed = balance * joint_of(tables)[:, None]
    total: Floats = weighed.sum(axis=2)
    slopes = []
    for v in reversed(range(len(tables))):
        off, on = weighed[..., : 1 << v], weighed[..., 1 << v :]
        table = tables[v][:, None]
        slopes.append(on / table - off / (1 - table))
        weighed = off + on
    return total, equal.averaged(np.concatenate(slopes[::-1], axis=2))


def gradients(dag: DAG, terms: Sequence[Term], uniforms: Floats) -> Floats:
    """The direction in which each term moves with the tables, (terms, entries), at one random joint.

    Terms whose directions are linearly independent are free: none is implied by the others.

    Args:
        dag: The graph, over slots in causal order.
        terms: Any terms.
        uniforms: 2**slots - 1 numbers in [0, 1) that fix the joint.
    """
    ties = _ties(dag.parents)[None]
    tables = _tables(0.1 + 0.8 * np.take_along_axis(uniforms[None], ties, axis=1))
    rows = _rows(shape(dag, terms).cells[None], 1 << dag.n)
    probability, _ = rows.stated(joint_of(tables))
    balance = rows.both - probability[..., None] * rows.given
    return _slopes(tables, _Equal.entries(ties, rows.mine.shape[1]), balance)[1][0, : len(terms)]


@lru_cache(maxsize=1 << 12)
def _ties(parents: tuple[int, ...]) -> Ints:
    """For each entry of all tables end to end, the first entry that it must equal.

    Entries are equal that differ only in slots that are not parents.
    """
    return np.concatenate([(1 << v) - 1 + (np.arange(1 << v) & pa) for v, pa in enumerate(parents)])


def scm_of(tables: Sequence[Floats], entries: Sequence[int] | Ints) -> SCM:
    """Some batch entries as SCMs over the complete graph, for the oracle."""
    complete = DAG(tuple((1 << v) - 1 for v in range(len(tables))))
    laws = []
    for v, table in enumerate(tables):
        on = table[np.asarray(entries)].reshape(-1, *[2] * v)
        on = on.transpose(0, *range(v, 0, -1))  # bit 0 is the fastest index; parents ascend along the axes
        laws.append(np.stack([1 - on, on], axis=-1))
    return SCM(complete, tuple(laws))
