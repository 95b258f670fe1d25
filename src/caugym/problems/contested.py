"""Problems in which rival formulas compete, before they have names: a structure, its contest, a start."""

from dataclasses import dataclass
from random import Random

from caugym.core.errors import InputError
from caugym.core.query import Task
from caugym.core.streams import stream
from caugym.problems.balance import Coordinates, Wish
from caugym.problems.contest import Contest, place
from caugym.problems.decoys import with_bystanders
from caugym.problems.joint import Floats
from caugym.problems.levels import Level
from caugym.problems.rivals import card, draw_rivals
from caugym.problems.structure import Structure
from caugym.problems.transforms import Transform

STRUCTURES = 2000
"""Structures drawn at most until one has a fair contest."""

NAIVE = 0.5
"""Share of the problems that need adjustment in which the naive contrast is stated, as far as it can be."""


@dataclass(frozen=True, slots=True)
class Contested:
    """A structure, its contest, and what numbers are to be drawn from."""

    structure: Structure
    contest: Contest
    start: Floats


def contested(
    transform: Transform, task: Task, level: Level, wish: Wish, item: tuple[Coordinates, int], rng: Random
) -> Contested:
    """A structure with rivals on which the contest is fair with some numbers.

    Which formula wins, and where its value stands among the others, is drawn from the item's coordinates: it
    must not depend on what is refused.

    Args:
        transform, task, level, wish: What is wanted.
        item: The series, and the index in it.
        rng: The stream of this attempt.

    Raises:
        InputError: If the level leaves no room.
    """
    coordinates, index = item
    fixed = stream(*coordinates, index, "rivals")
    family, winner = card(task, level, transform.confounded, coordinates, index)
    right, rivals = None if wish.null else winner, len(family) - 1
    spot = place(rivals, wish.null, wish.bound, wish.clipped, level.clipped, fixed)
    naive = transform.confounded and task != "NIE" and fixed.random() < NAIVE
    bystanders = fixed.randint(*transform.bystanders)
    for _ in range(STRUCTURES):
        drawn = draw_rivals(task, level, family, right, wish.bound, rng)
        structure = with_bystanders(drawn, naive, bystanders, rng)
        if structure is None:
            continue
        contest = Contest(structure.on(structure.slots()), spot, rivals)
        start = contest.uniforms(rng)
        if start is not None:
            return Contested(structure, contest, start)
    raise InputError(f"level {level.name!r} has no room for set {transform.name!r}; widen its variables")
