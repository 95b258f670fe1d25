"""The wording of CaLM (English), which the CauGym release shares: text -> problem.

There the names may hold any words ("whether a person exercises"), so each is recognised by the names that the
arrows give, longest first; and levels are not declared, so they are gathered from what is said of a variable:

* a code after a level, as the release prints it ("low (A=0)"), numbers it;
* else the level that sounds low or negated is 0 ("low", "few", "not enough"), else the one mentioned first;
* a variable with only one level mentioned has the other one called "not ..."; with none, "low" and "high".
"""

import re
from collections.abc import Iterator
from typing import Any

from caugym.core.query import Assignment, Query, Task, Term
from caugym.problems.calm_chinese import Mention, probabilities, read_chinese, recognises_chinese
from caugym.problems.problem import Problem, Statement, Variable
from caugym.problems.wording import MOST_VARIABLES, unopened, unreadable

_OPENING = re.compile(
    r"\s*(?:Input Info:)?\s*Imagine a self-contained, hypothetical world with only the following conditions"
    r"[^:\n]{0,200}:[ ]*"
)
_GRAPH_END = re.compile(r"\s*(?:\n|$|(?=For those with |The probability of |Instruction:|Consider the ))\s*")
_ARROW = re.compile(r" ha(?:s|ve) a direct effect on ")
_STATEMENT = re.compile(
    r"(?:For those with (?P<given>.{1,2000}?), the probability of|The probability of) (?P<event>.{1,2000}?)"
    r" is (?P<p>[0-9]{1,3}(?:\.[0-9]{1,12})?)(?:\.(?!\d)|(?=\s*(?:\n|$)))\s*"
)
_INSTRUCTION = (
    r"(?:Instruction:\s*)?Consider the [a-z ]{1,80} \((?P<task>ATE|CDE|ETT|NDE|NIE|PN|PS)\) of <x> on <y>"
)
_LIKELY = "(?:be|have been) (?P<more>more|less) likely to be <level>"
_BOUND = (
    "Given that <x> (?:was|were) <original> and <y> (?:was|were) <other>, what is the (?P<bound>lower|upper) "
    "bound of the probability %s <y> would have been <level> if <x> had been <to>"
)
_QUESTIONS: dict[Task, str] = {
    "ATE": f"If <x> (?:is|are) changed to be <to>, will <y> {_LIKELY}",
    "CDE": f"Conditioned on <held>, if <x> had been <to>, would <y> {_LIKELY}",
    "ETT": f"For those with <x> being <original>, if <x> had been <to>, would <y> {_LIKELY}",
    "NDE": f"Suppose the mediator keeps constant when <x> (?:is|are) changed to be <to>, would <y> {_LIKELY}",
    "NIE": "Suppose <x> (?:is|are) held constant and the mediator changes to whatever value it would have "
    f"attained under <x> changing to be <to>, would <y> {_LIKELY}",
    "PN": _BOUND % "of",
    "PS": _BOUND % "that",
}
_CLOSING = re.compile(r"(?:Provide the calculation result [^\n]{1,300})?")
_ARTICLE = "(?:(?:the|their) )*?"
_LOW = "absent bad cold few light limited little low no none poor scarce short slow small weak"
_LOW_WORDS = frozenset(_LOW.split())
_LOW_STARTS = ("in", "ir", "lack", "low ", "non", "not ", "un")


def recognises(text: str) -> bool:
    """Whether the text opens the way CaLM's questions and the release's do."""
    return _OPENING.match(text) is not None or recognises_chinese(text)


def read_calm(text: str) -> Problem:
    """The problem that a text in CaLM's wording tells.

    Raises:
        Unreadable: If a sentence does not fit the wording or names something unknown.
    """
    if recognises_chinese(text):
        return read_chinese(text)
    opening = _OPENING.match(text)
    graph_end = _GRAPH_END.search(text, opening.end()) if opening else None
    if not opening or not graph_end:
        raise unreadable("this does not open as CaLM's questions do", text)
    told = _Told(text[opening.end() : graph_end.start()])
    stated, position = probabilities(_STATEMENT, text, graph_end.end(), told.assignments)
    instruction, position = told.find(_INSTRUCTION, text, position) or ({}, position)
    tasks: Any = (instruction["task"],) if instruction else _QUESTIONS
    for task in tasks:
        if question := told.find(rf"(?:Question:\s*)?{_QUESTIONS[task]}", text, position):
            said, end = question
            break
    else:
        raise unreadable("expected a statement, the instruction or its question, found", text[position:])
    if any(_key(instruction[role]) != _key(said[role]) for role in "xy" if instruction):
        raise unreadable("the instruction and the question name different variables", text[position:])
    if not _CLOSING.fullmatch(text[end:].strip()):
        raise unreadable("this stands after the question", text[end:])
    query = told.query(task, said)
    statements = [
        Statement(Term(told.numbered(event), told.numbered(given)), p) for event, given, p in stated
    ]
    variables = tuple(map(Variable, told.names, told.levels))
    return Problem(variables, told.edges, tuple(statements), query)


