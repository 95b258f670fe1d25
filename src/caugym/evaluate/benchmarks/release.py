"""The six test sets of the CauGym release, and its prompts for online RL.

The test sets are JSON arrays with ``problem``, ``answer`` (JSON in a string, or LACK_CONDITION), ``Reason``
and ``Type``; the prompts are Parquet in verl's columns.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from caugym.core.errors import InputError
from caugym.data.questions import identifier, label, wording
from caugym.data.records import records
from caugym.evaluate.benchmarks.benchmark import Benchmark, Item
from caugym.grade import Verdict, grade
from caugym.problems.problem import Answer


def items(path: Path) -> Iterator[Item]:
    """The items of a set."""
    for record in records(path):
        gold = label(record)
        if gold is None:
            raise InputError(f"{record.place} has no answer")
        set_ = record.file.stem.removesuffix("_dataset")
        yield Item(identifier(record), wording(record), task=record.fields.get("Type"), set=set_, gold=gold)


def _shape(fields: Mapping[str, Any]) -> bool:
    rule = fields.get("reward_model")
    if isinstance(rule, dict):
        return str(fields.get("data_source")).startswith("calm") and "ground_truth" in rule
    return {"problem", "answer", "Type"} <= fields.keys()


def _official(reply: str, item: Item) -> bool:
    assert isinstance(item.gold, Answer)
    return grade(reply, item.gold, grader="official").correct


def _strict(reply: str, item: Item) -> Verdict:
    assert isinstance(item.gold, Answer)
    return grade(reply, item.gold)


def _right(item: Item) -> str:
    gold = item.gold
    assert isinstance(gold, Answer)
    if gold.status == "insufficient":
        return "LACK_CONDITION"
    stated = {"ANSWER": gold.answer, "PROB": gold.value}
    return json.dumps({key: value for key, value in stated.items() if value is not None})


RELEASE = Benchmark(
    name="release",
    title="CauGym, the six test sets of the release",
    url="https://github.com/OpenCausaLab/CauGym",
    licence="none stated",
    citation="Can Post-Training Transform LLMs into Causal Reasoners?, arXiv:2602.06337, 2026",
    metric="Any PROB in the reply within 0.0005 of the label; yes/no is not graded.",
    shape=_shape,
    read=items,
    official=_official,
    strict=_strict,
    right=_right,
)
