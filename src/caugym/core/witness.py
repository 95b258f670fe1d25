"""Witnesses: two models that agree on every stated number but not on the answer.

A witness proves that the numbers do not determine the answer, whatever formula one may think of. It is found
by walking: from a model that has the stated numbers, along directions in which none of them changes at first,
and back onto them by Newton steps of least length. How it was found does not matter, for `verify` checks it
from definitions alone.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from hashlib import sha256

import numpy as np

from caugym.core.exact import probability
from caugym.core.graph import DAG, mask
from caugym.core.layout import Floats, Layout, involved, layout
from caugym.core.query import Assignment, Query, Term
from caugym.core.scm import SCM, Array

GAP = 0.01
"""The answers of a witness, rounded to 4 decimals, differ by at least this."""

CLOSE = 1e-12
"""How far the models of a witness may be from a stated number."""

FLOOR = 0.01
"""No table entry of a witness that is searched for comes closer to 0 or 1 than this."""

STEPS = 6
"""Newton steps; each squares what is left over."""

RIDGE = 1e-15
"""Added to the Gram matrix of the statements, which is singular where one repeats what others say."""

FAR = np.array([0.15, 0.4, 0.7, 0.95])
"""Shares of the way to the wall of the box at which a line is visited."""

DIFFERENCE = 1e-4
"""Step of numerical derivatives, which only show where to look."""

GRID = 1 << 10
"""Points are tried on a grid, so that the last bits of a machine's arithmetic do not lead elsewhere."""

ROUNDS = 3
"""Most rounds of walking on from both ends; one that widens the range by less than a tenth is the last."""


Definition = Callable[[SCM, Query], Array]
Value = Callable[[SCM], Array]
"""The answer of each model of a batch, by definition."""

Statements = Sequence[tuple[Term, Fraction | float]]


@dataclass(frozen=True)
class Witness:
    """Two models with the same stated numbers and different answers.

    Attributes:
        first: A batch of one model.
        second: Another on the same graph.
        values: Their answers, rounded to 4 decimals.
    """

    first: SCM
    second: SCM
    values: tuple[float, float]


def verify(
    found: Witness,
    dag: DAG,
    statements: Statements,
    query: Query,
    definition: Definition,
    close: float = CLOSE,
) -> list[str]:
    """What is wrong with a witness; empty if it proves that the statements do not determine the answer.

    Uses the oracle alone: both models obey the graph by their form, give every level a positive probability,
    have every stated number (to ``close``, for models that were rounded to be stored), and their answers by
    definition, rounded to 4 decimals, are the values of the witness and differ by at least 0.01.
    """
    faults = []
    for name, scm, told in zip(("first", "second"), (found.first, found.second), found.values, strict=True):
        if scm.dag != dag or scm.batch != 1 or set(scm.cards) != {2}:
            faults.append(f"the {name} is not one model of binary variables on this graph")
            continue
        if not all((table > 0).all() for table in scm.tables):
            faults.append(f"the {name} model gives some level the probability 0")
            continue
        for term, number in statements:
            p = float(probability(scm, term.event, term.given, term.do)[0])
            if not abs(p - float(number)) <= close:
                faults.append(f"the {name} model has {p:.13f} where {float(number)} is stated for {term}")
        answer = float(definition(scm, query)[0])
        if not abs(answer - told) <= 0.00005 + close or told != round(told, 4):
            faults.append(f"the {name} answer is {answer:.6f} by definition, which does not round to {told}")
    if not _apart(found.values):
        faults.append("the answers {} and {} differ by less than {}".format(*found.values, GAP))
    return faults


def witness(
    dag: DAG, statements: Statements, query: Query, definition: Definition, start: SCM, key: str
) -> Witness | None:
    """Two models that prove that the statements leave the answer open, or None if none is found.

    Args:
        dag: The causal graph; every variable is binary.
        statements: Stated probabilities with their exact numbers.
        query: The question.
        definition: The estimand's definition (`caugym.core.estimand.Estimand`); clipping is part of it.
        start: A model that has the stated numbers, or nearly; a batch of one.
        key: Names the stream of random directions.

    Returns:
        A witness that `verify` accepts, or None: then either the answer is determined, or it varies by less
        than 0.01 among the models whose tables lie between 0.01 and 0.99, or the search has missed one.
    """
    roles = mask((query.treatment, query.outcome, *(v for v, _ in query.held)))
    shape = layout(dag, roles | involved(term for term, _ in statements))
    guide = _unclipped if query.bound else definition
    search = _Search(_Surface(shape, statements), start, lambda scm: guide(scm, query))
    rng = np.random.default_rng(np.frombuffer(sha256(key.encode()).digest(), dtype=np.uint32))
    for points in search.proposals(rng):
        search.visit(points)
        if found := search.witness(lambda scm: definition(scm, query)):
            return None if verify(found, dag, statements, query, definition) else found
    return None


