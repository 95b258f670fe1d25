"""From a structure and its numbers to a problem: names, levels, and everything in random order.

Variables are numbered as the arrows mention them, which is how `caugym.problems.read` numbers them.
"""

from random import Random
from typing import NamedTuple

from caugym.core.query import Assignment, Query, Term
from caugym.problems.levels import Level
from caugym.problems.names import nonsense
from caugym.problems.problem import Problem, Statement
from caugym.problems.stories import place
from caugym.problems.structure import Structure


class Telling(NamedTuple):
    """A problem, and where it comes from.

    Attributes:
        problem: The problem as it will be told.
        slots: For each variable its slot.
        flips: For each variable, 1 if its levels are named the other way round.
    """

    problem: Problem
    slots: list[int]
    flips: list[int]


def telling(
    structure: Structure, printed: list[int], level: Level, split: str, pool: str, turned: bool, rng: Random
) -> Telling:
    """A problem of a structure.

    Args:
        structure: The graph, the question, and what is stated.
        printed: The stated probabilities, in units of the last decimal.
        level: Decimals, and the share of real-world names.
        split: Where the names may come from.
        pool: The wordings; "rephrased" can tell arrows of one cause or effect in one sentence.
        turned: Whether the other level of the outcome is stated and asked for.
        rng: The item's own stream.
    """
    dag, query = structure.dag, structure.query
    names = place(dag, rng, split) if rng.random() < level.real else None
    names = names or nonsense(rng, dag.n, split)
    flips = [rng.getrandbits(1) for _ in range(dag.n)]
    edges = dag.edges()
    rng.shuffle(edges)
    if pool == "rephrased":
        side = rng.getrandbits(1)
        ends = [edge[side] for edge in edges]
        edges.sort(key=lambda edge: ends.index(edge[side]))
    slots = list(dict.fromkeys([slot for edge in edges for slot in edge]))
    place_of = {slot: i for i, slot in enumerate(slots)}
    settings = {(v, k): (place_of[v], k ^ flips[v]) for v in slots for k in (0, 1)}

    def told(assignment: Assignment) -> Assignment:
        return tuple(sorted([settings[setting] for setting in assignment]))

    unit, y = 10**level.decimals, query.outcome
    statements = []
    for term, number in zip(structure.terms, printed, strict=False):
        event = term.event
        if turned and event[0][0] == y:
            event, number = ((y, 1 - event[0][1]),), unit - number
        value = f"0.{number:0{level.decimals}d}"
        statements.append(Statement(Term(told(event), told(term.given)), value))
    rng.shuffle(statements)
    x, to = settings[query.treatment, query.to]
    outcome, asked = settings[y, 1 - query.level if turned else query.level]
    held = told(query.held)
    problem = Problem(
        variables=tuple([names[slot] for slot in slots]),
        edges=tuple([(place_of[a], place_of[b]) for a, b in edges]),
        statements=tuple(statements),
        query=Query(query.task, x, outcome, to, asked, query.bound, held, query.polarity),
    )
    return Telling(problem, slots, [flips[slot] for slot in slots])
