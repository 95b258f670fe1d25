"""Rival formulas: several complete ways to an answer, of which the graph allows exactly one.

A problem of some sets states all that each formula of a *family* needs. Families are written in letters for
variables: ``"ab a c"`` are adjustment for A and B, for A, and for C; ``"a;b c;d"`` adjust for A with the
mediator B, and for C with D; ``"-"`` adjusts for nothing. First a family is drawn, then which of its formulas
holds (all alike likely), then a graph and variables on which that one holds and the others do not. So whoever
does not look at the graph sees formulas that are all equally likely, whatever else is known about how
problems are made.

Nothing stated is implied by the rest (the gradients are linearly independent), so that one joint can have
all the printed decimals exactly. Of what is implied, only margins of a stated distribution, and an adjusted
P(y | x', z) that follows from the mediated formula, belong to a formula.
"""

from collections.abc import Iterable
from functools import lru_cache
from itertools import combinations, permutations
from random import Random

from caugym.core.errors import InputError
from caugym.core.estimand import Sets
from caugym.core.graph import DAG, bits, mask
from caugym.core.identify import valid
from caugym.core.query import Assignment, Query, Task, Term
from caugym.core.streams import stream
from caugym.estimands import TABLE
from caugym.problems.levels import Level
from caugym.problems.structure import Bound, Needs, Structure, between, formula_terms, random_dag

_FACTUAL = ("ab a c", "a b c d", "ab cd e")
CONFOUNDED: dict[Task, tuple[str, ...]] = {
    "ATE": ("a b c", "a b cd", "ab cd e", "abc d e"),
    "CDE": ("a b c", "a b cd", "ab cd e"),
    "ETT": (*_FACTUAL, "abc a de", "abc a de"),
    "NDE": ("a; a;b c;", "a; b;c bc;"),
    "NIE": ("a;b c;d", "a;b c;d e;f"),
    "PN": _FACTUAL,
    "PS": _FACTUAL,
}
"""Families in which every formula adjusts, each as often as the others; those with few variables first."""

_FACTUAL_OPEN = ("- a b", "a b c", "- a b c", "- ab c")
OPEN: dict[Task, tuple[str, ...]] = {
    "ATE": ("a b c", "a b c", "a b c", "- a"),
    "CDE": ("- a b", "a b c"),
    "ETT": _FACTUAL_OPEN,
    "NDE": (";a a; b;", ";a b; c;", ";a a;b ;ab"),
    "NIE": (";a a;b ;ab", ";a a;b ;ab", ";a a;b ;ab", ";a b;c"),
    "PN": _FACTUAL_OPEN,
    "PS": _FACTUAL_OPEN,
}
"""Families in which some formula adjusts for nothing, too; as often as they stand here."""

PAIRED_CONFOUNDED: dict[Task, tuple[str, ...]] = {
    "ATE": ("a b",),
    "CDE": ("a b",),
    "ETT": ("a b", "ab a"),
    "NDE": ("a; b;",),
    "NIE": ("a;b c;d",),
    "PN": ("a b", "ab a"),
    "PS": ("a b", "ab a"),
}
PAIRED_OPEN: dict[Task, tuple[str, ...]] = {
    "ATE": ("- a",),
    "CDE": ("- a",),
    "ETT": ("- a", "a b"),
    "NDE": (";a a;", ";a b;"),
    "NIE": (";a a;b", ";a b;c"),
    "PN": ("- a", "a b"),
    "PS": ("- a", "a b"),
}
"""The same with one rival, and so with few numbers."""

SPARE = 1
"""A family may need so many variables more than a level has."""

STRUCTURES = 20_000
"""Graphs tried for one family."""

CASTS = 6
"""Ways tried to give the letters to the variables of a graph too large to go through."""

SMALL = 5
"""In graphs of up to this many variables all ways are gone through once, and remembered."""

EVEN = 12
"""Cards of each family in a deck: a multiple of how many formulas a family may have."""

Family = tuple[tuple[str, str], ...]
"""The letters of the adjustment and of the mediator set of each formula."""

