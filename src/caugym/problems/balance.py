"""What each item of a set must be, so that the set is balanced: fixed by the index, not by the draw.

Pairs of effects hold one Yes and one No, and in some sets every other pair asks for "less likely". Blocks of
eight bounds hold both sides, cut off in the level's share. Where statements are left out, pairs hold one
problem that cannot be answered, and those that can are balanced among themselves.
"""

from dataclasses import dataclass, replace
from functools import lru_cache

from caugym.core.query import Task
from caugym.core.streams import stream
from caugym.estimands import TABLE
from caugym.problems.difficulty import RUNGS
from caugym.problems.levels import Level
from caugym.problems.structure import Bound
from caugym.problems.transforms import Transform

Coordinates = tuple[str | int, ...]

ZEROS = 25
"""Pairs of effects among which zero effects have exactly their share."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What an item must be.

    Attributes:
        yes: The answer of an effect; None where there is none.
        null: Whether the effect is 0 by the graph.
        bound: PN, PS: which bound is asked for.
        clipped: PN, PS: whether the bound is cut off at 0 or 1.
        less: Whether the question asks for "less likely".
        lacking: Whether the problem cannot be answered.
        rung: On which step of difficulty the problem stands, where problems are spread evenly.
    """

    yes: bool | None
    null: bool
    bound: Bound | None
    clipped: bool
    less: bool = False
    lacking: bool = False
    rung: int = 0


def wished(transform: Transform, task: Task, level: Level, coordinates: Coordinates, index: int) -> Wish:
    """What the item at an index must be; ``coordinates`` name the series that the index counts in."""
    wish = _wished(transform, task, level, coordinates, index)
    return replace(wish, rung=rung(coordinates, index)) if level.even else wish


def _wished(transform: Transform, task: Task, level: Level, coordinates: Coordinates, index: int) -> Wish:
    if not transform.gap:
        return _answerable(transform, task, level, coordinates, index)
    pair = index // 2
    wish = _answerable(transform, task, level, coordinates, pair)
    if _order(2, *coordinates, "gap", pair)[index % 2]:
        return wish
    return replace(wish, yes=None, null=False, clipped=False, lacking=True)


def _answerable(transform: Transform, task: Task, level: Level, coordinates: Coordinates, index: int) -> Wish:
    if TABLE[task].effect:
        pair = index // 2
        coin = _order(2, *coordinates, pair)[index % 2] == 0
        block, place = divmod(pair, ZEROS)  # exactly the share, or a constant might win by luck
        null = not coin and _order(ZEROS, *coordinates, "null", block)[place] < 2 * level.null * ZEROS
        less = transform.less and _order(2, *coordinates, "less", pair // 2)[pair % 2] == 0
        return Wish(coin, null, None, False, less)
    kind = _order(8, *coordinates, index // 8)[index % 8]
    return Wish(None, False, "lower" if kind % 2 else "upper", kind // 2 < 4 * level.clipped)


def rung(coordinates: Coordinates, index: int) -> int:
    """The step of difficulty of the item at an index; the two of a pair stand on the same one."""
    pair = index // 2
    return _order(RUNGS, *coordinates, "rung", pair // RUNGS)[pair % RUNGS]


@lru_cache(maxsize=1 << 12)
def _order(size: int, *coordinates: str | int) -> tuple[int, ...]:
    order = list(range(size))
    stream(*coordinates, "order").shuffle(order)
    return tuple(order)
