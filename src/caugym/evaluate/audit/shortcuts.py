"""How far shortcuts get on a set: the scores of what `caugym.problems.shortcuts` holds."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from caugym.core.errors import InputError
from caugym.data.questions import Question, questions
from caugym.problems.problem import Answer
from caugym.problems.read import read
from caugym.problems.shortcuts import best_constant, drop_last, graph_blind, majority

DROPPED = (0, 1, 2, 3)
"""How many of the last statements the graph-blind solver forgets."""


@dataclass(frozen=True)
class Shortcuts:
    """Shares of all labelled questions that a shortcut answers with the right value (or abstention).

    Attributes:
        constants: By task: what the best constant reply says.
        constant: The share that these constants answer; each is chosen in hindsight.
        majority: The share of yes/no that the more frequent word of each task gets right; None if none.
        blind: By number of statements dropped from the end: the share of the graph-blind solver.
        read: The share of questions that could be read; the graph-blind solver fails on the others.
    """

    constants: Mapping[str, str]
    constant: float
    majority: float | None
    blind: Mapping[int, float]
    read: float


def shortcuts(path: Path) -> Shortcuts | None:
    """The scores on the labelled questions of a file or set; None if it has none."""
    by_task: dict[str, list[Answer]] = defaultdict(list)
    hits = dict.fromkeys(DROPPED, 0)
    count = legible = 0
    tolerance = 0.0
    for question in questions(path):
        label = question.label
        if label is None or (label.status == "identified" and label.value is None):
            continue
        count += 1
        tolerance = question.tolerance
        try:
            problem = read(question.text)
        except InputError:
            by_task[question.task or "?"].append(label)
            continue
        legible += 1
        by_task[problem.query.task].append(label)
        for dropped in DROPPED:
            hits[dropped] += _right(graph_blind(drop_last(problem, dropped)), question)
    if not count:
        return None
    best = {task: best_constant(labels, tolerance) for task, labels in by_task.items()}
    asked = {task: sum(label.answer is not None for label in labels) for task, labels in by_task.items()}
    words = sum((majority(labels) or 0) * asked[task] for task, labels in by_task.items())
    return Shortcuts(
        {task: reply for task, (reply, _) in sorted(best.items())},
        sum(share * len(by_task[task]) for task, (_, share) in best.items()) / count,
        words / sum(asked.values()) if any(asked.values()) else None,
        {dropped: right / count for dropped, right in hits.items()},
        legible / count,
    )


def _right(answer: Answer, question: Question) -> bool:
    label = question.label
    assert label
    if answer.value is None or label.value is None:
        return answer.status == label.status == "insufficient"
    return abs(float(answer.value) - float(label.value)) <= question.tolerance + 1e-9
