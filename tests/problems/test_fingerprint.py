"""Fingerprints stay when only names and order change, and change with anything else."""

from collections import defaultdict
from dataclasses import replace
from itertools import combinations, permutations
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caugym.core.graph import DAG
from caugym.core.query import Assignment, Term
from caugym.problems.fingerprint import canonical, name_set, named_graph, skeleton
from caugym.problems.generate import SETS, TASKS, generate
from caugym.problems.problem import Problem, Statement, Variable


def one(set_: str, task: str, index: int, level: str = "easy", split: str = "train") -> Problem:
    return next(generate(set_, task, level, split, 2, [index])).problem  # type: ignore[arg-type]


def retold(problem: Problem, rng: Random) -> Problem:
    """The same in other names and order, some levels turned, some complements for what was stated."""
    n = len(problem.variables)
    place = rng.sample(range(n), n)
    flips = [rng.getrandbits(1) for _ in range(n)]

    def moved(assignment: Assignment) -> Assignment:
        return tuple(sorted((place[v], level ^ flips[v]) for v, level in assignment))

    statements = []
    for term, value in ((s.term, s.value) for s in problem.statements):
        event, places = moved(term.event), len(value) - 2
        if len(event) == 1 and rng.getrandbits(1):
            event = ((event[0][0], 1 - event[0][1]),)
            value = f"{(10**places - int(value[2:])) / 10**places:.{places}f}"
        statements.append(Statement(Term(event, moved(term.given)), value))
    query = problem.query
    return Problem(
        tuple(Variable(f"v{i}") for i in range(n)),
        tuple((place[a], place[b]) for a, b in rng.sample(problem.edges, len(problem.edges))),
        tuple(rng.sample(statements, len(statements))),
        query._replace(
            treatment=place[query.treatment],
            outcome=place[query.outcome],
            to=query.to ^ flips[query.treatment],
            level=query.level ^ flips[query.outcome],
            held=moved(query.held),
        ),
    )


@given(st.sampled_from(SETS), st.sampled_from(TASKS), st.integers(0, 9), st.randoms(use_true_random=False))
def test_a_problem_told_otherwise_is_the_same(set_: str, task: str, index: int, rng: Random) -> None:
    problem = one(set_, task, index)
    other = retold(problem, rng)
    assert canonical(other) == canonical(problem)
    assert skeleton(other.dag) == skeleton(problem.dag)
    assert named_graph(other) != named_graph(problem)
    assert name_set(other) != name_set(problem)


@given(st.sampled_from(TASKS), st.integers(0, 9), st.randoms(use_true_random=False))
def test_another_number_or_question_is_another_problem(task: str, index: int, rng: Random) -> None:
    problem = one("base", task, index)
    spot = rng.randrange(len(problem.statements))
    old = problem.statements[spot].value
    new = f"{(float(old) + 0.01) % 0.99:.2f}"
    changed = list(problem.statements)
    changed[spot] = changed[spot]._replace(value=new)
    assert canonical(replace(problem, statements=tuple(changed))) != canonical(problem)
    other = problem.query._replace(task="ATE" if task != "ATE" else "ETT")
    assert canonical(replace(problem, query=other)) != canonical(problem)


@pytest.mark.parametrize(("n", "graphs"), [(3, 6), (4, 31)])
def test_small_graphs_without_names_are_all_told_apart(n: int, graphs: int) -> None:
    """How many there are stands in sequence A003087 of the OEIS."""
    pairs = list(combinations(range(n), 2))
    found = defaultdict(set)
    for there in range(1 << len(pairs)):
        edges = [pair for i, pair in enumerate(pairs) if there >> i & 1]
        least = min(tuple(sorted((p[a], p[b]) for a, b in edges)) for p in permutations(range(n)))
        found[skeleton(DAG.from_edges(n, edges))].add(least)
    assert len(found) == graphs
    assert all(len(alike) == 1 for alike in found.values())


@pytest.mark.parametrize("task", TASKS)
def test_test_problems_have_even_sums_and_no_others_do(task: str) -> None:
    for split, parity in (("train", 1), ("test", 0), ("dev", 1)):
        for set_ in SETS:
            problem = one(set_, task, 5, "standard", split)
            assert sum(int(s.value.partition(".")[2]) for s in problem.statements) % 2 == parity
