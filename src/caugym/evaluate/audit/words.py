"""Audit of questions in words: CaLM Lite and the CauGym release.

The text is read back into a problem and solved from its stated numbers alone. A label is disputed only when
no valid formula over those numbers gives it, and each dispute is confirmed by brute force: on random models
of the question's own graph, the formula with its derivations gives what the definition of the estimand
gives.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from caugym.core.errors import InputError
from caugym.core.exact import probability
from caugym.core.expr import Expr
from caugym.core.query import Term
from caugym.core.scm import Array, random_scm
from caugym.core.streams import stream
from caugym.data.questions import Question, questions
from caugym.data.records import records
from caugym.estimands import TABLE, yes
from caugym.evaluate.audit.dispute import Dispute, Examined
from caugym.evaluate.audit.rounding import Interval, spread
from caugym.problems.derive import RULES, Derivation, term_text
from caugym.problems.keys import LETTERS
from caugym.problems.problem import Answer, Problem
from caugym.problems.read import read
from caugym.problems.solve import Solution, rounded, solve

DEAD_ZONE = Fraction(1, 1000)
HALF_UNIT = Fraction(1, 20_000)  # of the fourth decimal
ROUTES = 64  # sets of variables tried, smallest first
BUDGET = 250  # expanded terms in the search for a derivation
MODELS = 16
EXACT = 1e-9
UNREAD = "the wording is not one that is read"

_CONCLUSION = re.compile(r"([A-Z]{3}) ?= ?(-?[0-9.]{1,12}) ?([<>]) ?0,? so the answer is (Yes|No)\b")


def examined(path: Path) -> Iterator[Examined]:
    """What becomes of each question of a file, in order."""
    for record, question in zip(records(path), questions(path), strict=True):
        found = examine(question)
        yield _against_itself(found, question, record.fields) if found.undecided == UNREAD else found


def examine(question: Question) -> Examined:
    """Recomputes the label of one question from its text."""
    task = question.task or "?"
    if question.label is None:
        return Examined(question.id, task, undecided="no label")
    try:
        problem = read(question.text)
    except InputError:
        return Examined(question.id, task, undecided=UNREAD)
    task = problem.query.task
    try:
        solution = solve(problem)
    except InputError:
        return Examined(question.id, task, undecided="the stated numbers contradict each other")
    case = _Case(question.id, task, question.label, solution, Fraction(str(question.tolerance)))
    return case.examined()


def _against_itself(found: Examined, question: Question, fields: Mapping[str, Any]) -> Examined:
    """Compares the yes/no of a text that cannot be read with the conclusion of the record's own solution."""
    solution = fields.get("Reason")
    text = " ".join(map(str, solution.values())) if isinstance(solution, dict) else str(solution)
    said = _CONCLUSION.search(text[-200:])
    label = question.label.answer if question.label else None
    if not said or label is None or said[4] == label:
        return found
    proof = (
        f"the record's own solution ends: {said[1]} = {said[2]} {said[3]} 0, hence {said[4]}; "
        f"its label says {label}: one of them is wrong",
    )
    dispute = Dispute(question.id, "self-contradiction", said[1], label, said[4], proof)
    return Examined(question.id, said[1], (dispute,), found.undecided)


@dataclass(frozen=True)
class Route:
    """One valid way from the stated numbers to the value.

    Attributes:
        expr: The formula.
        derivations: How each of its terms follows from the statements.
        value: Its value at the printed numbers.
        spread: Its values at all numbers that round to those printed; None where they are unbounded.
    """

    expr: Expr
    derivations: dict[Term, Derivation]
    value: Fraction
    spread: Interval | None

    def confirmed(self, problem: Problem) -> float:
        """The largest difference from the estimand's definition, over random models of the graph."""
        rng = np.random.default_rng(stream("audit", repr(problem.edges)).getrandbits(64))
        scm = random_scm(problem.dag, rng, MODELS, low=0.05)

        def number(derivation: Derivation) -> Array:
            if not derivation.parts:
                term = derivation.term
                return probability(scm, term.event, term.given, term.do)
            return np.asarray(RULES[derivation.rule].apply(*map(number, derivation.parts)))

        found = self.expr.evaluate(lambda term: number(self.derivations[term]))
        defined = TABLE[problem.query.task].definition(scm, problem.query)
        return float(abs(found - defined).max())


