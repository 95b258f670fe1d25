"""The oracle: probabilities of all three rungs from their definitions, by summing over what is not asked.

Nothing here knows a formula for an effect. Every quantity is a sum over full assignments of the product of
the mechanisms ``P(v | parents)``, where some variables are fixed and some arrows carry a level set from
outside instead of their cause's own level. With all arrows out of X so set this is ``do`` (Pearl, Causality,
2nd ed. 2009, section 3.2.3); with X keeping its natural level besides, a single-world counterfactual
(Richardson and Robins 2013); with different levels on different arrows, a nested one (Robins and Richardson
2010). A sum is carried out variable by variable, which changes its cost, not its value.
"""

from collections.abc import Mapping
from functools import lru_cache
from itertools import combinations, product
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from caugym.core.graph import bits, mask
from caugym.core.query import Assignment
from caugym.core.scm import SCM, Array

Arrows = Mapping[tuple[int, int], int]
"""Levels carried by arrows from outside: ``{(cause, effect): level}``."""


def probability(scm: SCM, event: Assignment, given: Assignment = (), do: Assignment = ()) -> Array:
    """``P(event | given, do)``, of shape ``(batch,)``; NaN where the condition has probability 0."""
    arrows = _out_of(scm, do)
    cut = mask(cause for cause, _ in do)

    def chance(levels: Assignment) -> Array:
        known = dict(do)
        if any(known.setdefault(v, level) != level for v, level in levels):
            return np.zeros(scm.batch)
        return split(scm, {v: level for v, level in levels if not cut >> v & 1}, arrows, cut)

    return _ratio(chance((*given, *event)), chance(given)) if given else chance(event)


def had_it_been(scm: SCM, event: Assignment, do: Assignment, given: Assignment) -> Array:
    """The counterfactual ``P(event_do | given)`` where ``given`` sets exactly the variables of ``do``.

    ``event_do`` is what happens to descendants when the arrows out of the treatment carry the level of
    ``do`` while the treatment itself keeps its natural level (a single-world intervention graph).
    """
    both = split(scm, dict(event) | dict(given), _out_of(scm, do))
    return _ratio(both, split(scm, dict(given), {}))


def nested(scm: SCM, treatment: int, outcome: tuple[int, int], direct: int, indirect: int) -> Array:
    """``P(Y_{direct, M_indirect} = level)``: the arrow X -> Y carries ``direct``, all others ``indirect``."""
    y, level = outcome
    arrows = {**_out_of(scm, ((treatment, indirect),)), (treatment, y): direct}
    return split(scm, {y: level}, arrows, 1 << treatment)


def causation_bound(
    scm: SCM, treatment: tuple[int, int], outcome: tuple[int, int], bound: Literal["lower", "upper"]
) -> Array:
    """The tight bound on ``P(Y_to = level | X = 1 - to, Y = 1 - level)`` from P(x, y) and P(y | do(x)).

    All joint distributions of (X, Y_0, Y_1), the response types, that agree with those probabilities form a
    polytope; the bound is the best of its vertices.

    Args:
        scm: The models.
        treatment: (X, to), X binary.
        outcome: (Y, level), Y binary.
        bound: Which end.
    """
    (x, to), (y, level) = treatment, outcome
    observed = [probability(scm, ((x, a), (y, b))) for a, b in product((0, 1), repeat=2)]
    done = [probability(scm, ((y, 1),), do=((x, a),)) for a in (0, 1)]
    vertices, feasible = _vertices(np.stack([*observed, *done]))
    wanted = [
        x_is == 1 - to and (y_0, y_1)[1 - to] == 1 - level and (y_0, y_1)[to] == level
        for x_is, y_0, y_1 in _TYPES
    ]
    values = vertices[:, wanted].sum(1)
    seen = observed[2 * (1 - to) + (1 - level)]
    if bound == "lower":
        best = np.where(feasible, values, np.inf).min(0)
    else:
        best = np.where(feasible, values, -np.inf).max(0)
    return _ratio(best, seen)


_TYPES = tuple(product((0, 1), repeat=3))  # (X, Y_0, Y_1)
_CONSTRAINTS = np.array(
    [[t[0] == a and t[1 + a] == b for t in _TYPES] for a, b in product((0, 1), repeat=2)]
    + [[t[1 + a] == 1 for t in _TYPES] for a in (0, 1)],
    dtype=float,
)


@lru_cache(maxsize=1)
def _bases() -> tuple[list[list[int]], Array]:
    choices = map(list, combinations(range(8), 6))
    # all determinants are -1, 0 or 1, so that the inverses are whole and rounding them makes them exact
    chosen = [c for c in choices if abs(np.linalg.det(_CONSTRAINTS[:, c])) > 0.5]
    return chosen, np.round(np.stack([np.linalg.inv(_CONSTRAINTS[:, c]) for c in chosen]))


