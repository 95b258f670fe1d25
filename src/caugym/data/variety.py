"""How varied sets are, and that those for training and those for testing share nothing they need not.

Splits are kept apart by construction: stories and names belong to either side, and the printed numbers of a
problem add up to an even number in the last decimal on one side and to an odd one on the other. Here that is
found again from the texts alone. The few unlabelled graphs on three to five variables stand on both sides;
they are counted.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from caugym.problems.fingerprint import canonical, name_set, named_graph, skeleton
from caugym.problems.problem import Problem

TEST = "test"
"""The split that shares nothing with the others."""

APART = ("named graphs", "name sets", "problems")
"""What must not stand on both sides."""


@dataclass
class Variety:
    """The different graphs, names and problems of some items.

    Attributes:
        items: How many items.
        kinds: By what they are, their fingerprints: ``named graphs``, ``name sets``, ``problems`` (less all
            names), ``skeletons`` (graphs without names) and ``skeletons with roles`` (X and Y told apart).
    """

    items: int = 0
    kinds: dict[str, set[bytes]] = field(default_factory=dict)

    def add(self, problem: Problem) -> dict[str, bytes]:
        """Count one problem; its fingerprints."""
        self.items += 1
        dag, query = problem.dag, problem.query
        prints = {
            "named graphs": named_graph(problem),
            "name sets": name_set(problem),
            "problems": canonical(problem),
            "skeletons": skeleton(dag),
            "skeletons with roles": skeleton(dag, (query.treatment, query.outcome)),
        }
        for kind, print_ in prints.items():
            self.kinds.setdefault(kind, set()).add(print_)
        return prints

    def text(self, name: str) -> str:
        """One line."""
        counts = ", ".join(f"{len(prints):,} {kind}" for kind, prints in self.kinds.items())
        return f"{name}: {self.items:,} items, {counts}"


def shared(one: Variety, other: Variety) -> dict[str, int]:
    """How much of each kind stands on both sides."""
    return {kind: len(prints & other.kinds.get(kind, set())) for kind, prints in one.kinds.items()}


def sides(varieties: dict[str, Variety]) -> Iterator[tuple[str, dict[str, int]]]:
    """The test split against each other split, where both are there: the other's name, what is shared."""
    for split, variety in varieties.items():
        if split != TEST and TEST in varieties:
            yield split, shared(varieties[TEST], variety)
