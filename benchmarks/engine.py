"""Exact engines side by side: P(Y=1 | do(X=1)) a second on one core, on random graphs of 8 variables.

    OMP_NUM_THREADS=1 python benchmarks/engine.py

Every engine answers the same questions in the same run, and their answers are compared. Our single queries
start from an empty plan cache, so each graph is new; "models built" adds the time to build the engine's model
from the arrows and tables.
"""

import os
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from caugym.core import exact
from caugym.core.graph import DAG, bits
from caugym.core.scm import SCM, random_scm

VARIABLES, MOST_PARENTS = 8, 3
OUTCOME = VARIABLES - 1


@dataclass(frozen=True)
class Question:
    """One model and the treatment asked about."""

    scm: SCM
    treatment: int


def questions(count: int, batch: int) -> list[Question]:
    """Random graphs with at most three parents a variable, in which the treatment has an effect."""
    rng = np.random.default_rng(8)
    found: list[Question] = []
    while len(found) < count:
        edges = [
            (int(cause), effect)
            for effect in range(1, VARIABLES)
            for cause in rng.choice(
                effect, size=rng.integers(0, min(effect, MOST_PARENTS) + 1), replace=False
            )
        ]
        dag = DAG.from_edges(VARIABLES, edges)
        causes = [v for v in bits(dag.ancestors(1 << OUTCOME)) if v != OUTCOME]
        if causes:
            found.append(Question(random_scm(dag, rng, batch, low=0.05), int(rng.choice(causes))))
    return found


def rate(ask: Callable[[Any], Any], items: list[Any], weight: int = 1, repeats: int = 3) -> float:
    """Answers a second, the best of some runs."""
    best = 0.0
    for _ in range(repeats):
        exact._plan.cache_clear()
        start = time.perf_counter()
        for item in items:
            ask(item)
        best = max(best, weight * len(items) / (time.perf_counter() - start))
    return best


def ours(question: Question) -> np.ndarray:
    """Our oracle."""
    return exact.probability(question.scm, ((OUTCOME, 1),), do=((question.treatment, 1),))


def rebuilt(question: Question) -> Question:
    """The same model built anew from arrows and tables."""
    dag = DAG.from_edges(VARIABLES, question.scm.dag.edges())
    return Question(SCM(dag, question.scm.tables), question.treatment)


def pyagrum_engine() -> tuple[Callable[[Question], Any], Callable[[Any], float]]:
    """How pyAgrum builds a model, and how it answers."""
    import pyagrum

    def build(question: Question) -> Any:  # noqa: ANN401
        net = pyagrum.BayesNet()
        for v in range(VARIABLES):
            net.add(pyagrum.LabelizedVariable(f"V{v}", "", 2))
        for cause, effect in question.scm.dag.edges():
            net.addArc(f"V{cause}", f"V{effect}")
        for v, table in enumerate(question.scm.tables):
            parents = list(bits(question.scm.dag.parents[v]))
            for levels in np.ndindex(*(2,) * len(parents)):
                where = {f"V{p}": level for p, level in zip(parents, levels, strict=True)}
                net.cpt(f"V{v}")[where] = table[(0, *levels)].tolist()
        return pyagrum.CausalModel(net), f"V{question.treatment}"

    def ask(built: Any) -> float:  # noqa: ANN401
        model, treatment = built
        _, tensor, _ = pyagrum.causalImpact(model, on=f"V{OUTCOME}", doing=treatment, values={treatment: 1})
        return float(tensor[1])

    return build, ask


def pgmpy_engine() -> tuple[Callable[[Question], Any], Callable[[Any], float]]:
    """How pgmpy builds a model, and how it answers."""
    from pgmpy.factors.discrete import TabularCPD
    from pgmpy.inference import CausalInference
    from pgmpy.models import DiscreteBayesianNetwork

    def build(question: Question) -> Any:  # noqa: ANN401
        dag = question.scm.dag
        net = DiscreteBayesianNetwork([(f"V{a}", f"V{b}") for a, b in dag.edges()])
        net.add_nodes_from(f"V{v}" for v in range(VARIABLES))
        for v, table in enumerate(question.scm.tables):
            parents = [f"V{p}" for p in bits(dag.parents[v])]
            columns = table[0].reshape(-1, 2).T.tolist()
            net.add_cpds(TabularCPD(f"V{v}", 2, columns, parents or None, [2] * len(parents) or None))
        return net, f"V{question.treatment}"

    def ask(built: Any) -> float:  # noqa: ANN401
        net, treatment = built
        answer = CausalInference(net).query([f"V{OUTCOME}"], do={treatment: 1}, show_progress=False)
        return float(answer.values[1])

    return build, ask


def build_and_ask(build: Callable[[Question], Any], ask: Callable[[Any], float], question: Question) -> float:
    """Both steps."""
    return ask(build(question))


def row(name: str, rates: tuple[float, ...], error: float | None = None) -> None:
    """One line of the table."""
    cells = "".join(f"{r:>16,.0f}" for r in rates)
    print(f"{name:34}{cells:32}{'' if error is None else f'{error:>14.0e}'}")


def main() -> None:
    """Print the table."""
    warnings.filterwarnings("ignore", module=r"pyagrum|pgmpy")
    warnings.filterwarnings("ignore", "builtin type .* has no __module__ attribute", DeprecationWarning)
    single = questions(2000, batch=1)
    truth = [ours(question)[0] for question in single]
    print(f"P(Y=1 | do(X=1)) a second, {VARIABLES} variables, one thread of {os.cpu_count()} cores\n")
    print(f"{'':34}{'models given':>16}{'models built':>16}{'largest gap':>14}")
    row("caugym, a new graph each", (rate(ours, single), rate(lambda q: ours(rebuilt(q)), single)), 0.0)
    batched = questions(20, batch=1000)
    row("caugym, 1,000 models on one graph", (rate(ours, batched, weight=1000),))
    for name, engine, count in (("pyAgrum", pyagrum_engine, 500), ("pgmpy", pgmpy_engine, 60)):
        try:
            build, ask = engine()
        except ImportError:
            print(f"{name:34}{'not installed':>16}")
            continue
        some = single[:count]
        models = [build(question) for question in some]
        error = max(abs(ask(model) - true) for model, true in zip(models, truth, strict=False))
        afresh = partial(build_and_ask, build, ask)
        row(name, (rate(ask, models), rate(afresh, some)), error)


if __name__ == "__main__":
    main()
