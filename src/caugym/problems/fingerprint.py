"""Fingerprints: what stays of a problem when names, order and the naming of levels are taken away.

Equal problems have equal fingerprints. Different ones nearly always have different ones, but colour
refinement (Weisfeiler and Leman, 1968) cannot tell some regular graphs apart: then two count as one, which
makes a leak look larger and a set look less varied, never the reverse.
"""

from collections.abc import Iterator, Mapping, Sequence
from hashlib import blake2b
from typing import Any

from caugym.core.graph import DAG, bits
from caugym.core.query import Assignment
from caugym.problems.problem import Problem, Statement

Level = tuple[int, int]
"""A variable and one of its levels."""

Colours = Mapping[Level, int]

Sign = tuple[Any, ...]
"""What tells a level apart: nested tuples of numbers, of one shape, so that they can be put in order."""


def named_graph(problem: Problem) -> bytes:
    """Of the arrows between named variables, in any order."""
    names = [variable.name for variable in problem.variables]
    return _digest(sorted((names[cause], names[effect]) for cause, effect in problem.edges))


def name_set(problem: Problem) -> bytes:
    """Of the names of all variables."""
    return _digest(sorted(variable.name for variable in problem.variables))


def skeleton(dag: DAG, marks: Sequence[int] = ()) -> bytes:
    """Of a graph without names; ``marks`` are variables that are told apart, such as X and Y."""
    start = {(v, level): marks.index(v) if v in marks else -1 for v in range(dag.n) for level in (0, 1)}
    colours = _refined(dag, start, ())
    return _digest((_graph(dag, colours), [_variable(v, colours) for v in marks]))


def canonical(problem: Problem) -> bytes:
    """Of a problem without names: graph, numbers and question.

    The same whatever its variables and levels are called, in whatever order it is told, whether a statement
    gives P(event) or P(not event), and whether "more" or "less likely" is asked.
    """
    query, dag = problem.query, problem.dag
    start = {(v, level): 0 for v in range(dag.n) for level in (0, 1)}
    start |= {(query.treatment, query.original): 1, (query.treatment, query.to): 2}
    start |= {(query.outcome, 1 - query.level): 3, (query.outcome, query.level): 4}
    for v, level in query.held:
        start |= {(v, 1 - level): 5, (v, level): 6}
    colours = _refined(dag, start, problem.statements)
    stated = sorted(_stated(statement, colours) for statement in problem.statements)
    roles = (query.treatment, query.to), (query.outcome, query.level), *query.held
    asked = query.task, str(query.bound), [colours[role] for role in roles[:2]]
    return _digest((_graph(dag, colours), stated, asked, sorted(colours[role] for role in roles[2:])))


def _refined(dag: DAG, start: Colours, statements: Sequence[Statement]) -> Colours:
    """Colours of the levels, told apart by all that is said of them, until that tells no more apart."""
    colours, count = start, len(set(start.values()))
    children = dag.children
    while True:
        signs: dict[Level, Sign] = {}
        said: dict[Level, list[Sign]] = {level: [] for level in colours}
        for statement in statements:
            sign, term = _stated(statement, colours), statement.term
            for event, number, _ in _cells(statement):
                for level in event:
                    said[level].append((0, number, sign))
            for side, levels in enumerate((term.given, term.do), 1):
                for level in levels:
                    said[level].append((side, 0, sign))
        for v in range(dag.n):
            around = tuple(
                tuple(sorted(_variable(w, colours) for w in bits(side)))
                for side in (dag.parents[v], children[v])
            )
            for k in (0, 1):
                signs[v, k] = colours[v, k], colours[v, 1 - k], around, tuple(sorted(said[v, k]))
        ranks = {sign: rank for rank, sign in enumerate(sorted(set(signs.values())))}
        if len(ranks) == count:
            return colours
        colours, count = {level: ranks[sign] for level, sign in signs.items()}, len(ranks)


def _variable(v: int, colours: Colours) -> tuple[int, ...]:
    return tuple(sorted((colours[v, 0], colours[v, 1])))


def _stated(statement: Statement, colours: Colours) -> Sign:
    """A statement in colours; the same for P(event) and, of one variable, P(not event)."""
    term = statement.term
    sides = (tuple(sorted(colours[each] for each in side)) for side in (term.given, term.do))
    cells = ((tuple(sorted(colours[each] for each in event)), *rest) for event, *rest in _cells(statement))
    return (*sides, tuple(sorted(cells)))


def _cells(statement: Statement) -> Iterator[tuple[Assignment, int, int]]:
    """What a statement says: event, its probability in units of the last digit, units in 1."""
    event, whole, digits = statement.term.event, *statement.value.split(".")
    unit = 10 ** len(digits)
    number = int(whole) * unit + int(digits)
    yield event, number, unit
    if len(event) == 1:
        ((variable, level),) = event
        yield ((variable, 1 - level),), unit - number, unit


def _graph(dag: DAG, colours: Colours) -> Sign:
    """Variables and arrows in colours."""
    name = [_variable(v, colours) for v in range(dag.n)]
    return tuple(sorted(name)), tuple(sorted((name[a], name[b]) for a, b in dag.edges()))


def _digest(description: object) -> bytes:
    return blake2b(repr(description).encode(), digest_size=16).digest()
