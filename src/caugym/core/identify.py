"""Which variables identify an estimand: back-door adjustment sets, and mediator sets with covariates.

Criteria (X treatment, Y outcome, Z covariates, M mediators, H held variables):

- ATE, ETT, PN, PS: Z has no descendant of X, and Z blocks every back-door path X <- ... Y
  (Pearl 2009, Definition 3.3.1).
- CDE: the same for the joint intervention on X and H; a Z that has no descendant of X or H
  (ibid., for sets; no arrow out of X or H counts as a back door).
- NDE, NIE: M lies on and intercepts every directed path X -> ... -> Y except the arrow X -> Y; Z has no
  descendant of X, blocks every back-door path from X to Y and to M, and {X, Z} blocks every back-door path
  from M to Y (Pearl, "Interpretation and identification of causal mediation", Psychological Methods 19,
  2014, assumptions A-1 to A-4 with W = Z, where A-3 and A-4 hold by adjustment for Z).

The answers are kept, because generating problems asks the same small graphs thousands of times; they are
found lazily, smallest sets first, so asking a large graph for its first set stays cheap.
"""

from collections.abc import Callable, Iterator
from functools import lru_cache
from itertools import combinations
from typing import Generic, TypeVar

from caugym.core.estimand import Sets
from caugym.core.graph import DAG, bits, mask, shared
from caugym.core.query import Query

T = TypeVar("T")
Parents = tuple[int, ...]
Name = Callable[[int], str]


def adjustment_sets(dag: DAG, query: Query, among: int, mediators: int = 0) -> Iterator[int]:
    """All valid covariate sets for the query within ``among``, smallest first.

    Args:
        dag: The causal graph.
        query: The question; its held variables count as treatments.
        among: The variables that may be used.
        mediators: NDE, NIE: the mediator set to be used with the covariates; 0 for other estimands.
    """
    return iter(_covariates(dag.parents, query.treatment, query.outcome, _held(query), mediators, among))


def minimal_adjustment_sets(dag: DAG, query: Query, among: int, mediators: int = 0) -> list[int]:
    """The valid covariate sets of which no proper subset is valid."""
    minimal: list[int] = []
    for candidate in adjustment_sets(dag, query, among, mediators):
        if all(kept & ~candidate for kept in minimal):
            minimal.append(candidate)
    return minimal


def mediator_sets(dag: DAG, query: Query, among: int) -> Iterator[int]:
    """All sets within ``among`` that lie on and intercept the indirect directed paths, smallest first."""
    return iter(_mediators(dag.parents, query.treatment, query.outcome, among))


def sets(dag: DAG, query: Query, among: int) -> Iterator[Sets]:
    """Everything the formula of the query can be used with, within ``among``, smallest first."""
    if query.task in ("NDE", "NIE"):
        return iter(_pairs(dag.parents, query.treatment, query.outcome, among))
    return iter(_singles(dag.parents, query.treatment, query.outcome, _held(query), among))


def valid(dag: DAG, query: Query, chosen: Sets) -> bool:
    """Whether the formula of the query holds with these sets."""
    x, y, held, mediators = query.treatment, query.outcome, _held(query), chosen.mediators
    if chosen.adjust & (dag.descendants(1 << x | held) | 1 << x | held | 1 << y | mediators):
        return False
    if query.task in ("NDE", "NIE") and (
        mediators & ~_on_indirect_paths(dag.parents, x, y) or _missed_path(dag, x, y, mediators)
    ):
        return False
    return _valid(dag.parents, x, y, held, mediators, chosen.adjust)


def why_invalid(
    dag: DAG,
    query: Query,
    adjust: int,
    mediators: int = 0,
    name: Name = "V{}".format,
) -> str | None:
    """Why the formula is wrong with these sets, naming a path or a variable; None when they are valid.

    >>> fork = DAG.from_edges(3, [(2, 0), (2, 1), (0, 1)])
    >>> why_invalid(fork, Query("ATE", 0, 1, to=1, level=1), 0)
    'the path V0 <- V2 -> V1 stays open'
    """
    x, y, held = query.treatment, query.outcome, _held(query)
    treated = 1 << x | held
    for v in bits(adjust & (treated | mediators | 1 << y)):
        return f"{name(v)} is part of the question and cannot be adjusted for"
    for v in bits(adjust & dag.descendants(treated)):
        return f"{name(v)} is affected by {name(_cause(dag, treated, v))}"
    if query.task in ("NDE", "NIE"):
        on_path = _on_indirect_paths(dag.parents, x, y)
        for v in bits(mediators & ~on_path):
            return f"{name(v)} does not lie on an indirect path from {name(x)} to {name(y)}"
        if missed := _missed_path(dag, x, y, mediators):
            return f"the mediators miss the path {dag.walk(missed, name)}"
    path = open_back_door(dag, query, adjust, mediators)
    if path is None:
        return None
    shown = dag.walk(path, name)
    inner = zip(path, path[1:], path[2:], strict=False)
    opened = next((v for a, v, b in inner if dag.parents[v] >> a & dag.parents[v] >> b & 1), None)
    if opened is None:
        return f"the path {shown} stays open"
    by = next(bits(dag.descendants(1 << opened) & adjust), x)
    through = "" if by == opened else f", which {name(opened)} affects,"
    return f"holding {name(by)}{through} opens the path {shown} at {name(opened)}"


