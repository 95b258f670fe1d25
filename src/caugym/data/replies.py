"""Replies that stand in a file, graded against the items they answer."""

from pathlib import Path
from typing import NamedTuple

from caugym.core.errors import InputError
from caugym.data.questions import identifier, label, tolerance
from caugym.data.records import records
from caugym.grade import Grader, Verdict, grade
from caugym.problems.problem import Answer

RECORDS = "records.jsonl"
"""Where a run keeps its replies."""


class Graded(NamedTuple):
    """A graded reply.

    Attributes:
        id: Of the item.
        task: Code of the estimand, None where the items do not say.
        verdict: What the reply is worth.
    """

    id: str
    task: str | None
    verdict: Verdict


def grade_files(items: Path, replies: Path, grader: Grader = "strict") -> list[Graded]:
    """Grade a file of replies, in its order.

    Args:
        items: A set (Parquet), or records with ``id``, ``gold`` and perhaps ``tolerance``.
        replies: JSON lines ``{"id", "reply"}``; ``"truncated": true`` or ``"finish": "length"`` marks a reply
            that was cut off.
        grader: ``"strict"`` or ``"official"``.

    Raises:
        InputError: If a file cannot be read, an item has no gold, or an id stands twice or is unknown.
    """
    golds = _golds(items)
    graded: dict[str, Graded] = {}
    for record in records(replies):
        fields = record.fields
        if not {"id", "reply"} <= fields.keys():
            raise InputError(
                f'{record.place} must be {{"id": ..., "reply": ...}}; its keys are {", ".join(fields)}'
            )
        name, reply = str(fields["id"]), fields["reply"]
        if not isinstance(reply, str):
            raise InputError(f"{record.place}: the reply must be text, not {type(reply).__name__}")
        if name not in golds:
            raise InputError(f"{record.place}: no item has the id {name!r}; are these the items it answers?")
        if name in graded:
            raise InputError(f"{record.place}: the id {name!r} stands twice; give one reply an item")
        gold, allowed, task = golds[name]
        cut = fields.get("truncated") is True or fields.get("finish") == "length"
        graded[name] = Graded(name, task, grade(reply, gold, allowed, truncated=cut, grader=grader))
    return list(graded.values())


def _golds(items: Path) -> dict[str, tuple[Answer, float, str | None]]:
    golds: dict[str, tuple[Answer, float, str | None]] = {}
    for record in records(items):
        name, gold = identifier(record), label(record)
        if gold is None:
            keys = ", ".join(record.fields)
            raise InputError(f"{record.place} has no gold to grade against; its keys are {keys}")
        if name in golds:
            raise InputError(f"{record.place}: the id {name!r} stands twice; every item must have its own")
        golds[name] = (gold, tolerance(record), record.fields.get("task"))
    return golds


def sampled(path: Path) -> dict[str, list[str]]:
    """The replies that a model gave to each question, by id, in order; those that were cut off are left out.

    Args:
        path: A folder that `caugym eval` wrote, or JSON lines ``{"id", "reply"}``, several an item or one.

    Raises:
        InputError: If there is nothing to read, or a record has no id or no text.
    """
    path = Path(path)
    found: dict[str, list[str]] = {}
    for record in records(path / RECORDS if (path / RECORDS).is_file() else path):
        name, reply = record.fields.get("id"), record.fields.get("reply")
        if not isinstance(name, str) or not isinstance(reply, str):
            raise InputError(f'{record.place} must be {{"id": ..., "reply": ...}}, both text')
        if record.fields.get("truncated") is not True and record.fields.get("finish") != "length":
            found.setdefault(name, []).append(reply)
    return found
