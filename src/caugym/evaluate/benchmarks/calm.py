"""CaLM Lite: the mathematical items (English and Chinese, basic and hard), and their yes/no twins.

The files are JSON lines with ``given_info``, ``Background``, ``Instruction``, ``Question``, ``Type`` and
``gt_answer``: an unrounded number, or in the twins ``Yes`` or ``No``.
"""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from caugym.core.errors import InputError
from caugym.data.questions import identifier, label, wording
from caugym.data.records import Record, records
from caugym.evaluate.benchmarks.benchmark import Benchmark, Item, needed, worded
from caugym.grade import Verdict, grade
from caugym.problems.problem import Answer

WINDOW = 1_000_000
YES_NO = ("Yes", "No")

CITATION = "Chen et al., CaLM: Causal Evaluation of Language Models, arXiv:2405.00622, 2024"
_OBJECT = re.compile(r"\{+[^{}]{0,2000}\}+")


def maths(path: Path) -> Iterator[Item]:
    """The items that ask for a number (and, for effects, yes or no)."""
    for record in records(path):
        gold = label(record)
        if gold is None:
            raise InputError(f"{record.place} has no gt_answer; the full CaLM withholds it, CaLM Lite has it")
        yield Item(
            identifier(record), wording(record), task=record.fields.get("Type"), set=_kind(record), gold=gold
        )


def twins(path: Path) -> Iterator[Item]:
    """The items that ask for yes or no only."""
    for record in records(path):
        background, instruction, question, info, gold = needed(
            record, "Background", "Instruction", "Question", "given_info", "gt_answer"
        )
        word_ = str(gold).strip().capitalize()
        if word_ not in YES_NO:
            raise InputError(f"{record.place}: the gt_answer {gold!r} is neither Yes nor No")
        prompt = (
            f"Input Info: {info}\n{background['data_info']}\n"
            f"Instruction: {instruction}\nQuestion: {question}\n"
            'Provide the answer in the form {"ANSWER": "Yes"} or {"ANSWER": "No"}.'
        )
        yield Item(identifier(record), prompt, task=record.fields.get("Type"), set=_kind(record), gold=word_)


def _kind(record: Record) -> str:
    """Which of the files of a task: ``basic EN``, ``hard CN``, ``natural EN``."""
    return record.file.stem.rpartition("-")[2].replace("_", " ")


def _objects(reply: str) -> Iterator[dict[str, Any]]:
    """The JSON objects in a reply, keys in lower case; what is missing at the end is supplied."""
    for found in _OBJECT.finditer(reply[-WINDOW:].lower() + "}"):
        inner = "{" + found[0].strip("{}") + "}"
        for attempt in (
            inner,
            inner.replace("'", '"'),
            re.sub(r"([\w.%-]+)", r'"\1"', inner.replace('"', "")),
        ):
            try:
                value = json.loads(attempt)
            except ValueError:
                continue
            if isinstance(value, dict):
                yield value
                break


def _equal_to_four_places(reply: str, item: Item) -> bool:
    """CaLM's rule: the first object with a "prob", rounded to four places, equals the rounded label."""
    assert isinstance(item.gold, Answer)
    stated = next((each["prob"] for each in _objects(reply) if each.get("prob") is not None), None)
    try:
        return round(float(str(stated)), 4) == float(str(item.gold.value))
    except (ValueError, OverflowError):
        return False


def _same_word(reply: str, item: Item) -> bool:
    """CaLM's rule: the first object with an "answer" holds the label, capitals aside."""
    stated = next((each["answer"] for each in _objects(reply) if each.get("answer") is not None), None)
    return str(stated).strip() == str(item.gold).lower()


def _strict_number(reply: str, item: Item) -> Verdict:
    assert isinstance(item.gold, Answer)
    return grade(reply, item.gold)


def _right_number(item: Item) -> str:
    assert isinstance(item.gold, Answer)
    return json.dumps({"PROB": item.gold.value})


def _calm(fields: Mapping[str, Any]) -> bool:
    return "given_info" in fields and "Background" in fields and "gt_answer" in fields


CALM = Benchmark(
    name="calm",
    title="CaLM Lite, mathematical items",
    url="https://github.com/OpenCausaLab/CaLM",
    licence="Apache-2.0",
    citation=CITATION,
    metric="The first PROB in the reply equals the label when both are rounded to four places.",
    shape=lambda fields: _calm(fields) and not isinstance(fields["gt_answer"], str),
    read=maths,
    official=_equal_to_four_places,
    strict=_strict_number,
    right=_right_number,
)

TWINS = Benchmark(
    name="calm-yes-no",
    title="CaLM Lite, yes/no items",
    url="https://github.com/OpenCausaLab/CaLM",
    licence="Apache-2.0",
    citation=CITATION,
    metric="The first ANSWER in the reply is the label.",
    shape=lambda fields: _calm(fields) and isinstance(fields["gt_answer"], str),
    read=twins,
    official=_same_word,
    strict=worded(YES_NO),
    right=lambda item: json.dumps({"ANSWER": item.gold}),
)
