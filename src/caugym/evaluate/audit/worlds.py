"""Brute force: probabilities that concern several worlds at once, by walking through every state.

This is the audit's second opinion; it shares nothing with `caugym.core.exact` beyond the graph. A variable
is a function of its parents and of a private chance of its own, which is the same in all worlds: two worlds
in which the parents have the same levels agree on the variable, two in which they differ draw independently
(Pearl, Causality, 2nd ed. 2009, section 7.1, with one independent response for each setting of the
parents).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from math import prod

from caugym.core.graph import bits, mask
from caugym.core.scm import SCM

Outcome = tuple[int, int, int]
"""(world, variable, level)."""


@dataclass(frozen=True, slots=True)
class World:
    """One world.

    Attributes:
        do: Variables set from outside, with their levels.
        borrowed: Causes that an effect takes from another world: ``{(cause, effect): number of that world}``.
    """

    do: Mapping[int, int] = field(default_factory=dict)
    borrowed: Mapping[tuple[int, int], int] = field(default_factory=dict)


def chance(scm: SCM, worlds: Sequence[World], event: Sequence[Outcome]) -> float:
    """The probability that all of ``event`` happens, each in its world, in the first model of the batch."""
    walk = _Walk(scm, worlds, event)
    return walk.total(0, {})


class _Walk:
    """A depth-first walk over the levels of all variables that matter, in all worlds."""

    def __init__(self, scm: SCM, worlds: Sequence[World], event: Sequence[Outcome]) -> None:
        self.scm, self.worlds = scm, worlds
        self.wanted: dict[tuple[int, int], set[int]] = {}
        for world, variable, level in event:
            self.wanted.setdefault((world, variable), set()).add(level)
        needed = scm.dag.ancestors(mask(variable for _, variable, _ in event))
        self.order = [v for v in scm.dag.order if needed >> v & 1]
        self.parents = {v: tuple(bits(scm.dag.parents[v])) for v in self.order}

    def total(self, depth: int, state: dict[tuple[int, int], int]) -> float:
        """The probability of the event, given the levels of the variables before ``depth``."""
        if depth == len(self.order):
            return 1.0
        v = self.order[depth]
        settings = [self.setting(w, v, state) for w in range(len(self.worlds))]
        distinct = [each for each in dict.fromkeys(settings) if each is not None]
        result = 0.0
        for levels in product(range(self.scm.cards[v]), repeat=len(distinct)):
            drawn = dict(zip(distinct, levels, strict=True))
            weight = prod(float(self.scm.tables[v][(0, *where, level)]) for where, level in drawn.items())
            if weight == 0:
                continue
            for w, setting in enumerate(settings):
                state[w, v] = self.worlds[w].do[v] if setting is None else drawn[setting]
            if all(self.wanted.get((w, v), {state[w, v]}) == {state[w, v]} for w in range(len(self.worlds))):
                result += weight * self.total(depth + 1, state)
        return result

    def setting(self, w: int, v: int, state: Mapping[tuple[int, int], int]) -> tuple[int, ...] | None:
        """The levels of the parents of ``v`` as it sees them in world ``w``; None where it is set."""
        world = self.worlds[w]
        if v in world.do:
            return None
        return tuple(state[world.borrowed.get((p, v), w), p] for p in self.parents[v])
