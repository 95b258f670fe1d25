"""Numbers under which rival formulas come to visibly different values, and none gives itself away.

Whoever does not look at the graph must not be able to tell the right formula by its value. So the place of
the right value among its rivals (by size) is drawn beforehand, all alike likely; rivals that agree would rule
each other out, so all differ; and where bounds are cut off at 0 or 1 in a share of problems, so many of each
rival's are, too.

Numbers are drawn many at a time and looked at before they are rounded, which is cheap; what rounding changes
is looked at again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

import numpy as np

from caugym.estimands import TABLE
from caugym.problems.joint import RAREST, Bools, Floats, joint_of, joints, readings
from caugym.problems.structure import Structure

VISIBLE = 0.02
"""Values of rivals differ from each other by this much; of a zero effect also from 0."""

SMALLEST = 0.005
"""Effects are at least this far from 0, and bounds that are not cut off from both ends."""

SAMPLES = 256
"""Joint distributions of up to seven variables drawn at a time; of larger ones half as many for each more."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where the right value is to stand, drawn before the structure so that it cannot depend on it.

    Attributes:
        rank: How many rivals have a value nearer to 0; None if the effect is 0 by the graph.
        clipped: Bounds: which formula, in the order of the contest, is cut off; None if none is.
    """

    rank: int | None
    clipped: int | None = None


def place(rivals: int, null: bool, bound: str | None, clipped: bool, share: float, rng: Random) -> Place:
    """A place for the right value such that it tells nothing.

    Args:
        rivals: How many wrong formulas compete.
        null: Whether the effect is 0 by the graph.
        bound: PN, PS: which bound is asked for.
        clipped: PN, PS: whether the right bound is cut off.
        share: The share of right bounds that are cut off; each rival's is as large.
        rng: A stream of the item that no attempt changes.
    """
    if null:
        return Place(None)
    if bound is None:
        return Place(rng.randrange(rivals + 1))
    end = 0 if bound == "lower" else rivals
    if clipped:
        return Place(end, 0)
    if rng.random() * (1 - share) < share * rivals:
        return Place(rng.randrange(rivals) + (bound == "lower"), 1 + rng.randrange(rivals))
    return Place(rng.randrange(rivals + 1))


class Contest:
    """The formulas of one problem, ready to be worked out on joint distributions of its graph.

    Args:
        core: The problem on the slots that matter: its formula competes with its decoys.
        place: Where the right value is to stand among the first ``rivals + 1``.
        rivals: How many rivals compete; decoys past these must differ from the others, but have no place.
    """

    def __init__(self, core: Structure, place: Place, rivals: int) -> None:
        self.core, self.place, self.rivals = core, place, rivals
        formula = TABLE[core.query.task].formula
        competing = core.decoys if place.rank is None else (core.sets, *core.decoys)
        self.formulas = [formula(core.query, sets) for sets in competing]
        self.terms = list(dict.fromkeys(term for each in self.formulas for term in each.terms()))
        self.readings = readings(self.terms, core.dag.n)

    def values(self, joint: Floats) -> Floats:
        """The value of each formula on each joint distribution (S, states): (formulas, S)."""
        numbers = dict(zip(self.terms, self.readings.probabilities(joint).T, strict=True))
        return np.stack([formula.evaluate(numbers.__getitem__) for formula in self.formulas])

    def fair(self, values: Floats) -> Bools:
        """For which of the joint distributions (columns) the values are as they have to be."""
        place, bound, competing = self.place, self.core.query.bound, values[: self.rivals + 1]
        rules = [(np.diff(np.sort(values, axis=0), axis=0) >= VISIBLE).all(axis=0)]
        if bound is None:
            rules.append((abs(values) >= (VISIBLE if place.rank is None else SMALLEST)).all(axis=0))
        else:
            cut = np.arange(len(competing))[:, None] == (-1 if place.clipped is None else place.clipped)
            inside = (competing >= SMALLEST) & (competing <= 1 - SMALLEST)
            end = 0.0 if bound == "lower" else 1.0
            rules.append(np.where(cut, competing == end, inside).all(axis=0))
        if place.rank is not None:
            rules.append((abs(competing[1:]) < abs(competing[0])).sum(axis=0) == place.rank)
        return np.asarray(np.logical_and.reduce(rules))

    def fair_with(self, tables: Sequence[Sequence[float]]) -> bool:
        """Whether the contest is fair with these tables of the slots."""
        joint = joint_of([np.array([table]) for table in tables])
        return bool(self.fair(self.values(joint))[0])

    def uniforms(self, rng: Random) -> Floats | None:
        """Numbers in [0, 1) for the tables such that the contest is fair, or None if none were found."""
        dag, stated = self.core.dag, self.core.terms
        shape = SAMPLES >> max(0, dag.n - 7), (1 << dag.n) - 1
        drawn = np.random.default_rng(rng.getrandbits(64)).random(shape)
        drawn = np.sin(drawn * np.pi / 2) ** 2  # more strong effects, so that more contests are fair
        joint = joints(dag, drawn)
        good = np.flatnonzero(self.fair(self.values(joint)))
        if good.size:
            good = good[(readings(stated, dag.n).rarest(joint[good]) >= RAREST).all(axis=1)]
        return drawn[good[0]] if good.size else None