def routes(solution: Solution) -> list[Route]:
    """All valid ways that the search finds, the solver's own first."""
    problem, known = solution.problem, solution.knowledge
    query = problem.query
    estimand = TABLE[query.task]
    printed = {s.term: s.value for s in problem.statements}
    found = []
    for sets in islice(estimand.identify(problem.dag, query, known.mentioned), ROUTES):
        expr = estimand.formula(query, sets)
        keys = {term: known.keys.of(term) for term in expr.terms()}
        if all(known.derive(key, BUDGET) for key in keys.values()):
            derivations = {term: known.derivation(key) for term, key in keys.items()}
            try:
                value = Fraction(expr.evaluate(lambda term, how=derivations: how[term].value))
            except ZeroDivisionError:
                continue
            found.append(Route(expr, derivations, value, spread(expr, derivations, printed)))
    return sorted(found, key=lambda route: route.value != solution.value)


@dataclass(frozen=True)
class _Case:
    """One question with its label and its solution."""

    id: str
    task: str
    label: Answer
    solution: Solution
    tolerance: Fraction

    def examined(self) -> Examined:
        if self.label.status == "insufficient":
            return self.insufficient()
        if self.solution.answer.status == "insufficient":
            return self.open("no derivation was found")
        ways = [] if self.solution.zero else routes(self.solution)
        if not self.solution.zero and not (ways and all(way.spread for way in ways)):
            return self.open("the stated numbers bound no value")
        doubtful, open_ = [], None
        if not self.value_stands(ways):
            doubtful.append(self.value(ways))
        elif self.label.answer is not None and self.label.answer != self.solution.answer.answer:
            dispute = self.answer(ways)
            if dispute:
                doubtful.append(dispute)
            else:
                open_ = "rounding hides the sign of the effect"
        return self.confirmed(doubtful, ways, open_)

    def open(self, reason: str) -> Examined:
        return Examined(self.id, self.task, undecided=reason)

    def insufficient(self) -> Examined:
        """The label says that the numbers do not determine the answer."""
        answer = self.solution.answer
        if answer.status == "insufficient":
            return Examined(self.id, self.task)
        ways = [] if self.solution.zero else routes(self.solution)[:1]
        proof = [f"value: {answer.value}" + (f", {answer.answer}" if answer.answer else "")]
        if self.solution.zero:
            proof = ["the graph alone answers: there is no effect", *proof]
        dispute = self.dispute("answerable", "insufficient", str(answer.value), ways, proof)
        return self.confirmed([dispute], ways, None)

    def value_stands(self, ways: list[Route]) -> bool:
        """Whether some valid way gives the label's value within the tolerance."""
        if self.label.value is None:
            return True
        label = Fraction(self.label.value)
        values = [way.value for way in ways] or [Fraction(0)]
        return any(
            abs(Fraction(number) - label) <= self.tolerance for v in values for number in (v, rounded(v))
        )

    def value(self, ways: list[Route]) -> Dispute:
        """The dispute about a value."""
        label = Fraction(str(self.label.value))
        if not ways:
            proof = ["the graph alone answers: there is no effect, so the value is 0"]
            return self.dispute("impossible value", str(self.label.value), "0.0000", ways, proof)
        allowed = self.allowed(ways)
        possible = allowed.low - HALF_UNIT <= label <= allowed.high + HALF_UNIT
        kind = "unreachable value" if possible else "impossible value"
        others = sorted({rounded(way.value) for way in ways[1:]} - {rounded(ways[0].value)})
        proof = [f"other valid formulas give {', '.join(others)}"] if others else []
        proof.append(
            f"each number off by up to half a unit of its last place: {_decimal(allowed.low)} to "
            f"{_decimal(allowed.high)}, which {'holds' if possible else 'does not hold'} the label"
        )
        return self.dispute(kind, str(self.label.value), rounded(ways[0].value), ways, proof)

    def answer(self, ways: list[Route]) -> Dispute | None:
        """The dispute about a yes/no; None where the sign is not certain."""
        query, right = self.solution.problem.query, self.solution.answer.answer
        label, value = str(self.label.answer), self.solution.value
        assert value is not None
        if not ways:
            return self.dispute("inverted answer", label, "No", ways, ["the graph alone answers: no effect"])
        allowed = self.allowed(ways)
        proof = [
            f"each number off by up to half a unit of its last place: {_decimal(allowed.low)} to "
            f"{_decimal(allowed.high)}"
        ]
        if self.label.value is not None and (stated := Fraction(self.label.value)):
            # if the label's own value is right, the effect also rounds to it
            own = Interval(stated - HALF_UNIT, stated + HALF_UNIT)
            low, high = max(allowed.low, own.low), min(allowed.high, own.high)
            if low <= high:
                allowed = Interval(low, high)
                proof.append(f"and the label itself gives the value as {self.label.value}")
        if allowed.low <= 0 <= allowed.high or yes(allowed.low, query) != yes(allowed.high, query):
            return None
        small = abs(value) < DEAD_ZONE and label == "No"
        change = "minus the value" if self.task == "ETT" else "the value"
        proof.append(
            f"asked: is {_setting(query.outcome, query.level)} {query.polarity} likely under "
            f"{_setting(query.treatment, query.to)}? The change is {change}, "
            f"{'above' if _change(value, self.task) > 0 else 'below'} 0: {right}"
        )
        return self.dispute("dead zone" if small else "inverted answer", label, str(right), ways, proof)

    def allowed(self, ways: list[Route]) -> Interval:
        """All values that any valid way allows."""
        spreads = [way.spread for way in ways if way.spread]
        result = spreads[0]
        for each in spreads[1:]:
            result = result.wider(each)
        return result

    def dispute(self, kind: str, label: str, found: str, ways: list[Route], proof: list[str]) -> Dispute:
        lines = _graph(self.solution.problem), *(_arithmetic(self.solution, ways[0]) if ways else ()), *proof
        return Dispute(self.id, kind, self.task, label, found, lines)

    def confirmed(self, doubtful: list[Dispute], ways: list[Route], undecided: str | None) -> Examined:
        """Only what brute force confirms is said."""
        if not doubtful:
            return Examined(self.id, self.task, undecided=undecided)
        problem = self.solution.problem
        if ways:
            errors = [way.confirmed(problem) for way in ways]
            confirmed = max(errors) < EXACT
            line = (
                f"confirmed: on {MODELS} random models of this graph the formula with its derivations "
                f"differs from the definition by at most {max(errors):.0e}"
            )
        else:
            confirmed = _no_effect(problem)
            line = f"confirmed: on {MODELS} random models of this graph the definition gives 0"
        if not confirmed:
            return self.open("brute force does not confirm the derivation")
        return Examined(
            self.id,
            self.task,
            tuple(Dispute(d.id, d.kind, d.task, d.label, d.found, (*d.proof, line)) for d in doubtful),
            undecided,
        )


