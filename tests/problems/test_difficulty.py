"""Difficulty is what can be counted in the text and its solution, and sets can be spread evenly over it."""

from collections import Counter
from dataclasses import replace
from itertools import groupby
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caugym.core.errors import InputError
from caugym.data.check import check
from caugym.data.manifest import MakeConfig
from caugym.data.shards import make, rows
from caugym.problems.balance import rung
from caugym.problems.difficulty import DRAWS, RUNGS, Difficulty, difficulty, on_rung, span
from caugym.problems.generate import SETS, TASKS, generate, series
from caugym.problems.read import read
from caugym.problems.solve import solve
from tests.data.damaged import damage


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("set_", SETS)
def test_difficulty_is_counted_in_text_and_solution(set_: str, task: str) -> None:
    for item in generate(set_, task, "standard", "train", 4, range(12)):  # type: ignore[arg-type]
        solution = solve(read(item.prompt))
        found = item.difficulty
        assert found == difficulty(solution)
        assert found.variables == len(item.problem.variables)
        assert found.statements == len(item.problem.statements)
        assert found.digits == 4
        if solution.zero:
            assert found.adjustment == found.mediators == found.products == 0
        elif solution.expr:
            assert solution.sets
            assert found.adjustment == solution.sets.adjust.bit_count()
            assert found.mediators == max(len(item.problem.query.held), solution.sets.mediators.bit_count())
            written = solution.expr.numbers(lambda term: "p")
            assert found.products == written.count(" * ") + written.count(" / ")


def test_a_problem_less_one_needed_number_is_as_difficult_but_for_it() -> None:
    item, solution = next(
        (item, solution)
        for item in generate("base", "NDE", "standard", "train", 1, range(9))
        if item.difficulty.products
        for solution in [solve(replace(item.problem, statements=item.problem.statements[1:]))]
        if solution.answer.status == "insufficient"  # else the first number is implied by the others
    )
    shorter = replace(item.difficulty, statements=item.difficulty.statements - 1)
    assert difficulty(solution) == shorter


@given(st.lists(st.integers(0, 50), min_size=1), st.integers(0, RUNGS - 1), st.randoms())
def test_what_is_drawn_for_a_rung_stands_on_it_or_nearest(scores: list[int], step: int, rng: object) -> None:
    low, high = span(scores)
    drawn: list[int] = []

    def draw() -> int:
        drawn.append(rng.choice(scores))  # type: ignore[attr-defined]
        return drawn[-1]

    height = (high + 1 - low) / RUNGS
    middle = low - 0.5 + (step + 0.5) * height
    found = on_rung(step, (low, high), draw, lambda score: score)
    assert len(drawn) <= DRAWS
    assert abs(found - middle) == min(abs(score - middle) for score in drawn)
    assert len(drawn) == DRAWS or abs(found - middle) <= height / 2


@given(st.integers(0, 10**6))
def test_every_run_of_pairs_stands_on_every_rung(start: int) -> None:
    name = series("base", "ATE", "standard-even", "train", start)
    first = start - start % (2 * RUNGS)
    assert Counter(rung(name, first + i) for i in range(2 * RUNGS)) == dict.fromkeys(range(RUNGS), 2)


@pytest.fixture(scope="module")
def curriculum(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("curriculum") / "set"
    make(out, MakeConfig(level="easy-even", n=224, seed=3, split="train", curriculum=True), progress=False)
    return out


def test_a_curriculum_goes_up(curriculum: Path) -> None:
    scores = [Difficulty(**row["difficulty"]).score for row in rows(curriculum)]
    quarters = [sum(scores[i : i + 56]) / 56 for i in range(0, 224, 56)]
    assert quarters == sorted(quarters)
    assert quarters[-1] >= quarters[0] + 3
    tasks = [row["task"] for row in rows(curriculum)]
    assert all(set(tasks[i : i + 56]) == set(TASKS) for i in range(0, 224, 56))  # the tasks stay mixed
    assert max(len(list(same)) for _, same in groupby(tasks)) <= 4


def test_a_curriculum_holds_the_items_of_the_mixed_set(curriculum: Path, tmp_path: Path) -> None:
    mixed = MakeConfig(level="easy-even", n=224, seed=3, split="train")
    make(tmp_path / "mixed", mixed, progress=False)
    assert sorted(r["prompt"] for r in rows(curriculum)) == sorted(
        r["prompt"] for r in rows(tmp_path / "mixed")
    )
    assert check(curriculum, progress=False).ok


def test_an_even_set_has_more_of_what_is_rare() -> None:
    def scores(level: str) -> list[int]:
        return [i.difficulty.score for i in generate("base", "CDE", level, "train", 1, range(160))]

    plain, even = scores("standard"), scores("standard-even")
    low, high = min(plain), max(plain)

    def rungs(found: list[int]) -> list[int]:
        step = (high + 1 - low) / RUNGS
        counts = Counter(min(RUNGS - 1, max(0, int((score - low) / step))) for score in found)
        return [counts[i] for i in range(RUNGS)]

    rare = sorted(range(RUNGS), key=rungs(plain).__getitem__)[:2]
    assert sum(rungs(even)[i] for i in rare) > 1.4 * sum(rungs(plain)[i] for i in rare)


def test_a_wrong_count_is_found(tmp_path: Path) -> None:
    make(tmp_path / "set", MakeConfig(level="easy", n=14, seed=7), progress=False)
    damage(tmp_path / "set", lambda rows: rows[3]["difficulty"].update(products=99))
    assert check(tmp_path / "set", progress=False).counts == {"difficulty": 1}


def test_a_curriculum_needs_every_difficulty() -> None:
    with pytest.raises(InputError, match="standard-even"):
        MakeConfig(curriculum=True)
    with pytest.raises(InputError, match="no level"):
        MakeConfig(level="odd-even")
