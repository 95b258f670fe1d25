"""Answers a problem from what its text states, and says how, or what is missing.

The answer is the estimand's formula over exactly the stated decimals, as a fraction, rounded once at the end
to 4 decimals, half away from zero. An effect that the graph makes zero needs no numbers.

Status ``"insufficient"`` means that for no set of variables under which a formula of the estimand holds
could all its terms be derived from the statements by the rules of `caugym.problems.derive`. Where the exact
rank test of `caugym.core.sufficiency` says that the statements leave the answer open, that is so for almost
all numbers; otherwise it is a search that came back empty, not a proof that no other road exists.
"""

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property, lru_cache
from itertools import islice

from caugym.core.errors import InputError
from caugym.core.estimand import Estimand, Sets
from caugym.core.expr import Expr, Namer, Prob
from caugym.core.graph import DAG, mask
from caugym.core.query import Query, Term
from caugym.core.sufficiency import is_determined
from caugym.estimands import TABLE, yes
from caugym.problems.arithmetic import decimal
from caugym.problems.derive import SLACK, Derivation, Key, Knowledge, Supposition, term_text
from caugym.problems.keys import Keys
from caugym.problems.problem import Answer, Problem
from caugym.problems.rules import other_cells

EFFORTS = ((12, False), (250, False), (3000, True))
"""How hard each pass over the sets of variables searches: expanded terms, and whether all rules are used."""

CANDIDATES = 64
"""The most sets of variables for which terms are derived that are not stated; smallest first."""

LARGEST = 18
"""The most variables among which sets are sought (there are 2 to this power)."""


@dataclass(frozen=True)
class Solution:
    """How a problem is answered.

    Attributes:
        problem: The problem.
        answer: Status, value and yes/no.
        sets: The sets that the formula is used with; when insufficient, those with which it lacks least; None
            where the graph alone answers.
        missing: When insufficient, the fewest terms whose statement would complete the formula.
    """

    problem: Problem
    answer: Answer
    sets: Sets | None
    missing: tuple[Term, ...]
    knowledge: Knowledge

    @property
    def zero(self) -> bool:
        """Whether the graph alone gives the answer: no effect."""
        return self.sets is None

    @cached_property
    def expr(self) -> Expr | None:
        """The formula that gives the answer, or None where there is none."""
        query, answered = self.problem.query, self.answer.status == "identified"
        return TABLE[query.task].formula(query, self.sets) if answered and self.sets else None

    @cached_property
    def value(self) -> Fraction | None:
        """The exact value, or None when insufficient."""
        if self.expr is None:
            return Fraction(0) if self.zero else None
        return Fraction(self.expr.evaluate(lambda term: self.knowledge.exact(self.knowledge.keys.of(term))))

    @cached_property
    def derivations(self) -> dict[Term, Derivation]:
        """For each term of the formula, how it follows from the statements."""
        known = self.knowledge
        terms = () if self.expr is None else self.expr.terms()
        return {term: known.derivation(known.keys.of(term)) for term in terms}

    def missing_text(self, namer: Namer) -> tuple[str, ...]:
        """The missing terms in the words of ``namer``."""
        return tuple(Prob(term).text(namer) for term in self.missing)


def solve(problem: Problem) -> Solution:
    """The answer of a problem, from its graph and statements alone.

    Raises:
        InputError: If the numbers are no probabilities or contradict each other, or the question makes no
            sense on the graph; one line that says which.
    """
    query, dag = problem.query, problem.dag
    estimand = _estimand(query, dag.n)
    terms = [statement.term for statement in problem.statements]
    known = Knowledge(dag, terms, [statement.value for statement in problem.statements])
    if estimand.zero(dag, query):
        return Solution(problem, _answer(query, Fraction(0)), None, (), known)
    among = _among(dag, query, known.mentioned)
    for sets in estimand.identify(dag, query, among):
        if known.states(1 << query.outcome, _conditions(query, sets)):
            expr, keys = _formula(query, sets, dag.n)
            if all(map(known.at_once, keys)):
                answer = _quick_answer(query, expr, list(map(known.number, keys)))
                return Solution(
                    problem, answer or _answer(query, _evaluate(query, expr, known)), sets, (), known
                )
    for budget, deep in EFFORTS:
        if budget > EFFORTS[0][0] and _left_open(estimand, problem):
            break
        for sets in islice(estimand.identify(dag, query, among), CANDIDATES):
            expr = estimand.formula(query, sets)
            if all(known.derive(known.keys.of(term), budget, deep) for term in expr.terms()):
                return Solution(problem, _answer(query, _evaluate(query, expr, known)), sets, (), known)
    if known.contradiction:
        raise InputError(f"the stated numbers contradict each other: {known.contradiction}")
    sets, missing = _missing(estimand, problem, known)
    answer = Answer("insufficient", missing=tuple(map(term_text, missing)))
    return Solution(problem, answer, sets, missing, known)


@lru_cache(maxsize=1 << 12)
def _formula(query: Query, sets: Sets, n: int) -> tuple[Expr, tuple[Key, ...]]:
    """The formula, and the keys of its terms over n variables, which do not depend on the arrows."""
    expr = TABLE[query.task].formula(query, sets)
    keys = Keys(DAG((0,) * n))
    return expr, tuple(map(keys.of, expr.terms()))


