"""How far the shortcuts of `caugym.problems.shortcuts` get on a set, and a verdict on each.

A shortcut *fails* where it stays below a bound (`BOUNDS`), and *wins* above it.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from caugym.core.errors import InputError
from caugym.data.questions import Question, questions
from caugym.evaluate.audit.surface import regression
from caugym.problems.problem import Answer, Problem
from caugym.problems.read import read
from caugym.problems.shortcuts import (
    HEURISTICS,
    STATED,
    best_constant,
    drop_last,
    graph_blind,
    guesses,
    majority,
)

DROPPED = (0, 1, 2, 3)
"""How many of the last statements the graph-blind solver forgets."""

BOUNDS = {"constant": 0.10, "majority": 0.52, "graph-blind": 0.35, "dropping": 0.01, "surface": 0.05}
"""Up to where a shortcut fails: the share it answers; for dropping, what it gains; for the regression on the
surface, how far it is from a coin's 0.5."""


@dataclass(frozen=True)
class Shortcuts:
    """Shares of all labelled questions that a shortcut answers with the right value (or abstention).

    Attributes:
        constants: By task: what the best constant reply says.
        constant: The share that these constants answer; each is chosen in hindsight.
        majority: The share of yes/no that the more frequent word of each task gets right; None if none.
        blind: By number of statements dropped from the end: the share of the graph-blind solver that prefers
            formulas of many stated numbers.
        cautious: The share of a graph-blind solver that says "no effect" only where the numbers are about
            neither treatment nor outcome.
        lacking: The share that cannot be answered.
        surface: By what is foretold, ``status`` or ``yes/no``: the balanced accuracy of a regression on how
            the texts look.
        read: The share of questions that could be read; the graph-blind solver fails on the others.
        choices: By heuristic, with nothing dropped: the share of the graph-blind solver that goes by it.
    """

    constants: Mapping[str, str]
    constant: float
    majority: float | None
    blind: Mapping[int, float]
    cautious: float
    lacking: float
    surface: Mapping[str, float]
    read: float
    choices: Mapping[str, float] = field(default_factory=dict)

    def verdicts(self) -> Iterator[str]:
        """One line for each shortcut: what it does, how far it gets, whether it fails."""
        for found in self.findings():
            yield found.told if found.fails is None else f"{found.told}: {'fails' if found.fails else 'WINS'}"

    def findings(self) -> "Iterator[Finding]":
        """The shortcuts, one at a time."""
        if self.lacking:
            yield _finding("saying LACK_CONDITION to everything", self.lacking, self.lacking <= 0.5)
        best = "the best constant a task"
        if self.constant > self.lacking:
            yield _finding(best, self.constant, self.constant <= BOUNDS["constant"])
        if self.majority is not None:
            yield _finding("always Yes or always No", self.majority, self.majority <= BOUNDS["majority"])
        if not self.read:
            yield Finding("graph-blind solver: the wording is not one that is read", None)
        else:
            blind = self.blind[0]
            share, choice = max((share, name) for name, share in ({STATED: blind} | {**self.choices}).items())
            aside = [choice] + [f"{100 * self.read:.0f} % of the questions were read"] * (self.read <= 0.99)
            fails = share <= BOUNDS["graph-blind"]
            yield _finding("a solver that never looks at the graph", share, fails, "; ".join(aside))
            gains = [(share - blind, count) for count, share in self.blind.items() if count]
            if gains:
                gain, count = max(gains)
                what = f"the same after dropping the last {count}"
                yield _finding(what, blind + gain, gain <= BOUNDS["dropping"], f"{100 * gain:+.1f} points")
        for target, share in self.surface.items():
            near = abs(share - 0.5) <= BOUNDS["surface"]
            what = f"a regression on how the text looks, for the {target}"
            yield _finding(what, share, near, "a coin: 50 %")


class Finding(NamedTuple):
    """A shortcut.

    Attributes:
        told: What it does, and how far it gets.
        fails: Whether it stays below its bound, which a few questions cannot tell; None where it has no say.
    """

    told: str
    fails: bool | None


