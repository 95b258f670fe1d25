"""Determined or not: the rank test, the derivations and the witnesses must tell the same story."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache
from itertools import product
from random import Random
from typing import Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from caugym.core.errors import InputError
from caugym.core.exact import probability
from caugym.core.expr import Expr, Number, prob
from caugym.core.graph import DAG
from caugym.core.query import Assignment, Query, Task, Term
from caugym.core.residues import P, spanned, sums, times
from caugym.core.scm import SCM, Array, random_scm
from caugym.core.streams import stream
from caugym.core.sufficiency import is_determined
from caugym.core.witness import Witness, verify, witness
from caugym.estimands import TABLE
from caugym.problems.certificate import model
from caugym.problems.generate import generate
from caugym.problems.problem import Problem, Statement, Variable
from caugym.problems.solve import solve
from tests.core.units import population, simulate

TASKS: list[Task] = [estimand.code for estimand in TABLE.values()]


def formula(dag: DAG, query: Query) -> Expr:
    estimand = TABLE[query.task]
    if estimand.zero(dag, query):
        return Number(0)
    expr: Expr = estimand.formula(query, next(estimand.identify(dag, query, (1 << dag.n) - 1)))
    return expr


@dataclass(frozen=True)
class Case:
    """A problem, one model that has its numbers, and a name."""

    name: str
    problem: Problem
    scm: SCM

    @property
    def terms(self) -> list[Term]:
        return [statement.term for statement in self.problem.statements]

    @property
    def numbers(self) -> list[tuple[Term, Fraction | float]]:
        return [(statement.term, Fraction(statement.value)) for statement in self.problem.statements]

    def determined(self) -> bool:
        return is_determined(self.problem.dag, self.terms, formula(self.problem.dag, self.problem.query))

    def witness(self) -> Witness | None:
        query = self.problem.query
        definition = TABLE[query.task].definition
        return witness(self.problem.dag, self.numbers, query, definition, self.scm, self.name)

    def faults(self, found: Witness) -> list[str]:
        query = self.problem.query
        return verify(found, self.problem.dag, self.numbers, query, TABLE[query.task].definition)


@lru_cache(maxsize=1)
def generated() -> list[Case]:
    """Problems as they are printed, with each statement removed in turn."""
    cases = []
    for task in TASKS:
        for item in generate("base", task, "standard", "train", 11, range(8)):
            scm, statements = model(item.problem, item.certificate), item.problem.statements
            for k in range(len(statements)):
                rest = replace(item.problem, statements=statements[:k] + statements[k + 1 :])
                cases.append(Case(f"{item.id}/{k}", rest, scm))
    return cases


def random_case(task: Task, index: int) -> Case:
    """All terms of a formula with needless cells, some other true terms, and one of these all removed."""
    rng = stream("sufficiency test", task, index)
    while True:
        dag = random_dag(rng)
        query = random_query(task, dag, rng)
        found = [*TABLE[task].identify(dag, query, (1 << dag.n) - 1)] if query else []
        if query and found and not TABLE[task].zero(dag, query):
            break
    scm = random_scm(dag, np.random.default_rng(rng.getrandbits(32)), low=0.1)
    stated = list(TABLE[task].formula(query, rng.choice(found)).terms())
    stated += [random_term(dag.n, rng) for _ in range(rng.randrange(4))]
    stated = list(dict.fromkeys(stated))
    rng.shuffle(stated)
    statements = [
        Statement(t, str(Fraction(float(probability(scm, t.event, t.given)[0])))) for t in stated[1:]
    ]
    names = tuple(Variable(f"v{v}") for v in range(dag.n))
    return Case(f"{task} {index}", Problem(names, tuple(dag.edges()), tuple(statements), query), scm)


def random_dag(rng: Random) -> DAG:
    n = rng.randint(3, 5)
    pairs = [(a, b) for b in range(n) for a in range(b) if rng.random() < 0.6]
    return DAG.from_edges(n, pairs)


def random_query(task: Task, dag: DAG, rng: Random) -> Query | None:
    x, y, *others = rng.sample(range(dag.n), dag.n)
    held = sorted(rng.sample(others, rng.randint(1, len(others)))) if task == "CDE" else []
    sides: tuple[Literal["lower", "upper"], ...] = ("lower", "upper")
    bound = rng.choice(sides) if task in ("PN", "PS") else None
    levels = tuple((v, rng.getrandbits(1)) for v in held)
    query = Query(task, x, y, rng.getrandbits(1), rng.getrandbits(1), bound, levels)
    return query if dag.descendants(1 << x) >> y & 1 else None


def random_term(n: int, rng: Random) -> Term:
    first, *others = rng.sample(range(n), min(n, rng.randint(1, 3)))
    given = tuple((v, rng.getrandbits(1)) for v in sorted(others))
    return Term(((first, rng.getrandbits(1)),), given)


# -- the rank test -----------------------------------------------------------------------------------------


def test_derivations_and_ranks_agree_on_what_is_printed() -> None:
    for case in generated()[::3]:
        assert (solve(case.problem).answer.status == "identified") == case.determined(), case.name


@pytest.mark.parametrize("task", TASKS)
def test_derivations_and_ranks_agree_on_random_statements(task: Task) -> None:
    verdicts = set()
    for index in range(30):
        case = random_case(task, index)
        verdicts.add(case.determined())
        assert (solve(case.problem).answer.status == "identified") == case.determined(), case
    assert verdicts == {True, False}


def gradient(scm: SCM, term: Term) -> Array:
    """Of P(event | given), by the oracle; chances are linear in each entry, so differences are slopes."""
    ends = []
    for v, table in enumerate(scm.tables):
        for row in np.ndindex(table.shape[1:-1]):
            for on in (1.0, 0.0):
                tables = list(scm.tables)
                tables[v] = table.copy()
                tables[v][(0, *row)] = 1 - on, on
                ends.append(tables)
    batch = SCM(scm.dag, tuple(np.concatenate(t) for t in zip(*ends, strict=True)))

    def mass(levels: Assignment) -> tuple[float, Array]:
        values = probability(batch, levels, do=term.do)
        return float(probability(scm, levels, do=term.do)[0]), values[::2] - values[1::2]

    below, below_slope = mass(term.given)
    top, top_slope = mass(tuple(sorted({*term.event, *term.given})))
    result: Array = (top_slope - top / below * below_slope) / below
    return result


def test_the_verdict_is_that_of_the_oracles_derivatives() -> None:
    verdicts = []
    for index in range(150):
        rng = stream("ranks", index)
        dag = random_dag(rng)
        terms = [random_term(dag.n, rng) for _ in range(rng.randint(1, 7))]
        done = [
            Term(t.event, t.given[1:], t.given[:1]) if t.given and rng.random() < 0.4 else t for t in terms
        ]
        wanted = random_term(dag.n, rng)
        scm = random_scm(dag, np.random.default_rng(index), low=0.2)
        rows = np.stack([gradient(scm, term) for term in done])
        asked = gradient(scm, wanted)
        rest = asked - np.linalg.lstsq(rows.T, asked, rcond=1e-10)[0] @ rows
        verdict = is_determined(dag, done, prob(dict(wanted.event), dict(wanted.given)))
        assert verdict == (np.linalg.norm(rest) < 1e-9), (dag, done, wanted)
        verdicts.append(verdict)
    assert 15 < sum(verdicts) < 135


CHAIN = DAG.from_edges(3, [(0, 1), (1, 2)])


def rows(v: int, *parents: int, level: int = 1) -> list[Term]:
    return [
        Term(((v, level),), tuple(zip(parents, levels, strict=True)))
        for levels in product((0, 1), repeat=len(parents))
    ]


@pytest.mark.parametrize(
    ("stated", "determined"),
    [
        (rows(0) + rows(1, 0) + rows(2, 1), True),
        (rows(0, level=0) + rows(1, 0) + rows(2, 1), True),  # complement
        (rows(1) + rows(1, 0) + rows(2, 1), True),  # total probability, backwards
        (rows(0) + rows(2, 0), True),
        (rows(1) + rows(2, 0, 1)[:3], True),  # the absent arrow makes two of four rows enough
        (rows(1) + rows(2, 0, 1)[::2], False),
        (rows(0) + rows(1, 0), False),
        ([], False),
    ],
)
def test_what_is_implied_counts_as_stated(stated: list[Term], determined: bool) -> None:
    assert is_determined(CHAIN, stated, prob({2: 1})) == determined


def test_an_absent_arrow_makes_the_effect_certain_without_numbers() -> None:
    assert is_determined(CHAIN, [], prob({2: 1}, {0: 1, 1: 1}) - prob({2: 1}, {0: 0, 1: 1}))
    assert is_determined(CHAIN, [], Number(0))


def test_a_common_factor_cancels() -> None:
    """Without confounding P(x') divides out of the upper bound of PN; no rule for single terms shows it."""
    query = Query("PN", 0, 1, to=0, level=0, bound="upper")
    stated = [Term(((1, 1),), ((0, 0),)), Term(((1, 1),), ((0, 1),))]
    assert is_determined(CHAIN, stated, formula(CHAIN, query))
    assert not is_determined(CHAIN, stated[1:], formula(CHAIN, query))


def test_a_determined_answer_may_still_have_two_solutions() -> None:
    """A and B cause C independently. P(A, B) = ab and P(C), linear in a, b and ab, leave {a, b} as a pair."""
    dag = DAG.from_edges(3, [(0, 2), (1, 2)])
    on = [np.array([0.3]), np.array([0.6]), np.array([[[0.1, 0.4], [0.4, 0.8]]])]
    scm = SCM(dag, tuple(np.stack([1 - p, p], axis=-1) for p in on))
    terms = [Term(((0, 1), (1, 1))), Term(((2, 1),)), *rows(2, 0, 1)]
    query = Query("ATE", 0, 2, to=1, level=1)
    numbers = [(t, float(probability(scm, t.event, t.given)[0])) for t in terms]
    assert is_determined(dag, terms, formula(dag, query))
    found = witness(dag, numbers, query, TABLE["ATE"].definition, scm, "swap")
    assert found is not None
    assert not verify(found, dag, numbers, query, TABLE["ATE"].definition)
    assert sorted(found.values) == pytest.approx([0.33, 0.36])


# -- witnesses ---------------------------------------------------------------------------------------------


@lru_cache(maxsize=1)
def witnesses() -> list[tuple[Case, Witness | None]]:
    return [(case, case.witness()) for case in generated() if not case.determined()]


def found_witnesses() -> Iterator[tuple[Case, Witness]]:
    for case, found in witnesses():
        if found:
            yield case, found


def test_what_is_undetermined_has_a_witness() -> None:
    assert len(witnesses()) > 200
    assert len(list(found_witnesses())) >= 0.95 * len(witnesses())
    for case, found in found_witnesses():
        assert not case.faults(found), case.name


def test_what_is_determined_has_none() -> None:
    cases = generated() + [random_case(task, index) for task in TASKS for index in range(10)]
    determined = [case for case in cases if case.determined()]
    assert len(determined) > 30
    assert not any(case.witness() for case in determined)


@pytest.mark.parametrize("task", ["ATE", "CDE", "ETT", "NDE", "NIE"])
def test_simulated_populations_confirm_a_witness(task: str) -> None:
    small = [
        pair
        for pair in found_witnesses()
        if pair[0].problem.query.task == task and max(p.bit_count() for p in pair[0].problem.dag.parents) < 4
    ]
    case, found = min(small, key=lambda pair: sum(1 << p.bit_count() for p in pair[0].problem.dag.parents))
    first, second = (simulate(population(scm, 0), case.problem.query) for scm in (found.first, found.second))
    assert (first, second) == pytest.approx(found.values, abs=0.0001)
    assert abs(first - second) > 0.0099


def test_a_witness_depends_on_its_key_alone() -> None:
    case, found = next(found_witnesses())
    again = case.witness()
    assert again is not None
    assert again.values == found.values
    assert all((a == b).all() for a, b in zip(again.second.tables, found.second.tables, strict=True))


def test_false_witnesses_are_refused() -> None:
    for case, found in list(found_witnesses())[::10]:
        for kind, false in planted(case, found):
            faults = case.faults(false)
            assert faults, (case.name, kind)
            assert not any("\n" in fault for fault in faults)


def planted(case: Case, found: Witness) -> Iterator[tuple[str, Witness]]:
    first = found.first
    yield "swapped", replace(found, first=found.second, second=found.first)
    yield "equal", Witness(first, first, (found.values[0], found.values[0]))
    yield "value", replace(found, values=(found.values[0], found.values[1] + 0.0001))
    told = case.terms[0].event[0][0]
    yield "a hair off", replace(found, first=with_table(first, told, lambda p: p + 1e-9 * np.sign(0.5 - p)))
    moved = next(
        v for v, table in enumerate(first.tables) if abs(table - found.second.tables[v]).max() > 0.01
    )
    yield "changed", replace(found, first=with_table(first, told, lambda p: 1 - p))
    yield "not positive", replace(found, second=with_table(first, moved, np.round))
    yield "other graph", replace(found, first=random_scm(DAG((0,) * first.dag.n), np.random.default_rng(0)))
    double = SCM(first.dag, tuple(np.concatenate([table, table]) for table in first.tables))
    yield "two models", replace(found, second=double)


def with_table(scm: SCM, v: int, change: Callable[[Array], Array]) -> SCM:
    on = change(scm.tables[v][..., 1])
    return SCM(scm.dag, (*scm.tables[:v], np.stack([1 - on, on], axis=-1), *scm.tables[v + 1 :]))


def test_an_intervention_may_be_stated() -> None:
    """P(Y | do(X)) settles the effect that P(Y | X) leaves open where Z is hidden."""
    dag = DAG.from_edges(3, [(0, 1), (0, 2), (1, 2)])
    scm = random_scm(dag, np.random.default_rng(3), low=0.2)
    query = Query("ATE", 1, 2, to=1, level=1)
    done = [Term(((2, 1),), (), ((1, x),)) for x in (0, 1)]
    seen = [Term(((2, 1),), ((1, x),)) for x in (0, 1)]
    numbers = [(t, float(probability(scm, t.event, t.given, t.do)[0])) for t in (*seen, done[0])]
    assert is_determined(dag, done, formula(dag, query))
    assert not is_determined(dag, [*seen, done[0]], formula(dag, query))
    found = witness(dag, numbers, query, TABLE["ATE"].definition, scm, "do")
    assert found is not None
    assert not verify(found, dag, numbers, query, TABLE["ATE"].definition)


def test_without_numbers_anything_goes() -> None:
    query = Query("ATE", 0, 2, to=1, level=1)
    scm = random_scm(CHAIN, np.random.default_rng(5), low=0.2)
    found = witness(CHAIN, [], query, TABLE["ATE"].definition, scm, "none")
    assert found is not None
    assert not verify(found, CHAIN, [], query, TABLE["ATE"].definition)


def test_a_start_that_lacks_the_numbers_is_moved_onto_them() -> None:
    case, _ = next(found_witnesses())
    scm = random_scm(case.problem.dag, np.random.default_rng(0), low=0.2)
    found = replace(case, scm=scm).witness()
    assert found is not None
    assert not case.faults(found)


def test_numbers_that_no_model_has_have_no_witness() -> None:
    query = Query("ATE", 0, 1, to=1, level=1)
    scm = random_scm(CHAIN, np.random.default_rng(5), low=0.2)
    chances: list[tuple[Term, Fraction | float]] = [(Term(((1, 1),), ((0, x),)), 0.2) for x in (0, 1)]
    numbers = [*chances, (Term(((1, 1),)), 0.9)]
    assert witness(CHAIN, numbers, query, TABLE["ATE"].definition, scm, "none") is None


def test_clipped_bounds_are_left_behind() -> None:
    """The start is cut off at 0 or 1, the other end of the witness is not."""
    ends = [set(found.values) for case, found in found_witnesses() if case.problem.query.bound]
    clipped = [values for values in ends if values & {0.0, 1.0}]
    assert clipped
    assert all(values - {0.0, 1.0} for values in clipped)


def test_too_many_variables_are_refused_in_one_line() -> None:
    long = DAG.from_edges(20, [(v, v + 1) for v in range(19)])
    with pytest.raises(InputError, match="20 variables matter"):
        is_determined(long, [Term(((19, 1),))], prob({18: 1}))
    assert is_determined(long, [Term(((2, 1),))], prob({2: 0}))


# -- residues ----------------------------------------------------------------------------------------------

RESIDUES = st.integers(0, P - 1)


@given(st.lists(st.tuples(RESIDUES, RESIDUES), min_size=1, max_size=9))
def test_products_are_those_of_whole_numbers(pairs: list[tuple[int, int]]) -> None:
    a, b = np.array(pairs, dtype=np.uint64).T
    assert times(a, b).tolist() == [x * y % P for x, y in pairs]


@given(st.lists(st.lists(RESIDUES, min_size=4, max_size=4), min_size=1, max_size=5), st.randoms())
def test_sums_are_those_of_whole_numbers(numbers: list[list[int]], rng: Random) -> None:
    chosen = np.array([[rng.getrandbits(1) for _ in range(3)] for _ in range(4)], dtype=float)
    expected = [
        [sum(x for x, c in zip(row, column, strict=True) if c) % P for column in chosen.T] for row in numbers
    ]
    assert sums(np.array(numbers, dtype=np.uint64), chosen).tolist() == expected


@given(st.lists(st.lists(RESIDUES, min_size=5, max_size=5), min_size=1, max_size=4), st.data())
def test_combinations_are_spanned(rows: list[list[int]], data: st.DataObject) -> None:
    factors = data.draw(st.lists(RESIDUES, min_size=len(rows), max_size=len(rows)))
    mixed = [
        sum(f * a for f, a in zip(factors, column, strict=True)) % P for column in zip(*rows, strict=True)
    ]
    assert spanned(rows, mixed)
    padded = [[*row, 0] for row in rows]
    assert not spanned(padded, [*mixed, 1])
    assert not spanned([], [0, 1])
