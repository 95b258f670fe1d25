"""What a problem leaves out: a number whose loss loses the answer, or one whose loss does not.

Half of the set `insufficient` can be answered all the same, because what was left out was not needed or is
implied by the rest, so neither the length of a text nor how its statements look tells which half it is in.
"""

from dataclasses import replace
from random import Random

from caugym.core.scm import SCM
from caugym.core.sufficiency import is_determined
from caugym.core.witness import Witness, witness
from caugym.estimands import TABLE
from caugym.problems.problem import Problem
from caugym.problems.structure import Structure


def with_gap(structure: Structure, needed: int, lacking: bool, rng: Random) -> Structure | None:
    """The structure without one of its terms, or None if no term will do.

    Args:
        structure: A structure with more terms than its formula needs.
        needed: How many of its first terms the formula needs.
        lacking: Whether the answer must be lost; otherwise it must be implied by what is left.
        rng: The item's own stream.
    """
    answer = TABLE[structure.query.task].formula(structure.query, structure.sets)
    first, others = list(range(needed)), list(range(needed, len(structure.terms)))
    rng.shuffle(first)
    rng.shuffle(others)
    order = first if lacking else first + others if rng.random() < 0.5 else others
    for gap in order:
        left = tuple(term for i, term in enumerate(structure.terms) if i != gap)
        if is_determined(structure.dag, left, answer) != lacking:
            return replace(structure, terms=left, decoys=())
    return None


def proof(problem: Problem, start: SCM, key: str) -> Witness | None:
    """Two models that agree on every printed number and differ in the answer, or None if none was found."""
    stated = [(statement.term, float(statement.value)) for statement in problem.statements]
    definition = TABLE[problem.query.task].definition
    return witness(problem.dag, stated, problem.query, definition, start, key)
