"""The oracle: probabilities of all three rungs from their definitions, by summing over what is not asked.

Nothing here knows a formula for an effect. Every quantity is a sum over full assignments of the product of
the mechanisms ``P(v | parents)``, where some variables are fixed and some arrows carry a level set from
outside instead of their cause's own level. With all arrows out of X so set this is ``do`` (Pearl, Causality,
2nd ed. 2009, section 3.2.3); with X keeping its natural level besides, a single-world counterfactual
(Richardson and Robins 2013); with different levels on different arrows, a nested one (Robins and Richardson
2010). A sum is carried out variable by variable, which changes its cost, not its value.
"""

from collections.abc import Iterator, Mapping
from functools import lru_cache, reduce
from itertools import combinations, product
from operator import or_
from typing import Any, Literal

import numpy as np

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
    vertices = _basic_solutions() @ np.stack([*observed, *done])
    feasible = (vertices > -1e-11).all(1)
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
def _basic_solutions() -> Array:
    """Matrices ``(bases, 8, 6)`` that solve the constraints with six of the eight types, the others 0."""
    solvers = []
    for chosen in map(list, combinations(range(8), 6)):
        # all determinants are -1, 0 or 1, so that the inverses are whole and rounding them makes them exact
        if abs(np.linalg.det(_CONSTRAINTS[:, chosen])) > 0.5:
            solvers.append(np.zeros((8, 6)))
            solvers[-1][chosen] = np.round(np.linalg.inv(_CONSTRAINTS[:, chosen]))
    return np.stack(solvers)


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
    operands: list[Array] = []
    for v, axes in factors:
        where = [_ALL]
        for w, kind in axes:
            where.append(_ALL if kind == "free" else fixed[w] if kind == "fixed" else arrows[w, v])
        operands.append(scm.tables[v][tuple(where)])
    for chosen, equation in steps:
        operands.append(np.einsum(equation, *[operands[i] for i in chosen]))
    return operands[-1]


def _out_of(scm: SCM, do: Assignment) -> Arrows:
    return {(cause, effect): level for cause, level in do for effect in bits(scm.dag.children[cause])}


def _ratio(top: Array, below: Array) -> Array:
    result = np.full(len(top), np.nan)
    np.divide(top, below, out=result, where=below > 0)
    return result


_ALL: Any = slice(None)
_LETTERS = "abcdefghijklmnopqrstuvwxyABCDEFGHIJKLMNOPQRSTUVWXYZ"  # z is the batch
_Factor = tuple[int, tuple[tuple[int, str], ...]]
_Step = tuple[tuple[int, ...], str]

_members = lru_cache(maxsize=1 << 16)(lambda variables: tuple(bits(variables)))


@lru_cache(maxsize=1 << 12)
def _plan(
    parents: tuple[int, ...], fixed: tuple[int, ...], arrows: tuple[tuple[int, int], ...], cut: int
) -> tuple[tuple[_Factor, ...], tuple[_Step, ...]]:
    """How to sum: each mechanism with the kind of each of its axes, then einsum steps over the operands.

    Only ancestors of the fixed variables take part: what lies below sums to 1.
    """
    known = mask(fixed)
    carried = dict.fromkeys(arrows, "arrow")
    factors, scopes = [], []
    todo, seen = known, 0
    while todo:
        low = todo & -todo
        todo ^= low
        seen |= low
        if low & cut:
            continue
        v = low.bit_length() - 1
        axes = [(w, carried.get((w, v)) or _KINDS[known >> w & 1]) for w in _members(parents[v])]
        axes.append((v, _KINDS[known >> v & 1]))
        factors.append((v, tuple(axes)))
        scope = mask(w for w, kind in axes if kind != "arrow")
        todo |= scope & ~seen
        scopes.append(scope & ~known)
    return tuple(factors), tuple(_elimination(scopes, [factor[1] for factor in factors]))


_KINDS = ("free", "fixed")


def _elimination(scopes: list[int], factors: list[tuple[tuple[int, str], ...]]) -> Iterator[_Step]:
    """Steps that remove one variable at a time, always the one with the smallest product."""
    left = reduce(or_, scopes)
    letters = dict(zip(_members(left), _LETTERS, strict=False))
    names = ["".join([letters[w] for w, kind in axes if kind == "free"]) for axes in factors]
    live = dict(enumerate(scopes))
    while left:
        smallest, summed, union = 1 << 30, 0, 0
        for v in _members(left):
            product_scope = 0
            for scope in live.values():
                if scope >> v & 1:
                    product_scope |= scope
            if product_scope.bit_count() < smallest:
                smallest, summed, union = product_scope.bit_count(), 1 << v, product_scope
        chosen = tuple([i for i, scope in live.items() if scope & summed])
        left ^= summed
        result = union ^ summed
        live = {i: scope for i, scope in live.items() if not scope & summed}
        live[len(names)] = result
        names.append("".join([letters[w] for w in _members(result)]))
        yield chosen, ",".join(["z" + names[i] for i in chosen]) + "->z" + names[-1]
    if len(live) > 1:
        yield tuple(live), ",".join(["z"] * len(live)) + "->z"