def open_back_door(dag: DAG, query: Query, adjust: int, mediators: int = 0) -> list[int] | None:
    """A shortest path that is left open and makes causes and effects go together; None when none is.

    For NDE and NIE the treatment is a cause of mediators and outcome, and the mediators are causes of the
    outcome with the treatment given.

    Args:
        dag: The graph.
        query: What is asked.
        adjust: What is adjusted for, a bitmask.
        mediators: The mediators of NDE and NIE, a bitmask.
    """
    x, y = 1 << query.treatment, 1 << query.outcome
    pairs = [(x | _held(query), y | mediators, adjust)]
    if mediators:
        pairs.append((mediators, y, adjust | x))
    for causes, effects, given in pairs:
        path = dag.without_arrows_out_of(causes).open_path(causes, effects, given)
        if path:
            return path
    return None


def _cause(dag: DAG, causes: int, effect: int) -> int:
    return next(v for v in bits(causes) if dag.descendants(1 << v) >> effect & 1)


def _missed_path(dag: DAG, x: int, y: int, mediators: int) -> list[int] | None:
    left = tuple(
        0 if mediators >> v & 1 else pa & ~(1 << x) if v == y else pa for v, pa in enumerate(dag.parents)
    )
    return DAG(left).directed_path(x, y)


class _Replay(Generic[T]):
    """The items of an iterator, found when first asked for and replayed from memory afterwards."""

    def __init__(self, source: Iterator[T]) -> None:
        self.found: list[T] = []
        self.source: Iterator[T] | None = source

    def __iter__(self) -> Iterator[T]:
        return iter(self.found) if self.source is None else self._continue()

    def _continue(self) -> Iterator[T]:
        i = 0
        while True:
            if i == len(self.found):
                if self.source is None:
                    return
                try:
                    self.found.append(next(self.source))
                except StopIteration:
                    self.source = None
                    return
            yield self.found[i]
            i += 1


@lru_cache(maxsize=1 << 13)
def _covariates(parents: Parents, x: int, y: int, held: int, mediators: int, among: int) -> _Replay[int]:
    allowed = among & ~shared(parents).descendants(1 << x | held) & ~(1 << y | mediators)
    return _Replay(z for z in _subsets(allowed) if _valid(parents, x, y, held, mediators, z))


@lru_cache(maxsize=1 << 13)
def _mediators(parents: Parents, x: int, y: int, among: int) -> _Replay[int]:
    dag = shared(parents)
    allowed = among & _on_indirect_paths(parents, x, y)
    return _Replay(m for m in _subsets(allowed) if _missed_path(dag, x, y, m) is None)


@lru_cache(maxsize=1 << 13)
def _singles(parents: Parents, x: int, y: int, held: int, among: int) -> _Replay[Sets]:
    return _Replay(Sets(adjust=z) for z in _covariates(parents, x, y, held, 0, among))


@lru_cache(maxsize=1 << 13)
def _pairs(parents: Parents, x: int, y: int, among: int) -> _Replay[Sets]:
    return _Replay(_find_pairs(parents, x, y, among))


def _find_pairs(parents: Parents, x: int, y: int, among: int) -> Iterator[Sets]:
    allowed = among & ~shared(parents).descendants(1 << x) & ~(1 << y)
    most = allowed.bit_count() + (among & _on_indirect_paths(parents, x, y)).bit_count()
    mediators = list(_mediators(parents, x, y, among))
    for size in range(most + 1):
        for m in mediators:
            k = size - m.bit_count()
            if 0 <= k <= allowed.bit_count():
                for z in _subsets_of_size(allowed, k):
                    if _valid(parents, x, y, 0, m, z):
                        yield Sets(adjust=z, mediators=m)


def _valid(parents: Parents, x: int, y: int, held: int, mediators: int, adjust: int) -> bool:
    """Whether ``adjust``, free of effects of the treatments, closes every back door."""
    treated = 1 << x | held
    if _reached(parents, treated, treated, adjust) & (1 << y | mediators):
        return False
    return not mediators or not _reached(parents, mediators, mediators, adjust | 1 << x) >> y & 1


@lru_cache(maxsize=1 << 13)
def _without_arrows_out_of(parents: Parents, variables: int) -> DAG:
    return shared(parents).without_arrows_out_of(variables)


def _reached(parents: Parents, start: int, silent: int, given: int) -> int:
    return _without_arrows_out_of(parents, silent).reachable(start, given)


def on_indirect_paths(dag: DAG, query: Query) -> int:
    """The variables on the directed paths from X to Y, these two left out (bitmask)."""
    return _on_indirect_paths(dag.parents, query.treatment, query.outcome)


@lru_cache(maxsize=1 << 13)
def _on_indirect_paths(parents: Parents, x: int, y: int) -> int:
    dag = shared(parents)
    return dag.descendants(1 << x) & dag.ancestors(1 << y) & ~(1 << x | 1 << y)


def _held(query: Query) -> int:
    return mask(v for v, _ in query.held)


def _subsets(of: int) -> Iterator[int]:
    for size in range(of.bit_count() + 1):
        yield from _subsets_of_size(of, size)


def _subsets_of_size(of: int, size: int) -> Iterator[int]:
    singles = [1 << v for v in bits(of)]
    return map(sum, combinations(singles, size))
