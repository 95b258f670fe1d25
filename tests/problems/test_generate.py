"""Generated problems read back, have numbers that exist and right solutions, and are balanced."""

import re
from collections import Counter
from dataclasses import replace
from fractions import Fraction
from hashlib import sha256
from itertools import islice

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caugym.core.errors import InputError
from caugym.core.exact import probability
from caugym.core.query import Assignment, Query, Term
from caugym.core.streams import stream
from caugym.core.witness import verify
from caugym.estimands import TABLE
from caugym.problems.arithmetic import equations, evaluate
from caugym.problems.certificate import faults, witness
from caugym.problems.generate import SETS, TASKS, Item, generate, generate_mixed
from caugym.problems.joint import fit, scm_of, shape
from caugym.problems.levels import LEVELS, Level, level_named
from caugym.problems.problem import Problem, Statement, Variable
from caugym.problems.read import read
from caugym.problems.solution import check_steps, worked
from caugym.problems.solve import solve
from caugym.problems.structure import draw
from caugym.problems.transforms import TRANSFORMS

EACH_TASK = pytest.mark.parametrize("task", TASKS)
EACH_LEVEL = pytest.mark.parametrize(
    "level", [n for n in LEVELS if n != "hard"] + [pytest.param("hard", marks=pytest.mark.slow)]
)


def items(
    task: str, level: str, n: int, split: str = "test", seed: int = 1, set_: str = "base"
) -> list[Item]:
    return list(generate(set_, task, level, split, seed, range(n)))  # type: ignore[arg-type]


@EACH_TASK
@EACH_LEVEL
def test_an_item_proves_itself(task: str, level: str) -> None:
    for item in items(task, level, 24 if level != "hard" else 4):
        assert read(item.prompt) == item.problem
        assert faults(item.problem, item.gold, item.certificate) == []
        assert check_steps(item.solution) == []
        assert item.solution[-1].startswith("{")
        assert item.gold.value is not None
        if float(item.gold.value) not in (0.0, 1.0):
            assert any(holds for step in item.solution for _, holds in equations(step))


@EACH_TASK
@pytest.mark.parametrize("set_", SETS)
def test_every_set_proves_itself(set_: str, task: str) -> None:
    for item in items(task, "standard", 8, set_=set_):
        assert item.id.startswith(f"{set_}-standard-{task}-")
        assert read(item.prompt) == item.problem
        assert faults(item.problem, item.gold, item.certificate) == []
        assert check_steps(item.solution) == []


@EACH_TASK
def test_deconfounding_needs_adjustment(task: str) -> None:
    for item in items(task, "standard", 16, set_="deconfounding"):
        problem = item.problem
        if not TABLE[task].zero(problem.dag, problem.query):
            sets = next(TABLE[task].identify(problem.dag, problem.query, (1 << problem.dag.n) - 1))
            assert sets.adjust
            assert len(problem.statements) > len(base_terms(problem))


def base_terms(problem: Problem) -> set[Term]:
    """The terms that the worked solution needs."""
    return {term for term in (s.term for s in problem.statements) if term in solve(problem).derivations}


@EACH_TASK
def test_redundant_numbers_are_not_needed_and_change_nothing(task: str) -> None:
    for item in items(task, "standard", 12, set_="redundant"):
        needed = base_terms(item.problem)
        kept = tuple(s for s in item.problem.statements if s.term in needed)
        fewer = solve(replace(item.problem, statements=kept))
        assert len(kept) < len(item.problem.statements)
        assert fewer.answer.status == "insufficient" or fewer.answer == item.gold


@EACH_TASK
def test_half_of_insufficient_cannot_be_answered_and_proves_it(task: str) -> None:
    batch = items(task, "standard", 12, set_="insufficient")
    for lacking, item in ((item.gold.status == "insufficient", item) for item in batch):
        if lacking:
            assert item.gold.missing
            assert item.solution[-1] == "LACK_CONDITION"
            pair = witness(item.problem, item.certificate)
            assert abs(pair.values[0] - pair.values[1]) >= 0.01
            twice = replace(pair, second=pair.first, values=(pair.values[0],) * 2)
            stated = [(s.term, float(s.value)) for s in item.problem.statements]
            assert verify(twice, item.problem.dag, stated, item.problem.query, TABLE[task].definition)
    for first, second in zip(batch[::2], batch[1::2], strict=True):
        assert {first.gold.status, second.gold.status} == {"insufficient", "identified"}


@EACH_TASK
def test_an_item_depends_on_its_coordinates_alone(task: str) -> None:
    batch = items(task, "standard", 12)
    alone = list(generate("base", task, "standard", "test", 1, [7]))  # type: ignore[arg-type]
    assert alone == [batch[7]]
    assert items(task, "standard", 1, seed=2) != batch[:1]
    assert len({item.prompt for item in batch}) == len(batch)


