"""The wording of CaLM in Chinese: text -> problem.

As in English, names may hold any words and are recognised by those that the arrows give, longest first;
levels are not declared, so they are gathered from what is said of a variable: the one that sounds low or
negated is 0, else the one mentioned first. A variable with only one level mentioned has the other one called
"非..."; with none, "低" and "高".
"""

import re
from collections.abc import Callable
from typing import Any

from caugym.core.query import Assignment, Query, Task, Term
from caugym.problems.problem import Problem, Statement, Variable
from caugym.problems.wording import MOST_VARIABLES, unopened, unreadable

_OPENING = re.compile(r"\s*(?:Input Info:)?\s*设想一个只有以下条件[^\n:]{0,60}?世界[:]\s*")
_ARROW = re.compile(r"([^。\n]{1,200}?)有直接影响。\s*")
_STATEMENT = re.compile(
    r"(?:在(?P<given>[^。\n]{1,600}?)的条件下,\s*)?(?P<event>[^。\n]{1,300}?)的概率为"
    r"(?P<p>[0-9]{1,3}(?:\.[0-9]{1,12})?)。\s*"
)
_INSTRUCTION = (
    r"(?:Instruction:\s*)?考虑<x>作用于<y>的[^()\n]{2,30}\([a-z ]{3,60},\s*(?P<task>[A-Z]{2,3})\)。\s*"
)
_LIKELY = "那么<y>更(?P<more>有|不)可能为<level>吗"
_BOUND = (
    r"给定<x>为<original>且<y>为<other>,\s*(?:那么)?假如<x>为<to>,"
    "此时<y>为<level>的概率的(?P<bound>上|下)界是多少"
)
_QUESTIONS: dict[Task, str] = {
    "ATE": f"如果<x>被改变为<to>,{_LIKELY}",
    "CDE": f"在<held>的条件下,假如<x>为<to>,{_LIKELY}",
    "ETT": f"对于那些<x>为<original>,假如<x>为<to>,{_LIKELY}",
    "NDE": f"假如所有中间变量保持不变,而<x>变化为<to>,{_LIKELY}",
    "NIE": f"假如<x>保持不变,而所有中间变量被改变为当它们在<x>变化为<to>下的取值,{_LIKELY}",
    "PN": _BOUND,
    "PS": _BOUND,
}
_CLOSING = re.compile(r"(?:(?:Provide|请)[^\n]{1,300})?")
_PUNCTUATION = str.maketrans("\uff0c\uff1a\uff1f\uff08\uff09\u201c\u201d", ',:?()""')
_LOW_STARTS = (*"不非无没未低差少小弱轻否冷短坏贫", "有限", "缺乏")

Mention = tuple[int, str]
"""A variable and the name of its level."""


def recognises_chinese(text: str) -> bool:
    """Whether the text opens the way CaLM's Chinese questions do."""
    return "设想" in text and _OPENING.match(text.translate(_PUNCTUATION)) is not None


def read_chinese(text: str) -> Problem:
    """The problem that a text in CaLM's Chinese wording tells.

    Raises:
        Unreadable: If a sentence does not fit the wording or names something unknown.
    """
    text = text.translate(_PUNCTUATION)
    opening = _OPENING.match(text)
    if not opening:
        raise unreadable("this does not open as CaLM's Chinese questions do", text)
    position, sentences = opening.end(), []
    while arrow := _ARROW.match(text, position):
        sentences.append(arrow[1])
        position = arrow.end()
    told = _Told(sentences, text[position:])
    stated, position = probabilities(_STATEMENT, text, position, told.assignments)
    query, end = told.question(text, position)
    if not _CLOSING.fullmatch(text[end:].strip()):
        raise unreadable("this stands after the question", text[end:])
    statements = [
        Statement(Term(told.numbered(event), told.numbered(given)), p) for event, given, p in stated
    ]
    variables = tuple(map(Variable, told.names, told.levels))
    return Problem(variables, told.edges, tuple(statements), query)


def probabilities(
    sentence: re.Pattern[str], text: str, start: int, assignments: Callable[[str], list[Mention]]
) -> tuple[list[tuple[list[Mention], list[Mention], str]], int]:
    """What is stated in a row from ``start`` on: events, what they are given, numbers; and where it ends.

    Args:
        sentence: Pattern with the groups ``event``, ``given`` and ``p``.
        text: The whole text.
        start: Where the first sentence begins, if there is one.
        assignments: Reads a list of variables with their levels.

    Raises:
        Unreadable: If a statement names a variable twice, or a number is above 1.
    """
    stated, position = [], start
    while found := sentence.match(text, position):
        given = assignments(found["given"]) if found["given"] else []
        event = assignments(found["event"])
        members = [variable for variable, _ in event + given]
        if len(set(members)) < len(members):
            raise unreadable("the same variable is told twice in one statement", found[0])
        if float(found["p"]) > 1:
            raise unreadable(f"the probability {found['p']} is not between 0 and 1", found[0])
        stated.append((event, given, found["p"]))
        position = found.end()
    return stated, position


