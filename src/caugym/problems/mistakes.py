"""Mistakes as models make them: typed, fluent, and (slips apart) right in every equation.

A mistake is the right procedure applied to the wrong thing. So the writer of worked solutions writes it:
about another question (direction, level, bound, estimand), with other sets (none, a collider, a mediator, a
descendant), with another number read where a term is wanted (weights, mediators, denominators), with a
stratum left out, or with one digit gone wrong. Only numbers that are stated or follow in a few steps are
used.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import chain
from random import Random

from caugym.core.query import Query, Term
from caugym.estimands import TABLE, yes
from caugym.problems.arithmetic import evaluate
from caugym.problems.mistaken import KINDS, Kind, Mistaken, NotKnownError, Way
from caugym.problems.problem import Answer
from caugym.problems.solution import final_answer, worked
from caugym.problems.solve import Solution, rounded
from caugym.problems.ways import joint, naive, rewritten, unfounded, ways

__all__ = ["KINDS", "Kind", "Mistake", "mistakes"]

NEAR = 0.0005 + 1e-9
"""A value this close to the right one counts as right."""
EQUATIONS = 12
"""A slip is in one of the first so many equations."""


@dataclass(frozen=True, slots=True)
class Mistake:
    """One wrong worked solution.

    Attributes:
        kind: What went wrong.
        steps: As `worked` writes them, a step a line; the last line is the final answer.
        answer: That answer; never right.
    """

    kind: Kind
    steps: tuple[str, ...]
    answer: Answer


def mistakes(solution: Solution, rng: Random) -> list[Mistake]:
    """All mistakes that this problem allows, in the order of the ways in which they are made.

    Args:
        solution: The right solution, identified or not.
        rng: Chooses the digit of the slip and what an unfounded answer assumes.
    """
    made: list[Mistake] = []
    if solution.answer.status != "identified":
        found = [_told(solution, way) for way in unfounded(solution, rng)]
    else:
        found = [_told(solution, way) for way in ways(solution)]
        found += [*_retold(solution), _slip(solution, rng)]
    for mistake in found:
        if mistake and all(mistake.steps != other.steps for other in made):
            made.append(mistake)
    return made


def _told(solution: Solution, way: Way) -> Mistake | None:
    """The mistake in full; None if a number is lacking or it ends in the right answer."""
    query, effect = solution.problem.query, TABLE[solution.problem.query.task].effect
    dummy = Answer("identified", "0.0000", "No" if effect else None)
    problem = replace(solution.problem, query=way.query)
    writer = Mistaken(replace(solution, problem=problem, answer=dummy, sets=way.sets), way=way)
    try:
        *body, _ = writer.lines()
    except (NotKnownError, ZeroDivisionError):
        return None
    body = _asked_for(query, way, body)
    if not effect:
        return _ended(solution, way, body, _value_of(body[-1]))
    assert writer.result is not None
    return _ended(solution, way, body, Fraction(writer.result.units, 10**writer.result.places))


def _asked_for(query: Query, way: Way, lines: Iterable[str]) -> list[str]:
    """Lines about the question of a way, as if they were about the one that is asked."""
    return [line.replace(f"{way.query.task} = ", f"{query.task} = ", 1) for line in lines]


def _value_of(line: str) -> Fraction:
    """The bound that the last line of its arithmetic gives."""
    return Fraction(line.rpartition("≈ " if "≈ " in line else ": ")[2])


def _ended(solution: Solution, way: Way, body: list[str], value: Fraction) -> Mistake | None:
    """The mistake with its conclusion, unless it is right after all or no answer at all."""
    query, right = solution.problem.query, solution.answer
    shown = rounded(value)
    answer = Answer("identified", shown)
    if TABLE[query.task].effect:
        answer = replace(answer, answer="Yes" if yes(value, query) else "No")
        sign = ">" if value > 0 else "<" if value < 0 else "="
        conclusion = f"{query.task} = {shown} {sign} 0: {answer.answer}"
    else:
        conclusion = f"{way.query.bound} bound = {shown}"
    steps = (*body, conclusion, final_answer(answer))
    if abs(value) > 1 and way.kind != "clip":
        return None
    if right.value is not None and abs(float(shown) - float(right.value)) <= NEAR:
        return None
    return Mistake(way.kind, steps, answer)


def _retold(solution: Solution) -> Iterator[Mistake | None]:
    """The right solution with a wrong end."""
    answer, steps = solution.answer, worked(solution)
    if answer.answer:
        other = replace(answer, answer="No" if answer.answer == "Yes" else "Yes")
        conclusion = steps[-2].removesuffix(f": {answer.answer}") + f": {other.answer}"
        yield Mistake("verdict", (*steps[:-2], conclusion, final_answer(other)), other)
    else:
        yield from _clipped(solution, steps)
        yield _interventional(solution, steps)
    yield _abstaining(solution)


def _clipped(solution: Solution, steps: tuple[str, ...]) -> Iterator[Mistake | None]:
    """A bound that is not clipped where it must be, is clipped the wrong way, or is not divided."""
    query, sets = solution.problem.query, solution.sets
    assert sets is not None
    way = Way("clip", query, sets)
    writer = Mistaken(solution, way=way)
    evidence = writer.p(joint((query.treatment, query.original), (query.outcome, 1 - query.level)).event)
    scale = 10 ** (2 * (1 + bool(sets.adjust))) if writer.arithmetic.percent else 1
    tail = 5 if "≈" in steps[-3] and writer.arithmetic.percent else 1
    body, line = list(steps[:-2]), steps[-3]
    formula = _formula_line(query.task, steps)
    top = body[-1 - tail].replace("\N{ALMOST EQUAL TO}", "=").rpartition("= ")[2]
    undivided = [*body[:-tail]]
    undivided[formula] = body[formula].rpartition(" / P(")[0] + ")"
    value = evaluate(top) / scale
    if 0 < value < 1:
        yield _ended(solution, replace(way, kind="denominator"), undivided, value)
    if "≈" not in line:
        if sets.adjust:
            evidence = writer.arithmetic.product(evidence, writer.one)[1]
        bottom = writer.arithmetic.show(evidence)
        value = evaluate(f"{top} / {bottom}")
        body[-1] = f"{top} / {bottom} ≈ {rounded(value)}"
        body[formula] = rewritten(("max(0, [", "["), ("min(1, [", "["), ("y')))", "y'))"))(body[formula])
        body[formula] = body[formula].removesuffix(")")
        yield _ended(solution, way, body, value)
    elif query.bound == "lower":
        body[formula] = body[formula].replace("max(0", "min(0")
        body.append(f"{line.rpartition('≈ ')[2]} above 0: 0")
        yield _ended(solution, way, body, Fraction(0))
    else:
        body[formula] = body[formula].replace("min(1", "max(1")
        body.append(f"{line.rpartition('≈ ')[2]} below 1: 1")
        yield _ended(solution, way, body, Fraction(1))


def _interventional(solution: Solution, steps: tuple[str, ...]) -> Mistake | None:
    """A bound for those in question answered with the chance that all would have, where that is at hand."""
    query, sets = solution.problem.query, solution.sets
    assert sets is not None
    way = Way("estimand", query, sets)
    writer = Mistaken(solution, way=way)
    if sets.adjust:
        return None
    found = writer.p(((query.outcome, query.level),), ((query.treatment, query.to),))
    formula = f"{query.task} = P(y | do(x))"
    body = [*steps[: _formula_line(query.task, steps)], formula, *writer.listed()]
    body += chain(*writer.derived.values())
    return _ended(solution, way, body, Fraction(found.units, 10**found.places))


def _formula_line(task: str, steps: tuple[str, ...]) -> int:
    return next(i for i, step in enumerate(steps) if step.startswith(f"{task} "))


def _abstaining(solution: Solution) -> Mistake | None:
    """The contrast that a reader without the graph looks for is not stated, so nothing is answered."""
    query, sets = solution.problem.query, solution.sets
    if sets is None:
        return None
    stated = {statement.term for statement in solution.problem.statements}
    lacking = [
        Term(((query.outcome, query.level),), ((query.treatment, level),))
        for level in (query.to, query.original)
    ]
    lacking = [
        term for term in lacking if not stated & {term, Term(((query.outcome, 1 - query.level),), term.given)}
    ]
    if not lacking:
        return None
    answer, way = Answer("insufficient"), naive(query)
    problem = replace(solution.problem, query=way.query)
    wrong = replace(solution, problem=problem, answer=answer, sets=way.sets, missing=tuple(lacking))
    return Mistake("abstains", tuple(_asked_for(query, way, worked(wrong))), answer)


def _slip(solution: Solution, rng: Random) -> Mistake | None:
    """One digit of one equation wrong, and carried on; None where there is no arithmetic."""
    if solution.sets is None:
        return None
    way = Way("slip", solution.problem.query, solution.sets)
    untried = list(range(1, EQUATIONS + 1))
    while untried:
        chosen = untried.pop(rng.randrange(len(untried)))
        left = [chosen]
        found = _told(solution, replace(way, slip=(left, rng)))
        if found:
            return found
        if left[0] > 0:  # there are fewer equations
            untried = [equation for equation in untried if equation <= chosen - left[0]]
    return None
