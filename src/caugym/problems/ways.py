"""The ways to go wrong that a problem allows: other sets, other questions, other numbers.

Each `Way` is worth trying; whether its numbers follow, and whether it ends in a wrong answer, is seen when it
is written out.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import combinations, islice
from random import Random

from caugym.core.estimand import Sets
from caugym.core.graph import bits, mask
from caugym.core.identify import why_invalid
from caugym.core.query import Assignment, Query, Term
from caugym.estimands import TABLE
from caugym.problems.mistaken import Way, follows
from caugym.problems.problem import Problem
from caugym.problems.solve import Solution

CANDIDATES = 4
"""Sets that an unfounded answer is tried with."""
MISSING = 4
"""Most numbers that an unfounded answer makes up."""


def ways(solution: Solution) -> Iterator[Way]:
    """All ways to go wrong that the writer can write; some may lack numbers."""
    query = solution.problem.query
    if solution.sets is None:
        yield naive(query)
        return
    yield from _other_sets(solution)
    yield from _one_stratum(solution)
    yield from _other_weights(solution)
    for members in (solution.sets.adjust, solution.sets.mediators):
        if members:
            yield Way("partial", query, solution.sets, partial=tuple(bits(members)))
    if TABLE[query.task].effect:
        yield from _turned(solution)
        yield from _other_estimands(solution)
    else:
        yield from _bounds(solution)


def naive(query: Query) -> Way:
    """What a reader without the graph calculates: nothing is adjusted for, held or mediated."""
    if not TABLE[query.task].effect:
        return Way("naive", query, Sets())
    task = query.task if query.task == "ETT" else "ATE"
    return Way("naive", query._replace(task=task, held=()), Sets())


def _other_sets(solution: Solution) -> Iterator[Way]:
    """Nothing adjusted for, and all invalid sets whose conditional probabilities are stated."""
    problem, query = solution.problem, solution.problem.query
    assert solution.sets is not None
    asked = 1 << query.treatment | mask(v for v, _ in query.held)
    used = solution.sets.adjust | solution.sets.mediators
    rests = {solution.sets.mediators: None}
    for statement in problem.statements:
        given = mask(v for v, _ in statement.term.given)
        if [v for v, _ in statement.term.event] == [query.outcome] and given & asked == asked:
            rests[given & ~asked] = None
    for rest in rests:
        sizes = (0, 1, 2) if query.task in ("NDE", "NIE") else (0,)
        for m in (mask(some) for size in sizes for some in combinations(bits(rest), size)):
            sets = Sets(rest & ~m, m)
            if query.task == "NIE" and not m:
                continue
            if sets != solution.sets and why_invalid(problem.dag, query, sets.adjust, m):
                yield Way("naive" if used and not sets.adjust and m in (0, used) else "set", query, sets)
    if solution.sets.adjust and solution.sets.mediators not in rests:
        yield Way("naive", query, Sets(0, solution.sets.mediators))


def _one_stratum(solution: Solution) -> Iterator[Way]:
    """One level of a covariate, or of a mediator for NDE, taken for all."""
    problem, query, sets = solution.problem, solution.problem.query, solution.sets
    assert sets is not None
    over = tuple(bits(sets.mediators if query.task == "NDE" else sets.adjust))
    if len(over) != 1 or query.task == "NIE":
        return
    for setting in ((over[0], 0), (over[0], 1)):
        if query.task in ("ATE", "CDE"):
            held = tuple(sorted((*query.held, setting)))
            yield Way("stratum", query._replace(held=held), Sets())
        elif query.task == "NDE":
            yield Way("stratum", query._replace(task="CDE", held=(setting,)), Sets(sets.adjust))
        else:
            z = problem.variables[over[0]]
            within = f"x, {z.name} = {z.levels[setting[1]]})"
            formula = rewritten(("do(x))", within), ("x)", within))
            yield Way("stratum", query, Sets(), _within(query, setting), formula)


def _within(query: Query, setting: tuple[int, int]) -> Callable[[Term], Term]:
    """Where the outcome under the counterfactual level is wanted: that of one stratum."""

    def reads(term: Term) -> Term:
        if len(term.event) == 1 and term.given == ((query.treatment, query.to),):
            return Term(term.event, tuple(sorted((*term.given, setting))))
        return term

    return reads


def _other_weights(solution: Solution) -> Iterator[Way]:
    """The strata weighted in the wrong order, or by what is true of other people."""
    query, sets = solution.problem.query, solution.sets
    assert sets is not None
    to, original = (query.treatment, query.to), (query.treatment, query.original)
    if sets.adjust:
        yield Way("weights", query, sets, _crossed(sets.adjust))
        right, written = ((original,), "P(z | x')") if query.task == "ETT" else ((), "P(z)")
        for given, instead in (((), "P(z)"), ((original,), "P(z | x')"), ((to,), "P(z | x)")):
            if given != right:
                yield Way("weights", query, sets, _given(sets.adjust, given), rewritten((written, instead)))
    if query.task in ("NDE", "NIE") and sets.mediators:
        weighed = sets.mediators if query.task == "NDE" else 1 << query.outcome
        yield Way("weights", query, sets, _crossed(sets.mediators, weighed))
        head = "P(m | " if query.task == "NDE" else "P(y | "
        reads = _at(weighed, {original: to})
        yield Way("mediator", query, sets, reads, rewritten((head + "x'", head + "x")))


def _turned(solution: Solution) -> Iterator[Way]:
    """The change in the wrong direction, and the other level of Y."""
    query, sets = solution.problem.query, solution.sets
    assert sets is not None
    back = query._replace(to=query.original)
    to, original = (query.treatment, query.to), (query.treatment, query.original)
    yield Way("outcome", query._replace(level=1 - query.level), sets)
    if query.task == "ETT":
        yield Way("sign", query, sets, formula=_swapped, turned=True)
    elif query.task in ("NDE", "NIE") and sets.mediators:
        kept = sets.mediators if query.task == "NDE" else 1 << query.outcome
        tail = "] P(m | " if query.task == "NDE" else "P(y | "
        formula = rewritten((tail + "x'", tail + "x"))
        yield Way("sign", back, sets, _at(kept, {to: original}), formula)
    else:
        yield Way("sign", back, sets)


def _other_estimands(solution: Solution) -> Iterator[Way]:
    """Another effect; for NIE also that on the mediator alone."""
    query, sets = solution.problem.query, solution.sets
    assert sets is not None
    for task in ("ATE", "ETT"):
        if query.task not in (task, "CDE"):
            yield Way("estimand", query._replace(task=task), Sets(sets.adjust))
    if query.task == "NIE" and sets.mediators.bit_count() == 1:
        mediator = next(bits(sets.mediators))
        for level in (0, 1):
            yield Way(
                "estimand", query._replace(task="ATE", outcome=mediator, level=level), Sets(sets.adjust)
            )


def _bounds(solution: Solution) -> Iterator[Way]:
    """The other bound, the other level of Y under the change, another denominator."""
    query, sets = solution.problem.query, solution.sets
    assert sets is not None
    lower = query.bound == "lower"
    yield Way("bound", query._replace(bound="upper" if lower else "lower"), sets)

    def other_level(term: Term) -> Term:
        if (query.treatment, query.to) in term.given and term.event[0][0] == query.outcome:
            return Term(((query.outcome, 1 - term.event[0][1]),), term.given)
        return term

    y, other = ("y'", "y") if lower else ("y", "y'")
    changed = rewritten((f"P({y} | do(x))", f"P({other} | do(x))"))
    yield Way("outcome", query, sets, other_level, changed)
    happened = (query.outcome, 1 - query.level)
    evidence = joint((query.treatment, query.original), happened)
    for term, text in (
        (joint((query.treatment, query.to), (query.outcome, query.level)), "P(x, y)"),
        (Term((happened,)), "P(y')"),
        (Term(((query.treatment, query.original),)), "P(x')"),
    ):
        formula = rewritten(("/ P(x', y')", f"/ {text}"))
        yield Way("denominator", query, sets, _instead({evidence: term}), formula)


def unfounded(solution: Solution, rng: Random) -> Iterator[Way]:
    """Ways to an answer although something is missing: another number is read for it, or one half assumed."""
    problem, query = solution.problem, solution.problem.query
    estimand = TABLE[query.task]
    everything = (1 << len(problem.variables)) - 1
    for sets in islice(estimand.identify(problem.dag, query, everything), CANDIDATES):
        missing = [t for t in estimand.formula(query, sets).terms() if not follows(solution, t)]
        if len(missing) > MISSING:
            continue
        read = {term: near for term in missing if (near := _nearest(problem, term, rng))}
        assumed = tuple(
            term for term in missing if term not in read and len(term.event) == 1 and term.event[0][1]
        )
        yield Way("answers", query, sets, _instead(read), assumed=assumed)
        opposite = {term: Term(_other_levels(near.event), near.given) for term, near in read.items()}
        yield Way("answers", query, sets, _instead(opposite), assumed=assumed)
    for way in _other_sets(replace(solution, sets=Sets())):
        yield replace(way, kind="answers")


def _nearest(problem: Problem, wanted: Term, rng: Random) -> Term | None:
    """The stated term most like the wanted one; None if there is none about the same event or its parts."""
    stated = [statement.term for statement in problem.statements]
    over = mask(v for v, _ in wanted.event)
    near = [t for t in stated if _about(t, over)] or [t for t in stated if over & mask(v for v, _ in t.event)]
    if not near:
        return None
    rng.shuffle(near)
    best = max(near, key=lambda t: (len({*t.given} & {*wanted.given}), -len(t.given)))
    known = _about(best, over) and best.given != wanted.given
    return Term(wanted.event, best.given) if known else best


def _other_levels(event: Assignment) -> Assignment:
    """The event with its first variable at the other level."""
    (variable, level), *more = event
    return ((variable, 1 - level), *more)


def _swapped(line: str) -> str:
    """The formula of ETT with its difference the other way round."""
    return re.sub(r"(P\(y \| x'\)) - (P\(y \| [^()]*\))", r"\2 - \1", line)


def rewritten(*pairs: tuple[str, str]) -> Callable[[str], str]:
    """The line with parts replaced."""

    def formula(line: str) -> str:
        for written, instead in pairs:
            line = line.replace(written, instead)
        return line

    return formula


def joint(*settings: tuple[int, int]) -> Term:
    """The probability that all this is so."""
    return Term(tuple(sorted(settings)))


def _instead(read: dict[Term, Term]) -> Callable[[Term], Term]:
    """Some terms read for others."""
    return lambda term: read.get(term, term)


def _about(term: Term, variables: int) -> bool:
    return mask(v for v, _ in term.event) == variables


def _crossed(strata: int, event: int | None = None) -> Callable[[Term], Term]:
    """In terms about ``event`` (else the strata themselves): each stratum read for its opposite."""

    def reads(term: Term) -> Term:
        if not _about(term, strata if event is None else event):
            return term
        sides = (tuple((v, k ^ (strata >> v & 1)) for v, k in side) for side in (term.event, term.given))
        return Term(*sides)

    return reads


def _given(event: int, given: Assignment) -> Callable[[Term], Term]:
    """In terms about ``event``: conditioned on something else."""
    return lambda term: Term(term.event, given) if _about(term, event) else term


def _at(event: int, moved: dict[tuple[int, int], tuple[int, int]]) -> Callable[[Term], Term]:
    """In terms about ``event``: conditions moved to other levels."""

    def reads(term: Term) -> Term:
        if not _about(term, event):
            return term
        return Term(term.event, tuple(sorted(moved.get(s, s) for s in term.given)))

    return reads
