"""The sets: `base`, and test sets that each stress one ability. One table; a new set is one entry.

What a set adds to the numbers of a problem is true: it comes from the same joint distribution as the rest.

- A *rival* is all that another formula of the task needs, one that the graph does not allow: a collider, a
  descendant or a mediator adjusted for, half of a two-variable set (`caugym.problems.rivals`). It leads to a
  value that differs from gold, and from every other rival's, by at least 0.02.
- A *route* is the same, but neither its value nor how many there are is looked at.
- A *bystander* is any other probability of the same joint.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Transform:
    """What makes a set different from `base`.

    Attributes:
        name: As on the command line.
        stresses: The ability that the set puts to the test, in one line.
        rivals: Whether the right formula stands among others that are stated in full.
        confounded: Whether every problem with an effect needs adjustment.
        pool: The wordings (`caugym.problems.rewording.POOLS`).
        less: Whether half of the questions about effects ask for "less likely".
        routes: Fewest and most wrong routes that are stated in full.
        bystanders: Fewest and most other true statements.
        gap: Whether one statement is left out, such that half of the problems cannot be answered.
        needless: Fewest and most statements that the answer does not rest on; None for any. An effect that is
            0 by the graph rests on none, and has as many statements as others, which must not tell it.
        version: Of the recipe; a change that moves any item of the set changes it.
    """

    name: str
    stresses: str
    pool: str = "base"
    less: bool = False
    rivals: bool = False
    confounded: bool = False
    routes: tuple[int, int] = (0, 0)
    bystanders: tuple[int, int] = (0, 0)
    gap: bool = False
    needless: tuple[int, int] | None = None
    version: str = "6"


TRANSFORMS = {
    transform.name: transform
    for transform in (
        Transform("base", "The task as such: what is stated is what is needed."),
        Transform(
            "rephrased",
            "Other words, several arrows or numbers in one sentence, frequencies for decimals; half of the "
            "effects are asked about as less likely.",
            pool="rephrased",
            less=True,
        ),
        Transform("omitted", "The task is not named: the question alone says what is asked.", pool="omitted"),
        Transform(
            "deconfounding",
            "Only a valid adjustment gives the answer; tempting wrong formulas have all their numbers.",
            rivals=True,
            confounded=True,
        ),
        Transform(
            "redundant",
            "True but irrelevant and tempting numbers stand among those that are needed.",
            rivals=True,
            bystanders=(0, 2),
            needless=(1, 12),
            version="7",
        ),
        Transform(
            "insufficient",
            "One statement is missing. In half of the problems that loses the answer, which is proved by two "
            "models; in the other half it is implied all the same.",
            routes=(0, 1),
            bystanders=(1, 4),
            gap=True,
        ),
    )
}
"""The sets by name."""
