"""Questions to ask or to solve, from our own sets and from public ones.

| source | text | label |
|---|---|---|
| our sets (Parquet) | ``prompt`` | ``gold`` |
| CaLM Lite (JSON lines) | ``given_info``, ``Background``, ``Instruction``, ``Question`` | ``gt_answer`` |
| CauGym release (JSON) | ``problem`` | ``answer``: JSON in a string, or LACK_CONDITION |
| RL rows (verl, TRL) | ``prompt``: messages | ``reward_model.ground_truth`` or ``gold`` |
| anything else (JSON, JSON lines) | ``prompt``, ``problem``, ``question`` or ``text`` | ``gold``, if any |
| plain text | the whole file, or parts between ``---`` lines | none |
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from caugym.core.errors import InputError
from caugym.data.records import Record, records
from caugym.estimands import TABLE
from caugym.grade import TOLERANCE
from caugym.problems.difficulty import Difficulty
from caugym.problems.problem import Answer

TEXT_KEYS = ("prompt", "problem", "question", "text")
SETS = ("base", "rephrased", "omitted", "deconfounding", "redundant", "insufficient")


@dataclass(frozen=True, slots=True)
class Question:
    """A question in words.

    Attributes:
        id: Unique among the questions read together.
        text: What the model is asked.
        label: The right answer as its source has it; None where the source has none.
        task: Code of the estimand, if the source says.
        set: Name of the set, if the source says.
        level: Name of the level, if the source says.
        tolerance: Largest accepted distance from the label's value.
        difficulty: In words the tens of its measured score, if the source has one.
    """

    id: str
    text: str
    label: Answer | None = None
    task: str | None = None
    set: str | None = None
    level: str | None = None
    tolerance: float = TOLERANCE
    difficulty: str | None = None


def questions(path: Path) -> Iterator[Question]:
    """The questions of a file, a folder, or the files that a pattern matches.

    Raises:
        InputError: If there is nothing to read, a record holds no question, a label is unusable, or an id
            stands twice.
    """
    seen: set[str] = set()
    for record in records(path):
        question = Question(
            id=identifier(record),
            text=wording(record),
            label=label(record),
            task=_task(record),
            set=_set(record),
            level=record.fields.get("level"),
            tolerance=tolerance(record),
            difficulty=_difficulty(record),
        )
        if question.id in seen:
            raise InputError(
                f"{record.place}: the id {question.id!r} stands twice; every id must be different"
            )
        seen.add(question.id)
        yield question


def identifier(record: Record) -> str:
    """The record's own id, else the file's name and the record's number there."""
    own = record.fields.get("id")
    return str(own) if own not in (None, "") else f"{record.file.stem}-{record.number:04d}"


def label(record: Record) -> Answer | None:
    """The right answer that a record states, in any form of the table above; None if it has none."""
    fields = record.fields
    try:
        if fields.get("gold") is not None:
            return _gold(fields["gold"])
        if fields.get("gt_answer") is not None:
            if str(fields["gt_answer"]).strip().capitalize() in ("Yes", "No"):
                return Answer("identified", answer=_yes_no(fields["gt_answer"]))
            return Answer("identified", _value(round(float(fields["gt_answer"]), 4)))
        stated = fields.get("answer")
        if isinstance(fields.get("reward_model"), dict):
            stated = fields["reward_model"].get("ground_truth")
        return None if stated is None else _stated(str(stated))
    except (ValueError, TypeError, AttributeError, InvalidOperation) as error:
        raise InputError(
            f"{record.place}: the label cannot be used ({error}); expected "
            '{"status": "identified", "value": "0.1234", "answer": "Yes"} or {"status": "insufficient"}'
        ) from None


def tolerance(record: Record) -> float:
    """The record's own tolerance, else the default; must be a number above 0."""
    own = record.fields.get("tolerance")
    if own is None:
        return TOLERANCE
    if isinstance(own, int | float) and 0 < own < 1:
        return float(own)
    raise InputError(f"{record.place}: the tolerance must be a number between 0 and 1, not {own!r}")


def _gold(gold: str | dict[str, Any]) -> Answer:
    fields = json.loads(gold) if isinstance(gold, str) else dict(gold)
    value, answer = fields.get("value"), fields.get("answer")
    status = fields.get("status", "identified")
    if status == "insufficient":
        return Answer("insufficient", missing=tuple(fields.get("missing") or ()))
    if status != "identified":
        raise ValueError(f"the status is {status!r}")
    if value is None and answer is None:
        raise ValueError("neither a value nor an answer")
    return Answer("identified", None if value is None else _value(value), _yes_no(answer))


def _stated(text: str) -> Answer:
    if text.strip() == "LACK_CONDITION":
        return Answer("insufficient")
    fields = json.loads(text)
    return Answer(
        "identified", _value(fields["PROB"]) if "PROB" in fields else None, _yes_no(fields.get("ANSWER"))
    )


def _yes_no(answer: object) -> str | None:
    if answer is None:
        return None
    word = str(answer).strip().capitalize()
    if word not in ("Yes", "No"):
        raise ValueError(f"the answer is {answer!r}")
    return word


def _value(number: object) -> str:
    """A number as the decimal string of a gold: 4 decimals, no negative zero."""
    value = Decimal(str(number).strip())
    if not value.is_finite():
        raise ValueError(f"the value is {number}")
    text = f"{value:.4f}"
    return "0.0000" if text == "-0.0000" else text


def wording(record: Record) -> str:
    """What a model is asked; must be there."""
    fields = record.fields
    if "given_info" in fields and "Question" in fields:
        return _calm(record)
    for key in TEXT_KEYS:
        text = fields.get(key)
        if isinstance(text, list):
            text = next((m["content"] for m in reversed(text) if m.get("role") == "user"), None)
        if isinstance(text, str) and text.strip():
            return text
    keys = ", ".join(map(str, fields)) or "none"
    raise InputError(
        f"{record.place} has no question: expected one of {', '.join(TEXT_KEYS)}; its keys are {keys}"
    )


def _calm(record: Record) -> str:
    """A CaLM item as one prompt, laid out as the CauGym release lays out the same items."""
    fields = record.fields
    try:
        effect = TABLE[fields["Type"]].effect
        parts = (
            fields["given_info"],
            fields["Background"]["data_info"],
            fields["Instruction"],
            fields["Question"],
        )
    except (KeyError, TypeError) as error:
        raise InputError(f"{record.place} looks like CaLM but lacks {error}") from None
    form = '{"ANSWER": "Yes", "PROB": "0.1234"}' if effect else '{"PROB": "0.1234"}'
    return "Input Info: {}\n{}\nInstruction: {}\nQuestion: {}\n".format(*parts) + (
        f"Provide the calculation result in the form {form}, rounded to four decimals."
    )


def _task(record: Record) -> str | None:
    task = record.fields.get("task") or record.fields.get("Type")
    return task if task in TABLE else None


def _set(record: Record) -> str | None:
    if record.fields.get("set"):
        return str(record.fields["set"])
    if "given_info" in record.fields:
        return "calm"
    name = record.file.stem.removesuffix("_dataset")
    return name if name in SETS and "problem" in record.fields else None


def _difficulty(record: Record) -> str | None:
    """The tens in which the score of an item of ours lies, e.g. ``"20 to 29"``."""
    try:
        tens = Difficulty(**record.fields["difficulty"]).score // 10
    except (KeyError, TypeError):
        return None
    return f"{10 * tens} to {10 * tens + 9}" if tens < 4 else "40 or more"