def _finding(what: str, share: float, fails: bool, more: str = "") -> Finding:
    return Finding(f"{what}: {100 * share:.1f} %{f' ({more})' if more else ''}", fails)


def shortcuts(path: Path) -> Shortcuts | None:
    """The scores on the labelled questions of a file or set; None if it has none."""
    return scored(questions(path))


def scored(
    asked: Iterable[Question], tried: int | None = None, dropped: Sequence[int] = DROPPED
) -> Shortcuts | None:
    """The scores on labelled questions; None if there are none.

    Args:
        asked: The questions, in an order that says nothing about them where not all are tried.
        tried: How many the graph-blind solver tries, which is slow; None for all.
        dropped: How many of the last statements it forgets, in turn; 0 is among them.
    """
    by_task: dict[str, list[Answer]] = defaultdict(list)
    told: list[tuple[str, Answer]] = []
    attempts: list[_Attempt] = []
    tolerance = 0.0
    for question in asked:
        label = question.label
        if label is None or (label.status == "identified" and label.value is None):
            continue
        try:
            problem = read(question.text)
        except InputError:
            problem = None
        if tried is None or len(told) < tried:
            attempts.append(_attempt(question, problem, dropped))
        told.append((question.text, label))
        tolerance = question.tolerance
        by_task[problem.query.task if problem else question.task or "?"].append(label)
    if not told:
        return None
    count = len(told)
    best = {task: best_constant(labels, tolerance) for task, labels in by_task.items()}
    words = {task: sum(label.answer is not None for label in labels) for task, labels in by_task.items()}
    more = sum((majority(labels) or 0) * words[task] for task, labels in by_task.items())
    return Shortcuts(
        {task: reply for task, (reply, _) in sorted(best.items())},
        sum(share * len(by_task[task]) for task, (_, share) in best.items()) / count,
        more / sum(words.values()) if any(words.values()) else None,
        {count: _share(each.less.get(count, False) for each in attempts) for count in dropped},
        _share(each.cautious for each in attempts),
        sum(label.status == "insufficient" for _, label in told) / count,
        _surface(told),
        _share(bool(each.choices) for each in attempts),
        {name: _share(each.choices.get(name, False) for each in attempts) for name in HEURISTICS},
    )


class _Attempt(NamedTuple):
    """Whether the graph-blind solver is right: with statements dropped, when cautious, by each heuristic."""

    less: Mapping[int, bool] = {}
    cautious: bool = False
    choices: Mapping[str, bool] = {}


def _attempt(question: Question, problem: Problem | None, dropped: Sequence[int]) -> _Attempt:
    if problem is None:
        return _Attempt()
    fitting = guesses(problem)
    choices = {name: _right(graph_blind(problem, name, fitting), question) for name in HEURISTICS}
    less = {n: _right(graph_blind(drop_last(problem, n)), question) for n in dropped if n}
    careful = _right(graph_blind(problem, STATED, fitting, cautious=True), question)
    return _Attempt(less | {0: choices[STATED]}, careful, choices)


def _share(right: Iterable[bool]) -> float:
    each = list(right)
    return sum(each) / len(each)


def _surface(asked: Sequence[tuple[str, Answer]]) -> dict[str, float]:
    """How well the looks of texts foretell whether they can be answered, and the yes/no of those that can."""
    status = [(text, label.status == "insufficient") for text, label in asked]
    answers = [(text, label.answer == "Yes") for text, label in asked if label.answer]
    found = {}
    for target, pairs in (("status", status), ("yes/no", answers)):
        score = regression([text for text, _ in pairs], [label for _, label in pairs])
        if score is not None:
            found[target] = score
    return found


def _right(answer: Answer, question: Question) -> bool:
    label = question.label
    assert label
    if answer.value is None or label.value is None:
        return answer.status == label.status == "insufficient"
    return abs(float(answer.value) - float(label.value)) <= question.tolerance + 1e-9
