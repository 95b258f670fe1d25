from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from caugym.core import exact
from caugym.core.estimand import Sets
from caugym.core.expr import free, prob, total
from caugym.core.graph import DAG, bits, mask
from caugym.core.identify import (
    adjustment_sets,
    mediator_sets,
    minimal_adjustment_sets,
    on_indirect_paths,
    sets,
    valid,
    why_invalid,
)
from caugym.core.query import Query, Term
from caugym.core.scm import Array, random_scm
from caugym.estimands import TABLE
from tests.core.units import dags


def subsets(of: int) -> list[int]:
    members = list(bits(of))
    return [mask(chosen) for size in range(len(members) + 1) for chosen in combinations(members, size)]


@st.composite
def queries(draw: st.DrawFn, dag: DAG, tasks: tuple[str, ...] = tuple(TABLE)) -> Query:
    x, y = draw(st.permutations(range(dag.n)))[:2]
    task = draw(st.sampled_from(tasks))
    others = [v for v in range(dag.n) if v not in (x, y)]
    held = draw(st.sets(st.sampled_from(others), min_size=1)) if task == "CDE" and others else set()
    levels = [(v, draw(st.integers(0, 1))) for v in sorted(held)]
    bound = draw(st.sampled_from(["lower", "upper"])) if task in ("PN", "PS") else None
    to, level = draw(st.integers(0, 1)), draw(st.integers(0, 1))
    return Query(task, x, y, to, level, bound, tuple(levels))  # type: ignore[arg-type]


@given(st.data(), dags(2, 6))
def test_valid_sets_are_those_with_no_objection(data: st.DataObject, dag: DAG) -> None:
    query = data.draw(queries(dag, ("ATE", "CDE", "ETT", "PN", "PS")))
    among = data.draw(st.integers(0, (1 << dag.n) - 1))
    found = list(adjustment_sets(dag, query, among))
    assert found == [z for z in subsets(among) if why_invalid(dag, query, z) is None]
    assert [chosen.adjust for chosen in sets(dag, query, among)] == found
    assert [z for z in subsets(among) if valid(dag, query, Sets(z))] == found
    assert minimal_adjustment_sets(dag, query, among) == [
        z for z in found if not any(w & ~z == 0 for w in found if w != z)
    ]


@given(st.data(), dags(2, 5))
def test_valid_pairs_are_those_with_no_objection(data: st.DataObject, dag: DAG) -> None:
    query = data.draw(queries(dag, ("NDE", "NIE")))
    among = data.draw(st.integers(0, (1 << dag.n) - 1))
    found = list(sets(dag, query, among))
    every = [Sets(z, m) for m in subsets(among) for z in subsets(among)]
    sound = {pair for pair in every if why_invalid(dag, query, pair.adjust, pair.mediators) is None}
    assert len(found) == len(sound)
    assert set(found) == sound == {pair for pair in every if valid(dag, query, pair)}
    sizes = [(pair.adjust | pair.mediators).bit_count() for pair in found]
    assert sizes == sorted(sizes)
    for m in mediator_sets(dag, query, among):
        assert m & ~on_indirect_paths(dag, query) == 0
        assert [pair.adjust for pair in found if pair.mediators == m] == list(
            adjustment_sets(dag, query, among, mediators=m)
        )


@given(st.data(), dags(3, 5), st.integers(0, 2**32))
def test_exactly_the_valid_sets_give_the_probability_under_do(
    data: st.DataObject, dag: DAG, seed: int
) -> None:
    """Soundness, and completeness: a set not affected by the treatments but invalid is wrong in general."""
    query = data.draw(queries(dag, ("ATE", "CDE")))
    scm = random_scm(dag, np.random.default_rng(seed), batch=4, low=0.1)
    do = ((query.treatment, query.to), *query.held)
    truth = exact.probability(scm, ((query.outcome, query.level),), do=do)
    candidates = (1 << dag.n) - 1 & ~dag.descendants(mask(v for v, _ in do)) & ~(1 << query.outcome)
    valid = set(adjustment_sets(dag, query, candidates))

    def value(term: Term) -> Array:
        return exact.probability(scm, term.event, term.given)

    for z in subsets(candidates):
        formula = prob({query.outcome: query.level}, {**dict(do), **free(z)})
        if z:
            formula = total(z, formula * prob(free(z)))
        assert (np.abs(formula.evaluate(value) - truth).max() < 1e-12) == (z in valid)


