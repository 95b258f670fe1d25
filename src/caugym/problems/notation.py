"""How worked solutions write variables, levels and probabilities.

Capital letters stand for variables: X and Y, M for mediators and variables held, Z for covariates. Small
letters stand for levels, as in textbooks: x' is the original level of X and x the changed-to one, y the level
of Y asked about and y' the other, m a level held, m' and m, z' and z the first and second level of a variable
that a sum runs over. In the formula itself z and m are each level in turn. Stated numbers are written with
the names and levels of the text, each level with its letter.
"""

from collections.abc import Callable, Iterable, Iterator

from caugym.core.estimand import Sets
from caugym.core.graph import bits
from caugym.core.query import Assignment, Term
from caugym.problems.problem import Problem

Setting = tuple[int, int]
"""A variable and its level."""


class Notation:
    """Letters for the variables and levels of a problem.

    Args:
        problem: Whose variables they are; its numbers play no part.
        sets: The variables that are adjusted for and those that mediate.
    """

    def __init__(self, problem: Problem, sets: Sets) -> None:
        self.variables, self.query = problem.variables, problem.query
        q, mediators = self.query, tuple(bits(sets.mediators))
        self.symbol = {q.treatment: "X", q.outcome: "Y"}
        self.symbol |= _numbered("Z", tuple(bits(sets.adjust)))
        self.symbol |= _numbered("M", mediators or tuple(v for v, _ in q.held))
        self.short = {(q.treatment, q.to): "x", (q.treatment, q.original): "x'"}
        self.short |= {(q.outcome, q.level): "y", (q.outcome, 1 - q.level): "y'"}
        held = dict(q.held)
        for v, symbol in self.symbol.items():
            if v not in (q.treatment, q.outcome):
                on = held.get(v, 1)
                self.short |= {(v, on): symbol.lower(), (v, 1 - on): f"{symbol.lower()}'"}

    def asked(self) -> Iterator[str]:
        """What X and Y are, and the variables held, with their levels; a line each."""
        q = self.query
        x, y = self.variables[q.treatment], self.variables[q.outcome]
        yield f"X = {x.name}: {x.levels[q.original]} = x', {x.levels[q.to]} = x"
        yield f"Y = {y.name}: {y.levels[1 - q.level]} = y', {y.levels[q.level]} = y"
        for v, k in q.held:
            variable = self.variables[v]
            yield f"{self.name(v)} = {variable.name}: {variable.levels[k]} = {self.short[v, k]}"

    def named(self, variables: Iterable[int]) -> str:
        """What letters stand for, e.g. ``Z1 = age: young = z1', old = z1; Z2 = ...``."""
        return "; ".join(map(self._introduced, variables))

    def _introduced(self, v: int) -> str:
        first, second = self.variables[v].levels
        levels = f"{first} = {self.short[v, 0]}, {second} = {self.short[v, 1]}"
        return f"{self.name(v)} = {self.variables[v].name}: {levels}"

    def name(self, variable: int) -> str:
        """X, Y, Z, M for those with a role, else the name."""
        return self.symbol.get(variable) or self.variables[variable].name

    def setting(self, assignment: Assignment) -> str:
        """An assignment as formulas have it, e.g. ``M = m', Z = z``."""
        return ", ".join(map(self._short, self._ordered(assignment)))

    def text(self, term: Term) -> str:
        """The term in the order of formulas, e.g. ``Y = y | X = x', Z = z``."""
        return self._told(term, self._short)

    def stated(self, term: Term) -> str:
        """The term as it is stated, with letters, e.g. ``rain = high = y | wind = low = x', tide = low``."""
        return self._told(term, self._named)

    def _told(self, term: Term, tell: Callable[[Setting], str]) -> str:
        event, given = (", ".join(map(tell, self._ordered(part))) for part in term[:2])
        return f"{event} | {given}" if given else event

    def _short(self, setting: Setting) -> str:
        """A setting as formulas have it, e.g. ``X = x'``; with the level's name where it has no letter."""
        variable, level = setting
        return f"{self.name(variable)} = {self.short.get(setting) or self.variables[variable].levels[level]}"

    def _named(self, setting: Setting) -> str:
        """A setting in words, and its letter where it has one, e.g. ``wind = low = x'``."""
        variable, level = self.variables[setting[0]], setting[1]
        letter = f" = {self.short[setting]}" if setting in self.short else ""
        return f"{variable.name} = {variable.levels[level]}{letter}"

    def _ordered(self, assignment: Assignment) -> list[Setting]:
        """X, Y, M, Z, then those without a role."""

        def place(setting: Setting) -> tuple[int, str]:
            symbol = self.symbol.get(setting[0], "")
            return "XYMZ".find(symbol[:1]) if symbol else 4, symbol

        return sorted(assignment, key=place)


def _numbered(letter: str, variables: tuple[int, ...]) -> dict[int, str]:
    if len(variables) == 1:
        return {variables[0]: letter}
    return {v: f"{letter}{i}" for i, v in enumerate(variables, 1)}