def _vertices(right: Array) -> tuple[Array, NDArray[np.bool_]]:
    """Basic solutions ``(bases, 8, batch)`` of the constraints, and which of them are distributions."""
    chosen, inverses = _bases()
    solutions = np.zeros((len(chosen), 8, right.shape[1]))
    for i, columns in enumerate(chosen):
        solutions[i, columns] = inverses[i] @ right
    feasible: NDArray[np.bool_] = np.all(solutions > -1e-11, axis=1)
    return solutions, feasible


def split(scm: SCM, fixed: Mapping[int, int], arrows: Arrows, cut: int = 0) -> Array:
    """The sum over all unfixed variables of the product of mechanisms, of shape ``(batch,)``.

    Args:
        scm: The models.
        fixed: Levels of the variables asked about.
        arrows: Levels that arrows carry from outside; other arrows carry the level of their cause.
        cut: Variables whose own mechanism is left out (bitmask); all their arrows must be in ``arrows``.
    """
    if not fixed:
        return np.ones(scm.batch)
    factors, steps = _plan(scm.dag.parents, tuple(sorted(fixed)), tuple(sorted(arrows)), cut)
    operands = []
    for v, slots in factors:
        where: list[int | slice] = [slice(None)]
        for cause, kind in slots:
            where.append(
                arrows[cause, v] if kind == "arrow" else fixed[cause] if kind == "fixed" else slice(None)
            )
        operands.append(scm.tables[v][tuple(where)])
    for chosen, equation in steps:
        taken = [operands[i] for i in chosen]
        operands.append(np.einsum(equation, *taken))
    return operands[-1]


def _out_of(scm: SCM, do: Assignment) -> Arrows:
    return {(cause, effect): level for cause, level in do for effect in bits(scm.dag.children[cause])}


def _ratio(top: Array, below: Array) -> Array:
    result = np.full(len(top), np.nan)
    np.divide(top, below, out=result, where=below > 0)
    return result


_Plan = tuple[tuple[tuple[int, tuple[tuple[int, str], ...]], ...], tuple[tuple[tuple[int, ...], str], ...]]


@lru_cache(maxsize=1 << 14)
def _plan(
    parents: tuple[int, ...], fixed: tuple[int, ...], arrows: tuple[tuple[int, int], ...], cut: int
) -> _Plan:
    """How to sum: each factor with its indexing, then einsum steps over (positions of) the operands."""
    known, carried = mask(fixed), set(arrows)
    factors, scopes = [], []
    todo, seen = known, 0
    while todo:
        low = todo & -todo
        todo ^= low
        seen |= low
        if low & cut:
            continue
        v, scope, slots = low.bit_length() - 1, low, []
        for cause in bits(parents[v]):
            if (cause, v) in carried:
                slots.append((cause, "arrow"))
                continue
            slots.append((cause, "fixed" if known >> cause & 1 else "free"))
            scope |= 1 << cause
        todo |= scope & ~seen
        slots.append((v, "fixed" if low & known else "free"))
        factors.append((v, tuple(slots)))
        scopes.append((slots, scope & ~known))
    return tuple(factors), tuple(_elimination(scopes))


def _elimination(scopes: list[tuple[list[tuple[int, str]], int]]) -> list[tuple[tuple[int, ...], str]]:
    """Einsum steps that remove one variable at a time, always the one with the smallest product."""
    orders = [[v for v, kind in slots if kind == "free"] for slots, _ in scopes]
    live = {i: scope for i, (_, scope) in enumerate(scopes)}
    everything = 0
    for scope in live.values():
        everything |= scope
    letters = {v: _LETTERS[i] for i, v in enumerate(bits(everything))}
    steps = []
    while everything:
        best_cost, best, best_union = 1 << 30, 0, 0
        for v in bits(everything):
            union = 0
            for scope in live.values():
                if scope >> v & 1:
                    union |= scope
            if (cost := union.bit_count()) < best_cost:
                best_cost, best, best_union = cost, v, union
        chosen = tuple(i for i, scope in live.items() if scope >> best & 1)
        everything ^= 1 << best
        steps.append(
            (chosen, _equation([orders[i] for i in chosen], list(bits(best_union ^ 1 << best)), letters))
        )
        for i in chosen:
            del live[i]
        live[len(orders)] = best_union ^ 1 << best
        orders.append(list(bits(best_union ^ 1 << best)))
    if len(live) > 1:
        steps.append((tuple(live), _equation([orders[i] for i in live], [], letters)))
    return steps


_LETTERS = "abcdefghijklmnopqrstuvwxyABCDEFGHIJKLMNOPQRSTUVWXYZ"


def _equation(inputs: list[list[int]], output: list[int], letters: dict[int, str]) -> str:
    sides = ["z" + "".join(letters[v] for v in axes) for axes in (*inputs, output)]
    return ",".join(sides[:-1]) + "->" + sides[-1]
