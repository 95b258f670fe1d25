"""Exercises for the base model: parts of worked solutions, as those write them.

A worked solution has a handful of sums and one or two paths, and seldom the hard ones: a digit of a long
division, a borrow, a path that is not there. Of most tasks it reads no number with two conditions, whose
levels are easily given to the wrong variables, and finds none by two levels among those that it has listed. A
small model learns those from practice in bulk.
"""

from collections.abc import Callable, Sequence
from itertools import product
from random import Random

from caugym.core.estimand import Sets
from caugym.core.graph import DAG, mask
from caugym.core.query import Assignment, Query, Term
from caugym.problems.arithmetic import Arithmetic, Number
from caugym.problems.notation import Notation
from caugym.problems.problem import Problem, Statement, Variable
from caugym.problems.verbalise import arrows, numbers, random_style

MOST_SUMS, PAIRS, MOST_LISTED = 10, 3, 6
"""Most sums of an exercise; pairs of variables between which the ways are asked for; most numbers listed."""

OUTRIGHT = 0.85
"""Share of the numbers to be compared that are listed themselves; of the rest the opposite is."""

WORDINGS = ("base", "base", "rephrased")
"""Pools that the sentences of lists come from."""

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
        f"path {dag.walk(path, name)}" if path else "no directed path from X to Y",
        f"open {behind.walk(opened, name)}" if opened else "no open path",
    ]


def lists(variables: tuple[Variable, ...], rng: Random) -> Exercise:
    """Probabilities with up to three conditions in words, and as a solution lists them.

    Args:
        variables: Whose names and levels are told; at least three.
        rng: Of roles, terms, numbers and wordings.
    """
    x, y, *others = rng.sample(range(len(variables)), len(variables))
    m, z = sorted(others[:1]), sorted(others[1 : rng.randint(1, 3)])
    if rng.random() < 0.5:
        m, z = z, m
    query = Query("NDE", x, y, to=rng.randrange(2), level=rng.randrange(2))
    terms = dict.fromkeys(_term(y, len(variables), rng) for _ in range(rng.randint(3, MOST_LISTED)))
    stated = [(term, _percent(rng)) for term in terms]
    statements = tuple([Statement(term, f"0.{number.units:02}") for term, number in stated])
    notation = Notation(Problem(variables, (), statements, query), Sets(mask(z), mask(m)))
    roles = [notation.named(letters) for letters in (m, z) if letters]
    told = numbers(variables, statements, random_style(rng, rng.choice(WORDINGS)))
    lines = [f"P({notation.stated(term)}) = {_DO.show(number)}" for term, number in stated]
    asked = [*notation.asked(), *roles]
    return f"{told}\nList with {'; '.join(asked)}.", "\n".join([*asked, *lines])


def contrasts(variables: tuple[Variable, ...], rng: Random) -> Exercise:
    """Probabilities as a solution lists them, and how the outcome's changes in each stratum.

    Args:
        variables: Whose names and levels are told; at least three.
        rng: Of roles, numbers and what is listed for its opposite.
    """
    x, y, *strata = rng.sample(range(len(variables)), min(len(variables), rng.choice((3, 4, 4))))
    split = rng.randint(0, len(strata))
    z, m = sorted(strata[:split]), sorted(strata[split:])
    strata = [*z, *m]
    query = Query("NDE", x, y, to=rng.randrange(2), level=rng.randrange(2))
    notation = Notation(Problem(variables, (), (), query), Sets(mask(z), mask(m)))
    cells = [tuple(zip(strata, levels, strict=True)) for levels in product((0, 1), repeat=len(strata))]
    listed, derived, worked = [], [], []
    for cell in cells:
        pair = []
        for level in (query.to, query.original):
            given, number = tuple(sorted(((x, level), *cell))), _percent(rng)
            told = query.level if rng.random() < OUTRIGHT else 1 - query.level
            listed.append(f"P({notation.stated(Term(((y, told),), given))}) = {_DO.show(number)}")
            if told != query.level:
                left, number = f"100 - {_DO.show(number)}", Number(100 - number.units, 2)
                wanted = notation.text(Term(((y, query.level),), given))
                derived.append(f"P({wanted}) = {_DO.equation(left, number)}")
            pair.append(number)
        worked.append(f"{notation.setting(cell)}: {_DO.difference(*pair)[0]}")
    rng.shuffle(listed)
    roles = [*notation.asked(), notation.named(strata)]
    return "\n".join([*roles, *listed, "Compare x with x'."]), "\n".join([*derived, *worked])


def _term(outcome: int, variables: int, rng: Random) -> Term:
    """A conditional probability, most often of the outcome and with two conditions; or of two at once."""
    others = [v for v in range(variables) if v != outcome]
    rng.shuffle(others)
    event = [outcome] if rng.random() < 0.6 else [others.pop()]
    conditions = rng.choices((1, 2, 3), (2, 5, 1))[0]
    if len(others) > 1 and rng.random() < 0.15:
        event.append(others.pop())
        conditions = rng.randrange(2)
    return Term(_levels(event, rng), _levels(others[:conditions], rng))


def _levels(variables: Sequence[int], rng: Random) -> Assignment:
    return tuple((v, rng.randrange(2)) for v in sorted(variables))


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
