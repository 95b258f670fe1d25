"""Levels of difficulty: a small frozen dataclass of knobs, so that users can make their own.

>>> LEVELS["easy"].decimals
2
>>> from dataclasses import replace
>>> replace(LEVELS["hard"], name="mine", variables=(8, 8)).variables
(8, 8)
"""

from dataclasses import dataclass, replace

from caugym.core.errors import InputError

EVEN = "-even"
"""Ends the names of levels whose problems are spread evenly over difficulty: ``standard-even``."""


@dataclass(frozen=True, slots=True)
class Level:
    """How hard problems are.

    Attributes:
        name: As on the command line.
        variables: Fewest and most variables of the graph (3 to 10).
        decimals: Decimals of every printed probability.
        adjust: Weights of the numbers of variables to adjust for: 0, 1, 2, ...
        mediators: Weights of the numbers of mediators, 0, 1, 2, ... (NDE and NIE; CDE holds at least one).
        statements: Most stated probabilities.
        factors: Most factors in a term of the formula, a division counted as one. With 2, mediated
            effects and bounds need no covariates.
        density: The chance that an arrow is there, in eighths, is drawn between these two, once a problem.
        null: Share of problems whose effect is exactly 0 by the graph alone.
        clipped: Share of PN and PS problems whose bound is cut off at 0 or 1.
        real: Share of problems told with real-world names; the rest have invented ones.
        one_rival: Whether, in sets with rival formulas, the right one has one rival, not two or three. That
            halves the numbers to read; who does not look at the graph is then right every other time.
        even: Whether problems are spread evenly over their measured difficulty (`problems.difficulty`),
            rather than as it falls.
    """

    name: str
    variables: tuple[int, int]
    decimals: int
    adjust: tuple[float, ...]
    mediators: tuple[float, ...]
    statements: int = 12
    factors: int = 3
    density: tuple[int, int] = (2, 6)
    null: float = 0.08
    clipped: float = 0.25
    real: float = 0.5
    one_rival: bool = False
    even: bool = False

    def __post_init__(self) -> None:
        low, high = self.variables
        if not 3 <= low <= high <= 10:
            raise InputError(
                f"level {self.name!r}: variables must be 3 to 10, smallest first, not {self.variables}"
            )
        if self.decimals not in (2, 3, 4):
            raise InputError(f"level {self.name!r}: decimals must be 2, 3 or 4, not {self.decimals}")


LEVELS = {
    level.name: level
    for level in (
        Level("easy", (3, 5), 2, adjust=(0.5, 0.5), mediators=(0.25, 0.75), factors=2, one_rival=True),
        Level("standard", (3, 5), 4, adjust=(0.35, 0.45, 0.2), mediators=(0.2, 0.6, 0.2)),
        Level("hard", (6, 10), 4, (0.1, 0.3, 0.35, 0.25), (0.1, 0.5, 0.4), statements=24, density=(2, 4)),
    )
}
"""The built-in levels by name."""


def level_named(name: str) -> Level:
    """The built-in level called ``name``; with ``-even`` at its end, spread evenly over difficulty.

    Raises:
        InputError: If there is none; the message lists them.
    """
    try:
        level = LEVELS[name.removesuffix(EVEN)]
    except KeyError:
        raise InputError(f"no level {name!r}; choose one of {', '.join(LEVELS)}") from None
    return replace(level, name=name, even=True) if name.endswith(EVEN) else level