@EACH_TASK
def test_answers_are_balanced(task: str) -> None:
    batch = items(task, "easy", 160)
    if TABLE[task].effect:
        assert Counter(item.gold.answer for item in batch) == {"Yes": 80, "No": 80}
        null = sum(item.gold.value == "0.0000" for item in batch)
        assert 2 <= null <= 30
    else:
        clipped = Counter(
            (item.problem.query.bound, item.gold.value in ("0.0000", "1.0000")) for item in batch
        )
        assert clipped == {(b, c): 20 if c else 60 for b in ("lower", "upper") for c in (True, False)}


def test_train_and_test_share_no_name() -> None:
    names = {}
    for split in ("train", "test"):
        batch = [item for task in TASKS for item in items(task, "easy", 40, split=split)]
        names[split] = {v.name for item in batch for v in item.problem.variables}
    assert not names["train"] & names["test"]


def test_the_order_of_statements_tells_nothing() -> None:
    first: Counter[bool] = Counter()
    for item in items("ATE", "standard", 400):
        statement, query = item.problem.statements[0], item.problem.query
        first[statement.term.event[0][0] == query.outcome] += 1
    assert first[True] > 20
    assert first[False] > 20


@settings(max_examples=25, deadline=None)
@given(
    st.sampled_from(TASKS), st.sampled_from(["easy", "standard"]), st.integers(0, 10**6), st.integers(0, 1)
)
def test_printed_numbers_are_those_of_one_joint(task: str, level: str, seed: int, parity: int) -> None:
    bound = None if TABLE[task].effect else "lower"
    rng = stream("fit", seed)
    for _ in range(3):
        structure = draw(task, LEVELS[level], null=False, bound=bound, rng=rng)  # type: ignore[arg-type]
        uniforms = np.array([[rng.random() for _ in range((1 << structure.dag.n) - 1)]])
        fitted = fit([shape(structure.dag, structure.terms)], uniforms, LEVELS[level].decimals, parity)
        assert int(fitted.printed[0, : len(structure.terms)].sum()) % 2 == parity
        if fitted.exact[0]:
            scm = scm_of(fitted.tables, [0])
            for term, printed in zip(structure.terms, fitted.printed[0], strict=False):
                p = float(probability(scm, term.event, term.given)[0])
                assert p == pytest.approx(printed / 10 ** LEVELS[level].decimals, abs=1e-11)


@EACH_TASK
def test_a_changed_digit_in_a_solution_is_found(task: str) -> None:
    for item in items(task, "easy", 16):
        steps = list(item.solution)
        arithmetic = [i for i, step in enumerate(steps) if any(True for _ in equations(step))]
        for i in arithmetic:
            text, _ = next(equations(steps[i]))
            result = re.search(r"\d$", text)
            assert result
            wrong = text[: result.start()] + str((int(result.group()) + 1) % 10)
            assert check_steps([*steps[:i], steps[i].replace(text, wrong), *steps[i + 1 :]])


@EACH_TASK
def test_a_certificate_proves_only_its_own_problem(task: str) -> None:
    a, b = islice(generate("base", task, "standard", "test", 3, range(8)), 2)  # type: ignore[arg-type]
    assert faults(a.problem, a.gold, b.certificate)
    assert faults(a.problem, replace(a.gold, value="0.4321"), a.certificate)
    first = a.problem.statements[0]
    moved = first._replace(value=f"{(float(first.value) + 0.02) % 1:.4f}")
    assert faults(replace(a.problem, statements=(moved, *a.problem.statements[1:])), a.gold, a.certificate)
    for broken in ("", "{}", "[]", '{"tables":[[1]]}', '{"tables":null}'):
        assert len(faults(a.problem, a.gold, broken)) == 1


@given(
    st.recursive(
        st.integers(0, 99).map(str),
        lambda e: st.tuples(e, st.sampled_from("+-*"), e).map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
    )
)
def test_evaluation_is_exact(expression: str) -> None:
    assert evaluate(expression) == eval(expression)


@pytest.mark.parametrize("text", ["", "1 +", "(1", "1 2", "a", "1 + * 2", "__import__('os')"])
def test_what_is_not_arithmetic_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"not arithmetic|missing|bracket"):
        evaluate(text)


def test_unknown_names_are_one_clear_line() -> None:
    for arguments in (("bse", "ATE", "easy"), ("base", "ATT", "easy"), ("base", "ATE", "eazy")):
        with pytest.raises(InputError, match="choose"):
            list(generate(*arguments, "test", 1, [0]))
    with pytest.raises(InputError, match="variables"):
        Level("mine", (2, 4), 2, (1.0,), (1.0,))
    with pytest.raises(InputError, match="no graph"):
        list(generate("base", "ATE", Level("mine", (3, 3), 2, (0, 0, 1.0), (1.0,)), "test", 1, [0]))
    assert level_named("easy").decimals == 2
    assert SETS[0] == "base"


