"""Audit of RLCausal: the answer from the displayed numbers, put before the benchmark's own verifier.

RLCausal computes its references from probabilities in full precision and displays them with two decimals.
Here the distribution is computed from what is displayed, rounded as the prompt asks, and graded as RLCausal
grades: total variation distance below 0.01. Every distribution is computed twice: by `caugym.core.exact`,
for counterfactuals on a network with one response variable for each variable, and by walking through all
states of both worlds.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from math import prod
from pathlib import Path

import numpy as np

from caugym.core.errors import InputError
from caugym.core.exact import probability
from caugym.core.graph import DAG, bits
from caugym.core.query import Assignment
from caugym.core.scm import SCM
from caugym.evaluate.audit.dispute import Dispute, Examined
from caugym.evaluate.audit.worlds import World, chance
from caugym.evaluate.benchmarks.rlcausal import THRESHOLD, distance, items

EXACT = 1e-9
UNREAD = "the wording is not one that is read"
MOST_SETTINGS = 8  # of the parents of one variable; a response variable has a level for each function of them

_VALUES = re.compile(r"^(\w+) can take values in \[([0-9, ]+)\]$", re.MULTILINE)
_ARROW = re.compile(r"^(\w+) -> (\w+);$", re.MULTILINE)
_ROW = re.compile(r"^P\((\w+)(?: \| ([\w=,]+))?\) = \[([0-9., e-]+)\]$", re.MULTILINE)
_SETTING = re.compile(r"(\w+)(?: ?= ?| to )(\d+)")
_SETTINGS = re.compile(rf"{_SETTING.pattern}(?:(?:, ?| and ){_SETTING.pattern})*")
_QUESTION = re.compile(
    r"What is the marginal distribution of (\w+)"
    r"(?: given (?:it is observed that|we first observed) (?P<seen>[\w=, ]+?))?"
    r"(?:(?: given we| and then) interven\w+ to set (?P<set>[\w=, ]+?))?\?"
)


def examined(path: Path) -> Iterator[Examined]:
    """What becomes of each question of a file, in order."""
    for item in items(path):
        assert isinstance(item.gold, tuple)
        yield examine(item.id, item.task or "?", item.text, item.gold)


def examine(identity: str, task: str, text: str, reference: tuple[float, ...]) -> Examined:
    """Recomputes the distribution of one question from its text."""
    try:
        case = _Case.read(text)
        found, again = case.exact(), case.brute()
    except InputError as error:
        return Examined(identity, task, undecided=str(error))
    if len(found) != len(reference):
        return Examined(identity, task, undecided="the reference has another number of levels")
    if not np.allclose(found, again, rtol=0, atol=EXACT):
        return Examined(identity, task, undecided="brute force does not confirm the value")
    answers = list(_rounded(found))
    if any(distance(answer, reference) < THRESHOLD for answer in answers):
        return Examined(identity, task)
    unrounded = distance(tuple(found), reference)
    proof = (
        f"asked: {case.text()}",
        f"from the displayed tables: {_list(found, 6)}, by brute force over all states: {_list(again, 6)}",
        f"rounded to two digits as the prompt asks: {' or '.join(_list(each, 2) for each in answers)}",
        f"reference: {_list(reference, 2)}; total variation distance "
        f"{min(distance(answer, reference) for answer in answers):.4f}, not below {THRESHOLD}: no credit",
        f"unrounded the same answer is {unrounded:.4f} away: "
        f"{'credit' if unrounded < THRESHOLD else 'no credit either'}",
    )
    dispute = Dispute(
        identity, "right answer rejected", task, _list(reference, 2), _list(answers[0], 2), proof
    )
    return Examined(identity, task, (dispute,))


@dataclass(frozen=True)
class _Case:
    """One question: the displayed model, and what is seen, set and asked."""

    names: tuple[str, ...]
    scm: SCM
    asked: int
    seen: Assignment
    set: Assignment

    @classmethod
    def read(cls, text: str) -> "_Case":
        """From the text of a prompt.

        Raises:
            InputError: If the wording is unknown or the displayed rows do not sum to 1; says which.
        """
        levels = {name: [int(v) for v in values.split(",")] for name, values in _VALUES.findall(text)}
        names = tuple(levels)
        number = {name: i for i, name in enumerate(names)}
        questions = list(_QUESTION.finditer(text))
        arrows = _ARROW.findall(text)
        if len(questions) != 1 or not names or any(set(arrow) - set(names) for arrow in arrows):
            raise InputError(UNREAD)
        dag = DAG.from_edges(len(names), [(number[a], number[b]) for a, b in arrows])
        cards = tuple(len(each) for each in levels.values())
        tables = [
            np.full((1, *(cards[p] for p in bits(dag.parents[v])), cards[v]), np.nan) for v in range(dag.n)
        ]

        def setting(told: str | None) -> Assignment:
            if not told:
                return ()
            if not _SETTINGS.fullmatch(told):
                raise InputError(UNREAD)
            pairs = [(name, int(value)) for name, value in _SETTING.findall(told)]
            if any(name not in levels or value not in levels[name] for name, value in pairs):
                raise InputError(UNREAD)
            return tuple(sorted((number[name], levels[name].index(value)) for name, value in pairs))

        for name, given, row in _ROW.findall(text):
            if tuple(v for v, _ in setting(given)) != tuple(bits(dag.parents[number[name]])):
                raise InputError("a table does not fit the graph")
            where = tuple(level for _, level in setting(given))
            tables[number[name]][(0, *where)] = [float(p) for p in row.split(",")]
        if any(not np.allclose(table.sum(-1), 1, rtol=0, atol=1e-9) for table in tables):
            raise InputError("displayed rows do not sum to 1")
        scm = SCM(dag, tuple(table / table.sum(-1, keepdims=True) for table in tables), cards)
        asked = questions[0]
        return cls(names, scm, number[asked[1]], setting(asked["seen"]), setting(asked["set"]))

    def exact(self) -> list[float]:
        """The distribution by variable elimination, on the response network where both worlds matter."""
        scm, asked, seen, done = self.scm, self.asked, self.seen, self.set
        if seen and done:
            n, scm = scm.dag.n, _responses(scm)
            asked, done = n + asked, tuple((n + v, level) for v, level in done)
        card = scm.cards[asked]
        return [float(probability(scm, ((asked, level),), seen, done)[0]) for level in range(card)]

    def brute(self) -> list[float]:
        """The distribution by walking through all states."""
        worlds = (World(dict(self.set)), World()) if self.seen and self.set else (World(dict(self.set)),)
        evidence = [(len(worlds) - 1, v, level) for v, level in self.seen]
        below = chance(self.scm, worlds, evidence)
        levels = range(self.scm.cards[self.asked])
        return [chance(self.scm, worlds, [*evidence, (0, self.asked, level)]) / below for level in levels]

    def text(self) -> str:
        """The question in symbols."""
        seen = ", ".join(f"{self.names[v]}={level}" for v, level in self.seen)
        done = ", ".join(f"{self.names[v]}={level}" for v, level in self.set)
        name = self.names[self.asked]
        if seen and done:
            return f"P({name}_{{{done}}} | {seen})"
        return f"P({name} | {seen or f'do({done})'})" if seen or done else f"P({name})"


def _responses(scm: SCM) -> SCM:
    """The model with each variable a function of its parents and of a response variable, in two worlds.

    Variables ``0 .. n-1`` stay, ``n + v`` is ``v`` in the second world, and ``2n + v`` says which level
    ``v`` takes at each setting of its parents (Balke and Pearl 1994).
    """
    n = scm.dag.n
    parents, cards, tables = [0] * (3 * n), [*scm.cards, *scm.cards, *([0] * n)], list(scm.tables) * 3
    for v in range(n):
        known = list(bits(scm.dag.parents[v]))
        shape = tuple(scm.cards[p] for p in known)
        settings = list(product(*map(range, shape)))
        if len(settings) > MOST_SETTINGS:
            raise InputError("a variable has too many causes")
        functions = list(product(range(scm.cards[v]), repeat=len(settings)))
        parents[v], parents[n + v] = (scm.dag.parents[v] << world | 1 << 2 * n + v for world in (0, n))
        cards[2 * n + v] = len(functions)
        weights = [
            prod(scm.tables[v][(0, *where, level)] for where, level in zip(settings, function, strict=True))
            for function in functions
        ]
        tables[2 * n + v] = np.array([weights]) / sum(weights)
        chosen = np.array(functions).T.reshape(*shape, len(functions))
        tables[v] = tables[n + v] = np.eye(scm.cards[v])[chosen][None]
    return SCM(DAG(tuple(parents)), tuple(tables), tuple(cards))


def _rounded(distribution: list[float]) -> Iterator[tuple[float, ...]]:
    """The distribution to two digits: both ways where a digit is a tie."""
    choices = [sorted({float(f"{p + nudge:.2f}") for nudge in (-EXACT, EXACT)}) for p in distribution]
    yield from product(*choices)


def _list(numbers: list[float] | tuple[float, ...], digits: int) -> str:
    return json.dumps([round(p, digits) for p in numbers])
