"""The skeleton of a problem before it has names and numbers: a graph, the roles in it, and what is stated.

Variables are *slots* in a causal order (an arrow always goes from a lower to a higher slot), and the levels
are canonical: the question changes X to 1 and asks for Y = 1. Names, level names and order come later.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import permutations, takewhile
from random import Random
from typing import Literal

from caugym.core.errors import InputError
from caugym.core.estimand import Sets
from caugym.core.graph import DAG, bits, mask
from caugym.core.query import Assignment, Query, Task, Term
from caugym.estimands import TABLE
from caugym.problems.levels import Level

Bound = Literal["lower", "upper"]


@dataclass(frozen=True, slots=True)
class Roles:
    """Who is who in a graph: treatment, outcome, held variables, and the sets that a formula may use."""

    x: int
    y: int
    held: tuple[int, ...]
    choices: tuple[Sets, ...]


@dataclass(frozen=True, slots=True)
class Structure:
    """A graph, a query in canonical levels, the sets its formula uses, and the terms to state.

    Attributes:
        dag: Over slots in causal order.
        query: With ``to = level = 1`` and every held variable at 1.
        sets: Adjustment and mediator sets of the formula; empty where the effect is 0 by the graph.
        terms: What the text states: enough for the formula, and nothing that another term implies.
    """

    dag: DAG
    query: Query
    sets: Sets
    terms: tuple[Term, ...]

    def on(self, slots: list[int]) -> "Structure":
        """The same on some of the slots, numbered anew; they must hold every ancestor and term."""
        new = {slot: i for i, slot in enumerate(slots)}

        def kept(assignment: Assignment) -> Assignment:
            return tuple((new[v], k) for v, k in assignment)

        q = self.query
        return Structure(
            DAG(tuple(mask(new[p] for p in bits(self.dag.parents[slot])) for slot in slots)),
            Query(q.task, new[q.treatment], new[q.outcome], q.to, q.level, q.bound, kept(q.held)),
            Sets(),
            tuple(Term(kept(t.event), kept(t.given)) for t in self.terms),
        )


def draw(task: Task, level: Level, *, null: bool, bound: Bound | None, rng: Random) -> Structure:
    """A random structure for a task.

    Args:
        task: Code of the estimand.
        level: Sizes and shares.
        null: Whether the effect must be exactly 0 by the graph alone.
        bound: PN, PS: which bound is asked for.
        rng: The item's own stream.

    Raises:
        InputError: If the level's knobs rule out every structure.
    """
    low, high = level.variables
    for attempt in range(20_000):
        if attempt % 50 == 0:
            adjust, mediators = _sizes(task, level, rng)
            n = rng.randint(max(low, 2 + adjust + mediators), high)
        dag = _random_dag(n, rng.randint(*level.density), rng)
        if dag is None:
            continue
        found = _null_roles(dag, task) if null else _roles(dag, _family(task)).get((adjust, mediators), ())
        if not found:
            continue
        roles = rng.choice(found)
        held = tuple((m, 1) for m in roles.held)
        query = Query(task, roles.x, roles.y, to=1, level=1, bound=bound, held=held)
        if TABLE[task].zero(dag, query) != null:
            continue
        sets = rng.choice(roles.choices)
        return Structure(dag, query, sets, tuple(_stated(query, sets, null, rng)))
    raise InputError(f"level {level.name!r} leaves no graph for {task}; widen its variables, adjust or mediators")


def _sizes(task: Task, level: Level, rng: Random) -> tuple[int, int]:
    """Wanted sizes of the adjustment set, and of the mediator set (CDE: of the held set)."""
    while True:
        adjust = rng.choices(range(len(level.adjust)), level.adjust)[0]
        mediators = rng.choices(range(len(level.mediators)), level.mediators)[0]
        if task not in ("CDE", "NDE", "NIE"):
            mediators = 0
        elif task in ("CDE", "NIE"):
            mediators = max(1, mediators)
        if task in ("NDE", "NIE") and adjust and mediators and level.factors < 3:
            adjust, mediators = (0, mediators) if task == "NIE" or rng.random() < 0.5 else (adjust, 0)
        if task in ("PN", "PS") and level.factors < 3:
            adjust = 0  # the adjusted sum is divided, which counts as a factor
        if 2 + adjust + mediators <= level.variables[1]:
            return adjust, mediators


def _random_dag(n: int, eighths: int, rng: Random) -> DAG | None:
    """A DAG with each arrow there in ``eighths`` of 8 cases, or None if a slot touches no arrow."""
    pairs = n * (n - 1) // 2
    there = 0
    for bit in (1, 2, 4):  # binary fractions of a chance, least significant first
        there = there | rng.getrandbits(pairs) if eighths & bit else there & rng.getrandbits(pairs)
    return _dag(n, there)


@lru_cache(maxsize=1 << 16)
def _dag(n: int, there: int) -> DAG | None:
    parents = []
    for v in range(n):
        parents.append(there & (1 << v) - 1)
        there >>= v
    touched = mask(v for v, pa in enumerate(parents) if pa)
    for pa in parents:
        touched |= pa
    return DAG(tuple(parents)) if touched == (1 << n) - 1 else None


def _family(task: Task) -> Task:
    """A task whose formula holds under the same sets."""
    return "ATE" if task in ("ETT", "PN", "PS") else "NDE" if task == "NIE" else task


@lru_cache(maxsize=1 << 14)
def _roles(dag: DAG, family: Task) -> dict[tuple[int, int], list[Roles]]:
    """By the sizes of the smallest adjustment and mediator sets: the pairs with an effect, and those sets."""
    result: dict[tuple[int, int], list[Roles]] = {}
    everything = (1 << dag.n) - 1
    for x in range(dag.n):
        effects = dag.descendants(1 << x)
        for y in bits(effects & ~(1 << x)):
            between = effects & dag.ancestors(1 << y) & ~(1 << x | 1 << y)
            held = tuple(bits(between)) if family == "CDE" else ()
            query = Query(family, x, y, to=1, level=1, held=tuple((m, 1) for m in held))
            if family == "CDE" and (not held or TABLE["CDE"].zero(dag, query)):
                continue
            smallest = _smallest(TABLE[family].identify(dag, query, everything & ~(1 << x | 1 << y)))
            for sizes in {(s.adjust.bit_count(), s.mediators.bit_count()) for s in smallest}:
                fitting = tuple(s for s in smallest if (s.adjust.bit_count(), s.mediators.bit_count()) == sizes)
                key = (sizes[0], len(held) or sizes[1])
                result.setdefault(key, []).append(Roles(x, y, held, fitting))
    return result


def _smallest(found: Iterator[Sets]) -> list[Sets]:
    first = next(found, None)
    if first is None:
        return []
    size = (first.adjust | first.mediators).bit_count()
    return [first, *takewhile(lambda s: (s.adjust | s.mediators).bit_count() == size, found)]


@lru_cache(maxsize=1 << 14)
def _null_roles(dag: DAG, task: Task) -> list[Roles]:
    """The pairs whose effect is 0 by the graph although they go together."""
    result = []
    for x, y in permutations(range(dag.n), 2):
        ends = 1 << x | 1 << y
        between = dag.descendants(1 << x) & dag.ancestors(1 << y) & ~ends
        others = ((1 << dag.n) - 1) & ~ends
        held = tuple(bits(between or others & -others)) if task == "CDE" else ()
        query = Query(task, x, y, to=1, level=1, held=tuple((m, 1) for m in held))
        if TABLE[task].zero(dag, query) and not dag.separated(1 << x, 1 << y):
            result.append(Roles(x, y, held, (Sets(),)))
    return result


def _stated(query: Query, sets: Sets, null: bool, rng: Random) -> Iterator[Term]:
    """The terms of the formula, less the one cell of each distribution that the others imply."""
    x, y = query.treatment, query.outcome
    if null:
        yield Term(((y, 1),), ((x, 0),))
        yield Term(((y, 1),), ((x, 1),))
        return
    weights: dict[tuple[tuple[int, ...], Assignment], list[Term]] = {}
    for term in _formula_terms(query, sets):
        over = tuple(v for v, _ in term.event)
        if y in over:
            yield term
        else:
            weights.setdefault((over, term.given), []).append(term)
    for cells in weights.values():
        left_out = rng.randrange(len(cells))
        yield from (cell for i, cell in enumerate(cells) if i != left_out)


@lru_cache(maxsize=1 << 14)
def _formula_terms(query: Query, sets: Sets) -> tuple[Term, ...]:
    return tuple(TABLE[query.task].formula(query, sets).terms())
