"""Text -> problem: the inverse of `caugym.problems.verbalise`, told neither the style nor the record.

The sections stand in a fixed order: frame (may be absent), arrows, levels, statements (may be absent),
instruction (may be absent), question, answer format (may be absent). Every character has to belong to a
sentence of one of the wordings; what does not is quoted in the error.
"""

import re
from collections.abc import Iterable
from typing import Any

from caugym.core.query import Assignment, Query, Task, Term
from caugym.problems import wording
from caugym.problems.calm import read_calm, recognises
from caugym.problems.problem import Problem, Statement, Variable
from caugym.problems.wording import MOST_VARIABLES, TASK_NAMES, Unreadable, Wording, unopened, unreadable

__all__ = ["MAX_CHARACTERS", "Unreadable", "read"]

MAX_CHARACTERS = 100_000
"""Longer texts are refused unread."""


def read(text: str) -> Problem:
    """The problem that a text tells, in any of our wordings, CaLM's or the CauGym release's.

    Raises:
        Unreadable: If some sentence fits no wording, or names something unknown; the message quotes it.
    """
    if len(text) > MAX_CHARACTERS:
        raise unreadable(f"the text has {len(text)} characters, more than a problem can have", text)
    if recognises(text):
        return read_calm(text.replace("\r\n", "\n"))
    return _Reader(text.strip()).problem()


class _Choice:
    """Several wordings as one regular expression; an empty group after each tells which one matched.

    Attributes:
        match: Matches one sentence and the space after it.
        fields: By the match's ``lastindex``: the (role, group, whether it opens the sentence) of each field.
    """

    def __init__(self, table: Iterable[Wording]) -> None:
        self.fields: dict[int | None, tuple[tuple[str, int, bool], ...]] = {}
        patterns, last = [], 0
        unique = {each.template: each for each in table}.values()
        for template in sorted(unique, key=lambda each: each.template[0] == "{"):  # fastest to refuse first
            fields = [(role, i, form[-1:] == "^") for i, (role, form) in enumerate(template.groups, last + 1)]
            last += len(fields) + 1
            self.fields[last] = tuple(fields)
            patterns.append(f"{template.pattern}()")
        self.match = re.compile(rf"(?:{'|'.join(patterns)})\s*").match

    def groups(self, *roles: str) -> dict[int | None, tuple[int, ...]]:
        """By ``lastindex``: the group of each role, 0 where the wording lacks it."""
        return {
            end: tuple(next((group for role, group, _ in fields if role == wanted), 0) for wanted in roles)
            for end, fields in self.fields.items()
        }


_FRAME = re.compile(rf"(?:{'|'.join(map(re.escape, wording.FRAMES))})\s*").match
_ARROW = _Choice(wording.EDGES)
_ARROW_GROUPS = _ARROW.groups("cause", "effect")
_SHARED_LEVELS = _Choice(wording.SHARED_LEVELS)
_STATEMENT = _Choice(wording.MARGINALS + wording.JOINTS + wording.CONDITIONALS)
_STATEMENT_GROUPS = _STATEMENT.groups("event", "given", "p")
_INSTRUCTION = _Choice(wording.INSTRUCTIONS)
_QUESTIONS = {task: _Choice(table) for task, table in wording.QUESTIONS.items()}
_TASKS: dict[str, Task] = {name: task for task, name in TASK_NAMES.items()}
_EFFECT_FORMATS = frozenset(wording.EFFECT_FORMATS)
_PROBABILITY_FORMATS = frozenset(wording.PROBABILITY_FORMATS)
_PUNCTUATION = re.compile(r"[,:;?()\n]").search
_LISTED_VERBS = (" being ", " is ", " are ", " held at ")


def _listing(listing: wording.Listing) -> re.Pattern[str]:
    """One item of a listing with what follows it; the last, empty group marks the end of the listing."""
    ends = f"{re.escape(listing.between)}|{re.escape(listing.closing)}()"
    return re.compile(rf"{listing.item.pattern}(?:{ends})\s*")


_LISTINGS = tuple((listing, _listing(listing).match) for listing in wording.LEVELS)


