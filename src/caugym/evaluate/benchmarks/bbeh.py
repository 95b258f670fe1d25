"""BIG-Bench Extra Hard, causal understanding: what most people would say caused what.

The file ``task.json`` is one object with ``examples``: a list of ``input`` and ``target`` (Yes, No or
Ambiguous).
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from caugym.core.errors import InputError
from caugym.data.records import records
from caugym.evaluate.benchmarks.benchmark import Benchmark, Item, worded

WORDS = ("Yes", "No", "Ambiguous")
_PREFIXES = ("The answer is:", "The final answer is ", "The final answer is: ", "The answer is ")
_WRAPPERS = ("boxed{", "text{", "texttt{")


def items(path: Path) -> Iterator[Item]:
    """The items of the file."""
    for record in records(path):
        for number, example in enumerate(record.fields.get("examples") or (), 1):
            if not isinstance(example, dict) or example.get("target") not in WORDS:
                raise InputError(f"{record.file}: example {number} has no target among {', '.join(WORDS)}")
            yield Item(f"bbeh-causal-{number}", str(example.get("input", "")), gold=example["target"])


def _shape(fields: Mapping[str, Any]) -> bool:
    examples = fields.get("examples")
    return isinstance(examples, list) and bool(examples) and {"input", "target"} <= examples[0].keys()


def _official(reply: str, item: Item) -> bool:
    """BBEH's rule: what follows the last "The answer is", without stars, brackets and full stop."""
    text = reply.strip()
    for prefix in _PREFIXES:
        if prefix in text:
            text = text.rpartition(prefix)[2].strip()
    text = text.removesuffix(".")
    if len(text) > 1 and text[0] == text[-1] == "$":
        text = text[1:-1]
    for wrapper in _WRAPPERS:
        if wrapper in text and text.endswith("}"):
            text = text[:-1].split(wrapper)[1]
    text = text.lower().replace(", ", ",").replace("**", "").split("\n")[0].removesuffix(".")
    target = str(item.gold).lower()
    return text.replace("'", "") == target or text in (f"[{target}]", f"{target}?")


BBEH = Benchmark(
    name="bbeh-causal",
    title="BIG-Bench Extra Hard, causal understanding",
    url="https://github.com/google-deepmind/bbeh",
    licence="Apache-2.0",
    citation="Kazemi et al., BIG-Bench Extra Hard, arXiv:2502.19187, 2025",
    metric='What follows the last "The answer is" equals the target, capitals and punctuation aside.',
    shape=_shape,
    read=items,
    official=_official,
    strict=worded(WORDS),
    right=lambda item: f"The answer is: {item.gold}",
)