class _Told:
    """What a text has told so far: the names, the arrows, and the levels mentioned of each variable."""

    def __init__(self, graph: str) -> None:
        self.numbers: dict[str, int] = {}
        spelling: dict[str, str] = {}
        edges = []
        for cause, effect in _arrows(graph):
            for name in (cause, effect):
                self.numbers.setdefault(_key(name), len(self.numbers))
            spelling.setdefault(_key(cause), unopened(cause))
            spelling[_key(effect)] = effect
            edges.append((self.number(cause), self.number(effect)))
        if len(spelling) > MOST_VARIABLES:
            raise unreadable(f"there are {len(spelling)} variables, more than {MOST_VARIABLES}")
        self.names, self.edges = tuple(spelling.values()), tuple(edges)
        self.mentioned: list[dict[str, int | None]] = [{} for _ in self.names]
        self.levels: tuple[tuple[str, ...], ...] = ()
        longest_first = sorted(self.names, key=len, reverse=True)
        self.spelt = "|".join(re.escape(name).replace(r",\ ", "(?:, | and )") for name in longest_first)
        self.assignment = re.compile(
            rf"{_ARTICLE}({self.spelt}) being ((?:(?! being ).){{1,80}}?)(?: \([A-Z]=([01])\))?"
            rf"(?:(?:, | and )(?={_ARTICLE}(?:{self.spelt}) being )|$)",
            re.IGNORECASE,
        )

    def number(self, name: str) -> int:
        """The number of the variable that is spelt so."""
        if _key(name) not in self.numbers:
            raise unreadable("no arrow mentions", name)
        return self.numbers[_key(name)]

    def assignments(self, text: str) -> list[Mention]:
        """A list such as "a being low, b being high and c being low"."""
        position, result = 0, []
        while position < len(text):
            found = self.assignment.match(text, position)
            if not found:
                raise unreadable("cannot tell which variable has which level in", text[position:])
            result.append(self.mention(self.number(found[1]), found[2], found[3]))
            position = found.end()
        return result

    def mention(self, variable: int, level: str, code: str | None = None) -> Mention:
        """Note that a variable has this level."""
        known = self.mentioned[variable]
        known[level] = known.get(level) if code is None else int(code)
        return variable, level

    def find(self, pattern: str, text: str, position: int) -> tuple[dict[str, str], int] | None:
        """What stands in the fields ``<x>``, ``<to>``, ... of a sentence, and where it ends."""
        parts = re.split(r"<(x|y|to|original|level|other|held)>", pattern)
        for i in range(1, len(parts), 2):
            role = parts[i]
            inner = self.spelt if role in "xy" else ".{1,600}?" if role == "held" else ".{1,80}?"
            parts[i] = rf"{_ARTICLE if role in 'xy' else ''}(?P<{role}_{i}>{inner})"
        found = re.compile("".join(parts) + r"[.?]*[ ]*(?:\n\s*|$)", re.IGNORECASE).match(text, position)
        if not found:
            return None
        said: dict[str, str] = {}
        for group, value in found.groupdict().items():
            role = group.partition("_")[0]
            if _key(said.setdefault(role, value)) != _key(value):
                raise unreadable("two different things are named where one is meant", found[0])
        return said, found.end()

    def query(self, task: Task, said: dict[str, str]) -> Query:
        """The question as a query; this settles the levels, so it comes after every mention."""
        x, y = self.number(said["x"]), self.number(said["y"])
        held = self.assignments(said["held"]) if "held" in said else []
        fixed = [variable for variable, _ in held]
        if len({x, y, *fixed}) < 2 + len(fixed):
            raise unreadable("the question gives one variable two roles", said["x"])
        for role, variable in (("original", x), ("to", x), ("other", y), ("level", y)):
            if role in said:
                self.mention(variable, said[role])
        self.levels = tuple(
            _levels(name, known) for name, known in zip(self.names, self.mentioned, strict=True)
        )
        to, level = self.levels[x].index(said["to"]), self.levels[y].index(said["level"])
        bound: Any = said.get("bound")
        polarity: Any = said.get("more", "more")
        return Query(task, x, y, to, level, bound, self.numbered(held), polarity)

    def numbered(self, mentions: list[Mention]) -> Assignment:
        """Assignments with the levels as numbers, ascending by variable."""
        return tuple(sorted((variable, self.levels[variable].index(level)) for variable, level in mentions))


def _key(name: str) -> str:
    """What a name is known by: texts vary the capitals, and "and" for a comma."""
    return name.casefold().replace(", ", " and ")


def _arrows(graph: str) -> Iterator[tuple[str, str]]:
    """The (cause, effect) names; a full stop inside brackets ("e.g.") does not end a sentence."""
    cause, *rest = _ARROW.split(graph.strip().removesuffix("."))
    for i, piece in enumerate(rest, 1):
        if i == len(rest):
            yield cause, piece
            return
        breaks = [m for m in re.finditer(r"\.\s*", piece) if _balanced(piece[: m.start()])]
        if len(breaks) != 1:
            raise unreadable("cannot tell where one arrow ends and the next begins in", piece)
        yield cause, piece[: breaks[0].start()]
        cause = piece[breaks[0].end() :]
    raise unreadable("expected sentences that say what has a direct effect on what, found", graph)


def _balanced(text: str) -> bool:
    return text.count("(") == text.count(")")


def _levels(name: str, mentioned: dict[str, int | None]) -> tuple[str, ...]:
    """The two levels of a variable, from those mentioned and their codes."""
    levels = list(mentioned)
    if not levels:
        return "low", "high"
    if len(levels) == 1:
        levels.append(f"not {levels[0]}")
    if len(levels) > 2:
        raise unreadable(f"more than two levels are mentioned of {name!r}", ", ".join(levels))
    first, second = levels
    codes = mentioned.get(first), mentioned.get(second)
    if codes in ((0, 0), (1, 1)):
        raise unreadable(f"two levels of {name!r} have the same code", ", ".join(levels))
    if codes != (None, None):
        swap = codes[0] == 1 or codes[1] == 0
    else:
        swap = _sounds_low(second) and not _sounds_low(first)
    return (second, first) if swap else (first, second)


def _sounds_low(level: str) -> bool:
    return level in _LOW_WORDS or level.startswith(_LOW_STARTS)
