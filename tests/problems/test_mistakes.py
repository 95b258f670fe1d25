"""Mistakes: wrong for sure, fluent, arithmetically right, and of the kinds that a problem allows."""

import re
from collections import Counter
from dataclasses import replace
from functools import cache

import pytest

from caugym.core.graph import mask
from caugym.core.identify import why_invalid
from caugym.core.query import Task, Term
from caugym.core.streams import stream
from caugym.estimands import TABLE
from caugym.grade import grade
from caugym.problems.generate import SETS, TASKS, Item, generate
from caugym.problems.mistakes import KINDS, Mistake, mistakes
from caugym.problems.problem import Problem
from caugym.problems.solution import check_steps, final_answer
from caugym.problems.solve import Solution, solve

EACH_TASK = pytest.mark.parametrize("task", TASKS)
EFFECTS = [task for task in TASKS if TABLE[task].effect]
ANSWERABLE = tuple(name for name in SETS if name != "insufficient")


def made(item: Item, solution: Solution | None = None) -> list[Mistake]:
    return mistakes(solution or solve(item.problem), stream("mistakes", item.id))


@cache
def items(task: str, level: str, set_: str, n: int) -> tuple[Item, ...]:
    return tuple(generate(set_, task, level, "train", 3, range(n)))  # type: ignore[arg-type]


@EACH_TASK
@pytest.mark.parametrize("level", ["easy", "standard", pytest.param("hard", marks=pytest.mark.slow)])
@pytest.mark.parametrize("set_", ANSWERABLE)
def test_every_mistake_is_wrong_and_reckons_right(task: str, level: str, set_: str) -> None:
    for item in items(task, level, set_, 8):
        found = made(item)
        # Where the graph alone makes the effect zero, there may be but one way to go wrong.
        assert len({mistake.kind for mistake in found}) >= 2 - (item.gold.value == "0.0000")
        for mistake in found:
            assert not grade("\n".join(mistake.steps), item.gold, item.tolerance).correct
            assert len(check_steps(mistake.steps)) == (mistake.kind == "slip")
            assert mistake.steps != item.solution
            assert mistake.kind in KINDS


@EACH_TASK
@pytest.mark.parametrize("set_", ["base", "deconfounding"])
def test_a_mistake_ends_as_a_solution_does(task: str, set_: str) -> None:
    for item in items(task, "easy", set_, 8):
        for mistake in made(item):
            assert mistake.steps[-1] == final_answer(mistake.answer)
            assert mistake.steps[0].startswith("X = ")
            assert mistake.steps[1].startswith("Y = ")
            assert all("\n" not in step and step.strip() == step and step for step in mistake.steps)
            read = grade("\n".join(mistake.steps), replace(mistake.answer, missing=()))
            assert read.correct
            if mistake.answer.answer:
                assert mistake.steps[-2].endswith(f": {mistake.answer.answer}")


@EACH_TASK
def test_the_same_problem_has_the_same_mistakes(task: str) -> None:
    item = items(task, "easy", "base", 16)[5]
    assert made(item) == made(item)


@pytest.mark.parametrize("task", EFFECTS)
def test_effects_can_go_wrong_in_sign_level_and_verdict(task: str) -> None:
    for item in items(task, "easy", "base", 16):
        found = {mistake.kind: mistake for mistake in made(item)}
        assert found["verdict"].answer.value == item.gold.value
        assert item.gold.value is not None
        if item.gold.value == "0.0000":
            assert set(found) == {"naive", "verdict"}
            continue
        for kind in ("sign", "outcome"):
            assert float(found[kind].answer.value or 0) == -float(item.gold.value)
            assert found[kind].answer.answer != item.gold.answer


@pytest.mark.parametrize("task", ["PN", "PS"])
def test_bounds_can_go_wrong_in_clipping_and_division(task: str) -> None:
    for item in items(task, "easy", "base", 32):
        found = [mistake for mistake in made(item) if mistake.kind == "clip"]
        clipped = item.gold.value in ("0.0000", "1.0000")
        for mistake in found:
            assert (mistake.answer.value in ("0.0000", "1.0000")) != clipped
        assert found or item.gold.value == "0.0000"
        assert clipped or any(mistake.kind == "denominator" for mistake in made(item))