def _unclipped(scm: SCM, query: Query) -> Array:
    """A bound of PN or PS before it is cut off at 0 or 1, so that a search can see beyond."""
    x, y = query.treatment, query.outcome
    asked, other = ((y, query.level),), ((y, 1 - query.level),)
    seen = probability(scm, (*other, (x, query.original)))
    if query.bound == "lower":
        return (probability(scm, other) - probability(scm, other, do=((x, query.to),))) / seen
    return (probability(scm, asked, do=((x, query.to),)) - probability(scm, (*asked, (x, query.to)))) / seen


class _Surface:
    """The models that have the stated numbers, as a curved surface in the box of table entries."""

    def __init__(self, shape: Layout, statements: Statements) -> None:
        self.shape = shape
        self.groups: dict[Assignment, Floats] = {}
        worlds: dict[Assignment, list[tuple[Term, Fraction | float]]] = {}
        for statement in statements:
            worlds.setdefault(statement[0].do, []).append(statement)
        for do, group in worlds.items():
            given = shape.happens([term.given for term, _ in group])
            both = given & shape.happens([term.event for term, _ in group])
            numbers = np.array([[float(number)] for _, number in group])
            self.groups[do] = both - numbers * given

    def slopes(self, points: Floats) -> tuple[Floats, Floats]:
        """How far each stated number is off, times the chance of its condition, (batch, statements); and the
        derivatives by the entries, (batch, statements, entries).
        """
        off, slopes = [np.empty((len(points), 0))], [np.empty((len(points), 0, points.shape[1]))]
        for do, balance in self.groups.items():
            weighed = balance * self._joint(points, do)[:, None]
            off.append(weighed.sum(2))
            with_on, with_off = np.split(weighed @ self.shape.reads, 2, axis=2)
            slope = with_on / points[:, None] - with_off / (1 - points)[:, None]
            for v, _ in do:
                slope[:, :, self.shape.owned[v]] = 0
            slopes.append(slope)
        return np.concatenate(off, axis=1), np.concatenate(slopes, axis=1)

    def _joint(self, points: Floats, do: Assignment) -> Floats:
        shape = self.shape
        forced = [v for v, _ in do]
        free = [i for i, v in enumerate(shape.variables) if v not in forced]
        chance = points[:, shape.entry[:, free]]
        joint: Floats = np.where(shape.level[:, free], chance, 1 - chance).prod(2)
        return joint * shape.happens([do]) if do else joint

    def settle(self, points: Floats) -> Floats:
        """Those of the points that Newton steps bring onto the surface, inside the box."""
        for _ in range(STEPS):
            off, slope = self.slopes(points)
            if (abs(off) < CLOSE / 1000).all():
                break
            points = points - (_gram_solved(slope, off[..., None]).swapaxes(1, 2) @ slope)[:, 0]
            np.clip(points, FLOOR / 2, 1 - FLOOR / 2, out=points)
        off, _ = self.slopes(points)
        inside = ((points >= FLOOR) & (points <= 1 - FLOOR)).all(1)
        settled: Floats = points[inside & (abs(off) < CLOSE / 100).all(1)]
        return settled

    def flat(self, point: Floats, directions: Floats) -> Floats:
        """The directions (rows) without what would change a stated number at first.

        Entries are measured in their distance to the wall (affine scaling), so that those near it move least.
        """
        room = np.minimum(point - FLOOR, 1 - FLOOR - point).clip(1e-6)
        _, slope = self.slopes(point[None])
        slope, directions = slope * room, directions * room
        along: Floats = directions - (_gram_solved(slope, slope @ directions.T)[0].T @ slope[0])
        lengths = np.linalg.norm(along, axis=1, keepdims=True)
        result: Floats = (along * room / np.maximum(lengths, 1e-300))[lengths[:, 0] > 1e-9]
        return result


