"""What a set promises of each problem, found again in its text: when it is made, and when it is checked."""

from collections.abc import Iterator

from caugym.core.graph import bits
from caugym.core.identify import valid
from caugym.problems.contest import VISIBLE
from caugym.problems.derive import Derivation
from caugym.problems.problem import Problem
from caugym.problems.shortcuts import guesses
from caugym.problems.solve import Solution
from caugym.problems.transforms import Transform

ROUNDED = 0.0001
"""What rounding the answer may take from the distance of a wrong one."""


def broken(transform: Transform, solution: Solution) -> Iterator[tuple[str, str]]:
    """What a solved problem does not keep of what its set promises: a kind and words for each.

    ``route``: a wrong formula that the stated numbers fit comes near the answer. ``needless``: more or fewer
    statements than the set allows are not needed.
    """
    gold = solution.answer.value
    if transform.confounded and gold is not None:
        yield from (("route", what) for what in near(solution.problem, float(gold)))
    if transform.needless and gold is not None and not solution.zero:
        fewest, most = transform.needless
        if not fewest <= (count := needless(solution)) <= most:
            yield "needless", f"{count} statements are not needed, where {fewest} to {most} are allowed"


def near(problem: Problem, gold: float) -> Iterator[str]:
    """Wrong formulas, among all that the stated numbers fit, which come within `VISIBLE` of the answer."""
    for guess in guesses(problem):
        if abs(guess.value - gold) < VISIBLE - ROUNDED and not valid(
            problem.dag, problem.query, guess.formula
        ):
            wrong, mediators = (
                "{" + ", ".join(problem.variables[v].name for v in bits(part)) + "}"
                for part in (guess.formula.adjust, guess.formula.mediators)
            )
            through = f" with the mediators {mediators}" if guess.formula.mediators else ""
            yield f"adjustment for {wrong}{through} is wrong, but gives {float(guess.value):.4f}"


def needless(solution: Solution) -> int:
    """How many statements the answer does not rest on."""
    used = set()
    todo: list[Derivation] = list(solution.derivations.values())
    while todo:
        step = todo.pop()
        todo += step.parts
        if not step.parts:
            used.add(step.term)
    keys = solution.knowledge.keys
    return sum(keys.term(keys.of(each.term)) not in used for each in solution.problem.statements)