def without_graph(problem: Problem) -> Counter[str]:
    """The wrong sets that the steps of a problem's mistakes name."""
    names = {variable.name: v for v, variable in enumerate(problem.variables)}
    wrong: Counter[str] = Counter()
    for mistake in mistakes(solve(problem), stream("any")):
        if mistake.kind in ("naive", "set") and problem.query.task in ("ATE", "CDE", "ETT", "PN", "PS"):
            line = next(step for step in mistake.steps if re.match(r"Z1? = ", step))
            used = mask(names[name] for name in re.findall(r"Z\d? = ([^:]+):", line))
            assert why_invalid(problem.dag, problem.query, used)
            assert bool(used) == (mistake.kind == "set")
            wrong[mistake.kind] += 1
    return wrong


@pytest.mark.parametrize("task", ["ATE", "CDE", "ETT", "PN", "PS"])
def test_wrong_sets_are_invalid_and_there_to_be_found(task: str) -> None:
    total = sum((without_graph(i.problem) for i in items(task, "standard", "deconfounding", 24)), Counter())
    assert total["set"] >= 2
    assert total.total() >= 8


def test_the_kinds_that_adjustment_allows() -> None:
    for task in ("ATE", "CDE", "ETT"):
        for item in items(task, "easy", "deconfounding", 12):
            sets = solve(item.problem).sets
            if sets and sets.adjust:
                kinds = {mistake.kind for mistake in made(item)}
                assert {"sign", "outcome", "verdict", "slip"} <= kinds
                assert kinds & {"weights", "stratum", "naive", "partial"}


@EACH_TASK
def test_an_unfounded_answer_is_an_answer(task: str) -> None:
    answered = 0
    for item in items(task, "easy", "base", 16)[:6]:
        for i in range(len(item.problem.statements)):
            kept = item.problem.statements[:i] + item.problem.statements[i + 1 :]
            solution = solve(replace(item.problem, statements=kept))
            if solution.answer.status == "insufficient":
                found = made(item, solution)
                answered += bool(found)
                for mistake in found:
                    assert mistake.kind == "answers"
                    assert check_steps(mistake.steps) == []
                    assert not grade("\n".join(mistake.steps), solution.answer).correct
    assert answered >= 5


def test_a_number_that_is_missing_altogether_is_assumed() -> None:
    assumed = 0
    for item in items("ATE", "easy", "deconfounding", 12):
        solution = solve(item.problem)
        over = {v for term in solution.derivations for v, _ in term.event} - {item.problem.query.outcome}
        kept = tuple(s for s in item.problem.statements if not over & {v for v, _ in s.term.event})
        lacking = solve(replace(item.problem, statements=kept))
        if over and lacking.answer.status == "insufficient":
            assumed += any("assume P(" in step for m in made(item, lacking) for step in m.steps)
    assert assumed >= 6


def test_a_slip_is_carried_on() -> None:
    carried = 0
    for item in items("ATE", "easy", "deconfounding", 12):
        for mistake in made(item):
            if mistake.kind == "slip":
                (false,) = check_steps(mistake.steps)
                wrong = false.rpartition("= ")[2]
                at = next(i for i, step in enumerate(mistake.steps) if false in step)
                later = "\n".join([mistake.steps[at].partition(false)[2], *mistake.steps[at + 1 :]])
                carried += wrong.lstrip("-") in later or wrong.lstrip("-0.") in later
    assert carried >= 10


def test_terms_are_terms() -> None:
    """What an abstaining reader misses is indeed not stated."""
    for item in items("CDE", "easy", "base", 12):
        query = item.problem.query
        stated = {statement.term for statement in item.problem.statements}
        for mistake in made(item):
            if mistake.kind == "abstains":
                assert mistake.answer.status == "insufficient"
                assert "not stated: P(Y = y" in mistake.steps[-2]
                assert not all(
                    Term(((query.outcome, query.level),), ((query.treatment, level),)) in stated
                    for level in (0, 1)
                )


@pytest.mark.parametrize(("task", "index"), [("PN", 17), ("PN", 23), ("PS", 17)])
def test_bounds_whose_sums_had_to_be_rounded(task: Task, index: int) -> None:
    """A sum that is only about right still goes on to wrong clippings and divisions."""
    (item,) = generate("insufficient", task, "hard", "test", 9, [index])
    assert mistakes(solve(item.problem), stream(item.id))
