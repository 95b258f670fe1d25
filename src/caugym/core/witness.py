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
from caugym.core.graph import DAG
from caugym.core.layout import Floats, Layout, layout
from caugym.core.query import Assignment, Term
from caugym.core.scm import SCM, Array

GAP = 0.01
"""The answers of a witness, rounded to 4 decimals, differ by at least this."""

CLOSE = 1e-12
"""How far the models of a witness may be from a stated number."""

FLOOR = 0.01
"""No table entry of a witness that is searched for comes closer to 0 or 1 than this."""

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


def verify(found: Witness, dag: DAG, statements: Statements, value: Value) -> list[str]:
    """What is wrong with a witness; empty if it proves that the statements do not determine the answer.

    Uses the oracle alone: both models obey the graph by their form, give every level a positive probability,
    have every stated number to 1e-12, and their answers by definition, rounded to 4 decimals, are the values
    of the witness and differ by at least 0.01.
    """
    faults = []
    answers = []
    for name, scm, told in zip(("first", "second"), (found.first, found.second), found.values, strict=True):
        if scm.dag != dag or scm.batch != 1 or set(scm.cards) != {2}:
            faults.append(f"the {name} is not one model of binary variables on this graph")
            continue
        if not all((table > 0).all() for table in scm.tables):
            faults.append(f"the {name} model gives some level the probability 0")
            continue
        for term, number in statements:
            p = float(probability(scm, term.event, term.given, term.do)[0])
            if not abs(p - float(number)) <= CLOSE:
                faults.append(f"the {name} model has {p:.13f} where {float(number)} is stated for {term}")
        answers.append(_rounded(value(scm))[0])
        if answers[-1] != told:
            faults.append(f"the {name} answer is {answers[-1]:.4f} by definition, not {told}")
    if len(answers) == 2 and not abs(answers[1] - answers[0]) >= GAP - 1e-9:
        faults.append(f"the answers {answers[0]:.4f} and {answers[1]:.4f} differ by less than {GAP}")
    return faults


def witness(dag: DAG, statements: Statements, value: Value, start: SCM, key: str) -> Witness | None:
    """Two models that prove that the statements leave the answer open, or None if none is found.

    Args:
        dag: The causal graph; every variable is binary.
        statements: Stated probabilities with their exact numbers.
        value: The answer by definition, e.g. an estimand's definition for one query. Clipping is part of it.
        start: A model that has the stated numbers, or nearly; a batch of one.
        key: Names the stream of random directions.

    Returns:
        A witness with tables between 0.01 and 0.99, or None: then either the answer is determined, or it
        varies by less than 0.01, or the search has missed what there is.
    """
    search = _Search(_Surface(layout(dag), statements), value)
    rng = np.random.default_rng(np.frombuffer(sha256(key.encode()).digest(), dtype=np.uint32))
    search.visit(_entries(start))
    for points in search.proposals(rng):
        search.visit(points)
        if found := search.best():
            # the surface has no direction left out, but rounding may still have spoilt a number
            return found if not verify(found, dag, statements, value) else None
    return None


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
            slope = (weighed @ self.shape.on) / points[:, None]
            slope -= (weighed @ self.shape.off) / (1 - points)[:, None]
            for v, _ in do:
                slope[:, :, self.shape.owned(v)] = 0
            slopes.append(slope)
        return np.concatenate(off, axis=1), np.concatenate(slopes, axis=1)

    def _joint(self, points: Floats, do: Assignment) -> Floats:
        shape = self.shape
        forced = [v for v, _ in do]
        free = [v for v in range(shape.dag.n) if v not in forced]
        chance = points[:, shape.entry[:, free]]
        joint: Floats = np.where(shape.level[:, free], chance, 1 - chance).prod(2)
        return joint * shape.happens([do]) if do else joint

    def settle(self, points: Floats) -> Floats:
        """Those of the points that Newton steps bring onto the surface, inside the box."""
        for _ in range(STEPS):
            off, slope = self.slopes(points)
            points = points - (_gram_solved(slope, off[..., None]).swapaxes(1, 2) @ slope)[:, 0]
            np.clip(points, FLOOR / 2, 1 - FLOOR / 2, out=points)
        off, _ = self.slopes(points)
        inside = ((points >= FLOOR) & (points <= 1 - FLOOR)).all(1)
        settled: Floats = points[inside & (abs(off) < CLOSE / 100).all(1)]
        return settled

    def flat(self, point: Floats, directions: Floats) -> Floats:
        """The directions (rows) without what would change a stated number at first; of length 1."""
        _, slope = self.slopes(point[None])
        along: Floats = directions - (_gram_solved(slope, slope @ directions.T)[0].T @ slope[0])
        lengths = np.linalg.norm(along, axis=1, keepdims=True)
        result: Floats = (along / np.maximum(lengths, 1e-300))[lengths[:, 0] > 1e-9]
        return result


