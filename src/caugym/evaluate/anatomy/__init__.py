"""Error anatomy: where did a wrong reply go wrong, and at which step first.

A reply that is written as our solutions are is followed line by line, along the right solution (with any
valid set of variables) and along the typed mistakes of the training data. It went wrong at the first line
that no right solution has: in the way of the mistake that goes on as the reply does, else in the part of the
solution that the line stands for. In replies of any other form the final value is matched with the values
that the typed mistakes give; failing that, the first equation that does not hold counts, then the first
number out of nowhere. What none of this explains is called unexplained.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from caugym.data.questions import Question
from caugym.evaluate.anatomy.case import NEAR, OF_KIND, PARTS, Account, Case, Part, case, uniform
from caugym.evaluate.records import Record, Run
from caugym.problems.arithmetic import equations
from caugym.problems.prose import EXPLANATIONS, Explanation

__all__ = ["EXAMINED", "PARTS", "Case", "Fault", "Part", "case", "fault", "faults"]

EXAMINED = 200
"""The most wrong replies of a run that are examined: the first to each question, then the second, and so on.

Questions are asked in an order by lot, so these are drawn by lot too.
"""

_NUMBER = re.compile(r"\d+(?:\.\d+)?")


@dataclass(frozen=True, slots=True)
class Fault:
    """Where a reply went wrong.

    Attributes:
        part: The part of a solution.
        step: The first wrong line, counted from 0 in ``reply.splitlines()``; None if no line can be named.
        why: What is wrong, in a few words.
    """

    part: Part
    step: int | None
    why: str


def faults(
    run: Run, cases: dict[str, Case | None], most: int = EXAMINED
) -> Iterator[tuple[Question, Record, Fault]]:
    """The faults of a run's wrong replies, at most so many.

    Args:
        run: The run.
        cases: Questions solved so far, by id; filled here, so that runs on the same questions share them.
        most: The most replies examined.
    """
    wrong = [
        [record for record in records if record["strict"] and not record["strict"]["correct"]]
        for records in run.replies.values()
    ]
    rounds = (each[i] for i in range(max(map(len, wrong), default=0)) for each in wrong if i < len(each))
    for _, record in zip(range(most), rounds, strict=False):
        question = run.questions[record["id"]]
        if record["id"] not in cases:
            cases[record["id"]] = case(question.text)
        yield question, record, fault(record, cases[record["id"]])


def fault(record: Record, asked: Case | None) -> Fault:
    """Where one wrong reply went wrong.

    Args:
        record: The reply with its strict verdict.
        asked: What the engine knows about the question; None where it cannot read it.
    """
    verdict, written = record["strict"], _Written(record["reply"])
    if verdict["kind"] == "truncated":
        return Fault("truncated", written.last, "stopped at the token limit")
    lacks_value = verdict["value_ok"] is False and verdict["value"] is None
    lacks_answer = verdict["answer_ok"] is False and verdict["answer"] is None
    if verdict["kind"] != "abstained" and (lacks_value or lacks_answer):
        return Fault("form", written.last, verdict["reason"])
    followed = None if asked is None else _followed(written, asked)
    misread = followed is not None and followed.part == "lookup"
    no_effect = asked is not None and asked.solution.zero and verdict["kind"] == "wrong"
    if no_effect and verdict["value_ok"] is False and not misread:
        step = followed.step if followed else written.last
        return Fault("graph", step, "the graph alone says that there is no such effect")
    if verdict["kind"] == "abstained":
        return Fault("abstained", followed.step if followed else written.last, OF_KIND["abstains"][1])
    if verdict["value_ok"] is None and verdict["answer_ok"] is None:
        return Fault("answered", followed.step if followed else written.last, OF_KIND["answers"][1])
    if followed is not None and followed.part != "unexplained":
        return followed
    return _from_the_end(verdict, written, asked)


class _Written:
    """The lines of a reply that are not blank, with their places."""

    def __init__(self, reply: str) -> None:
        pairs = [(place, line) for place, line in enumerate(reply.splitlines()) if line.strip()]
        self.places = [place for place, _ in pairs]
        self.lines = uniform([line for _, line in pairs])

    @property
    def last(self) -> int | None:
        """The place of the last line."""
        return self.places[-1] if self.places else None


def _shared(lines: Sequence[str], others: Sequence[str]) -> int:
    """How many lines two texts begin with in common."""
    return next(
        (i for i, (a, b) in enumerate(zip(lines, others, strict=False)) if a != b),
        min(len(lines), len(others)),
    )


def _followed(written: _Written, asked: Case) -> Fault | None:
    """The fault of a reply in the form of our solutions, in the style it follows farthest; else None."""
    found = _in_style(written, asked, EXPLANATIONS[0])
    if found is None:
        others = [_in_style(written, asked, style) for style in EXPLANATIONS[1:]]
        found = max((each for each in others if each), key=lambda each: each[0], default=None)
    return found and found[1]


def _in_style(written: _Written, asked: Case, style: Explanation) -> tuple[int, Fault] | None:
    """How many lines the reply has in common with a right or mistaken solution, and its fault."""
    right, wrong = asked.right(style), asked.wrong(style)
    start = _start(written.lines, right.lines, {lines[0] for _, lines in wrong})
    if start is None:
        return None
    lines, places = written.lines[start:], written.places[start:]
    along = _shared(lines, right.lines)
    if along < len(right.parts) and right.parts[along] in ("graph", "set"):
        right = max((right, *asked.others(style)), key=lambda account: _shared(lines, account.lines))
        along = _shared(lines, right.lines)
    if along == len(lines):
        return None
    kind, near = max(wrong, key=lambda pair: _shared(lines, pair[1]), default=("slip", ()))
    if (farther := _shared(lines, near)) > along:
        part, why = OF_KIND[kind]
        return farther, Fault(part, places[along], why)
    part, why = _at(lines[along], along, right, asked)
    return along, Fault(part, places[along], why)


def _start(lines: Sequence[str], right: Sequence[str], wrong: set[str]) -> int | None:
    """Where a solution begins in a reply: with a line known as a first one, or with two that look like it."""

    def alike(at: int) -> bool:
        return all(
            a.split()[:2] == b.split()[:2] for a, b in zip(lines[at : at + 2], right[:2], strict=False)
        )

    known = (i for i, line in enumerate(lines) if line == right[0] or line in wrong)
    return next(known, next(filter(alike, range(len(lines) - 1)), None))


def _at(line: str, along: int, right: Account, asked: Case) -> tuple[Part, str]:
    """The part that the first wrong line belongs to, by what should stand there."""
    for equation, holds in equations(line):
        if not holds:
            return "arithmetic", f"{equation} does not hold"
    if along >= len(right.lines) or line.startswith("{"):
        return "unexplained", "ends without a reason"
    expected, part = right.lines[along], right.parts[along]
    if part == "formula" and {">=", "<="} <= {sign for text in (line, expected) for sign in text.split()}:
        part = "bound"
    elif part in ("arithmetic", "lookup") and _NUMBER.search(expected):
        missing = _numbers(expected) - _numbers(line)
        part = "lookup" if missing & asked.stated else "arithmetic" if missing else "formula"
    elif part == "sign" and _numbers(line) != _numbers(expected):
        part = "arithmetic"
    return part, f"expected: {expected}"


def _numbers(line: str) -> set[Fraction]:
    return {Fraction(text) for text in _NUMBER.findall(line)}


def _from_the_end(verdict: Record, written: _Written, asked: Case | None) -> Fault:
    """The fault of a reply of any form: from its value, then from its equations."""
    if verdict["value_ok"] and verdict["answer_ok"] is False:
        return Fault("sign", written.last, OF_KIND["verdict"][1])
    value = Fraction(str(verdict["value"])) if verdict["value"] is not None else None
    if asked and value is not None and value not in (0, 1, -1):
        for mistake in asked.mistakes:
            if mistake.answer.value is not None and abs(value - Fraction(mistake.answer.value)) <= NEAR:
                part, why = OF_KIND[mistake.kind]
                return Fault(part, written.last, f"the value is what comes out if {why}")
        right = asked.solution.answer.value
        if right is not None and abs(value + Fraction(right)) <= NEAR:
            return Fault("sign", written.last, "the value has the other sign")
    return _from_equations(written, asked)


def _from_equations(written: _Written, asked: Case | None) -> Fault:
    """The first equation that does not hold, or that begins with a number out of nowhere."""
    known = set(asked.stated) if asked else set()
    for place, line in zip(written.places, written.lines, strict=True):
        for equation, holds in equations(line):
            if not holds:
                return Fault("arithmetic", place, f"{equation} does not hold")
            left, _, rest = equation.replace("\N{ALMOST EQUAL TO}", "=").partition("=")
            strange = {number for number in _numbers(left) - known if number.denominator > 1}
            if asked and strange:
                return Fault(
                    "lookup", place, f"{float(min(strange)):g} is neither stated nor calculated before"
                )
            known |= _numbers(left) | _numbers(rest)
    return Fault("unexplained", None, "no step of it can be checked")
