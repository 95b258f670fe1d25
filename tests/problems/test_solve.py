"""Derivation and solving, against exact rational models that share no code with either."""

import os
import re
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from caugym.core.errors import InputError
from caugym.core.expr import Symbols
from caugym.core.graph import DAG, bits, mask
from caugym.core.identify import why_invalid
from caugym.core.query import Assignment, Query, Term
from caugym.core.scm import SCM
from caugym.data.questions import questions
from caugym.estimands import TABLE, yes
from caugym.problems.derive import RULES, Derivation, derive, term_text
from caugym.problems.problem import Problem, Statement, Variable
from caugym.problems.read import read
from caugym.problems.solution import NO_PATH, check_steps, worked
from caugym.problems.solve import rounded, solve

RATIONALS = st.builds(Fraction, st.integers(1, 19), st.just(20))


class Model:
    """A Bayesian network over binary variables with rational tables; every probability by enumeration."""

    def __init__(self, dag: DAG, tables: list[list[Fraction]]) -> None:
        self.dag, self.tables = dag, tables

    def worlds(self, do: dict[int, int]) -> Iterator[tuple[tuple[int, ...], Fraction]]:
        for levels in product((0, 1), repeat=self.dag.n):
            weight = Fraction(1)
            for v, level in enumerate(levels):
                if v in do:
                    weight *= level == do[v]
                else:
                    row = sum(levels[p] << i for i, p in enumerate(bits(self.dag.parents[v])))
                    one = self.tables[v][row]
                    weight *= one if level else 1 - one
            yield levels, weight

    def prob(self, term: Term) -> Fraction:
        def total(wanted: Assignment) -> Fraction:
            worlds = self.worlds(dict(term.do))
            return sum((p for levels, p in worlds if all(levels[v] == k for v, k in wanted)), Fraction())

        return total(term.event + term.given) / total(term.given)

    def scm(self) -> SCM:
        tables = []
        for v, rows in enumerate(self.tables):
            k = self.dag.parents[v].bit_count()
            table = np.empty((1, *(2,) * k, 2))
            for configuration in product((0, 1), repeat=k):
                one = float(rows[sum(level << i for i, level in enumerate(configuration))])
                table[(0, *configuration)] = 1 - one, one
            tables.append(table)
        return SCM(self.dag, tuple(tables))

    def rows(self) -> list[Term]:
        """The terms that the model is made of."""
        terms = []
        for v, pa in enumerate(self.dag.parents):
            parents = tuple(bits(pa))
            for levels in product((0, 1), repeat=len(parents)):
                terms.append(Term(((v, 1),), tuple(zip(parents, levels, strict=True))))
        return terms


@st.composite
def models(draw: st.DrawFn, least: int = 2, most: int = 5) -> Model:
    n = draw(st.integers(least, most))
    order = draw(st.permutations(range(n)))
    edges = [(order[i], order[j]) for j in range(n) for i in range(j) if draw(st.booleans())]
    dag = DAG.from_edges(n, edges)
    return Model(dag, [[draw(RATIONALS) for _ in range(1 << pa.bit_count())] for pa in dag.parents])


@st.composite
def terms(draw: st.DrawFn, n: int, do: bool = False) -> Term:
    sides = st.sampled_from("...eg" + "gd" * do)
    side = {v: draw(sides) for v in range(n)} | {draw(st.integers(0, n - 1)): "e"}
    levels = {v: draw(st.integers(0, 1)) for v in range(n)}
    event, condition, done = (tuple((v, levels[v]) for v in range(n) if side[v] == s) for s in "egd")
    return Term(event, condition, done)


@st.composite
def queries(draw: st.DrawFn, dag: DAG) -> Query:
    task = draw(st.sampled_from([task for task in TABLE if task != "CDE" or dag.n > 2]))
    x, y = draw(st.permutations(range(dag.n)))[:2]
    others = [v for v in range(dag.n) if v not in (x, y)]
    held = draw(st.sets(st.sampled_from(others), min_size=1)) if task == "CDE" else set()
    return Query(
        TABLE[task].code,
        x,
        y,
        draw(st.integers(0, 1)),
        draw(st.integers(0, 1)),
        draw(st.sampled_from(["lower", "upper"])) if task in ("PN", "PS") else None,
        tuple((v, draw(st.integers(0, 1))) for v in sorted(held)),
        draw(st.sampled_from(["more", "less"])),
    )


