"""A third derivation: a literal population of response types, simulated unit by unit.

Every variable draws, independently, a response function from all functions of its parents' levels. A unit is
one choice of functions; every counterfactual is read off the unit by running the functions.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product

from hypothesis import strategies as st

from caugym.core.graph import DAG, bits
from caugym.core.query import Query
from caugym.core.scm import SCM

Function = dict[tuple[int, ...], int]


@st.composite
def dags(draw: st.DrawFn, least: int, most: int, parents: int = 9) -> DAG:
    """Random graphs on ``least`` to ``most`` variables with at most ``parents`` parents each."""
    n = draw(st.integers(least, most))
    order = draw(st.permutations(range(n)))
    edges = []
    for i, effect in enumerate(order):
        causes = draw(st.sets(st.sampled_from(order[:i]), max_size=parents)) if i else set()
        edges += [(cause, effect) for cause in causes]
    return DAG.from_edges(n, edges)


@dataclass(frozen=True)
class Unit:
    weight: float
    dag: DAG
    functions: tuple[Function, ...]

    def run(self, do: dict[int, int]) -> list[int]:
        """The levels of all variables when some are set."""
        levels = [0] * self.dag.n
        for v in self.dag.order:
            levels[v] = do[v] if v in do else self.respond(v, levels)
        return levels

    def respond(self, v: int, levels: list[int]) -> int:
        return self.functions[v][tuple(levels[p] for p in bits(self.dag.parents[v]))]


def population(scm: SCM, model: int) -> list[Unit]:
    choices = [list(_functions(scm, v, model)) for v in range(scm.dag.n)]
    units = []
    for choice in product(*choices):
        weight = 1.0
        for probability, _ in choice:
            weight *= probability
        units.append(Unit(weight, scm.dag, tuple(function for _, function in choice)))
    return units


def _functions(scm: SCM, v: int, model: int) -> Iterator[tuple[float, Function]]:
    configurations = list(product(*(range(scm.cards[p]) for p in bits(scm.dag.parents[v]))))
    for outputs in product(range(scm.cards[v]), repeat=len(configurations)):
        probability = 1.0
        for configuration, output in zip(configurations, outputs, strict=True):
            probability *= float(scm.tables[v][(model, *configuration, output)])
        yield probability, dict(zip(configurations, outputs, strict=True))


def simulate(units: list[Unit], query: Query) -> float:
    """The quantity a query asks for; PN, PS: the probability itself, which the bounds must enclose."""
    x, y, to, original, level = query.treatment, query.outcome, query.to, query.original, query.level

    def chance(event: Callable[[Unit], bool], among: Callable[[Unit], bool] = lambda unit: True) -> float:
        chosen = [unit for unit in units if among(unit)]
        return sum(unit.weight for unit in chosen if event(unit)) / sum(unit.weight for unit in chosen)

    def had(treatment: int, held: dict[int, int] | None = None) -> Callable[[Unit], bool]:
        return lambda unit: unit.run({x: treatment, **(held or {})})[y] == level

    def crossed(direct: int, indirect: int) -> Callable[[Unit], bool]:
        def event(unit: Unit) -> bool:
            levels = unit.run({x: indirect})
            levels[x] = direct
            return unit.respond(y, levels) == level

        return event

    match query.task:
        case "ATE" | "CDE":
            return chance(had(to, dict(query.held))) - chance(had(original, dict(query.held)))
        case "ETT":
            treated = lambda unit: unit.run({})[x] == original  # noqa: E731
            return chance(had(original), treated) - chance(had(to), treated)
        case "NDE":
            return chance(crossed(to, original)) - chance(had(original))
        case "NIE":
            return chance(crossed(original, to)) - chance(had(original))
        case "PN" | "PS":
            happened = lambda unit: unit.run({})[x] == original and unit.run({})[y] == 1 - level  # noqa: E731
            return chance(had(to), happened)
