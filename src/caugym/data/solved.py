"""Answering a file of questions with the engine: what `caugym solve` prints, one record a question."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from caugym.core.errors import InputError
from caugym.data.questions import Question, questions
from caugym.problems.problem import Answer, Problem
from caugym.problems.read import read
from caugym.problems.solution import worked
from caugym.problems.solve import solve

Record = dict[str, str | list[str] | None]
"""One answered question: id, status, value, answer, steps, missing; and reason where it is unreadable."""


@dataclass(frozen=True, slots=True)
class Words:
    """A namer that writes a problem's own words, e.g. ``P(recovery=slow | dose=low)``."""

    problem: Problem

    def symbol(self, variable: int) -> str:
        """The variable's name."""
        return self.problem.variables[variable].name

    def level(self, variable: int, level: int) -> str:
        """The level's name."""
        return self.problem.variables[variable].levels[level]

    def index(self, variable: int) -> str:
        """The variable's name again; single terms have no sums."""
        return self.symbol(variable)


@dataclass
class Agreement:
    """How far the answers agree with the labels of the file, counted while records are made.

    Attributes:
        asked: Questions.
        unreadable: Questions that could not be read or make no sense; ``reason`` is the first one's.
        labelled: Labelled questions that were read.
        statuses: Of these, where "insufficient" or not is as labelled.
        values: Values matched within the tolerance, out of ``valued`` labels that state one.
        answers: Yes/no matched, out of ``asking`` labels that state one.
    """

    asked: int = 0
    unreadable: int = 0
    reason: str = ""
    labelled: int = 0
    statuses: int = 0
    values: int = 0
    valued: int = 0
    answers: int = 0
    asking: int = 0

    def add(self, question: Question, answer: Answer) -> None:
        """Count one answered question."""
        label = question.label
        if label is None:
            return
        self.labelled += 1
        self.statuses += answer.status == label.status
        if label.value is not None:
            self.valued += 1
            near = answer.value is not None and abs(float(answer.value) - float(label.value))
            self.values += near is not False and near <= question.tolerance + 1e-9
        if label.answer is not None:
            self.asking += 1
            self.answers += answer.answer == label.answer

    def text(self) -> str:
        """One line for a reader."""
        parts = [f"{self.asked - self.unreadable} of {self.asked} questions read"]
        if self.labelled:
            parts.append(f"as labelled: status {self.statuses}/{self.labelled}")
        if self.valued:
            parts.append(f"value {self.values}/{self.valued}")
        if self.asking:
            parts.append(f"yes/no {self.answers}/{self.asking}")
        return ", ".join(parts) + (f"; first unreadable: {self.reason}" if self.unreadable else "")


def solved(path: Path, agreement: Agreement) -> Iterator[Record]:
    """The engine's answer to every question of a file, in order; ``agreement`` is filled on the way.

    Raises:
        InputError: If the file itself cannot be read. A question that cannot is a record of its own.
    """
    for question in questions(path):
        agreement.asked += 1
        try:
            answer, steps = _solved(question.text)
        except InputError as error:
            agreement.unreadable += 1
            agreement.reason = agreement.reason or str(error)
            yield _record(question.id, Answer("unreadable"), []) | {"reason": str(error)}
        else:
            agreement.add(question, answer)
            yield _record(question.id, answer, steps)


def _solved(text: str) -> tuple[Answer, list[str]]:
    problem = read(text)
    solution = solve(problem)
    answer = replace(solution.answer, missing=solution.missing_text(Words(problem)))
    return answer, list(worked(solution))


def _record(identity: str, answer: Answer, steps: list[str]) -> Record:
    return {
        "id": identity,
        "status": answer.status,
        "value": answer.value,
        "answer": answer.answer,
        "steps": steps,
        "missing": list(answer.missing),
    }