def posed(model: Model, query: Query, stated: list[Term]) -> Problem:
    """The problem that states these terms as printed fractions."""
    return Problem(
        tuple(Variable(f"v{i}") for i in range(model.dag.n)),
        tuple(model.dag.edges()),
        tuple(Statement(term, str(model.prob(term))) for term in dict.fromkeys(stated)),
        query,
    )


def printed(problem: Problem, places: int) -> Problem:
    """The same with decimals for fractions."""
    decimals = (Statement(s.term, f"{float(Fraction(s.value)):.{places}f}") for s in problem.statements)
    return replace(problem, statements=tuple(decimals))


@st.composite
def solvable(draw: st.DrawFn) -> tuple[Model, Problem]:
    """A problem that states exactly the terms of one valid formula, in random order."""
    model = draw(models(3, 5))
    query = draw(queries(model.dag))
    estimand = TABLE[query.task]
    assume(not estimand.zero(model.dag, query))
    sets = list(estimand.identify(model.dag, query, (1 << model.dag.n) - 1))
    assume(sets)
    chosen = draw(st.sampled_from(sets))
    return model, posed(model, query, draw(st.permutations(estimand.formula(query, chosen).terms())))


def recomputed(derivation: Derivation) -> Fraction:
    """The value by the rules again, from the stated numbers up."""
    if not derivation.parts:
        return derivation.value
    value: Fraction = RULES[derivation.rule].apply(*map(recomputed, derivation.parts))
    assert value == derivation.value
    return value


# -- deriving -------------------------------------------------------------------------------------


@given(st.data(), models())
def test_what_is_derived_is_true(data: st.DataObject, model: Model) -> None:
    stated = data.draw(st.lists(terms(model.dag.n, do=True), max_size=8))
    wanted = data.draw(terms(model.dag.n, do=True))
    found = derive(model.dag, [(term, model.prob(term)) for term in stated], wanted, budget=60)
    if found:
        assert found.term == wanted
        assert found.value == model.prob(wanted)
        assert recomputed(found) == found.value


@given(st.data(), models(2, 4))
@settings(max_examples=50)
def test_the_tables_of_the_model_imply_everything(data: st.DataObject, model: Model) -> None:
    wanted = data.draw(terms(model.dag.n, do=True))
    rows = [(term, model.prob(term)) for term in model.rows()]
    found = derive(model.dag, rows, wanted, budget=5000)
    assert found
    assert found.value == model.prob(wanted)


@given(st.data(), models(3, 4))
@settings(max_examples=50)
def test_a_table_entry_can_be_told_by_a_margin(data: st.DataObject, model: Model) -> None:
    """An entry of P(v | parents) is replaced by P(v): the rest of the tables tells it (linear unmixing)."""
    rows = model.rows()
    entry = data.draw(st.sampled_from([term for term in rows if len(term.given)] or rows))
    stated = [term for term in rows if term != entry] + [Term(entry.event)]
    found = derive(model.dag, [(term, model.prob(term)) for term in stated], entry, budget=5000)
    assert found
    assert found.value == model.prob(entry)


def test_every_rule_prints_as_it_computes() -> None:
    numbers = [Fraction(1, k) for k in (5, 3, 7, 2)]
    for name, rule in RULES.items():
        count = 0 if name == "stated" else rule.apply.__code__.co_argcount
        if count:
            shown = rule.pattern.format(*(f"Fraction(1, {n.denominator})" for n in numbers[:count]))
            assert eval(shown, {"Fraction": Fraction}) == rule.apply(*numbers[:count])


