"""CausalProbe-2024 (E, H and M): questions about news with four choices; in M several may be right.

The files are JSON arrays with ``id``, ``context``, ``question``, ``choice_1`` to ``choice_4`` and
``answer``: a number from 1 to 4, or in M a list of them.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from caugym.core.errors import InputError
from caugym.data.records import records
from caugym.evaluate.benchmarks.benchmark import Benchmark, Item, judged, needed
from caugym.evaluate.benchmarks.replies import choices
from caugym.grade import Verdict

COUNT = 4
_KEYS = tuple(f"choice_{number}" for number in range(1, COUNT + 1))
_DIGIT = re.compile(r"\d")


def items(path: Path) -> Iterator[Item]:
    """The items of a file."""
    for record in records(path):
        number, context, question, answer, *told = needed(
            record, "id", "context", "question", "answer", *_KEYS
        )
        several = isinstance(answer, list)
        try:
            gold = tuple(sorted(set(map(int, answer if several else [answer]))))
        except (TypeError, ValueError):
            gold = ()
        if not gold or not set(gold) <= set(range(1, COUNT + 1)):
            raise InputError(f"{record.place}: the answer {answer!r} is not among 1 to {COUNT}")
        listed = "\n".join(f"{i}. {text}" for i, text in enumerate(told, 1))
        ask = (
            'Give the numbers of all right choices, with commas between, after "Answer:".'
            if several
            else 'Give the number of the right choice after "Answer:".'
        )
        text = f"Context: {context}\nQuestion: {question}\nAnswer choices:\n{listed}\n{ask}"
        task = "several" if several else "one"
        yield Item(f"{record.file.stem}-{number}", text, task=task, set=record.file.stem, gold=gold)


def _digits(reply: str, item: Item) -> bool:
    """CausalProbe's rule: the first digit in the reply; for several right choices all digits, as a set."""
    digits = list(map(int, _DIGIT.findall(reply)))
    return tuple(sorted(set(digits if item.task == "several" else digits[:1]))) == item.gold


def _strict(reply: str, item: Item) -> Verdict:
    said = tuple(sorted(choices(reply, COUNT)))
    return judged(", ".join(map(str, said)) or None, said == item.gold)


CAUSALPROBE = Benchmark(
    name="causalprobe",
    title="CausalProbe-2024",
    url="https://github.com/Haoang97/CausalProbe-2024",
    licence="none stated",
    citation=(
        "Chi et al., Unveiling Causal Reasoning in Large Language Models: Reality or Mirage?, NeurIPS 2024, "
        "arXiv:2506.21215"
    ),
    metric="The first digit in the reply; where several choices are right, all digits (no rule published).",
    shape=lambda fields: {"context", "question", "choice_1", "answer"} <= fields.keys(),
    read=items,
    official=_digits,
    strict=_strict,
    right=lambda item: f"Answer: {', '.join(map(str, item.gold))}",  # type: ignore[arg-type]
)
