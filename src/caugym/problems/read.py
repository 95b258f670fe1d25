"""Text -> problem: the inverse of `caugym.problems.verbalise`, told neither the style nor the record.

The sections stand in a fixed order: frame (may be absent), arrows, levels, statements (may be absent),
instruction (may be absent), question, answer format (may be absent). Every character has to belong to a
sentence of one of the wordings; what does not is quoted in the error.
"""

import re
from collections.abc import Iterable
from typing import Any, Literal

from caugym.core.query import Assignment, Query, Task, Term
from caugym.problems.calm import read_calm
from caugym.problems.calm_chinese import CHINESE
from caugym.problems.calm_english import ENGLISH
from caugym.problems.problem import Problem, Statement, Variable
from caugym.problems.rewording import POOLS
from caugym.problems.shares import decimal
from caugym.problems.wording import (
    MOST_VARIABLES,
    TASK_NAMES,
    Listing,
    Pool,
    Unreadable,
    Wording,
    unopened,
    unreadable,
)

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
    unix = text.replace("\r\n", "\n")
    for language in (ENGLISH, CHINESE):
        if opening := language.opening.match(unix):
            return read_calm(unix, opening.end(), language)
    return _Reader(text.strip()).problem()


class _Choice:
    """Several wordings as one regular expression; an empty group after each tells which one matched.

    Attributes:
        match: Matches one sentence and the space after it.
        wordings: By the match's ``lastindex``: the wording.
        fields: Likewise: the (role, group, whether it opens the sentence) of each field.
    """

    def __init__(self, table: Iterable[Wording]) -> None:
        self.fields: dict[int | None, tuple[tuple[str, int, bool], ...]] = {}
        self.wordings: dict[int | None, Wording] = {}
        patterns, last = [], 0
        unique = {each.template: each for each in table}.values()
        for template in sorted(unique, key=lambda each: each.template[0] == "{"):  # fastest to refuse first
            fields = [(role, i, form[-1:] == "^") for i, (role, form) in enumerate(template.groups, last + 1)]
            last += len(fields) + 1
            self.fields[last] = tuple(fields)
            self.wordings[last] = template
            patterns.append(f"{template.pattern}()")
        self.match = re.compile(rf"(?:{'|'.join(patterns)})\s*").match

    def groups(self, *roles: str) -> dict[int | None, tuple[int, ...]]:
        """By ``lastindex``: the group of each role, 0 where the wording lacks it."""
        return {
            end: tuple(next((group for role, group, _ in fields if role == wanted), 0) for wanted in roles)
            for end, fields in self.fields.items()
        }


class _Sentences:
    """All sentences of a pool, ready to be matched."""

    def __init__(self, pool: Pool) -> None:
        self.arrow = _Choice(pool.fans_out + pool.fans_in + pool.edges)
        self.arrow_groups = self.arrow.groups("cause", "effect", "causes", "effects")
        self.shared_levels = _Choice(pool.shared_levels)
        self.listings = tuple((listing, _listing(listing).match) for listing in pool.levels)
        self.gatherings = {each.whole.template: each for each in pool.gathered + pool.cases}
        wholes = tuple(each.whole for each in self.gatherings.values())
        self.statement = _Choice(wholes + pool.marginals + pool.joints + pool.conditionals)
        self.statement_groups = self.statement.groups("event", "given", "p", "share", "members")
        self.instruction = _Choice(pool.instructions)
        self.question = _Choice(each for table in pool.questions.values() for each in table)
        self.tasks = {each.template: task for task, table in pool.questions.items() for each in table}


def _listing(listing: Listing) -> re.Pattern[str]:
    """One item of a listing with what follows it; the last, empty group marks the end of the listing."""
    ends = f"{re.escape(listing.between)}|{re.escape(listing.closing)}()"
    return re.compile(rf"{listing.item.pattern}(?:{ends})\s*")


_BASE, _FURTHER = _Sentences(POOLS["base"]), _Sentences(POOLS["rephrased"])
_FRAMES = [frame for pool in POOLS.values() for frame in pool.frames]
_FRAME = re.compile(rf"(?:{'|'.join(map(re.escape, dict.fromkeys(_FRAMES)))})\s*").match
_TASKS: dict[str, Task] = {name: task for task, name in TASK_NAMES.items()}
_BOUNDS = {"smallest": "lower", "largest": "upper"}
_EFFECT_FORMATS = frozenset(told for pool in POOLS.values() for told in pool.effect_formats)
_PROBABILITY_FORMATS = frozenset(told for pool in POOLS.values() for told in pool.probability_formats)
_PUNCTUATION = re.compile(r"[,:;?()\n]").search
_SERIES = re.compile(", | and ").split
_LISTED_VERBS = (" being ", " is ", " are ", " held at ", " fixed at ", " kept at ")


