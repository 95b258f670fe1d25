"""Ways to win a set without reasoning about causes; on a good set they must fail.

* `graph_blind` never looks at an arrow: it takes whichever formula of the task the stated numbers fit, and
  where several do, the one that a heuristic prefers.
* `drop_last` forgets the last statements, where sets made by appending put what is not needed.
* `best_constant` says the same to every question of a task.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import combinations

from caugym.core.errors import InputError
from caugym.core.estimand import Sets
from caugym.core.graph import DAG, mask
from caugym.core.query import Query
from caugym.estimands import TABLE, yes
from caugym.problems.derive import Key, Knowledge
from caugym.problems.problem import Answer, Problem
from caugym.problems.solve import rounded

LARGEST_SET = 3
"""The most covariates, and the most mediators, that the graph-blind solver tries."""

EFFORT = 40
"""Terms that the graph-blind solver expands to derive one that is not stated."""

ABSTAIN = Answer("insufficient")


@dataclass(frozen=True, slots=True)
class Guess:
    """A formula of the task that the stated numbers fit, whatever the graph says.

    Attributes:
        value: What it comes to.
        used: How many statements it rests on.
        formula: The sets it uses.
        places: Where these statements stand in the text, ascending. They settle ties, so that the order of
            variables, which is that of the arrows, settles none.
        derived: Whether some term is not stated but follows by the laws of probability.
    """

    value: Fraction
    used: int
    formula: Sets
    places: tuple[int, ...]
    derived: bool

    @property
    def sets(self) -> int:
        """How many variables it sums over."""
        return (self.formula.adjust | self.formula.mediators).bit_count()


Choice = Callable[[Sequence[Guess]], Guess]

STATED = "most stated numbers"

HEURISTICS: dict[str, Choice] = {
    STATED: lambda fit: min(fit, key=lambda g: (g.derived, -g.used, g.sets, g.places)),
    "most numbers": lambda fit: min(fit, key=lambda g: (-g.used, g.sets, g.places)),
    "fewest numbers": lambda fit: min(fit, key=lambda g: (g.used, g.sets, g.places)),
    "fewest that adjust": lambda fit: min(fit, key=lambda g: (not g.sets, g.used, g.places)),
    "first in the text": lambda fit: min(fit, key=lambda g: (not g.sets, g.places)),
    "last in the text": lambda fit: max(fit, key=lambda g: (bool(g.sets), g.places[::-1])),
    "largest value": lambda fit: max(fit, key=lambda g: (bool(g.sets), abs(g.value))),
    "smallest value": lambda fit: min(fit, key=lambda g: (not g.sets, abs(g.value))),
    "middle value": lambda fit: sorted(fit, key=lambda g: g.value)[len(fit) // 2],
    "cut off": lambda fit: min(fit, key=lambda g: (g.value not in (0, 1), -g.used, g.places)),
}
"""Ways to choose among the formulas that fit, as one may who knows how the problems are made."""


def graph_blind(
    problem: Problem,
    heuristic: str = STATED,
    fitting: Sequence[Guess] | None = None,
    *,
    cautious: bool = False,
) -> Answer:
    """The answer of a solver that never looks at the graph.

    Of all formulas of the task whose terms are stated, or follow from what is stated by the laws of
    probability alone, it takes the one that a heuristic prefers. If none fits and no statement is about
    treatment and outcome together, it says that there is no effect; else it abstains.

    Args:
        problem: The problem; its arrows are not looked at.
        heuristic: One of `HEURISTICS`.
        fitting: The `guesses` of the problem, if they are at hand.
        cautious: Say that there is no effect only where no statement is about either of the two.
    """
    query = problem.query
    fitting = guesses(problem) if fitting is None else fitting
    if fitting:
        return _answer(query, HEURISTICS[heuristic](fitting).value)
    both = {query.treatment, query.outcome}
    told = [both & {v for v, _ in (*s.term.event, *s.term.given)} for s in problem.statements]
    linked = any(told) if cautious else both in told
    return ABSTAIN if linked else _answer(query, Fraction(0))


def guesses(problem: Problem) -> list[Guess]:
    """All formulas of the task that the stated numbers fit, smallest sets first."""
    query = problem.query
    n = len(problem.variables)
    complete = DAG(tuple((1 << v) - 1 for v in range(n)))  # no independence to make use of
    terms = [statement.term for statement in problem.statements]
    try:
        known = Knowledge(complete, terms, [statement.value for statement in problem.statements])
    except InputError:
        return []
    order = {repr(known.keys.term(known.keys.of(term))): i for i, term in enumerate(terms)}
    outcomes = [mask(v for v, _ in t.given) for t in terms if query.outcome in dict(t.event)]
    found = []
    lost: set[Key] = set()
    for chosen in _guesses(query, known.mentioned, n):
        given = chosen.adjust | chosen.mediators
        if not any(given & ~stated == 0 and stated >> query.treatment & 1 for stated in outcomes):
            continue  # without independence the outcome's chances follow from none that are coarser
        expr = TABLE[query.task].formula(query, chosen)
        keys = [known.keys.of(term) for term in expr.terms()]
        derived = not all(map(known.at_once, keys))
        if derived and not _follow(known, keys, lost):
            continue
        try:
            value = Fraction(expr.evaluate(lambda term: known.exact(known.keys.of(term))))
        except ZeroDivisionError:
            continue
        used = set().union(*(_leaves(known, key) for key in keys))
        if not used:
            continue
        places = tuple(sorted(order[leaf] for leaf in used))
        found.append(Guess(value, len(used), chosen, places, derived))
    return found


def _follow(known: Knowledge, keys: Sequence[Key], lost: set[Key]) -> bool:
    """Whether all follow; those found not to are added to the lost."""
    for key in keys:
        if key in lost or not known.derive(key, EFFORT):
            lost.add(key)
            return False
    return True


def drop_last(problem: Problem, count: int) -> Problem:
    """The problem without its last statements."""
    return replace(problem, statements=problem.statements[: max(0, len(problem.statements) - count)])


def best_constant(labels: Iterable[Answer], tolerance: float) -> tuple[str, float]:
    """The reply that is right most often when said to every question, and how often it is.

    Only values count; yes/no is left aside, as in the public release.
    """
    said = list(labels)
    if not said:
        raise InputError("there are no labels to take a constant from")
    values = sorted(float(label.value) for label in said if label.value is not None)
    lacking = sum(label.status == "insufficient" for label in said)
    best, start = ("LACK_CONDITION", lacking), 0
    for end, value in enumerate(values):  # a constant in the middle reaches one tolerance to either side
        while value - values[start] > 2 * tolerance + 1e-9:
            start += 1
        if end - start + 1 > best[1]:
            best = f"{(value + values[start]) / 2:.4f}", end - start + 1
    return best[0], best[1] / len(said)


def majority(labels: Iterable[Answer]) -> float | None:
    """The share of the more frequent of Yes and No; None where nothing is asked."""
    counts = Counter(label.answer for label in labels if label.answer)
    return max(counts.values()) / counts.total() if counts else None


def _guesses(query: Query, mentioned: int, n: int) -> Iterator[Sets]:
    """Sets of variables for the formula, smallest first, whatever the graph says."""
    roles = 1 << query.treatment | 1 << query.outcome | mask(v for v, _ in query.held)
    others = [v for v in range(n) if mentioned & ~roles & 1 << v]
    mediated = query.task in ("NDE", "NIE")
    sizes = range(min(LARGEST_SET, len(others)) + 1)
    for size in sizes:
        for adjust in combinations(others, size):
            rest = [v for v in others if v not in adjust]
            for count in range(min(LARGEST_SET, len(rest)) + 1) if mediated else (0,):
                for mediators in combinations(rest, count):
                    yield Sets(mask(adjust), mask(mediators))


def _leaves(known: Knowledge, key: Key) -> set[str]:
    """The stated terms that a term rests on."""
    found, todo = set(), [known.derivation(key)]
    while todo:
        step = todo.pop()
        todo += step.parts
        if not step.parts:
            found.add(repr(step.term))
    return found


def _answer(query: Query, value: Fraction) -> Answer:
    if not TABLE[query.task].effect:
        return Answer("identified", rounded(value))
    return Answer("identified", rounded(value), "Yes" if yes(value, query) else "No")
