"""Every entry of the table keeps the same promises; a new estimand is tested by being there."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caugym.core import exact
from caugym.core.errors import InputError
from caugym.core.estimand import Estimand, Sets
from caugym.core.graph import DAG, bits
from caugym.core.identify import on_indirect_paths
from caugym.core.query import Query, Term
from caugym.core.scm import SCM, Array, random_scm
from caugym.estimands import TABLE, yes

EVERY = pytest.mark.parametrize("estimand", TABLE.values(), ids=TABLE.keys())
HEADINGS = (
    "Asks:",
    "Definition:",
    "Formula:",
    "Holds when:",
    "Range, unit:",
    "Not to be confused with:",
    "Source:",
    "Worked example",
    ">>> ",
)


@st.composite
def questions(draw: st.DrawFn, estimand: Estimand, least: int = 3, most: int = 7) -> tuple[DAG, Query]:
    n = draw(st.integers(least, most))
    order = draw(st.permutations(range(n)))
    pairs = [(order[i], order[j]) for j in range(n) for i in range(j)]
    dag = DAG.from_edges(n, [pair for pair in pairs if draw(st.booleans())])
    x, y = sorted(draw(st.permutations(range(n)))[:2], key=order.index)
    held = on_indirect_paths(dag, Query("CDE", x, y, 1, 1)) if estimand.code == "CDE" else 0
    query = Query(
        estimand.code,
        x,
        y,
        to=draw(st.integers(0, 1)),
        level=draw(st.integers(0, 1)),
        bound=None if estimand.effect else draw(st.sampled_from(["lower", "upper"])),
        held=tuple((v, draw(st.integers(0, 1))) for v in bits(held)),
    )
    return dag, query


def observed(scm: SCM, term: Term) -> Array:
    assert not term.do, "a formula may use only what can be observed"
    return exact.probability(scm, term.event, term.given)


def test_the_table_lists_the_seven_in_order() -> None:
    assert list(TABLE) == ["ATE", "CDE", "ETT", "NDE", "NIE", "PN", "PS"]
    assert all(estimand.code == code for code, estimand in TABLE.items())


@EVERY
def test_page_has_every_heading(estimand: Estimand) -> None:
    places = [estimand.page.find(heading) for heading in HEADINGS]
    assert min(places) > 0
    assert places == sorted(places)
    assert estimand.page.startswith(f"{estimand.code}: ")
    assert f"(rung {estimand.rung})" in estimand.page.splitlines()[0]


@EVERY
@settings(max_examples=60)
@given(data=st.data(), seed=st.integers(0, 2**32))
def test_formula_equals_oracle(estimand: Estimand, data: st.DataObject, seed: int) -> None:
    dag, query = data.draw(questions(estimand))
    scm = random_scm(dag, np.random.default_rng(seed), batch=4, low=0.2)
    truth = estimand.definition(scm, query)
    assert truth.shape == (4,)
    assert truth.min() >= estimand.low - 1e-12
    assert truth.max() <= estimand.high + 1e-12
    if estimand.zero(dag, query):
        assert np.abs(truth).max() < 1e-12
    everything = (1 << dag.n) - 1
    found = [chosen for chosen, _ in zip(estimand.identify(dag, query, everything), range(60), strict=False)]
    for chosen in found[:3] + found[-2:]:
        value = estimand.formula(query, chosen).evaluate(lambda term: observed(scm, term))
        assert np.abs(value - truth).max() <= 1e-12, (chosen, value, truth)


@EVERY
@given(data=st.data())
def test_all_that_the_treatment_leaves_alone_suffices(estimand: Estimand, data: st.DataObject) -> None:
    dag, query = data.draw(questions(estimand))
    before = (1 << dag.n) - 1 & ~dag.descendants(1 << query.treatment) & ~(1 << query.outcome)
    between = on_indirect_paths(dag, query) if estimand.code in ("NDE", "NIE") else 0
    assert Sets(adjust=before, mediators=between) in set(estimand.identify(dag, query, before | between))


@EVERY
@given(data=st.data())
def test_an_effect_is_zero_by_structure_exactly_when_it_is_zero(
    estimand: Estimand, data: st.DataObject
) -> None:
    dag, query = data.draw(questions(estimand, most=5))
    scm = random_scm(dag, np.random.default_rng(7), batch=4, low=0.05)
    vanishes = np.abs(estimand.definition(scm, query)).max() < 1e-12
    assert estimand.zero(dag, query) == (estimand.effect and vanishes)


@EVERY
@given(data=st.data())
def test_exact_fractions_and_floats_agree(estimand: Estimand, data: st.DataObject) -> None:
    dag, query = data.draw(questions(estimand, most=5))
    chosen = next(estimand.identify(dag, query, (1 << dag.n) - 1), None)
    if chosen is None:
        return
    expr = estimand.formula(query, chosen)
    numbers = {term: Fraction(data.draw(st.integers(2, 98)), 100) for term in expr.terms()}
    floats = {term: float(number) for term, number in numbers.items()}
    value = expr.evaluate(numbers.__getitem__)
    assert isinstance(value, Fraction | int)
    assert expr.evaluate(floats.__getitem__) == pytest.approx(float(value), abs=1e-9)


@pytest.mark.parametrize("code", ["PN", "PS"])
def test_a_bound_must_say_which(code: str) -> None:
    query = Query(code, 0, 1, to=0, level=0)  # type: ignore[arg-type]
    scm = random_scm(DAG((0, 1)), np.random.default_rng(0))
    with pytest.raises(InputError, match=f"^{code} has a lower and an upper bound; say which"):
        TABLE[code].formula(query, Sets())
    with pytest.raises(InputError, match=f"^{code} has a lower and an upper bound; say which"):
        TABLE[code].definition(scm, query)


@pytest.mark.parametrize("task", ["ATE", "CDE", "ETT", "NDE", "NIE"])
def test_yes_follows_the_wording_and_zero_is_no(task: str) -> None:
    more = Query(task, 0, 1, to=1, level=1, polarity="more")  # type: ignore[arg-type]
    less = Query(task, 0, 1, to=1, level=1, polarity="less")  # type: ignore[arg-type]
    raises = Fraction(-1, 3) if task == "ETT" else Fraction(1, 3)
    assert (yes(raises, more), yes(raises, less)) == (True, False)
    assert (yes(-raises, more), yes(-raises, less)) == (False, True)
    assert (yes(Fraction(0), more), yes(Fraction(0), less)) == (False, False)
