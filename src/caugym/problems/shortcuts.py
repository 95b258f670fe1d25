"""Ways to win a set without reasoning about causes; on a good set they must fail.

* `graph_blind` never looks at an arrow: it takes whichever formula of the task the stated numbers fit.
* `drop_last` forgets the last statements, where sets made by appending put what is not needed.
* `best_constant` says the same to every question of a task.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from fractions import Fraction
from itertools import combinations

from caugym.core.errors import InputError
from caugym.core.estimand import Sets
from caugym.core.expr import Expr
from caugym.core.graph import DAG, mask
from caugym.core.query import Query
from caugym.estimands import TABLE, yes
from caugym.problems.derive import Key, Knowledge
from caugym.problems.problem import Answer, Problem
from caugym.problems.solve import rounded

LARGEST_SET = 3
"""The most covariates, and the most mediators, that the graph-blind solver tries."""

ABSTAIN = Answer("insufficient")


def graph_blind(problem: Problem, *, cautious: bool = False) -> Answer:
    """The answer of a solver that never looks at the graph.

    Of all formulas of the task whose terms are stated (or complements of what is stated) it takes the one
    that uses most statements, smaller sets first. If none fits and no statement is about treatment and
    outcome together, it says that there is no effect; else it abstains.

    Args:
        problem: The problem.
        cautious: Say that there is no effect only where no statement is about either of the two.
    """
    query = problem.query
    guess = _guess(problem)
    if guess is not None:
        return _answer(query, guess)
    both = {query.treatment, query.outcome}
    told = [both & {v for v, _ in (*s.term.event, *s.term.given)} for s in problem.statements]
    linked = any(told) if cautious else both in told
    return ABSTAIN if linked else _answer(query, Fraction(0))


def _guess(problem: Problem) -> Fraction | None:
    """The value of the formula that fits best; None if none does."""
    query = problem.query
    n = len(problem.variables)
    complete = DAG(tuple((1 << v) - 1 for v in range(n)))  # no independence to make use of
    terms = [statement.term for statement in problem.statements]
    try:
        known = Knowledge(complete, terms, [statement.value for statement in problem.statements])
    except InputError:
        return None
    best: tuple[int, Expr] | None = None
    for chosen in _guesses(query, known.mentioned, n):
        expr = TABLE[query.task].formula(query, chosen)
        keys = [known.keys.of(term) for term in expr.terms()]
        if all(map(known.at_once, keys)):
            used = len(set().union(*(_leaves(known, key) for key in keys)))
            if best is None or used > best[0]:
                best = used, expr
    if best is None:
        return None
    try:
        return Fraction(best[1].evaluate(lambda term: known.exact(known.keys.of(term))))
    except ZeroDivisionError:
        return None


def drop_last(problem: Problem, count: int) -> Problem:
    """The problem without its last statements."""
    return replace(problem, statements=problem.statements[: max(0, len(problem.statements) - count)])


def best_constant(labels: Iterable[Answer], tolerance: float) -> tuple[str, float]:
    """The reply that is right most often when said to every question, and how often it is.

    Only values count; yes/no is left aside, as in the public release.
    """
    said = list(labels)
    if not said:
        raise InputError("there are no labels to take a constant from")
    values = sorted(float(label.value) for label in said if label.value is not None)
    lacking = sum(label.status == "insufficient" for label in said)
    best, start = ("LACK_CONDITION", lacking), 0
    for end, value in enumerate(values):  # a constant in the middle reaches one tolerance to either side
        while value - values[start] > 2 * tolerance + 1e-9:
            start += 1
        if end - start + 1 > best[1]:
            best = f"{(value + values[start]) / 2:.4f}", end - start + 1
    return best[0], best[1] / len(said)


def majority(labels: Iterable[Answer]) -> float | None:
    """The share of the more frequent of Yes and No; None where nothing is asked."""
    counts = Counter(label.answer for label in labels if label.answer)
    return max(counts.values()) / counts.total() if counts else None


def _guesses(query: Query, mentioned: int, n: int) -> Iterator[Sets]:
    """Sets of variables for the formula, smallest first, whatever the graph says."""
    roles = 1 << query.treatment | 1 << query.outcome | mask(v for v, _ in query.held)
    others = [v for v in range(n) if mentioned & ~roles & 1 << v]
    mediated = query.task in ("NDE", "NIE")
    sizes = range(min(LARGEST_SET, len(others)) + 1)
    for size in sizes:
        for adjust in combinations(others, size):
            rest = [v for v in others if v not in adjust]
            for count in range(min(LARGEST_SET, len(rest)) + 1) if mediated else (0,):
                for mediators in combinations(rest, count):
                    yield Sets(mask(adjust), mask(mediators))


def _leaves(known: Knowledge, key: Key) -> set[str]:
    """The stated terms that a term rests on."""
    found, todo = set(), [known.derivation(key)]
    while todo:
        step = todo.pop()
        todo += step.parts
        if not step.parts:
            found.add(repr(step.term))
    return found


def _answer(query: Query, value: Fraction) -> Answer:
    if not TABLE[query.task].effect:
        return Answer("identified", rounded(value))
    return Answer("identified", rounded(value), "Yes" if yes(value, query) else "No")
