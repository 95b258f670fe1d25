"""Text -> problem: the inverse of `caugym.problems.verbalise`, told neither the style nor the record.

The sections stand in a fixed order: frame (may be absent), arrows, levels, statements (may be absent),
instruction (may be absent), question, answer format (may be absent). Every character has to belong to a
sentence of one of the wordings; what does not is quoted in the error.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from caugym.core.query import Assignment, Query, Task, Term
from caugym.problems import wording
from caugym.problems.calm import read_calm, recognises
from caugym.problems.problem import Problem, Statement, Variable
from caugym.problems.wording import TASK_NAMES, VERBS, Unreadable, Wording, unopened, unreadable

__all__ = ["MAX_CHARACTERS", "Unreadable", "read"]

MAX_CHARACTERS = 100_000
"""Longer texts are refused unread."""


class _Choice:
    """Several wordings as one regular expression; an empty group after each tells which one matched."""

    def __init__(self, table: Iterable[Wording]) -> None:
        patterns, self.slots, group = [], {}, 0
        for template in {t.template: t for t in table}.values():
            slots = tuple((role, form, group + i) for i, (role, form) in enumerate(template.groups, 1))
            group += len(slots) + 1
            self.slots[group] = slots
            patterns.append(f"{template.pattern}()")
        self.match = re.compile(rf"(?:{'|'.join(patterns)})\s*").match


_FRAME = re.compile(rf"(?:{'|'.join(map(re.escape, wording.FRAMES))})\s*").match
_EDGE = _Choice(wording.EDGES)
_SHARED_LEVELS = _Choice(wording.SHARED_LEVELS)
_LISTINGS = tuple(
    (
        listing,
        re.compile(
            rf"{listing.item.pattern}(?:{re.escape(listing.between)}|{re.escape(listing.closing)}())\s*"
        ).match,
    )
    for listing in wording.LEVELS
)
_STATEMENT = _Choice(wording.MARGINALS + wording.JOINTS + wording.CONDITIONALS)
_INSTRUCTION = _Choice(wording.INSTRUCTIONS)
_QUESTIONS = {task: _Choice(table) for task, table in wording.QUESTIONS.items()}
_TASKS: dict[str, Task] = {name: task for task, name in TASK_NAMES.items()}
_FORMATS = dict.fromkeys(wording.EFFECT_FORMATS, True) | dict.fromkeys(wording.PROBABILITY_FORMATS, False)
_LIST_FORMS = ("being", "being^", "is", "held at", "at")
_SEPARATOR = re.compile(r", | or ").split


def read(text: str) -> Problem:
    """The problem that a text tells, in any of our wordings, CaLM's or the CauGym release's.

    Raises:
        Unreadable: If some sentence fits no wording, or names something unknown; the message quotes it.
    """
    if len(text) > MAX_CHARACTERS:
        raise unreadable(f"the text has {len(text)} characters, more than a problem can have", text)
    return read_calm(text) if recognises(text) else _Reader(text.strip()).problem()


class _Reader:
    """One reading: the text, how far it is read, and the names and levels learnt on the way."""

    def __init__(self, text: str) -> None:
        self.text, self.pos = text, 0
        self.names: dict[str, int] = {}
        self.levels: list[Mapping[str, int]] = []

    def problem(self) -> Problem:
        if frame := _FRAME(self.text):
            self.pos = frame.end()
        edges = self.edges()
        variables = self.variables()
        lists = {form: _Lists(form, self.names, self.levels) for form in _LIST_FORMS}
        statements = self.statements(lists)
        named = self.instruction()
        query = self.question(named, lists)
        asks_effect = _FORMATS.get(self.text[self.pos :], query.bound is None if self.ended() else None)
        if asks_effect is not (query.bound is None):
            raise self.fail("this is not how an answer to the question is asked for")
        return Problem(variables, edges, statements, query)

    def ended(self) -> bool:
        return self.pos == len(self.text)

    def fail(self, why: str) -> Unreadable:
        rest = self.text[self.pos : self.pos + 400]
        sentence = re.match(r".*?(?:[.?](?=\s|$)|\n|$)", rest)
        return unreadable(why, sentence[0] if sentence else rest)

    def edges(self) -> tuple[tuple[int, int], ...]:
        """All arrows; a variable's number is its place in the order cause, effect, cause, effect, ..."""
        text, names, match, slots = self.text, self.names, _EDGE.match, _EDGE.slots
        edges = []
        while found := match(text, self.pos):
            pair = {}
            for role, form, group in slots[found.lastindex or 0]:
                name = found[group]
                pair[role] = unopened(name) if form else name
            cause = names.setdefault(pair["cause"], len(names))
            edges.append((cause, names.setdefault(pair["effect"], len(names))))
            self.pos = found.end()
        if not edges:
            raise self.fail("expected a sentence that says what has a direct effect on what, found")
        return tuple(edges)

    def variables(self) -> tuple[Variable, ...]:
        """The variables, once their levels are declared."""
        if found := _SHARED_LEVELS.match(self.text, self.pos):
            levels = self.split_levels(found[found.lastindex - 1] if found.lastindex else "")
            self.pos = found.end()
            self.levels = [{level: i for i, level in enumerate(levels)}] * len(self.names)
            return tuple([Variable(name, levels) for name in self.names])
        declared = self.listed_levels()
        missing = [name for name in self.names if name not in declared]
        if missing:
            raise self.fail(f"no levels are declared for {missing[0]!r} before")
        self.levels = [{level: i for i, level in enumerate(declared[name])} for name in self.names]
        return tuple([Variable(name, declared[name]) for name in self.names])

    def listed_levels(self) -> dict[str, tuple[str, ...]]:
        """The levels of the variables that are declared one by one."""
        declared: dict[str, tuple[str, ...]] = {}
        for listing, match in _LISTINGS:
            if not self.text.startswith(listing.opening, self.pos):
                continue
            position = self.pos + len(listing.opening)
            while found := match(self.text, position):
                said = {slot: found[group] for group, slot in enumerate(listing.item.groups, 1)}
                name = said["x", ""] if ("x", "") in said else unopened(said["x", "^"])
                if name not in self.names or name in declared:
                    raise self.fail(f"{name!r} has no arrow, or its levels are declared twice")
                declared[name] = self.split_levels(said["levels", ""])
                self.pos = position = found.end()
                if found.lastindex == len(said) + 1:
                    return declared
        return declared

    def split_levels(self, text: str) -> tuple[str, ...]:
        levels = tuple(_SEPARATOR(text))
        if len(set(levels)) < len(levels):
            raise self.fail("the same level is declared twice")
        return levels

    def statements(self, lists: Mapping[str, "_Lists"]) -> tuple[Statement, ...]:
        """All stated probabilities."""
        text, match, slots = self.text, _STATEMENT.match, _STATEMENT.slots
        statements = []
        while found := match(text, self.pos):
            event = given = value = None
            for role, form, group in slots[found.lastindex or 0]:
                if role == "p":
                    value = found[group]
                elif role == "event":
                    event = lists[form][found[group]]
                else:
                    given = lists[form][found[group]]
            if event is None or value is None:
                raise self.fail("cannot read")
            if given is None:
                term = Term(event[0])
            elif event[1] & given[1]:
                raise self.fail("the same variable stands on both sides of a condition")
            else:
                term = Term(event[0], given[0])
            if value[0] != "0" and float(value) > 1:
                raise self.fail(f"the probability {value} is not between 0 and 1")
            statements.append(Statement(term, value))
            self.pos = found.end()
        return tuple(statements)

    def instruction(self) -> tuple[Task, int, int] | None:
        """The task, treatment and outcome that the instruction names, if there is one."""
        found = _INSTRUCTION.match(self.text, self.pos)
        if not found:
            return None
        said = {role: found[group] for role, _, group in _INSTRUCTION.slots[found.lastindex or 0]}
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

    def question(self, named: tuple[Task, int, int] | None, lists: Mapping[str, "_Lists"]) -> Query:
        """The question; it has to agree with the instruction."""
        for task in (named[0],) if named else TASK_NAMES:
            if found := _QUESTIONS[task].match(self.text, self.pos):
                break
        else:
            raise self.fail(
                f"expected a statement or a question{f' about the {named[0]}' if named else ''}, found"
            )
        said: dict[str, Any] = {}
        for role, form, group in _QUESTIONS[task].slots[found.lastindex or 0]:
            told = unopened(found[group]) if form == "^" else found[group]
            if role == "held":
                said["held as"] = form
            if said.setdefault(role, told) != told:
                raise self.fail("the question names two different things where one is meant")
        x, y = self.number(said["x"]), self.number(said["y"])
        if x == y or (named and named[1:] != (x, y)):
            raise self.fail("treatment and outcome are the same, or the instruction names others")
        held = lists[said["held as"]][said["held"]][0] if "held" in said else ()
        query = Query(
            task,
            x,
            y,
            self.binary(x, said["to"], said.get("original")),
            self.binary(y, said["level"], said.get("other")),
            said.get("bound"),
            held,
            said.get("more", "more"),
        )
        self.pos = found.end()
        return query

    def binary(self, variable: int, level: str, other: str | None) -> int:
        """The number of a level of a variable with two levels; ``other`` has to be the other one."""
        levels = self.levels[variable]
        if (
            len(levels) != 2
            or level not in levels
            or (other is not None and levels.get(other) != 1 - levels[level])
        ):
            raise self.fail(f"{level!r} and its opposite are not the two levels declared for a variable of")
        return levels[level]


class _Lists(dict[str, tuple[Assignment, int]]):
    """Lists of assignments as told -> the assignments, ascending, and their variables as a bitmask."""

    def __init__(self, form: str, names: Mapping[str, int], levels: list[Mapping[str, int]]) -> None:
        self.capital = form[-1] == "^"
        self.verbs = [f" {verb} " for verb in dict.fromkeys(VERBS[form.rstrip("^")])]
        self.names, self.levels = names, levels

    def __missing__(self, told: str) -> tuple[Assignment, int]:
        pairs, members = [], 0
        for piece in (unopened(told) if self.capital else told).replace(", ", " and ").split(" and "):
            for verb in self.verbs:
                name, found, level = piece.partition(verb)
                if found:
                    break
            if name not in self.names:
                raise unreadable("no arrow mentions this variable", piece)
            variable = self.names[name]
            if level not in self.levels[variable]:
                raise unreadable("this is not a level declared for the variable", piece)
            if members >> variable & 1:
                raise unreadable("the same variable is told twice in one list", told)
            members |= 1 << variable
            pairs.append((variable, self.levels[variable][level]))
        self[told] = result = (tuple(sorted(pairs)), members)
        return result