def test_irrelevant_conditions_are_dropped_on_both_sides() -> None:
    chain = DAG.from_edges(3, [(0, 1), (1, 2)])
    stated = [(Term(((2, 1),), ((0, 0), (1, 1))), "0.3")]
    found = derive(chain, stated, Term(((2, 0),), ((0, 1), (1, 1))))
    assert found
    assert found.value == Fraction(7, 10)
    assert [step.rule for step in found.steps()] == ["independent", "complement", "independent"]


def test_steps_come_before_what_they_support() -> None:
    dag = DAG.from_edges(2, [(0, 1)])
    stated = [(Term(((0, 1),)), "0.5"), (Term(((1, 1),), ((0, 0),)), "0.2"), (Term(((1, 1),)), "0.4")]
    found = derive(dag, stated, Term(((1, 1),), ((0, 1),)))
    assert found
    known = {term for term, _ in stated}
    for step in found.steps():
        assert {part.term for part in step.parts} <= known
        known.add(step.term)


# -- solving --------------------------------------------------------------------------------------


@given(solvable())
def test_the_answer_is_what_the_estimand_means(case: tuple[Model, Problem]) -> None:
    model, problem = case
    query = problem.query
    solution = solve(problem)
    meant = float(TABLE[query.task].definition(model.scm(), query)[0])
    assert solution.value is not None
    assert float(solution.value) == pytest.approx(meant, abs=1e-9)
    assert solution.answer.value == rounded(solution.value)
    assert solution.answer.answer == (
        None if not TABLE[query.task].effect else "Yes" if yes(solution.value, query) else "No"
    )
    assert all(d.value == model.prob(term) == recomputed(d) for term, d in solution.derivations.items())


@given(solvable())
def test_what_the_solution_says_of_the_graph_is_true(case: tuple[Model, Problem]) -> None:
    _, problem = case
    dag, query = problem.dag, problem.query
    lines = worked(solve(printed(problem, 6)))
    assert (NO_PATH in lines) == (dag.directed_path(query.treatment, query.outcome) is None)
    number = {f"v{i}": i for i in range(dag.n)}  # and the letters that have been given so far
    roles: dict[str, list[int]] = {role: [] for role in "XYZM"}
    opened, caused = [], []
    for line in lines:
        for symbol, name in re.findall(r"(?:^|; )([XYMZ]\d*) = (v\d+)", line):
            number[symbol] = number[name]
            roles[symbol[0]].append(number[name])
        if not (said := re.fullmatch(r"(edge|path|open) (.*)", line)):
            continue
        parts = said[2].split(" ")
        places, arrows = [number[part] for part in parts[::2]], parts[1::2]
        for a, b, arrow in zip(places, places[1:], arrows, strict=False):
            cause, effect = (a, b) if arrow == "->" else (b, a)
            assert dag.parents[effect] >> cause & 1
        if said[1] == "open":
            assert not roles["Z"]
            assert arrows[0] == "<-"
            assert "-> <-" not in " ".join(arrows)
            assert places[0] in {query.treatment, *roles["M"]}
            assert places[-1] in {query.outcome, *roles["M"]} - {v for v, _ in query.held}
            assert not {v for v, _ in query.held} & set(places[1:])
            opened.append(places)
        else:
            caused.append(line)
            assert (places[0], places[-1]) == (query.treatment, query.outcome)
            assert set(arrows) == {"->"}
            assert not {v for v, _ in query.held} & set(places)
            assert query.task != "NIE" or len(places) > 2
    assert (NO_PATH in lines) != bool(caused)
    mediators = mask(set(roles["M"]) - {v for v, _ in query.held})
    needed = why_invalid(dag, query, 0, mediators) is not None
    assert [bool(set(places) & set(roles["Z"])) for places in opened] == [True] * needed


@given(st.data(), models(2, 5))
def test_why_there_is_no_effect_is_true_and_enough(data: st.DataObject, model: Model) -> None:
    dag, query = model.dag, data.draw(queries(model.dag))
    assume(TABLE[query.task].zero(dag, query))

    def between(v: int) -> list[list[int]]:
        """What lies between a variable and Y on each directed path."""
        if v == query.outcome:
            return [[]]
        return [
            [child, *rest] for child in range(dag.n) if dag.parents[child] >> v & 1 for rest in between(child)
        ]

    passed = [set(way) - {query.outcome} for way in between(query.treatment)]
    held = {v for v, _ in query.held}
    said = next(line for line in worked(solve(posed(model, query, []))) if line.startswith("no "))
    assert {
        "no directed path from X to Y": not passed,
        "no path from X to Y through a mediator": not any(passed),
        "no edge X -> Y": all(passed) and (query.task == "NDE" or all(way <= held for way in passed)),
        "no directed path from X to Y past what is held": all(way & held for way in passed),
    }[said]


