"""Directed acyclic graphs over numbered variables, with d-separation and surgery.

Sets of variables are bitmasks (bit i = variable i), which makes the graph questions asked once an
item cost microseconds. `bits` lists the members of a mask, `mask` builds one.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import pairwise

from caugym.core.errors import InputError


def bits(members: int) -> Iterator[int]:
    """The variables in a bitmask, in ascending order.

    >>> list(bits(0b1011))
    [0, 1, 3]
    """
    while members:
        low = members & -members
        yield low.bit_length() - 1
        members ^= low


def mask(variables: Iterable[int]) -> int:
    """The bitmask of some variables.

    >>> bin(mask([0, 1, 3]))
    '0b1011'
    """
    result = 0
    for variable in variables:
        result |= 1 << variable
    return result


@dataclass(frozen=True)
class DAG:
    """A directed acyclic graph.

    Attributes:
        parents: For each variable, the bitmask of its parents.

    Raises:
        InputError: If the arrows form a cycle (the message shows one), or a variable does not exist.

    >>> DAG.from_edges(3, [(0, 1), (1, 2), (2, 1)])
    Traceback (most recent call last):
    caugym.core.errors.InputError: the arrows 1 -> 2 -> 1 form a cycle; remove one of them
    """

    parents: tuple[int, ...]

    def __hash__(self) -> int:
        return hash(self.parents)

    def __post_init__(self) -> None:
        everything = (1 << self.n) - 1
        for v, pa in enumerate(self.parents):
            if pa & ~everything:
                raise InputError(f"variable {v} has a parent outside 0 to {self.n - 1}")
        if len(self.order) < self.n:
            shown = " -> ".join(map(str, self._cycle()))
            raise InputError(f"the arrows {shown} form a cycle; remove one of them")

    @classmethod
    def from_edges(cls, n: int, edges: Iterable[tuple[int, int]]) -> "DAG":
        """The graph on ``n`` variables with the given (cause, effect) arrows."""
        parents = [0] * n
        for cause, effect in edges:
            if not (0 <= cause < n and 0 <= effect < n):
                raise InputError(f"the arrow {cause} -> {effect} names a variable outside 0 to {n - 1}")
            parents[effect] |= 1 << cause
        return shared(tuple(parents))

    @property
    def n(self) -> int:
        """The number of variables."""
        return len(self.parents)

    @cached_property
    def order(self) -> tuple[int, ...]:
        """The variables, causes before effects (those on a cycle are missing)."""
        placed: list[int] = []
        done, before, waiting = 0, -1, list(enumerate(self.parents))
        while done != before:
            before, passed = done, waiting
            waiting = []
            for v, pa in passed:
                if pa & ~done:
                    waiting.append((v, pa))
                else:
                    placed.append(v)
                    done |= 1 << v
        return tuple(placed)

    def _cycle(self) -> list[int]:
        """One cycle, its first variable repeated at the end; only for graphs that have one."""
        left = (1 << self.n) - 1 & ~mask(self.order)
        path = [next(bits(left))]
        while path[-1] not in path[:-1]:  # every variable left has a parent left, so walking back must close
            path.append(next(bits(self.parents[path[-1]] & left)))
        return path[path.index(path[-1]) :][::-1]

    @cached_property
    def children(self) -> tuple[int, ...]:
        """For each variable, the bitmask of its children."""
        result = [0] * self.n
        for v, pa in enumerate(self.parents):
            while pa:
                low = pa & -pa
                pa ^= low
                result[low.bit_length() - 1] |= 1 << v
        return tuple(result)

    def edges(self) -> list[tuple[int, int]]:
        """All (cause, effect) arrows, by effect then cause."""
        return [(p, v) for v, pa in enumerate(self.parents) for p in bits(pa)]

    def ancestors(self, of: int) -> int:
        """The ancestors of a set, the set itself included."""
        return _closure(of, self.parents)

    def descendants(self, of: int) -> int:
        """The descendants of a set, the set itself included."""
        return _closure(of, self.children)

    def separated(self, a: int, b: int, given: int = 0) -> bool:
        """Whether ``given`` d-separates the disjoint sets ``a`` and ``b`` (bitmasks all three)."""
        return not self.reachable(a, given) & b

    def reachable(self, a: int, given: int) -> int:
        """The variables with an open path from ``a`` given ``given`` (the "Bayes ball")."""
        return self._visited(a, given) & ~given

    def relevant(self, event: int, given: int) -> int:
        """The members of ``given`` that matter: the rest is d-separated from ``event`` by these alone.

        These are the observed variables that the Bayes ball visits (Shachter, UAI 1998), hence the smallest
        set M with P(event | given) = P(event | M) in every distribution of the graph.
        """
        return self._visited(event, given) & given

    def _visited(self, a: int, given: int) -> int:
        anc = self.ancestors(given)
        parents, children = self.parents, self.children
        up, down, seen_up, seen_down = a, 0, 0, 0
        while up or down:
            if up:  # arrived from a child (or started here): free to go both ways unless observed
                low = up & -up
                up ^= low
                seen_up |= low
                if low & given:
                    continue
                v = low.bit_length() - 1
                up |= parents[v] & ~seen_up
                down |= children[v] & ~seen_down
            else:  # arrived from a parent: on through a chain, back up through an opened collider
                low = down & -down
                down ^= low
                seen_down |= low
                v = low.bit_length() - 1
                if not low & given:
                    down |= children[v] & ~seen_down
                if low & anc:
                    up |= parents[v] & ~seen_up
        return seen_up | seen_down

    def open_path(self, a: int, b: int, given: int = 0) -> list[int] | None:
        """A shortest open path from a variable of ``a`` to one of ``b`` given ``given``, or None.

        The three sets (bitmasks) must be disjoint. A path is open when each collider on it is in ``given``
        or has a descendant there, and no other variable of it is in ``given``.

        >>> collider = DAG.from_edges(4, [(0, 2), (1, 2), (2, 3)])
        >>> collider.open_path(0b0001, 0b0010, given=0b1000)
        [0, 2, 1]
        """
        anc = self.ancestors(given)
        queue = [(v, True) for v in bits(a)]  # the variable, and whether it was reached against an arrow
        before: dict[tuple[int, bool], tuple[int, bool] | None] = dict.fromkeys(queue)
        for state in queue:
            v, against = state
            if b >> v & 1:
                return _traced(before, state)
            observed = given >> v & 1
            up = self.parents[v] if (against and not observed) or (not against and anc >> v & 1) else 0
            down = 0 if observed else self.children[v]
            for after in [(p, True) for p in bits(up)] + [(c, False) for c in bits(down)]:
                if after not in before:
                    before[after] = state
                    queue.append(after)
        return None

    def without_arrows_out_of(self, variables: int) -> "DAG":
        """The graph with every arrow that leaves ``variables`` removed."""
        return self._fewer([pa & ~variables for pa in self.parents])

    def without_arrows_into(self, variables: int) -> "DAG":
        """The graph with every arrow that enters ``variables`` removed (the graph of ``do``)."""
        return self._fewer([0 if variables >> v & 1 else pa for v, pa in enumerate(self.parents)])

    def without_arrow(self, cause: int, effect: int) -> "DAG":
        """The graph with one arrow removed, if it is there."""
        return self._fewer([pa & ~(1 << cause) if v == effect else pa for v, pa in enumerate(self.parents)])

    def _fewer(self, parents: list[int]) -> "DAG":
        """The graph with some of its arrows alone, which cannot form a cycle and is not checked again."""
        dag = object.__new__(DAG)
        object.__setattr__(dag, "parents", tuple(parents))
        return dag

    def directed_path(self, source: int, target: int) -> list[int] | None:
        """A shortest directed path as a list of variables, or None."""
        before: dict[int, int] = {source: source}
        queue = [source]
        for v in queue:
            for child in bits(self.children[v]):
                if child not in before:
                    before[child] = v
                    queue.append(child)
        if target not in before or source == target:
            return None
        path = [target]
        while path[-1] != source:
            path.append(before[path[-1]])
        return path[::-1]

    def walk(self, path: Sequence[int], name: Callable[[int], str]) -> str:
        """A path with its arrows, e.g. ``X <- Z -> Y``.

        Args:
            path: Variables, each with an arrow from or to the next.
            name: How a variable is written.
        """
        text = "".join(map(name, path[:1]))
        for a, b in pairwise(path):
            text += f" {'->' if self.parents[b] >> a & 1 else '<-'} {name(b)}"
        return text


@lru_cache(maxsize=1 << 13)
def shared(parents: tuple[int, ...]) -> DAG:
    """The graph with these parents, built and checked once however often it is met."""
    return DAG(parents)


def _traced(before: dict[tuple[int, bool], tuple[int, bool] | None], last: tuple[int, bool]) -> list[int]:
    path, state = [last[0]], before[last]
    while state is not None:
        path.append(state[0])
        state = before[state]
    return path[::-1]


def _closure(start: int, step: tuple[int, ...]) -> int:
    result, frontier = start, start
    while frontier:
        low = frontier & -frontier
        frontier ^= low
        new = step[low.bit_length() - 1] & ~result
        result |= new
        frontier |= new
    return result