@given(st.data(), dags(3, 6))
def test_sets_follow_their_variables_when_these_are_renumbered(data: st.DataObject, dag: DAG) -> None:
    query = data.draw(queries(dag))
    to = data.draw(st.permutations(range(dag.n)))

    def moved(members: int) -> int:
        return mask(to[v] for v in bits(members))

    renamed = DAG.from_edges(dag.n, [(to[a], to[b]) for a, b in dag.edges()])
    held = tuple(sorted((to[v], level) for v, level in query.held))
    x, y = to[query.treatment], to[query.outcome]
    question = Query(query.task, x, y, query.to, query.level, query.bound, held)
    everything = (1 << dag.n) - 1
    before = {Sets(moved(s.adjust), moved(s.mediators)) for s in sets(dag, query, everything)}
    assert before == set(sets(renamed, question, everything))


X, Y, Z, M, A = range(5)


@pytest.mark.parametrize(
    ("edges", "task", "adjust", "mediators", "why"),
    [
        ([(Z, X), (Z, Y), (X, Y)], "ATE", 0, 0, "the path X <- Z -> Y stays open"),
        ([(Z, X), (Z, Y), (X, Y)], "ATE", 1 << Z, 0, None),
        ([(X, Y), (X, Z)], "ETT", 1 << Z, 0, "Z is affected by X"),
        ([(X, Y)], "ATE", 1 << Y, 0, "Y is part of the question and cannot be adjusted for"),
        (
            [(M, X), (M, Z), (A, Z), (A, Y), (X, Y)],
            "PN",
            1 << Z,
            0,
            "holding Z opens the path X <- M -> Z <- A -> Y at Z",
        ),
        (
            [(M, X), (M, A), (Y, A), (A, Z)],
            "ATE",
            1 << Z,
            0,
            "holding Z, which A affects, opens the path X <- M -> A <- Y at A",
        ),
        ([(X, M), (M, Y), (X, A), (A, Y)], "NDE", 0, 1 << M, "the mediators miss the path X -> A -> Y"),
        ([(X, M), (M, Y), (Z, M), (Z, Y)], "NIE", 0, 1 << M, "the path M <- Z -> Y stays open"),
        ([(X, M), (M, Y), (Z, X), (Z, M)], "NIE", 0, 1 << M, "the path X <- Z -> M stays open"),
        ([(X, M), (M, Y)], "NIE", 0, 1 << Z | 1 << M, "Z does not lie on an indirect path from X to Y"),
    ],
)
def test_why(edges: list[tuple[int, int]], task: str, adjust: int, mediators: int, why: str | None) -> None:
    dag = DAG.from_edges(5, edges)
    query = Query(task, X, Y, to=1, level=1)  # type: ignore[arg-type]
    assert why_invalid(dag, query, adjust, mediators, name="XYZMA".__getitem__) == why


def test_held_variables_are_treatments() -> None:
    dag = DAG.from_edges(5, [(X, M), (X, Y), (M, Y), (Z, M), (Z, Y)])
    query = Query("CDE", X, Y, to=1, level=1, held=((M, 0),))
    assert next(adjustment_sets(dag, query, 0b11111)) == 1 << Z
    assert why_invalid(dag, query, 0, name="XYZMA".__getitem__) == "the path M <- Z -> Y stays open"
    assert why_invalid(dag, query, 1 << M, name="XYZMA".__getitem__) is not None


def test_the_answers_are_kept_and_found_only_as_far_as_asked() -> None:
    dag = DAG.from_edges(12, [(i, j) for j in range(12) for i in range(j)])
    query = Query("NDE", 5, 11, to=1, level=1)
    first = next(sets(dag, query, (1 << 12) - 1))
    assert first == next(sets(dag, query, (1 << 12) - 1))
    assert first == Sets(adjust=0b11111, mediators=0b11111000000)
    interleaved = zip(sets(dag, query, 0xFFF), sets(dag, query, 0xFFF), strict=True)
    assert all(one is two for one, two in interleaved)
