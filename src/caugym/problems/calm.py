"""The wordings of CaLM, which the CauGym release shares: text -> problem.

There the names may hold any words ("whether a person exercises"), so each is recognised by the names that the
arrows give, longest first; and levels are not declared, so they are gathered from what is said of a variable:

* a code after a level, as the release prints it ("low (A=0)"), numbers it;
* else the level that sounds low or negated is 0 ("low", "few", "not enough"), else the one mentioned first;
* a variable with only one level mentioned has the other one called "not ..."; with none, "low" and "high".

What a language says its own way is a `Language`; there are `caugym.problems.calm_english` and
`caugym.problems.calm_chinese`.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from caugym.core.query import Assignment, Query, Task, Term
from caugym.problems.problem import Problem, Statement, Variable
from caugym.problems.wording import MOST_VARIABLES, unopened, unreadable

Mention = tuple[int, str]
"""A variable and the name of its level."""

_FIELD = re.compile("<(x|y|to|original|level|other|held)>")


@dataclass(frozen=True)
class Language:
    """How one language tells a problem.

    Attributes:
        opening: Pattern of the words before the graph, by which the language is known.
        punctuation: What `str.translate` puts for other characters before the rest is read.
        arrows: Reads the graph, which begins at a position: the (cause, effect) names, and where it ends.
        statement: Pattern of a stated probability, with the groups ``event``, ``given`` and ``p``.
        assignment: Pattern of one variable with its level in a list of them, with ``<x>`` for the name and
            the groups ``level`` and, where the text numbers levels, ``code``.
        instruction: Pattern of the sentence before the question, with the group ``task``.
        questions: Pattern of each task's question, with the fields ``<x>``, ``<to>``, ... and the groups
            ``bound`` and ``more``.
        end: Pattern of what ends a question.
        closing: Pattern of what may stand after the question.
        article: Pattern of what may stand before a name.
        level: Pattern of a level in a question.
        key: What a name is known by, where its spelling varies.
        spelt: Pattern of a name in the spellings with one key.
        polarity: What the words in the group ``more`` say.
        bounds: What the words in the group ``bound`` say.
        unnamed: The levels of a variable of which none is mentioned.
        negated: The other level of one that is mentioned alone, with ``%s`` for that one.
        sounds_low: Whether a level is rather the lower of two.
    """

    opening: re.Pattern[str]
    punctuation: Mapping[int, int]
    arrows: Callable[[str, int], tuple[list[tuple[str, str]], int]]
    statement: re.Pattern[str]
    assignment: str
    instruction: str
    questions: Mapping[Task, str]
    end: str
    closing: re.Pattern[str]
    article: str
    level: str
    key: Callable[[str], str]
    spelt: Callable[[str], str]
    polarity: Mapping[str, Literal["more", "less"]]
    bounds: Mapping[str, Literal["lower", "upper"]]
    unnamed: tuple[str, str]
    negated: str
    sounds_low: Callable[[str], bool]


def read_calm(text: str, start: int, language: Language) -> Problem:
    """The problem that a text tells from ``start`` on, where its opening ends.

    Raises:
        Unreadable: If a sentence does not fit the wording or names something unknown.
    """
    text = text.translate(language.punctuation)
    arrows, position = language.arrows(text, start)
    told = _Told(language, arrows)
    stated, position = told.probabilities(text, position)
    query, end = told.question(text, position)
    if not language.closing.fullmatch(text[end:].strip()):
        raise unreadable("this stands after the question", text[end:])
    statements = [
        Statement(Term(told.numbered(event), told.numbered(given)), p) for event, given, p in stated
    ]
    variables = tuple(map(Variable, told.names, told.levels))
    return Problem(variables, told.edges, tuple(statements), query)


class _Told:
    """What a text has told so far: the names, the arrows, and the levels mentioned of each variable."""

    def __init__(self, language: Language, arrows: list[tuple[str, str]]) -> None:
        self.language = language
        self.numbers: dict[str, int] = {}
        spelling: dict[str, str] = {}
        edges = []
        for cause, effect in arrows:
            for name in (cause, effect):
                self.numbers.setdefault(language.key(name), len(self.numbers))
            spelling.setdefault(language.key(cause), unopened(cause))
            spelling[language.key(effect)] = effect
            edges.append((self.number(cause), self.number(effect)))
        if len(spelling) > MOST_VARIABLES:
            raise unreadable(f"there are {len(spelling)} variables, more than {MOST_VARIABLES}")
        self.names, self.edges = tuple(spelling.values()), tuple(edges)
        self.mentioned: list[dict[str, int | None]] = [{} for _ in self.names]
        self.levels: tuple[tuple[str, ...], ...] = ()
        self.spelt = "|".join(map(language.spelt, sorted(self.names, key=len, reverse=True)))
        self.assignment = re.compile(language.assignment.replace("<x>", self.spelt), re.IGNORECASE)

    def number(self, name: str) -> int:
        """The number of the variable that is spelt so."""
        key = self.language.key(name)
        if key not in self.numbers:
            raise unreadable("no arrow mentions", name)
        return self.numbers[key]

    def probabilities(
        self, text: str, position: int
    ) -> tuple[list[tuple[list[Mention], list[Mention], str]], int]:
        """What is stated in a row: events, what they are given, numbers; and where it ends."""
        stated = []
        while found := self.language.statement.match(text, position):
            given = self.assignments(found["given"]) if found["given"] else []
            event = self.assignments(found["event"])
            members = [variable for variable, _ in event + given]
            if len(set(members)) < len(members):
                raise unreadable("the same variable is told twice in one statement", found[0])
            if float(found["p"]) > 1:
                raise unreadable(f"the probability {found['p']} is not between 0 and 1", found[0])
            stated.append((event, given, found["p"]))
            position = found.end()
        return stated, position

    def assignments(self, text: str) -> list[Mention]:
        """A list such as "a being low, b being high and c being low"."""
        position, result = 0, []
        while position < len(text):
            found = self.assignment.match(text, position)
            if not found:
                raise unreadable("cannot tell which variable has which level in", text[position:])
            said = found.groupdict()
            result.append(self.mention(self.number(said["name"]), said["level"], said.get("code")))
            position = found.end()
        return result

    def mention(self, variable: int, level: str, code: str | None = None) -> Mention:
        """Note that a variable has this level."""
        known = self.mentioned[variable]
        known[level] = known.get(level) if code is None else int(code)
        return variable, level

    def question(self, text: str, position: int) -> tuple[Query, int]:
        """The instruction, if there is one, and the question; and where it ends."""
        questions, key = self.language.questions, self.language.key
        instruction, position = self.find(self.language.instruction, text, position) or ({}, position)
        tasks: Any = (instruction["task"].upper(),) if instruction else questions
        if not questions.keys() >= set(tasks):
            raise unreadable(f"the task {tasks[0]} is not known", text[position:])
        for task in tasks:
            if found := self.find(rf"(?:Question:\s*)?{questions[task]}{self.language.end}", text, position):
                said, end = found
                break
        else:
            raise unreadable("expected a statement, the instruction or its question, found", text[position:])
        if any(key(instruction[role]) != key(said[role]) for role in "xy" if instruction):
            raise unreadable("the instruction and the question name different variables", text[position:])
        return self.query(task, said), end

    def find(self, pattern: str, text: str, position: int) -> tuple[dict[str, str], int] | None:
        """What stands in the fields ``<x>``, ``<to>``, ... of a sentence, and where it ends."""
        parts = _FIELD.split(pattern)
        for i in range(1, len(parts), 2):
            role = parts[i]
            name = role in "xy"
            inner = self.spelt if name else r"[^。\n]{1,600}?" if role == "held" else self.language.level
            parts[i] = rf"{self.language.article if name else ''}(?P<{role}_{i}>{inner})"
        found = re.compile("".join(parts), re.IGNORECASE).match(text, position)
        if not found:
            return None
        said: dict[str, str] = {}
        for group, value in found.groupdict().items():
            role = group.partition("_")[0]
            if self.language.key(said.setdefault(role, value)) != self.language.key(value):
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
        self.levels = tuple(map(self.two, self.names, self.mentioned))
        to, level = self.levels[x].index(said["to"]), self.levels[y].index(said["level"])
        bound = self.language.bounds[said["bound"].lower()] if "bound" in said else None
        polarity = self.language.polarity[said["more"].lower()] if "more" in said else "more"
        return Query(task, x, y, to, level, bound, self.numbered(held), polarity)

    def two(self, name: str, mentioned: dict[str, int | None]) -> tuple[str, ...]:
        """The two levels of a variable, from those mentioned and their codes."""
        levels, sounds_low = list(mentioned), self.language.sounds_low
        if not levels:
            return self.language.unnamed
        if len(levels) == 1:
            levels.append(self.language.negated % levels[0])
        if len(levels) > 2:
            raise unreadable(f"more than two levels are mentioned of {name!r}", ", ".join(levels))
        first, second = levels
        codes = mentioned.get(first), mentioned.get(second)
        if codes in ((0, 0), (1, 1)):
            raise unreadable(f"two levels of {name!r} have the same code", ", ".join(levels))
        if codes != (None, None):
            swap = codes[0] == 1 or codes[1] == 0
        else:
            swap = sounds_low(second) and not sounds_low(first)
        return (second, first) if swap else (first, second)

    def numbered(self, mentions: list[Mention]) -> Assignment:
        """Assignments with the levels as numbers, ascending by variable."""
        return tuple(sorted((variable, self.levels[variable].index(level)) for variable, level in mentions))
