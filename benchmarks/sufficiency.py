"""Proofs of sufficiency: what they cost, and whether the rank test, the derivations and the witnesses agree.

    OMP_NUM_THREADS=1 python benchmarks/sufficiency.py

Each statement of generated problems is removed in turn. Times are mean milliseconds of one core.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from typing import TypeVar

from caugym.core.expr import Expr, Number
from caugym.core.sufficiency import is_determined
from caugym.core.witness import verify, witness
from caugym.estimands import TABLE
from caugym.problems.certificate import model
from caugym.problems.generate import Item, generate
from caugym.problems.problem import Problem
from caugym.problems.solve import solve

COUNTS = {"easy": 24, "standard": 24, "hard": 8}
T = TypeVar("T")


@dataclass
class Clock:
    """Adds up the processor time of some calls."""

    seconds: float = 0.0
    calls: int = 0

    def time(self, call: Callable[[], T]) -> T:
        """The result of a call."""
        start = time.process_time()
        result = call()
        self.seconds += time.process_time() - start
        self.calls += 1
        return result

    def __str__(self) -> str:
        return f"{1000 * self.seconds / max(1, self.calls):7.2f}"


def formula(problem: Problem) -> Expr:
    """The answer as an expression."""
    estimand, dag = TABLE[problem.query.task], problem.dag
    if estimand.zero(dag, problem.query):
        return Number(0)
    expr: Expr = estimand.formula(
        problem.query, next(estimand.identify(dag, problem.query, (1 << dag.n) - 1))
    )
    return expr


def removals(item: Item) -> Iterator[Problem]:
    """The problem without each statement in turn."""
    stated = item.problem.statements
    for k in range(len(stated)):
        yield replace(item.problem, statements=stated[:k] + stated[k + 1 :])


def main() -> None:
    """Print the table."""
    print(
        f"{'level':10}{'removals':>9}{'open':>7}{'witness':>9}{'rank':>9}{'found':>9}{'none':>9}{'verify':>9}"
    )
    verdicts: Counter[tuple[bool, bool]] = Counter()
    for level, count in COUNTS.items():
        ranks, hits, misses, checks = Clock(), Clock(), Clock(), Clock()
        undetermined = 0
        for task, estimand in TABLE.items():
            for item in generate("base", estimand.code, level, "train", 3, range(count)):
                scm, expr = model(item.problem, item.certificate), formula(item.problem)
                for problem in removals(item):
                    dag, query, terms = problem.dag, problem.query, [s.term for s in problem.statements]
                    determined = ranks.time(partial(is_determined, dag, terms, expr))
                    derived = solve(problem).answer.status == "identified"
                    verdicts[determined, derived] += 1
                    if determined:
                        continue
                    undetermined += 1
                    numbers = [(s.term, Fraction(s.value)) for s in problem.statements]
                    clock = Clock()
                    search = partial(witness, dag, numbers, query, estimand.definition, scm, item.id + task)
                    found = clock.time(search)
                    into = hits if found else misses
                    into.seconds, into.calls = into.seconds + clock.seconds, into.calls + 1
                    if found:
                        faults = checks.time(partial(verify, found, dag, numbers, query, estimand.definition))
                        assert not faults, faults
        print(
            f"{level:10}{ranks.calls:9}{undetermined:7}{hits.calls:9}{ranks!s:>9}{hits!s:>9}{misses!s:>9}{checks!s:>9}"
        )
    print("\nrank test and derivation")
    for (determined, derived), number in sorted(verdicts.items()):
        left = "determined" if determined else "undetermined"
        print(f"{left:14}{'derived' if derived else 'not derived':14}{number:6}")


if __name__ == "__main__":
    main()