class _Reader:
    """One reading: the text, how far it is read, and the names and levels learnt on the way."""

    def __init__(self, text: str) -> None:
        self.text, self.pos = text, 0
        self.names: dict[str, int] = {}
        self.levels: list[dict[str, int]] = []

    def problem(self) -> Problem:
        """The whole text, section by section."""
        if frame := _FRAME(self.text):
            self.pos = frame.end()
        edges = self.edges()
        variables = self.variables()
        lists = _Lists(self.names, self.levels)
        statements = self.statements(lists)
        query = self.question(self.instruction(), lists)
        rest = self.text[self.pos :]
        if rest and rest not in (_EFFECT_FORMATS if query.bound is None else _PROBABILITY_FORMATS):
            raise self.fail("this is not how the answer to such a question is asked for")
        return Problem(variables, edges, statements, query)

    def fail(self, why: str) -> Unreadable:
        """The error that quotes the sentence at which the reading stands."""
        rest = self.text[self.pos : self.pos + 400]
        sentence = re.match(r".*?(?:[.?](?=\s|$)|\n|$)", rest)
        return unreadable(why, sentence[0] if sentence else rest)

    def edges(self) -> tuple[tuple[int, int], ...]:
        """All arrows; variables are numbered as they come in the order cause, effect, cause, effect, ..."""
        text, names, match, fields = self.text, self.names, _ARROW.match, _ARROW.fields
        edges = []
        while found := match(text, self.pos):
            end = found.lastindex
            cause, effect = found.group(*_ARROW_GROUPS[end])
            first, _, opens = fields[end][0]
            if opens and first == "cause":
                cause = unopened(cause)
            elif opens:
                effect = unopened(effect)
            number = names.setdefault(cause, len(names))
            edges.append((number, names.setdefault(effect, len(names))))
            self.pos = found.end()
        if not edges:
            raise self.fail("expected a sentence that says what has a direct effect on what, found")
        if len(names) > MOST_VARIABLES:
            raise self.fail(f"there are {len(names)} variables, more than {MOST_VARIABLES}, before")
        if _PUNCTUATION("".join(names)):
            raise self.fail("a name holds punctuation or a line break before")
        return tuple(edges)

    def variables(self) -> tuple[Variable, ...]:
        """The variables, once their levels are declared."""
        if found := _SHARED_LEVELS.match(self.text, self.pos):
            levels, numbers = self.split_levels(found[(found.lastindex or 0) - 1])
            self.pos = found.end()
            self.levels = [numbers] * len(self.names)
            return tuple([Variable(name, levels) for name in self.names])
        declared = self.listed_levels()
        for name in self.names:
            if name not in declared:
                raise self.fail(f"expected the levels of {name!r}, found")
            self.levels.append(declared[name][1])
        return tuple([Variable(name, declared[name][0]) for name in self.names])

    def listed_levels(self) -> dict[str, tuple[tuple[str, ...], dict[str, int]]]:
        """The levels of the variables that are declared one by one."""
        declared: dict[str, tuple[tuple[str, ...], dict[str, int]]] = {}
        for listing, match in _LISTINGS:
            if not self.text.startswith(listing.opening, self.pos):
                continue
            (_, form), _ = listing.item.groups
            position = self.pos + len(listing.opening)
            while found := match(self.text, position):
                name, levels = found.group(1, 2)
                if form:
                    name = unopened(name)
                if name not in self.names or name in declared:
                    raise self.fail(f"{name!r} has no arrow, or its levels are declared twice")
                declared[name] = self.split_levels(levels)
                self.pos = position = found.end()
                if found.lastindex == 3:
                    return declared
        return declared

    def split_levels(self, told: str) -> tuple[tuple[str, ...], dict[str, int]]:
        """The levels in "low, medium or high", and their numbers."""
        levels = tuple(told.replace(", ", " or ").split(" or "))
        numbers = {level: i for i, level in enumerate(levels)}
        if len(numbers) < len(levels):
            raise self.fail("the same level is declared twice")
        return levels, numbers

    def statements(self, lists: "_Lists") -> tuple[Statement, ...]:
        """All stated probabilities."""
        text, match = self.text, _STATEMENT.match
        statements = []
        while found := match(text, self.pos):
            event_group, given_group, p = _STATEMENT_GROUPS[found.lastindex]
            event, event_members = lists[found[event_group]]
            if given_group:
                given, given_members = lists[found[given_group]]
                if event_members & given_members:
                    raise self.fail("the same variable stands on both sides of a condition")
                term = Term(event, given)
            else:
                term = Term(event)
            value = found[p]
            if value[:2] != "0." and float(value) > 1:
                raise self.fail(f"the probability {value} is not between 0 and 1")
            statements.append(Statement(term, value))
            self.pos = found.end()
        return tuple(statements)

    def instruction(self) -> tuple[Task, int, int] | None:
        """The task, treatment and outcome that the instruction names, if there is one."""
        found = _INSTRUCTION.match(self.text, self.pos)
        if not found:
            return None
        said = {role: found[group] for role, group, _ in _INSTRUCTION.fields[found.lastindex]}
        tasks: set[Any] = {_TASKS.get(said[role], said[role]) for role in ("task", "code") if role in said}
        if len(tasks) > 1:
            raise self.fail("the task's name and its code disagree")
        named = (tasks.pop(), self.number(said["x"]), self.number(said["y"]))
        self.pos = found.end()
        return named

    def number(self, name: str) -> int:
        """The number of the variable with this name."""
        if name not in self.names:
            raise self.fail(f"no arrow mentions {name!r}")
        return self.names[name]

    def question(self, named: tuple[Task, int, int] | None, lists: "_Lists") -> Query:
        """The question; it has to agree with the instruction."""
        for task in (named[0],) if named else TASK_NAMES:
            if found := _QUESTIONS[task].match(self.text, self.pos):
                break
        else:
            expected = f"a question about the {named[0]}" if named else "a statement or a question"
            raise self.fail(f"expected {expected}, found")
        said: dict[str, Any] = {}
        for role, group, opens in _QUESTIONS[task].fields[found.lastindex]:
            told = unopened(found[group]) if opens else found[group]
            if said.setdefault(role, told) != told:
                raise self.fail("two different things are named where one is meant")
        x, y = self.number(said["x"]), self.number(said["y"])
        if x == y or (named and named[1:] != (x, y)):
            raise self.fail("treatment and outcome are the same, or the instruction names others")
        held, members = lists[said["held"]] if "held" in said else ((), 0)
        if members >> x & 1 or members >> y & 1:
            raise self.fail("the treatment or the outcome is held fixed")
        to = self.binary(x, said["to"], said.get("original"))
        level = self.binary(y, said["level"], said.get("other"))
        query = Query(task, x, y, to, level, said.get("bound"), held, said.get("more", "more"))
        self.pos = found.end()
        return query

    def binary(self, variable: int, level: str, other: str | None) -> int:
        """The number of a level of a variable with two; ``other`` has to be the other one."""
        numbers = self.levels[variable]
        known = len(numbers) == 2 and level in numbers
        if not known or (other is not None and numbers.get(other) != 1 - numbers[level]):
            raise self.fail(f"{level!r} and its opposite are not the levels declared for the variable in")
        return numbers[level]