@given(solvable(), st.integers(2, 6), st.data())
def test_a_solution_calculates_rightly_whatever_is_stated(
    case: tuple[Model, Problem], places: int, data: st.DataObject
) -> None:
    model, problem = case
    turned = [
        term._replace(event=tuple((v, 1 - k) for v, k in term.event)) if data.draw(st.booleans()) else term
        for term in (s.term for s in problem.statements)
    ]
    more = data.draw(st.lists(terms(model.dag.n), max_size=4))
    try:
        solution = solve(printed(posed(model, problem.query, turned + more), places))
    except InputError:  # rounded numbers may contradict each other
        assume(False)
    lines = worked(solution)
    assert check_steps(lines) == []
    if solution.answer.value is not None:
        assert solution.answer.value in lines[-2]


@given(solvable(), st.data())
def test_with_less_stated_the_answer_is_the_same_or_insufficient(
    case: tuple[Model, Problem], data: st.DataObject
) -> None:
    model, problem = case
    kept = data.draw(st.lists(st.sampled_from(problem.statements), unique=True))
    less = solve(replace(problem, statements=tuple(kept)))
    if less.answer.status == "identified":
        assert less.value == solve(problem).value
    else:
        assert less.answer.missing == tuple(map(term_text, less.missing)) != ()
        more = [s.term for s in kept] + list(less.missing)
        completed = solve(posed(model, problem.query, more))
        assert completed.value == solve(problem).value


@given(solvable(), st.data())
def test_more_true_statements_never_change_the_answer(
    case: tuple[Model, Problem], data: st.DataObject
) -> None:
    model, problem = case
    more = [s.term for s in problem.statements] + data.draw(st.lists(terms(model.dag.n), max_size=5))
    assert solve(posed(model, problem.query, more)).value == solve(problem).value


@given(solvable(), st.data())
def test_the_order_of_statements_plays_no_part(case: tuple[Model, Problem], data: st.DataObject) -> None:
    _, problem = case
    kept = tuple(data.draw(st.lists(st.sampled_from(problem.statements), unique=True)))
    shuffled = tuple(data.draw(st.permutations(kept)))
    one, other = (solve(replace(problem, statements=s)) for s in (kept, shuffled))
    assert (one.answer, one.sets, one.derivations) == (other.answer, other.sets, other.derivations)


@given(solvable(), st.data())
def test_the_numbering_of_variables_plays_no_part(case: tuple[Model, Problem], data: st.DataObject) -> None:
    _, problem = case
    number = data.draw(st.permutations(range(len(problem.variables))))
    query = problem.query

    def moved(assignment: Assignment) -> Assignment:
        return tuple(sorted((number[v], level) for v, level in assignment))

    renumbered = Problem(
        problem.variables,
        tuple((number[a], number[b]) for a, b in problem.edges),
        tuple(Statement(Term(moved(s.term.event), moved(s.term.given)), s.value) for s in problem.statements),
        query._replace(
            treatment=number[query.treatment],
            outcome=number[query.outcome],
            held=moved(query.held),
        ),
    )
    one, other = solve(problem), solve(renumbered)
    assert (one.value, one.answer) == (other.value, other.answer)


@given(st.fractions(-1, 1, max_denominator=10**6))
def test_rounding_is_half_away_from_zero(value: Fraction) -> None:
    text = rounded(value)
    assert text != "-0.0000"
    assert len(text.lstrip("-")) == 6
    assert abs(Fraction(text) - value) <= Fraction(1, 20000)
    if abs(Fraction(text) - value) == Fraction(1, 20000):
        assert abs(Fraction(text)) > abs(value)
    assert rounded(-value) == (text if Fraction(text) == 0 else f"-{text}".replace("--", ""))


