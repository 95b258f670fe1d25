"""CLadder: yes/no questions on all three rungs, from models whose parameters lie beside them.

The files (generated tests ``test-generate-*.json`` and ``cladder-v1-*.json`` alike) are JSON arrays with
``question_id``, ``given_info``, ``question``, ``answer`` and ``meta``. The background of a question stands
in the file of models, ``*meta*model*.json`` or ``*model*meta*.json`` in the same folder, under its
``model_id``.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from caugym.core.errors import InputError
from caugym.data.records import Record, records
from caugym.evaluate.benchmarks.benchmark import Benchmark, Item, needed, worded

YES_NO = ("Yes", "No")


def models(folder: Path) -> dict[int, Mapping[str, Any]]:
    """The models of a folder by ``model_id``; empty if their file is not there."""
    found: dict[int, Mapping[str, Any]] = {}
    for file in sorted(folder.glob("*meta*.json")):
        if "model" in file.name:
            for record in records(file):
                (number,) = needed(record, "model_id")
                found[int(number)] = record.fields
    return found


def identifier(record: Record) -> str:
    """The file and the number of the question; numbers start afresh in each file."""
    return f"{record.file.stem}-{record.fields['question_id']}"


def items(path: Path) -> Iterator[Item]:
    """The questions with their background.

    Raises:
        InputError: If the file of models is not beside them.
    """
    known: dict[Path, Mapping[int, Mapping[str, Any]]] = {}
    for record in records(path):
        if "question_id" not in record.fields and "model_id" in record.fields:
            continue  # the file of models itself, when a whole folder is read
        _, given, question, answer, meta = needed(
            record, "question_id", "given_info", "question", "answer", "meta"
        )
        beside = known.setdefault(record.file.parent, models(record.file.parent))
        model = beside.get(meta.get("model_id"))
        background = record.fields.get("background") or (model or {}).get("background")
        if background is None:
            raise InputError(
                f"{record.place}: its background is missing; put the file of models "
                "(test-model-meta.json, cladder-v1-meta-models.json) beside it"
            )
        gold = str(answer).strip().capitalize()
        if gold not in YES_NO:
            raise InputError(f"{record.place}: the answer {answer!r} is neither yes nor no")
        prompt = " ".join(part.strip() for part in (background, given, question) if part.strip())
        rung = f"rung {meta['rung']}" if "rung" in meta else None
        yield Item(
            identifier(record),
            prompt,
            task=meta.get("query_type"),
            set=record.file.stem,
            level=rung,
            gold=gold,
        )


def _starts(reply: str, item: Item) -> bool:
    """CLadder's rule: the reply begins with the label, capitals and quotes aside."""
    return reply.strip().strip('"').lower().startswith(str(item.gold).lower())


CLADDER = Benchmark(
    name="cladder",
    title="CLadder",
    url="https://github.com/causalNLP/cladder",
    licence="MIT",
    citation=(
        "Jin et al., CLadder: Assessing Causal Reasoning in Language Models, NeurIPS 2023, arXiv:2312.04350"
    ),
    metric="The reply begins with the label.",
    shape=lambda fields: {"question_id", "question", "answer", "meta"} <= fields.keys(),
    read=items,
    official=_starts,
    strict=worded(YES_NO),
    right=lambda item: str(item.gold),
)
