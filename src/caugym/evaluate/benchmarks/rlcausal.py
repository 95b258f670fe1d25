"""RLCausal: distributions at three rungs, from conditional probability tables printed in the prompt.

The raw files hold ``example`` (``system``, ``user``, ``reference``: JSON), the training files verl's
columns with the distribution as ``reward_model.ground_truth``.
"""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from caugym.core.errors import InputError
from caugym.data.records import Record, records
from caugym.evaluate.benchmarks.benchmark import Benchmark, Item, judged
from caugym.evaluate.benchmarks.replies import distribution
from caugym.grade import Verdict

THRESHOLD = 0.01
"""Replies are right when nearer than this."""

_OFFICIAL = re.compile(r"ANSWER\s*+\[([-0-9.]{1,40}(?:,\s+[-0-9.]{1,40}){0,63})\]")
_WINDOW = 1_000_000


def items(path: Path) -> Iterator[Item]:
    """The items of a level."""
    for record in records(path):
        yield _item(record)


def distance(first: tuple[float, ...], second: tuple[float, ...]) -> float:
    """Total variation distance, calculated as RLCausal does; infinite if the lengths differ."""
    if len(first) != len(second):
        return float("inf")
    return sum(abs(a - b) for a, b in zip(first, second, strict=True)) / 2


def _item(record: Record) -> Item:
    fields = record.fields
    try:
        if "example" in fields:
            example = fields["example"]
            system, user, gold = example["system"], example["user"], json.loads(example["reference"])
        else:
            system = next((m["content"] for m in fields["prompt"] if m["role"] == "system"), "")
            user = next(m["content"] for m in fields["prompt"] if m["role"] == "user")
            gold = fields["reward_model"]["ground_truth"]
        reference = tuple(map(float, gold))
    except (KeyError, TypeError, ValueError, StopIteration) as error:
        raise InputError(f"{record.place} looks like RLCausal but is damaged ({error!r})") from None
    task = record.file.stem.partition("_")[0]
    number = f"{record.file.stem}-{record.number}"
    return Item(number, user, task=task, set=record.file.stem, gold=reference, system=system)


def _shape(fields: Mapping[str, Any]) -> bool:
    example, rule = fields.get("example"), fields.get("reward_model")
    if isinstance(example, dict):
        return "reference" in example
    return isinstance(rule, dict) and isinstance(rule.get("ground_truth"), list)


def _official(reply: str, item: Item) -> bool:
    """RLCausal's rule: the first ``ANSWER [...]`` is nearer than the threshold; need not sum to 1."""
    found = _OFFICIAL.search(reply[:_WINDOW])
    try:
        numbers = tuple(map(float, found[1].split(","))) if found else ()
    except ValueError:
        return False
    assert isinstance(item.gold, tuple)
    return distance(numbers, item.gold) < THRESHOLD


def _strict(reply: str, item: Item) -> Verdict:
    found = distribution(reply)
    assert isinstance(item.gold, tuple)
    if found is None:
        return judged(None, False)
    return judged(json.dumps(found), distance(found, item.gold) < THRESHOLD)


def _right(item: Item) -> str:
    assert isinstance(item.gold, tuple)
    return f"THOUGHT PROCESS\n...\n\nANSWER\n{json.dumps(list(item.gold))}"


RLCAUSAL = Benchmark(
    name="rlcausal",
    title="RLCausal",
    url="https://github.com/zhichul/rlcausal",
    licence="MIT",
    citation="Lu et al., Generalization of RLVR Using Causal Reasoning as a Testbed, arXiv:2512.20760, 2025",
    metric="Total variation distance of the first ANSWER [...] from the reference below 0.01.",
    shape=_shape,
    read=items,
    official=_official,
    strict=_strict,
    right=_right,
)