def _gram_solved(slope: Floats, right: Floats) -> Floats:
    """``(slope slope')^-1 right``."""
    gram = slope @ slope.swapaxes(1, 2) + np.diag(np.full(slope.shape[1], RIDGE))
    return np.asarray(np.linalg.solve(gram, right), dtype=np.float64)


@dataclass(frozen=True)
class _End:
    """A point of the surface, and what guides the search there."""

    value: float
    point: Floats


class _Search:
    """A walk on the surface that keeps the points of least and greatest value."""

    def __init__(self, surface: _Surface, start: SCM, guide: Value) -> None:
        self.surface, self.start, self.guide = surface, start, guide
        self.ends: list[_End] = []

    def visit(self, points: Floats) -> None:
        """Settles the points, and keeps the ends of all seen."""
        points = self.surface.settle(np.round(points * GRID) / GRID)
        if len(points):
            values = self._values(points)
            seen = [_End(float(values[i]), points[i]) for i in (values.argmin(), values.argmax())] + self.ends
            self.ends = [min(seen, key=lambda end: end.value), max(seen, key=lambda end: end.value)]

    def witness(self, value: Value) -> Witness | None:
        """The ends, if their answers are far enough apart."""
        if self._spread() < GAP:
            return None
        first, second = (self._model(end.point[None]) for end in self.ends)
        values = _rounded(value(first))[0], _rounded(value(second))[0]
        return Witness(first, second, values) if _apart(values) else None

    def proposals(self, rng: np.random.Generator) -> Iterator[Floats]:
        """Batches of points to settle: the likeliest first."""
        size = self.surface.shape.size
        start = self._entries(self.start)
        yield np.concatenate([start, self._line(start[0], self._gradient(start[0])[None])])
        for _ in range(ROUNDS):
            before = self._spread()
            for end in list(self.ends):
                directions = np.stack([self._gradient(end.point), *rng.normal(size=(2, size))])
                yield self._line(end.point, directions)
            yield rng.uniform(0.05, 0.95, size=(16, size))
            if self._spread() < 1.1 * before:
                return

    def _spread(self) -> float:
        return self.ends[1].value - self.ends[0].value if self.ends else 0.0

    def _line(self, point: Floats, directions: Floats) -> Floats:
        """Points on both sides along the flat part of the directions, at shares of the way to the walls."""
        along = self.surface.flat(point, directions)
        along = np.concatenate([along, -along])
        with np.errstate(divide="ignore"):
            room = np.where(along > 0, 1 - FLOOR - point, point - FLOOR) / abs(along)
        moves = along[:, None] * (room.min(axis=1)[:, None, None] * FAR[:, None])
        result: Floats = point + moves.reshape(-1, len(point))
        return result

    def _gradient(self, point: Floats) -> Floats:
        """The gradient of what guides the search, by differences."""
        near = np.concatenate([point[None], point + DIFFERENCE * np.eye(len(point))])
        values = self._values(near)
        gradient: Floats = (values[1:] - values[0]) / DIFFERENCE
        return gradient

    def _values(self, points: Floats) -> Floats:
        return self.guide(self._model(points))

    def _model(self, points: Floats) -> SCM:
        """The models of some points; variables that do not matter keep the tables of the start."""
        owned, tables = self.surface.shape.owned, []
        for v, table in enumerate(self.start.tables):
            if v in owned:
                on = points[:, owned[v]].reshape(-1, *table.shape[1:-1])
                tables.append(np.stack([1 - on, on], axis=-1))
            else:
                tables.append(np.broadcast_to(table, (len(points), *table.shape[1:])))
        return SCM(self.start.dag, tuple(tables))

    def _entries(self, scm: SCM) -> Floats:
        rows = [scm.tables[v][..., 1].reshape(scm.batch, -1) for v in self.surface.shape.variables]
        return np.concatenate(rows, axis=1)


def _apart(values: tuple[float, float]) -> bool:
    return abs(values[1] - values[0]) >= GAP - 1e-9  # decimals as doubles


def _rounded(values: Array) -> list[float]:
    return [round(float(value), 4) + 0.0 for value in values]
