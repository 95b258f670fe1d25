"""The skeleton of a problem before it has names and numbers: a graph, the roles in it, and what is stated.

Variables are *slots* in a causal order (an arrow always goes from a lower to a higher slot), and the levels
are canonical: the question changes X to 1 and asks for Y = 1. Names, level names and order come later.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations, takewhile
from random import Random
from typing import Literal

from caugym.core.errors import InputError
from caugym.core.estimand import Sets
from caugym.core.graph import DAG, bits, mask
from caugym.core.query import Assignment, Query, Task, Term
from caugym.estimands import TABLE
from caugym.problems.levels import Level

Bound = Literal["lower", "upper"]


Sizes = tuple[int, int]
"""Of the adjustment set, and of the mediator set (CDE: of the held set)."""

SMALL = 5
"""Graphs up to this many slots are gone through pair by pair once, and remembered."""

PAIRS_TRIED = 4
"""Pairs of treatment and outcome tried in a larger graph before another is drawn."""


@dataclass(frozen=True, slots=True)
class Roles:
    """Who is who in a graph, and the smallest sets that a formula may use; ``sizes`` are theirs."""

    x: int
    y: int
    sizes: Sizes
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
        decoys: Wrong sets whose formula could be worked out from the terms as well.
    """

    dag: DAG
    query: Query
    sets: Sets
    terms: tuple[Term, ...]
    decoys: tuple[Sets, ...] = ()

    def slots(self) -> list[int]:
        """The slots that matter: all causes of what is stated or asked."""
        query = self.query
        named = 1 << query.treatment | 1 << query.outcome | mask(v for v, _ in query.held)
        for term in self.terms:
            named |= mask(v for v, _ in (*term.event, *term.given))
        return list(bits(self.dag.ancestors(named)))

    def on(self, slots: list[int]) -> "Structure":
        """The same on some of the slots, numbered anew; they must hold every ancestor and term."""
        if len(slots) == self.dag.n:
            return self
        new = {slot: i for i, slot in enumerate(slots)}

        def kept(assignment: Assignment) -> Assignment:
            return tuple((new[v], k) for v, k in assignment)

        def renamed(sets: Sets) -> Sets:
            return Sets(*(mask(new[v] for v in bits(side)) for side in (sets.adjust, sets.mediators)))

        q = self.query
        return Structure(
            DAG(tuple(mask(new[p] for p in bits(self.dag.parents[slot])) for slot in slots)),
            Query(q.task, new[q.treatment], new[q.outcome], q.to, q.level, q.bound, kept(q.held)),
            renamed(self.sets),
            tuple(Term(kept(t.event), kept(t.given)) for t in self.terms),
            tuple(map(renamed, self.decoys)),
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
        dag = random_dag(n, rng.randint(*level.density), rng)
        if dag is None:
            continue
        sizes = (0, 0) if null else (adjust, mediators)
        if null or n > SMALL:
            found = _tried(dag, task, null, sizes, rng)
        else:
            found = _fitting(dag, _family(task)).get(sizes, [])
        if found:
            roles = rng.choice(found)
            held = tuple((m, 1) for m in roles.held)
            query = Query(task, roles.x, roles.y, to=1, level=1, bound=bound, held=held)
            if TABLE[task].zero(dag, query) != null:
                continue
            sets = rng.choice(roles.choices)
            terms = tuple(_naive(query) if null else stated(query, sets, rng))
            if len(terms) <= level.statements:
                return Structure(dag, query, sets, terms)
    raise _no_graph(task, level)


def _no_graph(task: Task, level: Level) -> InputError:
    return InputError(
        f"level {level.name!r} leaves no graph for {task}; widen its variables, adjust or mediators"
    )


def _sizes(task: Task, level: Level, rng: Random) -> tuple[int, int]:
    """Wanted sizes of the adjustment set, and of the mediator set (CDE: of the held set)."""
    for _ in range(100):
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
    raise _no_graph(task, level)


def random_dag(n: int, eighths: int, rng: Random) -> DAG | None:
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
    """The task whose formula holds under the same sets."""
    return "ATE" if task in ("ETT", "PN", "PS") else "NDE" if task == "NIE" else task


@lru_cache(maxsize=1 << 15)
def _fitting(dag: DAG, family: Task) -> dict[Sizes, list[Roles]]:
    """All roles that a graph has room for, by the sizes of their sets."""
    result: dict[Sizes, list[Roles]] = {}
    for x, y in combinations(range(dag.n), 2):
        if roles := _roles(dag, family, x, y):
            result.setdefault(roles.sizes, []).append(roles)
    return result


def _tried(dag: DAG, task: Task, null: bool, sizes: Sizes, rng: Random) -> list[Roles]:
    """The same for a few pairs of a graph too large to go through."""
    result = []
    for _ in range(PAIRS_TRIED):
        x, y = sorted(rng.sample(range(dag.n), 2))
        if null:
            roles = _null_roles(dag, task, *((x, y) if rng.random() < 0.5 else (y, x)))
        elif between(dag, x, y).bit_count() < sizes[1]:
            continue
        elif not sizes[1] and _open(dag, x, y) != (sizes[0] > 0):
            continue  # spares a search for the sets
        else:
            roles = _roles(dag, _family(task), x, y)
        if roles and (null or roles.sizes == sizes):
            result.append(roles)
    return result


def _roles(dag: DAG, family: Task, x: int, y: int) -> Roles | None:
    """The smallest sets for the effect of X on Y, if it has one."""
    if not dag.descendants(1 << x) >> y & 1:
        return None
    held = tuple(bits(between(dag, x, y))) if family == "CDE" else ()
    if family == "CDE" and not (held and dag.parents[y] >> x & 1):
        return None
    query = Query(family, x, y, to=1, level=1, held=tuple((m, 1) for m in held))
    smallest = _smallest(TABLE[family].identify(dag, query, ((1 << dag.n) - 1) & ~(1 << x | 1 << y)))
    if not smallest:
        return None
    adjust, mediators = smallest[0].adjust.bit_count(), smallest[0].mediators.bit_count()
    alike = tuple(s for s in smallest if s.adjust.bit_count() == adjust)
    return Roles(x, y, (adjust, len(held) or mediators), held, alike)


def between(dag: DAG, x: int, y: int) -> int:
    """The variables on directed paths from X to Y (bitmask)."""
    return dag.descendants(1 << x) & dag.ancestors(1 << y) & ~(1 << x | 1 << y)


def _open(dag: DAG, x: int, y: int) -> bool:
    return not dag.without_arrows_out_of(1 << x).separated(1 << x, 1 << y)


def _smallest(found: Iterator[Sets]) -> list[Sets]:
    first = next(found, None)
    if first is None:
        return []
    size = (first.adjust | first.mediators).bit_count()
    return [first, *takewhile(lambda s: (s.adjust | s.mediators).bit_count() == size, found)]


def _null_roles(dag: DAG, task: Task, x: int, y: int) -> Roles | None:
    """The roles, if the effect is 0 by the graph although X and Y go together."""
    others = ((1 << dag.n) - 1) & ~(1 << x | 1 << y)
    held = tuple(bits(between(dag, x, y) or others & -others)) if task == "CDE" else ()
    query = Query(task, x, y, to=1, level=1, held=tuple((m, 1) for m in held))
    if not TABLE[task].zero(dag, query) or dag.separated(1 << x, 1 << y):
        return None
    return Roles(x, y, (0, 0), held, (Sets(),))


def _naive(query: Query) -> Iterator[Term]:
    """What is stated where the effect is 0 by the graph: the contrast that goes with it all the same."""
    for level in (0, 1):
        yield Term(((query.outcome, 1),), ((query.treatment, level),))


@dataclass(frozen=True, slots=True)
class Needs:
    """What formulas need: terms that nothing else implies, and whole distributions.

    Attributes:
        terms: To be stated as they are.
        distributions: The cells of each; any one of them is implied by the others.
    """

    terms: tuple[Term, ...]
    distributions: tuple[tuple[Term, ...], ...]

    def stated(self, rng: Random) -> list[Term]:
        """The terms to state: of each distribution one cell is left out."""
        told = list(self.terms)
        for cells in self.distributions:
            left_out = rng.randrange(len(cells))
            told += cells[:left_out] + cells[left_out + 1 :]
        return told


def stated(query: Query, sets: Sets, rng: Random) -> list[Term]:
    """The terms of the formula, less the one cell of each distribution that the others imply."""
    return _needs(query, sets).stated(rng)


@lru_cache(maxsize=1 << 14)
def _needs(query: Query, sets: Sets) -> Needs:
    terms: list[Term] = []
    weights: dict[tuple[tuple[int, ...], Assignment], list[Term]] = {}
    for term in formula_terms(query, sets):
        over = tuple(v for v, _ in term.event)
        if query.outcome in over:
            terms.append(term)
        else:
            weights.setdefault((over, term.given), []).append(term)
    return Needs(tuple(terms), tuple(map(tuple, weights.values())))


@lru_cache(maxsize=1 << 14)
def formula_terms(query: Query, sets: Sets) -> tuple[Term, ...]:
    """The terms of the formula with these sets."""
    return tuple(TABLE[query.task].formula(query, sets).terms())