class _Told:
    """What a text has told so far: the names, the arrows, and the levels mentioned of each variable."""

    def __init__(self, sentences: list[str], rest: str) -> None:
        if not sentences:
            raise unreadable("expected sentences that say what has a direct effect on what, found", rest)
        self.numbers: dict[str, int] = {}
        spelling: dict[str, str] = {}
        edges = []
        for cause, effect in _arrows(sentences):
            for name in (cause, effect):
                self.numbers.setdefault(name.casefold(), len(self.numbers))
            spelling.setdefault(cause.casefold(), unopened(cause))
            spelling[effect.casefold()] = effect
            edges.append((self.numbers[cause.casefold()], self.numbers[effect.casefold()]))
        if len(spelling) > MOST_VARIABLES:
            raise unreadable(f"there are {len(spelling)} variables, more than {MOST_VARIABLES}")
        self.names, self.edges = tuple(spelling.values()), tuple(edges)
        self.mentioned: list[dict[str, None]] = [{} for _ in self.names]
        self.levels: tuple[tuple[str, ...], ...] = ()
        self.spelt = "|".join(map(re.escape, sorted(self.names, key=len, reverse=True)))
        self.assignment = re.compile(
            rf"({self.spelt})为([^,。\n]{{1,40}}?)(?:(?:,\s*|且)(?=(?:{self.spelt})为)|$)", re.IGNORECASE
        )

    def assignments(self, text: str) -> list[Mention]:
        """A list such as "a为低, b为高且c为低"."""
        position, result = 0, []
        while position < len(text):
            found = self.assignment.match(text, position)
            if not found:
                raise unreadable("cannot tell which variable has which level in", text[position:])
            result.append(self.mention(self.numbers[found[1].casefold()], found[2]))
            position = found.end()
        return result

    def mention(self, variable: int, level: str) -> Mention:
        """Note that a variable has this level."""
        self.mentioned[variable][level] = None
        return variable, level

    def question(self, text: str, position: int) -> tuple[Query, int]:
        """The instruction, if there is one, and the question; and where it ends."""
        named, position = self.find(_INSTRUCTION, text, position) or ({}, position)
        if named and named["task"] not in _QUESTIONS:
            raise unreadable(f"the task {named['task']} is not known", text[position:])
        tasks: Any = (named["task"],) if named else _QUESTIONS
        for task in tasks:
            if found := self.find(rf"(?:Question:\s*)?{_QUESTIONS[task]}[?]\s*", text, position):
                said, end = found
                break
        else:
            raise unreadable("expected a statement, the instruction or its question, found", text[position:])
        if any(named[role].casefold() != said[role].casefold() for role in "xy" if named):
            raise unreadable("the instruction and the question name different variables", text[position:])
        return self.query(task, said), end

    def find(self, pattern: str, text: str, position: int) -> tuple[dict[str, str], int] | None:
        """What stands in the fields ``<x>``, ``<to>``, ... of a sentence, and where it ends."""
        parts = re.split(r"<(x|y|to|original|level|other|held)>", pattern)
        for i in range(1, len(parts), 2):
            inner = (
                self.spelt
                if parts[i] in "xy"
                else r"[^。\n]{1,600}?"
                if parts[i] == "held"
                else r"[^,。\n]{1,40}?"
            )
            parts[i] = rf"(?P<{parts[i]}_{i}>{inner})"
        found = re.compile("".join(parts), re.IGNORECASE).match(text, position)
        if not found:
            return None
        said: dict[str, str] = {}
        for group, value in found.groupdict().items():
            role = group.partition("_")[0]
            if said.setdefault(role, value).casefold() != value.casefold():
                raise unreadable("two different things are named where one is meant", found[0])
        return said, found.end()

    def query(self, task: Task, said: dict[str, str]) -> Query:
        """The question as a query; this settles the levels, so it comes after every mention."""
        x, y = (self.numbers[said[role].casefold()] for role in "xy")
        held = self.assignments(said["held"]) if "held" in said else []
        if len({x, y, *(variable for variable, _ in held)}) < 2 + len(held):
            raise unreadable("the question gives one variable two roles", said["x"])
        for role, variable in (("original", x), ("to", x), ("other", y), ("level", y)):
            if role in said:
                self.mention(variable, said[role])
        self.levels = tuple(map(_levels, self.names, map(list, self.mentioned)))
        to, level = self.levels[x].index(said["to"]), self.levels[y].index(said["level"])
        bound: Any = {"上": "upper", "下": "lower"}.get(said.get("bound", ""))
        polarity: Any = "less" if said.get("more") == "不" else "more"
        return Query(task, x, y, to, level, bound, self.numbered(held), polarity)

    def numbered(self, mentions: list[Mention]) -> Assignment:
        """Assignments with the levels as numbers, ascending by variable."""
        return tuple(sorted((variable, self.levels[variable].index(level)) for variable, level in mentions))


def _arrows(sentences: list[str]) -> list[tuple[str, str]]:
    """The (cause, effect) names; where a name itself holds the word between them, other sentences tell."""
    ways = []
    for sentence in sentences:
        parts = sentence.split("对")
        ways.append([("对".join(parts[:i]), "对".join(parts[i:])) for i in range(1, len(parts))])
    sure = {name.casefold() for options in ways if len(options) == 1 for name in options[0]}
    arrows = []
    for sentence, options in zip(sentences, ways, strict=True):
        known = [pair for pair in options if any(name.casefold() in sure for name in pair)]
        chosen = options if len(options) == 1 else known
        if len(chosen) != 1 or not all(chosen[0]):
            raise unreadable("cannot tell the cause from the effect in", sentence)
        arrows.append(chosen[0])
    return arrows


def _levels(name: str, levels: list[str]) -> tuple[str, ...]:
    """The two levels of a variable, from those mentioned."""
    if not levels:
        return "低", "高"
    if len(levels) == 1:
        levels = [*levels, f"非{levels[0]}"]
    if len(levels) > 2:
        raise unreadable(f"more than two levels are mentioned of {name!r}", ", ".join(levels))
    first, second = levels
    swap = second.startswith(_LOW_STARTS) and not first.startswith(_LOW_STARTS)
    return (second, first) if swap else (first, second)