class _Reader:
    """One reading: the text, how far it is read, and the names and levels learnt on the way.

    A text may mix the pools; the one that the last sentence came from is tried first.
    """

    def __init__(self, text: str) -> None:
        self.text, self.pos = text, 0
        self.now, self.other = _BASE, _FURTHER
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

    def match(
        self, kind: Literal["arrow", "shared_levels", "statement", "instruction", "question"]
    ) -> re.Match[str] | None:
        """The next sentence if it is of that kind; the pool it comes from is then the present one."""
        now: _Choice = getattr(self.now, kind)
        if found := now.match(self.text, self.pos):
            return found
        other: _Choice = getattr(self.other, kind)
        if found := other.match(self.text, self.pos):
            self.now, self.other = self.other, self.now
        return found

    def fail(self, why: str) -> Unreadable:
        """The error that quotes the sentence at which the reading stands."""
        rest = self.text[self.pos : self.pos + 400]
        sentence = re.match(r".*?(?:[.?](?=\s|$)|\n|$)", rest)
        return unreadable(why, sentence[0] if sentence else rest)

    def edges(self) -> tuple[tuple[int, int], ...]:
        """All arrows; variables are numbered as they come in the order cause, effect, cause, effect, ..."""
        names = self.names
        edges: list[tuple[int, int]] = []
        while found := self.match("arrow"):
            end = found.lastindex
            one_cause, one_effect, causes, effects = self.now.arrow_groups[end]
            cause, effect = found[one_cause or causes], found[one_effect or effects]
            first, _, opens = self.now.arrow.fields[end][0]
            if opens and first[0] == "c":
                cause = unopened(cause)
            elif opens:
                effect = unopened(effect)
            for source in _SERIES(cause) if causes else (cause,):
                number = names.setdefault(source, len(names))
                for target in _SERIES(effect) if effects else (effect,):
                    edges.append((number, names.setdefault(target, len(names))))
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
        if found := self.match("shared_levels"):
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
        for listing, match in self.now.listings + self.other.listings:
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
            if len(declared) == len(self.names):
                break
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
        statements = []
        while found := self.match("statement"):
            event, given, p, share, members = self.now.statement_groups[found.lastindex]
            if members:
                statements += self.gathered(found, lists)
            else:
                value = found[p] if p else decimal(found[share])
                statements.append(self.stated(found[event], found[given] if given else "", value, lists))
            self.pos = found.end()
        return tuple(statements)

    def gathered(self, found: re.Match[str], lists: "_Lists") -> list[Statement]:
        """The probabilities that one sentence tells."""
        choice = self.now.statement
        gathering = self.now.gatherings[choice.wordings[found.lastindex].template]
        common = {role: found[group] for role, group, _ in choice.fields[found.lastindex]}
        statements = []
        for member in gathering.split.split(common.pop("members")):
            item = re.fullmatch(gathering.item.pattern, member)
            if not item:
                raise self.fail("cannot tell where one probability ends and the next begins in")
            roles = [role for role, _ in gathering.item.groups]
            told = common | dict(zip(roles, item.groups(), strict=True))
            statements.append(
                self.stated(told["event"], told.get("given", ""), decimal(told["share"]), lists)
            )
        return statements

    def stated(self, told: str, condition: str, value: str, lists: "_Lists") -> Statement:
        """One stated probability."""
        event, members = lists[told]
        given, conditions = lists[condition] if condition else ((), 0)
        if members & conditions:
            raise self.fail("the same variable stands on both sides of a condition")
        if value[:2] != "0." and float(value) > 1:
            raise self.fail(f"the probability {value} is not between 0 and 1")
        return Statement(Term(event, given), value)

    def instruction(self) -> tuple[Task, int, int] | None:
        """The task, treatment and outcome that the instruction names, if there is one."""
        found = self.match("instruction")
        if not found:
            return None
        said = {role: found[group] for role, group, _ in self.now.instruction.fields[found.lastindex]}
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
        found = self.match("question")
        task = self.now.tasks[self.now.question.wordings[found.lastindex].template] if found else None
        if not found or not task or (named and named[0] != task):
            expected = f"a question about the {named[0]}" if named else "a statement or a question"
            raise self.fail(f"expected {expected}, found")
        said: dict[str, Any] = {}
        for role, group, opens in self.now.question.fields[found.lastindex]:
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
        bound = said.get("bound", _BOUNDS.get(said.get("extreme", "")))
        query = Query(task, x, y, to, level, bound, held, said.get("more", "more"))
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
