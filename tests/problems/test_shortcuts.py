"""Shortcuts win where nothing but numbers is asked for, and fail where the graph decides."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caugym.core.errors import InputError
from caugym.core.query import Query, Term
from caugym.problems.problem import Answer, Problem, Statement, Variable
from caugym.problems.shortcuts import ABSTAIN, best_constant, drop_last, graph_blind, majority

X, Y, Z = range(3)
NAMES = tuple(map(Variable, "xyz"))
CRUDE = (Statement(Term(((Y, 1),), ((X, 1),)), "0.70"), Statement(Term(((Y, 1),), ((X, 0),)), "0.30"))
STRATA = tuple(
    Statement(Term(((Y, 1),), ((X, x), (Z, z))), f"0.{2 + 3 * x + z}0") for x in (0, 1) for z in (0, 1)
)
WEIGHT = (Statement(Term(((Z, 1),)), "0.50"),)
ATE = Query("ATE", X, Y, 1, 1)


def problem(edges: tuple[tuple[int, int], ...], statements: tuple[Statement, ...]) -> Problem:
    return Problem(NAMES, edges, statements, ATE)


@given(st.sets(st.sampled_from([(X, Y), (Z, X), (Z, Y), (Y, Z)]), max_size=3))
def test_no_arrow_matters(edges: set[tuple[int, int]]) -> None:
    try:
        told = problem(tuple(edges), CRUDE)
        _ = told.dag
    except InputError:
        return
    assert graph_blind(told) == Answer("identified", "0.4000", "Yes")


def test_it_takes_the_formula_that_uses_most_numbers() -> None:
    both = graph_blind(problem(((Z, Y), (X, Y)), CRUDE + STRATA + WEIGHT))
    assert both == Answer("identified", "0.3000", "Yes")


def test_it_guesses_no_effect_only_where_nothing_joins_the_two() -> None:
    assert graph_blind(problem((), ())) == Answer("identified", "0.0000", "No")
    assert graph_blind(problem((), WEIGHT)) == Answer("identified", "0.0000", "No")
    assert graph_blind(problem((), CRUDE[:1] + WEIGHT)) == ABSTAIN


def test_dropping_undoes_appending() -> None:
    told = problem((), CRUDE + WEIGHT)
    assert drop_last(told, 1).statements == CRUDE
    assert drop_last(told, 9).statements == ()
    assert drop_last(told, 0) == told


def test_best_constant_covers_a_window() -> None:
    labels = [Answer("identified", value) for value in ("0.1000", "0.1005", "0.1010", "0.5000")]
    assert best_constant(labels, 0.0005) == ("0.1005", 0.75)
    assert best_constant([*labels, *[Answer("insufficient")] * 4], 0.0005) == ("LACK_CONDITION", 0.5)
    with pytest.raises(InputError):
        best_constant([], 0.0005)


def test_majority() -> None:
    labels = [Answer("identified", "0.1000", word) for word in ("Yes", "No", "No", None)]
    assert majority(labels) == pytest.approx(2 / 3)
    assert majority([Answer("insufficient")]) is None