def _no_effect(problem: Problem) -> bool:
    rng = np.random.default_rng(stream("audit", repr(problem.edges)).getrandbits(64))
    scm = random_scm(problem.dag, rng, MODELS, low=0.05)
    return bool(abs(TABLE[problem.query.task].definition(scm, problem.query)).max() < EXACT)


def _arithmetic(solution: Solution, way: Route) -> Iterator[str]:
    """Statements used, derived terms, the formula in numbers; letters stand for the variables in order."""
    used = set[Term]().union(*map(_leaves, way.derivations.values()))
    stated = [s for s in solution.problem.statements if s.term in used]
    yield "stated: " + ", ".join(f"{term_text(s.term)} = {s.value}" for s in stated)
    steps = {step.term: step for how in way.derivations.values() for step in how.steps()}
    for step in steps.values():
        right = RULES[step.rule].pattern.format(*(term_text(part.term) for part in step.parts))
        yield f"{term_text(step.term)} = {right} = {_decimal(step.value)} ({step.rule})"
    numbers = way.expr.numbers(lambda term: _decimal(way.derivations[term].value))
    yield f"{solution.problem.query.task} = {way.expr.text(LETTERS)}"
    yield f"= {numbers} = {_decimal(way.value)}"


def _graph(problem: Problem) -> str:
    letters = LETTERS.symbol
    return "graph: " + ", ".join(f"{letters(cause)} -> {letters(effect)}" for cause, effect in problem.edges)


def _setting(variable: int, level: int) -> str:
    return f"{LETTERS.symbol(variable)}={level}"


def _change(value: Fraction, task: str) -> Fraction:
    return -value if task == "ETT" else value


def _leaves(derivation: Derivation) -> set[Term]:
    if not derivation.parts:
        return {derivation.term}
    return set[Term]().union(*map(_leaves, derivation.parts))


def _decimal(value: Fraction) -> str:
    """The shortest decimal of a number, to 6 places."""
    text = f"{float(value):.6f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text