Card = tuple[Family, int]
Coordinates = tuple[str | int, ...]


def card(task: Task, level: Level, confounded: bool, coordinates: Coordinates, index: int) -> Card:
    """The family of an item, and which of its formulas is to hold; each alike often, in shuffled decks.

    Args:
        task, level: What the item is of; the level has room for families that need one variable more than it
            has, and for the first family in any case.
        confounded: Whether every formula must adjust.
        coordinates, index: The series of the item, and its place in it.
    """
    every = [_parsed(text) for text in families(task, level, confounded)]
    fits = [family for family in every if _variables(task, family) <= level.variables[1] + SPARE]
    cards = [
        (family, right)
        for family in fits or every[:1]
        for right in range(len(family))
        for _ in range(EVEN // len(family))
    ]
    block, place = divmod(index, len(cards))
    stream(*coordinates, "card", block).shuffle(cards)
    return cards[place]


def families(task: Task, level: Level, confounded: bool) -> tuple[str, ...]:
    """Those that problems of a level are of, in letters."""
    if level.one_rival:
        return (PAIRED_CONFOUNDED if confounded else PAIRED_OPEN)[task]
    return (CONFOUNDED if confounded else OPEN)[task]


@lru_cache
def _parsed(text: str) -> Family:
    """
    >>> _parsed("ab a -"), _parsed("a;b ;c")
    ((('ab', ''), ('a', ''), ('', '')), (('a', 'b'), ('', 'c')))
    """
    members = (member.replace("-", "").partition(";") for member in text.split())
    return tuple((adjust, mediators) for adjust, _, mediators in members)


def _variables(task: Task, family: Family) -> int:
    """The fewest variables that a problem of a family has."""
    return 2 + (task == "CDE") + len(_letters(family))


def _letters(family: Family) -> str:
    return "".join(sorted({letter for member in family for letter in "".join(member)}))


def draw_rivals(
    task: Task, level: Level, family: Family, right: int | None, bound: Bound | None, rng: Random
) -> Structure:
    """A random structure in which one formula of a family holds and the others do not.

    Args:
        task: Code of the estimand.
        level: Sizes.
        family: As from `card`.
        right: Which of its formulas holds; None if none does, since the effect is 0 by the graph.
        bound: PN, PS: which bound is asked for.
        rng: The item's own stream.

    Returns:
        The structure; its ``decoys`` are the formulas that do not hold. Whether the terms can be chosen
        freely is not looked at.

    Raises:
        InputError: If no graph was found.
    """
    fewest, (low, high) = _variables(task, family), level.variables
    for attempt in range(STRUCTURES):
        if attempt % 50 == 0:
            n = rng.randint(max(fewest, low), max(fewest, high))
            wanted = rng.choices(range(len(level.mediators)), level.mediators)[0]
            holds = max(1, min(wanted, n - fewest + 1)) if task == "CDE" else 0
        dag = random_dag(n, rng.randint(*level.density), rng)
        if dag is None:
            continue
        x, y = sorted(rng.sample(range(n), 2))
        if right is None and rng.random() < 0.5:
            x, y = y, x
        query = _question(dag, task, x, y, holds, right is None)
        if query and (cast := _cast(dag, query, family, right, rng)):
            query = query._replace(bound=bound)
            members = tuple([_sets(member, cast) for member in family])
            wrong = tuple(sets for i, sets in enumerate(members) if i != right)
            terms = tuple(_needs(query, members).stated(rng))
            return Structure(dag, query, Sets() if right is None else members[right], terms, wrong)
    raise InputError(f"level {level.name!r} leaves no graph for rivals of {task}; widen its variables")


@lru_cache(maxsize=1 << 15)
def _question(dag: DAG, task: Task, x: int, y: int, holds: int, null: bool) -> Query | None:
    """The query about X and Y, if it makes sense and its effect is 0 by the graph or not, as wished."""
    if dag.separated(1 << x, 1 << y):
        return None
    held: tuple[int, ...] = ()
    if task == "CDE":
        through = between(dag, x, y)
        held = tuple(bits(through or ((1 << dag.n) - 1) & ~(1 << x | 1 << y)))[: dag.n if through else holds]
        if len(held) != holds:
            return None
    query = Query(task, x, y, to=1, level=1, held=tuple((m, 1) for m in held))
    if null:
        return query if TABLE[task].zero(dag, query) else None
    if not dag.descendants(1 << x) >> y & 1 or TABLE[task].zero(dag, query):
        return None
    return query


Cast = tuple[int, ...]
"""The slot of each letter, in the order of the alphabet."""


def _cast(dag: DAG, query: Query, family: Family, right: int | None, rng: Random) -> Cast | None:
    """Slots for the letters such that the right formula holds and no other does; None if none was found."""
    letters = len(_letters(family))
    if dag.n <= SMALL:
        found = _casts(dag, query, family, right)
        return rng.choice(found) if found else None
    others = _unasked(dag, query)
    for _ in range(CASTS):
        cast = tuple(rng.sample(others, letters))
        if _holds(dag, query, family, right, cast):
            return cast
    return None


@lru_cache(maxsize=1 << 16)
def _casts(dag: DAG, query: Query, family: Family, right: int | None) -> tuple[Cast, ...]:
    casts = permutations(_unasked(dag, query), len(_letters(family)))
    return tuple(cast for cast in casts if _holds(dag, query, family, right, cast))


def _unasked(dag: DAG, query: Query) -> tuple[int, ...]:
    asked = {query.treatment, query.outcome, *(v for v, _ in query.held)}
    return tuple(v for v in range(dag.n) if v not in asked)


def _holds(dag: DAG, query: Query, family: Family, right: int | None, cast: Cast) -> bool:
    """Whether the right formula, with no smaller adjustment set, holds, and no other of the family."""
    members = [_sets(member, cast) for member in family]
    if right is not None and not valid(dag, query, members[right]):
        return False  # by far the most frequent case
    if any(valid(dag, query, sets) for i, sets in enumerate(members) if i != right):
        return False
    if right is None:
        return True
    adjust, mediators = members[right]
    chosen = tuple(1 << v for v in bits(adjust))
    smaller = (sum(part) for size in range(len(chosen)) for part in combinations(chosen, size))
    return not any(valid(dag, query, Sets(part, mediators)) for part in smaller)


@lru_cache(maxsize=1 << 14)
def _sets(member: tuple[str, str], cast: Cast) -> Sets:
    adjust, mediators = (mask(cast[ord(letter) - ord("a")] for letter in side) for side in member)
    return Sets(adjust, mediators)


@lru_cache(maxsize=1 << 14)
def _needs(query: Query, members: tuple[Sets, ...]) -> Needs:
    """What the formulas need, less what is implied by the rest."""
    needed: list[Term] = []
    weights: dict[tuple[int, Assignment], list[Term]] = {}
    mediated = {sets.adjust for sets in members if sets.mediators}
    for term in dict.fromkeys(term for sets in members for term in formula_terms(query, sets)):
        event, given = (mask(v for v, _ in side) for side in (term.event, term.given))
        if event >> query.outcome & 1:
            level = dict(term.given).get(query.treatment)
            if level != query.original or given & ~(1 << query.treatment) not in mediated:
                needed.append(term)
        else:
            weights.setdefault((event, term.given), []).append(term)
    plain = [key for key in weights if not _product(*key, weights)]

    def margin(event: int, condition: Assignment) -> bool:
        return any(event != wider and not event & ~wider and condition == same for wider, same in plain)

    return Needs(tuple(needed), tuple([tuple(weights[key]) for key in plain if not margin(*key)]))


def _product(event: int, condition: Assignment, weights: Iterable[tuple[int, Assignment]]) -> bool:
    """Whether a distribution is P(a | condition) * P(b | a, condition) of two others."""
    around = mask(v for v, _ in condition)
    return any(
        not first & ~event
        and same == condition
        and any(
            second == event & ~first
            and set(condition) < set(given)
            and mask(v for v, _ in given) == around | first
            for second, given in weights
        )
        for first, same in weights
    )
