"""Worked solutions in sentences: the same steps and numbers as `caugym.problems.solution` writes in symbols.

Steps are retold line by line, right ones and mistaken ones alike, so whatever holds or fails in the one style
does so in the other. The last line, the final answer, stays as it is.
"""

import re
from collections.abc import Callable, Iterable
from typing import Literal, get_args

from caugym.estimands import TABLE
from caugym.problems.solution import NO_PATH

Explanation = Literal["symbolic", "prose", "named"]
"""symbolic: as worked. prose: in sentences. named: in sentences that name the theorem used."""

EXPLANATIONS: tuple[Explanation, ...] = get_args(Explanation)

THEOREMS = {
    "ATE": "the back-door adjustment formula",
    "CDE": "back-door adjustment for the joint intervention",
    "ETT": "back-door adjustment among those who have the factual level",
    "NDE": "Pearl's mediation formula",
    "NIE": "Pearl's mediation formula",
    "PN": "the Tian-Pearl bounds",
    "PS": "the Tian-Pearl bounds",
}
"""What each formula is known as."""

_Tell = Callable[["_Teller", re.Match[str]], str]


def explained(steps: tuple[str, ...] | list[str], style: Explanation) -> tuple[str, ...]:
    """The steps in a style.

    Args:
        steps: As `worked` or `mistakes` give them.
        style: One of `EXPLANATIONS`.

    >>> steps = ("X = rain: low = x', high = x", "Y = yield: low = y', high = y", "path X -> Y",
    ...     "Z = none", "ATE = P(y | x) - P(y | x')", "P(yield = high = y | rain = high = x) = 67",
    ...     "P(yield = high = y | rain = low = x') = 55", "67 - 55 = 12", "ATE = 0.1200 > 0: Yes",
    ...     '{"ANSWER": "Yes", "PROB": "0.1200"}')
    >>> for line in explained(steps, "named"):
    ...     print(line)
    The change is in rain, from low (x') to high (x).
    The question is how likely yield being high (y, not y', which is low) is.
    A directed path leads from cause to effect: rain -> yield.
    Nothing is adjusted for.
    By the back-door adjustment formula, the average treatment effect is P(y | x) - P(y | x').
    We read that the probability of yield being high given rain being high is 67.
    We read that the probability of yield being high given rain being low is 55.
    We get 67 - 55 = 12.
    The average treatment effect is 0.1200, above 0, so the answer is Yes.
    {"ANSWER": "Yes", "PROB": "0.1200"}
    """
    if style == "symbolic":
        return tuple(steps)
    teller = _Teller(named=style == "named")
    for step in steps:
        if re.fullmatch(f"[MZ]{_ROLE}", step):
            teller.bind(step)  # paths, which come before, speak of them
    return (*(teller.told(step) for step in steps[:-1]), steps[-1])


class _Teller:
    """Retells steps, and remembers what the symbols stand for."""

    def __init__(self, named: bool) -> None:
        self.named = named
        self.names: dict[str, str] = {}
        self.levels: dict[str, str] = {}

    def told(self, step: str) -> str:
        """One step as a sentence."""
        forms = ((pattern.fullmatch(step), tell) for pattern, tell in _FORMS)
        return next((tell(self, found) for found, tell in forms if found), f"We get {step}.")

    def settings(self, text: str) -> str:
        """``Z = low = z, X = x'`` in words."""
        parts = (
            self.levels.get(part.rpartition(" = ")[2], part).partition(" = ") for part in text.split(", ")
        )
        return _and(f"{self.names.get(name, name)} being {level}" for name, _, level in parts)

    def probability(self, text: str) -> str:
        """``Z = low = z | X = x'`` in words."""
        event, _, given = text.partition(" | ")
        condition = f" given {self.settings(given)}" if given else ""
        return f"the probability of {self.settings(event)}{condition}"

    def bind(self, text: str) -> str:
        """Remember ``Z1 = name: low = z1', high = z1; Z2 = ...``; the names and what their letters are."""
        told = []
        for part in text.split("; "):
            symbol, name, *levels = re.split(r" = |: |, ", part)
            self.names[symbol] = name
            pairs = list(zip(levels[::2], levels[1::2], strict=True))
            self.levels |= {letter: f"{symbol} = {level}" for level, letter in pairs}
            told.append(f"{name} ({', '.join(f'{level}: {letter}' for level, letter in pairs)})")
        return _and(told)

    def walk(self, text: str) -> str:
        """A path with names for symbols."""
        parts = re.split(r" (->|<-) ", text)
        return " ".join(self.names.get(part, part) for part in parts)


def _and(parts: Iterable[str]) -> str:
    *most, last = parts
    return f"{', '.join(most)} and {last}" if most else last


def _change(teller: _Teller, found: re.Match[str]) -> str:
    teller.names["X"] = found[1]
    teller.levels |= {"x'": f"X = {found[2]}", "x": f"X = {found[3]}"}
    return f"The change is in {found[1]}, from {found[2]} (x') to {found[3]} (x)."