FORK = ((2, 0), (2, 1), (0, 1))  # Z -> X, Z -> Y, X -> Y with X=0, Y=1, Z=2
ATE = Query("ATE", 0, 1, to=1, level=1)
ENOUGH = {
    Term(((2, 1),)): "0.4000",
    Term(((1, 1),), ((0, 0), (2, 0))): "0.1000",
    Term(((1, 1),), ((0, 0), (2, 1))): "0.2000",
    Term(((1, 1),), ((0, 1), (2, 0))): "0.5000",
    Term(((1, 1),), ((0, 1), (2, 1))): "0.3000",
}


def fork(query: Query = ATE, share: str = "0.4000") -> Problem:
    """The fork with statements that suffice; ``share`` is the printed P(Z=1)."""
    stated = ENOUGH | {Term(((2, 1),)): share}
    return Problem(tuple(map(Variable, "xyz")), FORK, tuple(Statement(*s) for s in stated.items()), query)


def test_an_effect_that_the_graph_excludes_needs_no_numbers() -> None:
    problem = Problem(tuple(map(Variable, "xyz")), ((1, 0),), (), ATE)
    solution = solve(problem)
    assert (solution.answer.value, solution.answer.answer) == ("0.0000", "No")
    assert solution.zero
    assert solution.value == 0


def test_a_tie_is_rounded_away_from_zero_and_no_effect_is_no() -> None:
    x = Query("ATE", 0, 1, to=1, level=1)
    terms_ = [Term(((1, 1),), ((0, level),)) for level in (0, 1)]

    def answer(untreated: str, treated: str) -> tuple[str | None, str | None]:
        statements = (Statement(terms_[0], untreated), Statement(terms_[1], treated))
        found = solve(Problem(tuple(map(Variable, "xy")), ((0, 1),), statements, x)).answer
        return found.value, found.answer

    assert answer("0.30000", "0.30005") == ("0.0001", "Yes")
    assert answer("0.30005", "0.30000") == ("-0.0001", "No")
    assert answer("0.30001", "0.30003") == ("0.0000", "Yes")
    assert answer("0.3", "0.3000") == ("0.0000", "No")


def test_what_is_missing_is_named_in_letters_and_in_words() -> None:
    problem = fork()
    solution = solve(replace(problem, statements=problem.statements[1:]))
    assert solution.answer.missing == ("P(C=0)",)
    assert solution.missing_text(Symbols(("smoking", "cancer", "age"))) == ("P(age=0)",)


@pytest.mark.parametrize(
    ("problem", "says"),
    [
        (fork(share="1.2"), "not a probability"),
        (fork(share="-0.1"), "not a probability"),
        (fork(share="nan"), "not a probability"),
        (fork(share="a lot"), "not a number"),
        (fork(share="0." + "1" * 10**6), "not a number"),
        (fork(share="1/0"), "not a number"),
        (fork(ATE._replace(task="XYZ")), "not known"),  # type: ignore[arg-type]
        (fork(ATE._replace(outcome=0)), "different variables"),
        (fork(ATE._replace(outcome=7)), "different variables"),
        (fork(ATE._replace(level=2)), "binary"),
        (fork(Query("CDE", 0, 1, 1, 1, held=((0, 1),))), "different variables"),
        (fork(Query("CDE", 0, 1, 1, 1)), "held fixed"),
        (fork(ATE._replace(held=((2, 0),))), "held fixed"),
        (fork(Query("PN", 0, 1, 0, 0)), "lower and an upper"),
    ],
)
def test_bad_input_is_one_line(problem: Problem, says: str) -> None:
    with pytest.raises(InputError, match=says) as caught:
        solve(problem)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize(
    ("term", "value", "says"),
    [
        (Term(((2, 1),)), "0.3", "stated twice"),
        (Term(((2, 0),)), "0.5", "do not add up"),
        (Term(((2, 1),), ((2, 1),)), "0.5", "only once"),
        (Term(()), "0.5", "only once"),
        (Term(((2, 1), (2, 0))), "0.5", "only once"),
        (Term(((9, 1),)), "0.5", "not in the graph"),
        (Term(((-1, 1),)), "0.5", "not in the graph"),
        (Term(((2, 3),)), "0.5", "level that is not"),
        (Term(((2, 1),), (), ((2, 1),)), "0.5", "only once"),
    ],
)
def test_bad_statements_are_one_line(term: Term, value: str, says: str) -> None:
    problem = fork()
    with pytest.raises(InputError, match=says):
        solve(replace(problem, statements=(*problem.statements, Statement(term, value))))


