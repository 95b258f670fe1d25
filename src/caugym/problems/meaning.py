"""Whether a text still tells a problem, for texts that somebody else rewrote.

The text is read without the record. Order may differ; nothing else may: not an arrow, a digit, a level, nor
what is asked.
"""

from collections import Counter
from collections.abc import Hashable

from caugym.core.query import Assignment
from caugym.problems.problem import Problem
from caugym.problems.read import read
from caugym.problems.wording import Unreadable

_Facts = dict[str, Counter[Hashable]]


def same_meaning(problem: Problem, text: str) -> list[str]:
    """Why a text does not tell a problem; empty if it does.

    Each reason is one line that begins with what differs: ``text`` (no wording we know), ``variables``,
    ``arrows``, ``numbers``, ``task``, ``roles``, ``levels``, ``held``, ``bound`` or ``polarity``.
    """
    try:
        told = _facts(read(text))
    except Unreadable as error:
        return [f"text: {error}"]
    reasons = []
    for kind, expected in _facts(problem).items():
        lost, new = expected - told[kind], told[kind] - expected
        if lost or new:
            reasons.append(f"{kind}: {_listed(lost)} became {_listed(new)}")
    return reasons


def _facts(problem: Problem) -> _Facts:
    """All that a problem says, by kind, in names instead of numbers."""
    variables, query = problem.variables, problem.query
    name = [variable.name for variable in variables]

    def named(assignment: Assignment) -> frozenset[str]:
        return frozenset(f"{name[v]} = {variables[v].levels[level]}" for v, level in assignment)

    changed = (query.treatment, query.to), (query.outcome, query.level)
    return {
        "variables": Counter((v.name, frozenset(v.levels)) for v in variables),
        "arrows": Counter((name[cause], name[effect]) for cause, effect in problem.edges),
        "numbers": Counter((named(s.term.event), named(s.term.given), s.value) for s in problem.statements),
        "task": Counter([query.task]),
        "roles": Counter([(name[query.treatment], name[query.outcome])]),
        "levels": Counter([named(changed)]),
        "held": Counter(named(query.held)),
        "bound": Counter([query.bound]),
        "polarity": Counter([query.polarity]),
    }


def _listed(facts: Counter[Hashable]) -> str:
    """The facts on one line, shortened."""
    text = "; ".join(sorted(map(_told, facts.elements()))) or "nothing"
    return text if len(text) <= 120 else text[:117] + "..."


def _told(fact: Hashable) -> str:
    """A fact in plain signs.

    >>> _told((frozenset({"y = high"}), frozenset({"x = low", "z = low"}), "0.43"))
    'y = high, x = low + z = low, 0.43'
    """
    if isinstance(fact, tuple):
        return ", ".join(filter(None, map(_told, fact)))
    return " + ".join(sorted(fact)) if isinstance(fact, frozenset) else str(fact)