STEPS = 6
RIDGE = 1e-15


def _gram_solved(slope: Floats, right: Floats) -> Floats:
    """``(slope slope')^-1 right``; the ridge copes with statements that repeat what others say."""
    gram: Floats = slope @ slope.swapaxes(1, 2)
    gram += RIDGE * np.eye(gram.shape[1])
    solved: Floats = np.linalg.solve(gram, right)
    return solved


class _Search:
    """A walk on the surface that keeps the points of least and greatest answer."""

    def __init__(self, surface: _Surface, value: Value) -> None:
        self.surface, self.value = surface, value
        self.ends: list[tuple[float, Floats]] = []

    def visit(self, points: Floats) -> None:
        """Settles the points, and keeps the ends of all seen."""
        points = self.surface.settle(points)
        if not len(points):
            return
        values = self._values(points)
        seen = self.ends + [(float(values[i]), points[i]) for i in (values.argmin(), values.argmax())]
        self.ends = [min(seen, key=lambda end: end[0]), max(seen, key=lambda end: end[0])]

    def best(self) -> Witness | None:
        """The ends, if they are far enough apart."""
        if not self.ends or self.ends[1][0] - self.ends[0][0] < 1.01 * GAP:
            return None
        first, second = (_model(self.surface.shape, point[None]) for _, point in self.ends)
        low, high = _rounded(np.array([value for value, _ in self.ends]))
        return Witness(first, second, (low, high))

    def proposals(self, rng: np.random.Generator) -> Iterator[Floats]:
        """Batches of points to settle: the likeliest first."""
        count = self.surface.shape.start[-1]
        middle = self.ends[0][1] if self.ends else np.full(count, 0.5)
        if self.ends:
            yield self._line(middle, self._gradient(middle)[None], FAR)
            for _ in range(2):
                yield self._line(middle, rng.normal(size=(6, count)), FAR)
        for _ in range(3):
            for _, point in list(self.ends):
                yield self._line(point, np.stack([self._gradient(point), rng.normal(size=count)]), FAR)
            yield rng.uniform(0.05, 0.95, size=(16, count))

    def _line(self, point: Floats, directions: Floats, far: Floats) -> Floats:
        """Points on both sides along the flat part of the directions, at shares of the way to the walls."""
        along = self.surface.flat(point, directions)
        along = np.concatenate([along, -along])
        with np.errstate(divide="ignore"):
            room = np.where(along > 0, 1 - FLOOR - point, point - FLOOR) / abs(along)
        moves = along[:, None] * (room.min(axis=1)[:, None, None] * far[:, None])
        result: Floats = point + moves.reshape(-1, len(point))
        return result

    def _gradient(self, point: Floats) -> Floats:
        """The answer's gradient, by differences."""
        near = np.concatenate([point[None], point + DIFFERENCE * np.eye(len(point))])
        values = self._values(near)
        gradient: Floats = (values[1:] - values[0]) / DIFFERENCE
        return gradient

    def _values(self, points: Floats) -> Floats:
        return self.value(_model(self.surface.shape, points))


FAR = np.array([0.15, 0.4, 0.7, 0.95])
DIFFERENCE = 1e-6


def _entries(scm: SCM) -> Floats:
    return np.concatenate([table[..., 1].reshape(scm.batch, -1) for table in scm.tables], axis=1)


def _model(shape: Layout, points: Floats) -> SCM:
    tables = []
    for v, parents in enumerate(shape.dag.parents):
        on = points[:, shape.owned(v)].reshape(-1, *(2,) * parents.bit_count())
        tables.append(np.stack([1 - on, on], axis=-1))
    return SCM(shape.dag, tuple(tables))


def _rounded(values: Array) -> list[float]:
    return [round(float(value), 4) + 0.0 for value in values]