def _left_open(estimand: Estimand, problem: Problem) -> bool:
    """Whether the rank test shows that no search can succeed."""
    query, dag = problem.query, problem.dag
    roles = mask((query.treatment, query.outcome, *(v for v, _ in query.held)))
    sets = next(estimand.identify(dag, query, ((1 << dag.n) - 1) & ~roles), None)
    if sets is None:
        return False
    terms = [statement.term for statement in problem.statements]
    try:
        return not is_determined(dag, terms, estimand.formula(query, sets))
    except InputError:  # more variables than the test can hold
        return False


def rounded(value: Fraction) -> str:
    """The value to 4 decimals, half away from zero, without a negative zero.

    >>> rounded(Fraction(-1, 8)), rounded(Fraction(5, 100000)), rounded(Fraction(-1, 10**9))
    ('-0.1250', '0.0001', '0.0000')
    """
    return decimal(value, 4)


@lru_cache(maxsize=1 << 12)
def _estimand(query: Query, n: int) -> Estimand:
    """The estimand of a question about a graph of n variables, if it makes sense."""
    estimand = TABLE.get(query.task)
    if estimand is None:
        raise InputError(f"the task {query.task!r} is not known; use one of {', '.join(TABLE)}")
    roles = [query.treatment, query.outcome, *(v for v, _ in query.held)]
    if not all(0 <= v < n for v in roles) or len(set(roles)) < len(roles):
        raise InputError("the question must be about different variables of the graph")
    if any(level not in (0, 1) for level in (query.to, query.level, *(level for _, level in query.held))):
        raise InputError("the question names a level that is not 0 or 1; only binary variables can be solved")
    if bool(query.held) != (query.task == "CDE"):
        raise InputError("a CDE question, and only that, must say which variables are held fixed")
    if not estimand.effect and query.bound not in ("lower", "upper"):
        raise InputError(f"{query.task} has a lower and an upper bound; the question must name one")
    return estimand


def _among(dag: DAG, query: Query, variables: int) -> int:
    """The variables among which sets are sought; of many, only causes of those asked about matter."""
    if variables.bit_count() > LARGEST:
        roles = 1 << query.treatment | 1 << query.outcome | mask(v for v, _ in query.held)
        variables &= dag.ancestors(roles)
    if variables.bit_count() > LARGEST:
        raise InputError(
            f"more than {LARGEST} variables may matter; leave out some that the question can do without"
        )
    return variables


def _conditions(query: Query, sets: Sets) -> int:
    """What every formula conditions the outcome on."""
    return 1 << query.treatment | mask(v for v, _ in query.held) | sets.adjust | sets.mediators


def _quick_answer(query: Query, expr: Expr, numbers: list[float]) -> Answer | None:
    """The answer in double precision where that is certain to round as the exact value does, else None.

    Stated numbers and their complements carry errors below 1e-16, so away from 0, from rounding ties and from
    tiny divisors the error of 1e-9 allowed here is never reached.
    """
    if min(numbers, default=0) < 1e-4:
        return None
    value = expr.calculate(numbers)
    from_tie = abs(abs(value) * 1e4 % 1 - 0.5)
    if not 1e-9 < abs(value) <= 1 or from_tie < 1e-5:
        return None
    text = f"{value:.4f}"
    answer = ("Yes" if yes(value, query) else "No") if TABLE[query.task].effect else None
    return Answer("identified", "0.0000" if text == "-0.0000" else text, answer)


def _evaluate(query: Query, expr: Expr, known: Knowledge) -> Fraction:
    try:
        value = Fraction(expr.evaluate(lambda term: known.exact(known.keys.of(term))))
    except ZeroDivisionError:
        condition = Term(tuple(sorted(((query.treatment, query.original), (query.outcome, 1 - query.level)))))
        raise InputError(
            f"{query.task} is undefined: it asks about people with {term_text(condition)} = 0"
        ) from None
    if abs(value) > 1 + SLACK:
        raise InputError(
            f"the stated numbers contradict each other: they make {query.task} = {float(value):.4f}"
        )
    return value


def _answer(query: Query, value: Fraction) -> Answer:
    if not TABLE[query.task].effect:
        return Answer("identified", rounded(value))
    return Answer("identified", rounded(value), "Yes" if yes(value, query) else "No")


def _missing(estimand: Estimand, problem: Problem, known: Knowledge) -> tuple[Sets, tuple[Term, ...]]:
    """The sets whose formula lacks fewest terms, the smallest on a tie, and terms that complete it."""
    query, dag = problem.query, problem.dag
    among = _among(dag, query, (1 << dag.n) - 1)
    found = islice(estimand.identify(dag, query, among), CANDIDATES)
    lacking = [(sets, _lacking(estimand.formula(query, sets), known)) for sets in found]
    if not lacking:
        raise InputError(f"no formula of {query.task} holds on this graph with observed variables alone")
    sets, terms = min(lacking, key=lambda pair: len(pair[1]))
    supposed = Supposition(known)
    missing = []
    for term in terms:
        if not supposed.derive(supposed.keys.of(term), 60):
            missing.append(term)
            supposed.suppose(supposed.keys.of(term))
    return sets, tuple(missing)


def _lacking(expr: Expr, known: Knowledge) -> list[Term]:
    """The terms of a formula that cannot be derived, without those that complete a distribution."""
    lacking: dict[Key, None] = {}
    for term in expr.terms():
        key = known.keys.of(term)
        if not known.derive(key, 12):
            short = known.keys.canonical(key)
            if not all(cell in lacking or known.at_once(cell) for cell in other_cells(short)):
                lacking[short] = None
    return list(map(known.keys.term, lacking))
