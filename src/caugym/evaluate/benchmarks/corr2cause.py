"""Corr2Cause: does a causal claim follow from stated correlations?

The files are CSV with ``input`` (premise and hypothesis) and ``label``. In the paraphrased files the labels
are 0, 1 and 2 (contradiction, entailment, neutral), of which only 1 is "follows".
"""

import csv
from collections.abc import Iterator
from pathlib import Path

from caugym.core.errors import InputError
from caugym.data.records import Record
from caugym.evaluate.benchmarks.benchmark import Benchmark, Item, needed, worded

YES_NO = ("Yes", "No")
_ASK = 'Does the hypothesis follow necessarily from the premise? Answer "Yes" or "No".'
_FOLLOWS = ("yes", "true", "must be true", "necessarily true", "entailment")


def rows(path: Path) -> Iterator[Record]:
    """The rows of a CSV file with a header, or of all CSV files of a folder."""
    files = sorted(path.glob("*.csv")) if path.is_dir() else [path]
    if not files:
        raise InputError(f"{path} holds no file that ends in .csv")
    for file in files:
        try:
            with file.open(encoding="utf-8-sig", newline="") as source:
                for number, fields in enumerate(csv.DictReader(source), 1):
                    yield Record(dict(fields), file, number)
        except (csv.Error, UnicodeDecodeError) as error:
            raise InputError(f"{file} is not readable CSV ({error})") from None


def items(path: Path) -> Iterator[Item]:
    """The items of a file."""
    for record in rows(path):
        text, label = needed(record, "input", "label")
        if text is None or label not in ("0", "1", "2"):
            raise InputError(f"{record.place}: expected an input and a label 0, 1 or 2, not {label!r}")
        gold = "Yes" if label == "1" else "No"
        number = f"{record.file.stem}-{record.number}"
        yield Item(number, f"{text}\n{_ASK}", set=record.file.stem, gold=gold)


def _begins(reply: str, item: Item) -> bool:
    """Corr2Cause's rule: a reply that begins with an affirmation says Yes, every other one No."""
    start = reply.strip().strip("\"'").lower()
    return start.startswith(_FOLLOWS) == (item.gold == "Yes")


CORR2CAUSE = Benchmark(
    name="corr2cause",
    title="Corr2Cause",
    url="https://huggingface.co/datasets/causalnlp/corr2cause",
    licence="MIT",
    citation=(
        "Jin et al., Can Large Language Models Infer Causation from Correlation?, ICLR 2024, arXiv:2306.05836"
    ),
    metric="A reply that begins with an affirmation counts as Yes, anything else as No; F1 of Yes.",
    shape=lambda fields: {"input", "label"} <= fields.keys(),
    read=items,
    official=_begins,
    strict=worded(YES_NO),
    right=lambda item: str(item.gold),
    source=rows,
    positive="Yes",
)
