"""Rival formulas: one holds, each is as often right as the others, and no value gives it away."""

from collections import Counter
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caugym.core.estimand import Sets
from caugym.core.graph import DAG
from caugym.core.identify import why_invalid
from caugym.core.query import Query, Term
from caugym.core.streams import stream
from caugym.estimands import TABLE
from caugym.problems.balance import Wish, wished
from caugym.problems.contest import SMALLEST, VISIBLE, Contest, Place, place
from caugym.problems.contested import contested
from caugym.problems.decoys import with_bystanders
from caugym.problems.generate import TASKS, generate
from caugym.problems.joint import joints
from caugym.problems.levels import LEVELS
from caugym.problems.rivals import EVEN, card, draw_rivals, families
from caugym.problems.shortcuts import guesses
from caugym.problems.structure import Structure
from caugym.problems.transforms import TRANSFORMS

EACH_TASK = pytest.mark.parametrize("task", TASKS)
STANDARD = LEVELS["standard"]


def right(structure: Structure, sets: Sets) -> bool:
    return why_invalid(structure.dag, structure.query, sets.adjust, sets.mediators) is None


@EACH_TASK
@pytest.mark.parametrize("confounded", [True, False])
@pytest.mark.parametrize("level", ["easy", "standard"])
@settings(max_examples=4, deadline=None)
@given(st.integers(0, 10**6))
def test_one_formula_of_a_family_holds(task: str, confounded: bool, level: str, seed: int) -> None:
    rng = stream("rivals", seed)
    family, winner = card(task, LEVELS[level], confounded, ("test",), seed)  # type: ignore[arg-type]
    bound = None if TABLE[task].effect else "lower"
    structure = draw_rivals(task, LEVELS[level], family, winner, bound, rng)  # type: ignore[arg-type]
    assert right(structure, structure.sets)
    assert not any(right(structure, sets) for sets in structure.decoys)
    assert len(structure.decoys) == len(family) - 1
    assert not confounded or structure.sets.adjust
    assert len(set(structure.terms)) == len(structure.terms)


@EACH_TASK
@pytest.mark.parametrize("confounded", [True, False])
@pytest.mark.parametrize("level", ["easy", "hard"])
def test_every_formula_is_right_equally_often(task: str, confounded: bool, level: str) -> None:
    told = families(task, LEVELS[level], confounded)  # type: ignore[arg-type]
    deck = [card(task, LEVELS[level], confounded, ("deck",), i) for i in range(EVEN * len(told))]  # type: ignore[arg-type]
    rivals = {len(family) - 1 for family, _ in deck}
    assert rivals == {1} if level == "easy" else max(rivals) > 1
    for family in {family for family, _ in deck}:
        rights = Counter(winner for other, winner in deck if other == family)
        assert set(rights) == set(range(len(family)))
        assert len(set(rights.values())) == 1


@pytest.mark.parametrize("bound", [None, "lower", "upper"])
@pytest.mark.parametrize("rivals", [1, 2, 3])
def test_the_place_of_the_right_value_tells_nothing(bound: str | None, rivals: int) -> None:
    ranks: Counter[int | None] = Counter()
    cut: Counter[int | None] = Counter()
    n = 4000
    for i in range(n):
        clipped = bound is not None and i % 4 == 0
        spot = place(rivals, False, bound, clipped, 0.25, stream("place", rivals, bound or "", i))
        ranks[spot.rank] += 1
        cut[spot.clipped] += 1
    for rank in range(rivals + 1):
        assert ranks[rank] / n == pytest.approx(1 / (rivals + 1), abs=0.03)
    if bound:
        for who in range(rivals + 1):
            assert cut[who] / n == pytest.approx(0.25, abs=0.03)
    assert place(rivals, True, bound, False, 0.25, stream("null")) == Place(None)


@EACH_TASK
@settings(max_examples=4, deadline=None)
@given(st.integers(0, 10**6))
def test_numbers_of_a_contest_are_fair(task: str, seed: int) -> None:
    transform = TRANSFORMS["deconfounding"]
    bound = None if TABLE[task].effect else "upper"
    wish = Wish(None, False, bound, False)  # type: ignore[arg-type]
    found = contested(transform, task, STANDARD, wish, (("fair", seed), seed), stream("fair", seed))  # type: ignore[arg-type]
    contest = found.contest
    values = contest.values(joints(contest.core.dag, found.start[None]))[:, 0]
    assert all(abs(a - b) >= VISIBLE for i, a in enumerate(values) for b in values[:i])
    own = abs(values[: contest.rivals + 1])
    assert (own[1:] < own[0]).sum() == contest.place.rank
    assert bound or own[0] >= SMALLEST


def test_a_value_too_near_or_in_another_place_is_not_fair() -> None:
    fork = DAG.from_edges(4, [(0, 1), (0, 2), (1, 2), (1, 3)])
    core = Structure(fork, Query("ATE", 1, 2, 1, 1), Sets(1), (), (Sets(), Sets(8)))
    contest = Contest(core, Place(rank=1), rivals=2)
    values = np.array([[0.10, 0.10, 0.10], [0.20, 0.05, 0.11], [0.05, 0.02, 0.05]])
    assert contest.fair(values).tolist() == [True, False, False]


@EACH_TASK
def test_bystanders_complete_no_formula(task: str) -> None:
    rng = stream("bystanders", task)
    bound = None if TABLE[task].effect else "lower"
    family, winner = card(task, STANDARD, False, ("bystanders",), 3)  # type: ignore[arg-type]
    for _ in range(12):
        drawn = draw_rivals(task, STANDARD, family, winner, bound, rng)  # type: ignore[arg-type]
        more = with_bystanders(drawn, False, 3, rng)
        if more is None:
            continue
        pair = {drawn.query.treatment, drawn.query.outcome}
        added: list[Term] = [term for term in more.terms if term not in drawn.terms]
        assert len(added) <= 3
        assert not any(pair <= {v for v, _ in (*term.event, *term.given)} for term in added)


@EACH_TASK
@pytest.mark.parametrize("set_", ["deconfounding", "redundant"])
def test_who_ignores_the_graph_has_several_visibly_different_answers(set_: str, task: str) -> None:
    for item in generate(set_, task, "standard", "test", 2, range(6)):  # type: ignore[arg-type]
        values = [guess.value for guess in guesses(item.problem)]
        assert len(values) >= 2
        assert item.gold.value is not None
        gold = Fraction(item.gold.value)
        apart = [value for value in values if abs(value - gold) > Fraction(1, 2000)]
        assert len(apart) >= len(values) - 1
        assert all(abs(value - gold) >= VISIBLE - 0.001 for value in apart)


def test_zero_effects_have_exactly_their_share() -> None:
    wishes = [wished(TRANSFORMS["redundant"], "ATE", STANDARD, ("zeros",), i) for i in range(200)]
    assert sum(wish.null for wish in wishes) == 200 * STANDARD.null
    assert not any(wish.null and wish.yes for wish in wishes)