class _Lists(dict[str, tuple[Assignment, int]]):
    """Lists as told ("x being high and y being low") -> assignments, ascending, and their bitmask.

    Each list, and each of its members, is worked out once and kept.
    """

    def __init__(self, names: dict[str, int], levels: list[dict[str, int]]) -> None:
        self.names, self.levels = names, levels

    def __missing__(self, told: str) -> tuple[Assignment, int]:
        pieces = told.replace(", ", " and ").split(" and ")
        if len(pieces) == 1:
            result = self.assignment(told)
        else:
            pairs: list[tuple[int, int]] = []
            members = 0
            for piece in pieces:
                pair, member = self[piece]
                if members & member:
                    raise unreadable("the same variable is told twice in one list", told)
                members |= member
                pairs += pair
            pairs.sort()
            result = tuple(pairs), members
        self[told] = result
        return result

    def assignment(self, told: str) -> tuple[Assignment, int]:
        """One assignment, e.g. "x being high"."""
        for verb in _LISTED_VERBS:
            name, found, level = told.partition(verb)
            if found:
                break
        if name not in self.names:
            name = unopened(name) if name else ""
            if name not in self.names:
                raise unreadable("no arrow mentions the variable in", told)
        variable = self.names[name]
        if level not in self.levels[variable]:
            raise unreadable("this is not a level declared for the variable", told)
        return ((variable, self.levels[variable][level]),), 1 << variable
