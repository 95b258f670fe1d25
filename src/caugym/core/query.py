"""What a question asks, in numbers: the roles of the variables and the levels named."""

from typing import Literal, NamedTuple

Assignment = tuple[tuple[int, int], ...]
"""Variables with their levels, ascending by variable: ``((0, 1), (3, 0))`` is V0=1, V3=0."""

Task = Literal["ATE", "CDE", "ETT", "NDE", "NIE", "PN", "PS"]


class Query(NamedTuple):
    """One causal question about a binary treatment X and a binary outcome Y.

    Attributes:
        task: Code of the estimand.
        treatment: X.
        outcome: Y.
        to: The level that X is changed to. ATE, CDE, NDE, NIE: the level the question names. ETT, PN, PS: the
            counterfactual level ("had it been ..."); the people asked about have the other level.
        level: The level of Y whose probability is asked for. PN, PS: the counterfactual outcome; what
            happened is the other level.
        bound: PN, PS: which Tian-Pearl bound; None for effects.
        held: CDE: the variables held fixed, with their levels; empty otherwise.
        polarity: Whether the question asks for "more likely" or "less likely". Turns the yes/no, never
            the value.
    """

    task: Task
    treatment: int
    outcome: int
    to: int
    level: int
    bound: Literal["lower", "upper"] | None = None
    held: Assignment = ()
    polarity: Literal["more", "less"] = "more"

    @property
    def original(self) -> int:
        """The other level of X: the one it is changed from (ETT, PN, PS: the factual level)."""
        return 1 - self.to


class Term(NamedTuple):
    """A probability ``P(event | given)``, possibly under ``do``; both sides ascending by variable."""

    event: Assignment
    given: Assignment = ()
    do: Assignment = ()