def test_tasks_made_together_are_the_same_items() -> None:
    wanted = [(task, index) for index in range(4) for task in TASKS]
    together = list(generate_mixed("base", wanted, "standard", "test", 1))
    alone = {task: iter(items(task, "standard", 4)) for task in TASKS}
    assert together == [next(alone[task]) for task, _ in wanted]


@pytest.mark.parametrize(
    ("level", "digest"),
    [("easy", "d528751b0da2f37b"), ("standard", "0806952997436bb7")],
)
def test_items_are_the_same_until_the_version_changes(level: str, digest: str) -> None:
    told = [(item.prompt, item.gold, item.solution) for task in TASKS for item in items(task, level, 8)]
    assert TRANSFORMS["base"].version == "6"
    assert sha256(repr(told).encode()).hexdigest()[:16] == digest


LISTED = re.compile(r"(?m)^P\(([^|)]+?)(?: \| ([^)]+))?\) = ([\d.]+)$")
"""A stated number as a solution writes it down."""


def written(item: Item) -> list[tuple[Term, Fraction]]:
    """The stated terms and numbers that a solution writes down."""
    variables = item.problem.variables
    number = {variable.name: i for i, variable in enumerate(variables)}

    def assignment(told: str) -> Assignment:
        """``rain = low = x', wind = high``, ascending by variable."""
        pairs = [(number[part.split(" = ")[0]], part.split(" = ")[1]) for part in told.split(", ") if told]
        return tuple(sorted((v, variables[v].levels.index(level)) for v, level in pairs))

    return [
        (Term(assignment(event), assignment(given)), Fraction(n) / (1 if "." in n else 100))
        for event, given, n in LISTED.findall("\n".join(item.solution))
    ]


@EACH_TASK
@pytest.mark.parametrize("level", ["easy", "standard"])
@pytest.mark.parametrize("set_", SETS)
def test_a_solution_with_a_formula_writes_down_what_the_text_states(task: str, level: str, set_: str) -> None:
    for item in items(task, level, 2, "train", set_=set_):
        stated = [(statement.term, Fraction(statement.value)) for statement in item.problem.statements]
        formula = any(line.startswith(f"{task} ") and "P(" in line for line in item.solution)
        assert written(item) == (stated if formula else [])


@EACH_TASK
def test_a_solution_says_what_is_not_stated_and_does_not_list_it(task: str) -> None:
    def levels(told: str) -> frozenset[str]:
        return frozenset(setting.rpartition(" = ")[2] for setting in told.split(", "))

    for item in items(task, "standard", 12, set_="insufficient"):
        *steps, last, reply = item.solution
        assert (reply == "LACK_CONDITION") == last.startswith("not stated: ") == (item.gold.value is None)
        if reply == "LACK_CONDITION":
            listed = {(levels(event), levels(given)) for event, given, _ in LISTED.findall("\n".join(steps))}
            missing = re.findall(r"P\(([^|)]+?)(?: \| ([^)]+))?\)", last)
            assert len(missing) == len(item.gold.missing) > 0
            assert not listed & {(levels(event), levels(given)) for event, given in missing}


@given(st.integers(1, 4000), st.integers(100, 2900), st.integers(100, 2900))
def test_numbers_that_were_rounded_are_carried_on_as_written(low: int, step: int, more: int) -> None:
    """P(x) follows by a division; it is then multiplied, and what follows agrees to the last decimal."""
    overall, high = low + step, low + step + more
    y, x = ((1, 1),), [((0, level),) for level in (0, 1)]
    terms = {Term(y): overall, Term(y, x[0]): low, Term(y, x[1]): high}
    statements = tuple(Statement(term, f"{units / 10**4:.4f}") for term, units in terms.items())
    variables = (Variable("rain", ("absent", "present")), Variable("mould", ("absent", "present")))
    for bound in ("lower", "upper"):
        problem = Problem(variables, ((0, 1),), statements, Query("PN", 0, 1, 0, 0, bound))
        solution = solve(problem)
        steps = worked(solution)
        assert solution.answer.status == "identified"
        assert any(") / (" in line for line in steps)
        assert check_steps(steps) == []


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("p = (0.6 - 0.5) / (0.7 - 0.5) = 0.5", True),
        ("p = (0.6 - 0.5) / (0.7 - 0.5) = 0.4", False),
        ("so (1 + 1 = 2 and more)", True),
    ],
)
def test_brackets_belong_to_the_side_they_stand_in(text: str, holds: bool) -> None:
    assert [held for _, held in equations(text)] == [holds]
