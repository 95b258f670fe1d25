"""Exercises for the base model: sums, and the ways through a graph, as worked solutions write them.

A worked solution has a handful of sums and one or two paths, and seldom the hard ones: a digit of a long
division, a borrow, a path that is not there. A small model learns those from practice in bulk.
"""

from collections.abc import Callable, Sequence
from random import Random

from caugym.core.graph import DAG
from caugym.problems.arithmetic import Arithmetic, Number
from caugym.problems.problem import Variable
from caugym.problems.solution import walk
from caugym.problems.verbalise import arrows, random_style

MOST_SUMS, PAIRS = 10, 3
"""Most sums of an exercise; pairs of variables between which the ways are asked for."""

_DO = Arithmetic(percent=True)

Exercise = tuple[str, str]
"""What is asked, and the reply."""


def sums(rng: Random) -> Exercise:
    """Weighted differences, products, totals and quotients in whole percents, one to a line."""
    kinds = rng.choices(tuple(_SUMS), tuple(_SUMS.values()), k=rng.randint(1, MOST_SUMS))
    drawn = [kind(rng) for kind in kinds]
    return f"Calculate {'; '.join(asked for asked, _ in drawn)}.", "\n".join(worked for _, worked in drawn)


def ways(variables: Sequence[Variable], dag: DAG, rng: Random) -> Exercise:
    """Whether an edge, a directed path and an open path lead from one variable to another, for some pairs.

    Args:
        variables: Whose names are told; at least three, each with an arrow.
        dag: Their graph.
        rng: Of wordings and pairs.
    """
    edges = dag.edges()
    rng.shuffle(edges)
    pairs = rng.sample([(a, b) for a in range(dag.n) for b in range(dag.n) if a != b], PAIRS)
    asked = ", ".join(f"from {variables[a].name} to {variables[b].name}" for a, b in pairs)
    reply = [line for a, b in pairs for line in _ways(variables, dag, a, b)]
    return f"{arrows(variables, edges, random_style(rng))}\nWays {asked}?", "\n".join(reply)


def _ways(variables: Sequence[Variable], dag: DAG, a: int, b: int) -> list[str]:
    def name(variable: int) -> str:
        return {a: "X", b: "Y"}.get(variable) or variables[variable].name

    path = dag.directed_path(a, b)
    behind = dag.without_arrows_out_of(1 << a)
    opened = behind.open_path(1 << a, 1 << b)
    return [
        f"X = {variables[a].name}, Y = {variables[b].name}",
        "edge X -> Y" if dag.parents[b] >> a & 1 else "no edge X -> Y",
        f"path {walk(dag, path, name)}" if path else "no directed path from X to Y",
        f"open {walk(behind, opened, name)}" if opened else "no open path",
    ]


def _weighted(rng: Random) -> Exercise:
    difference, result = _DO.difference(a := _percent(rng), b := _percent(rng))
    weighed, _ = _DO.product(result, weight := _percent(rng))
    return f"({_DO.show(a)} - {_DO.show(b)}) * {_DO.show(weight)}", f"{difference}, {weighed}"


def _product(rng: Random) -> Exercise:
    a, b = Number(rng.randint(-99, 99), 2), _percent(rng)
    return f"{_DO.show(a)} * {_DO.show(b)}", _DO.product(a, b)[0]


def _total(rng: Random) -> Exercise:
    terms = [Number(rng.randint(-99, 99) * rng.randint(1, 99), 4, 2) for _ in range(rng.choice((2, 2, 4)))]
    asked = _DO.show(terms[0])
    for term in terms[1:]:
        asked += f" {'-' if term.units < 0 else '+'} {abs(term.units)}"
    return asked, "\n".join(_DO.total(terms)[0])


def _quotient(rng: Random) -> Exercise:
    if rng.random() < 0.5:
        a, b = _percent(rng), _percent(rng)
    else:
        a, b = Number(rng.randint(1, 9999), 4, 2), Number(100 * rng.randint(1, 99), 4, 2)
    if rng.random() < 0.8:  # most bounds are not clipped
        a, b = sorted((a, b))
    return f"min(1, {_DO.show(a)} / {_DO.show(b)})", "\n".join(_DO.clipped(a, b))


def _percent(rng: Random) -> Number:
    return Number(rng.randint(1, 99), 2)


_SUMS: dict[Callable[[Random], Exercise], int] = {_weighted: 3, _product: 1, _total: 2, _quotient: 2}
"""Kinds of sums, and how often each is drawn beside the others."""