def test_complements_may_differ_by_their_rounding() -> None:
    problem = fork()
    rounding = Statement(Term(((2, 0),)), "0.6001")
    assert solve(replace(problem, statements=(*problem.statements, rounding))).answer.status == "identified"


def test_many_variables_are_refused_or_cut_down_to_those_that_matter() -> None:
    """One cause of both is never mentioned, so no set is valid; finding that out must not take 2^30 steps."""
    n = 30
    names = tuple(Variable(f"v{i}") for i in range(n))
    stated = tuple(Statement(Term(((v, 1),)), "0.5") for v in range(3, n))
    apart = ((0, 1), (2, 0), (2, 1))
    assert solve(Problem(names, apart, stated, ATE)).answer.status == "insufficient"
    crowd = (*apart, *((v, 1) for v in range(3, n)))
    with pytest.raises(InputError, match="more than 18 variables"):
        solve(Problem(names, crowd, stated, ATE))


def test_people_who_do_not_exist_cannot_be_asked_about() -> None:
    x1y1, y1, given0 = Term(((0, 1), (1, 1))), Term(((1, 1),)), Term(((1, 1),), ((0, 0),))
    statements = (Statement(x1y1, "0"), Statement(y1, "0.5"), Statement(given0, "0.2"))
    query = Query("PN", 0, 1, to=0, level=0, bound="lower")
    with pytest.raises(InputError, match=r"undefined.*P\(A=1, B=1\) = 0"):
        solve(Problem(tuple(map(Variable, "xy")), ((0, 1),), statements, query))


def test_numbers_that_contradict_each_other_are_refused() -> None:
    x1y1, x1 = Term(((0, 1), (1, 1))), Term(((0, 1),))
    statements = (Statement(x1y1, "0.9"), Statement(x1, "0.1"))
    with pytest.raises(InputError, match="contradict"):
        solve(Problem(tuple(map(Variable, "xy")), ((0, 1),), statements, ATE))


# -- public questions -----------------------------------------------------------------------------

SHARED = Path(os.environ.get("CAUGYM_SHARED_DATA", ""))
needs_data = pytest.mark.skipif(
    not (SHARED / "calm_lite").is_dir(), reason="set CAUGYM_SHARED_DATA to the folder with calm_lite"
)


def agreeing(pattern: str) -> tuple[int, int]:
    """How many labels there are, and how many the solver meets."""
    met = []
    for path in sorted(SHARED.glob(pattern)):
        for question in questions(path):
            assert question.label
            try:
                answer = solve(read(question.text)).answer
            except InputError:
                met.append(False)
                continue
            if question.label.value is None or answer.value is None:
                met.append(question.label.status == answer.status and bool(answer.missing))
            else:
                met.append(abs(Fraction(answer.value) - Fraction(question.label.value)) <= Fraction(5, 10**4))
    return len(met), sum(met)


@needs_data
@pytest.mark.slow
@pytest.mark.parametrize(
    ("pattern", "share"),
    [
        ("calm_lite/*-basic_EN.json", 0.995),
        ("caugym_release/base_dataset.json", 0.975),
        ("caugym_release/deconfounding_dataset.json", 0.975),
        ("caugym_release/redundant_dataset.json", 0.975),
        ("caugym_release/insufficient_dataset.json", 0.99),
    ],
)
def test_public_labels_are_met(pattern: str, share: float) -> None:
    asked, met = agreeing(pattern)
    assert met >= share * asked > 0