def _outcome(teller: _Teller, found: re.Match[str]) -> str:
    teller.names["Y"] = found[1]
    teller.levels |= {"y'": f"Y = {found[2]}", "y": f"Y = {found[3]}"}
    return f"The question is how likely {found[1]} being {found[3]} (y, not y', which is {found[2]}) is."


def _held(teller: _Teller, found: re.Match[str]) -> str:
    symbol, name, level, short = found.groups()
    teller.names[symbol] = name
    teller.levels[short] = f"{symbol} = {level}"
    return f"Held fixed: {name} at {level} ({short})."


def _lacking(teller: _Teller, found: re.Match[str]) -> str:
    terms = re.findall(r"P\(([^()]*)\)", found[1])
    return f"What would be needed is not stated: {_and(list(map(teller.probability, terms)))}."


def _absent(teller: _Teller, found: re.Match[str]) -> str:
    named = re.sub(r"\b[XY]\b", lambda symbol: teller.names[symbol[0]], found[1])
    return f"There is {named}, so there is no such effect."


def _formula(teller: _Teller, found: re.Match[str]) -> str:
    quantity = TABLE[found[1]].name
    verb = {"=": "is", ">=": "is at least", "<=": "is at most"}[found[2]]
    body = found[3].replace("sum_z ", "the sum over z of ").replace("sum_m ", "the sum over m of ")
    start = f"By {THEOREMS[found[1]]}, the" if teller.named else "The"
    return f"{start} {quantity} {verb} {body}."


def _read(teller: _Teller, found: re.Match[str]) -> str:
    return f"We read that {teller.probability(found[1])} is {found[2]}."


def _derived(teller: _Teller, found: re.Match[str]) -> str:
    same = re.fullmatch(r"P\(([^()]*)\)", found[3])
    value = f"the same as {teller.probability(same[1])}" if same else found[3]
    start = "We assume that the" if found[1] else "The"
    return f"{start}{teller.probability(found[2]).removeprefix('the')} is {value}."


def _cell(teller: _Teller, found: re.Match[str]) -> str:
    return f"With {teller.settings(found[1])}: {found[2]}."


def _conclusion(teller: _Teller, found: re.Match[str]) -> str:
    sign = {"<": ", below 0", ">": ", above 0"}.get(found[3], "")
    return f"The {TABLE[found[1]].name} is {found[2]}{sign}, so the answer is {found[4]}."


_TASK = "|".join(TABLE)
_ROLE = r"1? = [^:]+: .+ = [mz]\d?', .+ = [mz]\d?"
_FORMS: tuple[tuple[re.Pattern[str], _Tell], ...] = tuple(
    (re.compile(pattern), tell)
    for pattern, tell in (
        (r"X = (.+): (.+) = x', (.+) = x", _change),
        (r"Y = (.+): (.+) = y', (.+) = y", _outcome),
        (r"(M\d?) = (.+): ([^=]+) = (m\d?)", _held),
        (r"not stated: (.+)", _lacking),
        (r"edge X -> Y", lambda t, _: f"There is an arrow from {t.names['X']} to {t.names['Y']}."),
        (r"path (X -> .+)", lambda t, f: f"A directed path leads from cause to effect: {t.walk(f[1])}."),
        (NO_PATH, lambda *_: "No directed path leads from cause to effect."),
        (r"(no .+)", _absent),
        (r"Z = none", lambda *_: "Nothing is adjusted for."),
        (r"M = none", lambda *_: "There is no mediator."),
        (rf"Z{_ROLE}", lambda t, f: f"Adjust for {t.bind(f[0])}."),
        (rf"M{_ROLE}", lambda t, f: f"The effect is mediated by {t.bind(f[0])}."),
        (r"open (.+)", lambda t, f: f"This path is open without adjustment: {t.walk(f[1])}."),
        (rf"({_TASK}) = (-?[\d.]+)(?: ([<>=]) 0)?: (Yes|No)", _conclusion),
        (rf"({_TASK}) (=|>=|<=) (.+)", _formula),
        (r"P\(([^()]*)\) = ([\d.]+)", _read),
        (r"(assume )?P\(([^()]*)\) [=≈] (.+)", _derived),
        (r"(\S[^:]* = [^:]+): (.+)", _cell),
        (r"not above 0: 0", lambda *_: "That is not above 0, so the bound is 0."),
        (r"(.+) not below (.+): 1", lambda _, f: f"As {f[1]} is not below {f[2]}, the bound is 1."),
        (r"(.+) above 0: 0", lambda _, f: f"As {f[1]} is above 0, the bound is 0."),
        (r"(.+) below 1: 1", lambda _, f: f"As {f[1]} is below 1, the bound is 1."),
        (r"(lower|upper) bound = (.+)", lambda _, f: f"The {f[1]} bound is {f[2]}."),
    )
)
"""What steps look like, and how each is told; the first form that fits counts."""
