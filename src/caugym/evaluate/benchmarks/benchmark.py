"""What a public benchmark declares: how to recognise and read its files, and how it grades."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from caugym.core.errors import InputError
from caugym.data.questions import Question
from caugym.data.records import Record, records
from caugym.evaluate.benchmarks.replies import word
from caugym.grade import Verdict
from caugym.problems.problem import Answer

Gold = Answer | str | tuple[float, ...]
"""A right answer: a value and yes/no, a word, a distribution, or the numbers of the right choices."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item(Question):
    """One question of a benchmark, graded by the benchmark's rules.

    Attributes:
        gold: The right answer, as its source has it.
        system: The system message that its source prescribes; empty if none.
        benchmark: Short name of the benchmark.
    """

    gold: Gold
    system: str = ""
    benchmark: str = ""


@dataclass(frozen=True)
class Benchmark:
    """A public benchmark. Nothing of it is bundled: its files are read where the user keeps them.

    Attributes:
        name: Short name, e.g. ``"cladder"``.
        title: Name in full.
        url: Where its files are.
        licence: The licence its authors state.
        citation: Whom to cite.
        metric: What the official metric is, in one sentence.
        shape: ``(fields of the first record) -> bool``: whether a file is of this benchmark.
        read: ``(path) -> items``; raises `InputError` on a damaged record.
        official: ``(reply, item) -> bool``: right by the benchmark's own rule, its laxity included.
        strict: ``(reply, item) -> verdict``, by one final, well-formed answer.
        right: ``(item) -> reply``: a right reply in the form that the benchmark asks for.
        source: ``(path) -> records``, from which the first is shown to ``shape``.
        positive: The word of which the official figure is the F1; None where it is the share right.
    """

    name: str
    title: str
    url: str
    licence: str
    citation: str
    metric: str
    shape: Callable[[Mapping[str, Any]], bool]
    read: Callable[[Path], Iterator[Item]]
    official: Callable[[str, Item], bool]
    strict: Callable[[str, Item], Verdict]
    right: Callable[[Item], str]
    source: Callable[[Path], Iterator[Record]] = records
    positive: str | None = None

    def recognises(self, path: Path) -> bool:
        """Whether a file is of this benchmark, told by its first record."""
        first = next(self.source(path), None)
        return first is not None and self.shape(first.fields)

    def load(self, path: Path) -> Iterator[Item]:
        """The items of a file or folder.

        Raises:
            InputError: If a record is damaged, or an id stands twice.
        """
        seen: set[str] = set()
        for item in self.read(path):
            if item.id in seen:
                raise InputError(f"{path}: the id {item.id!r} stands twice; every id must be different")
            seen.add(item.id)
            label = item.gold if isinstance(item.gold, Answer) else None
            yield replace(item, benchmark=self.name, label=label)

    def grade(self, reply: str, item: Item, truncated: bool = False) -> tuple[Verdict, Verdict]:
        """The verdicts on a reply: strict, and by the official rule, which does not ask if it was cut off."""
        strict = self.strict(reply, item)
        if truncated:
            value_ok = None if strict.value_ok is None else False
            answer_ok = None if strict.answer_ok is None else False
            strict = Verdict(
                "truncated", False, value_ok, answer_ok, None, None, "cut off at the token limit"
            )
        if self.official(reply, item):
            return strict, Verdict("correct", True, None, None, None, None, "right by the official rule")
        return strict, Verdict("wrong", False, None, None, None, None, "not right by the official rule")

    def about(self) -> str:
        """Licence and citation, for whoever uses its files."""
        return f"{self.title} ({self.url}). Licence: {self.licence}. Cite: {self.citation}"


def judged(said: str | None, right: bool) -> Verdict:
    """The verdict on an answer that is not a number; ``said`` is None where none was found."""
    if said is None:
        return Verdict("unparsed", False, None, False, None, None, "no answer found")
    reason = "right" if right else "the answer is wrong"
    return Verdict("correct" if right else "wrong", right, None, right, None, said, reason)


def worded(words: tuple[str, ...]) -> Callable[[str, Item], Verdict]:
    """The strict rule where the answer is one of a few words."""

    def strict(reply: str, item: Item) -> Verdict:
        said = word(reply, words)
        return judged(said, said == item.gold)

    return strict


def checksum(file: Path) -> str:
    """The SHA-256 of a file's bytes, in hexadecimal."""
    digest = sha256()
    with file.open("rb") as source:
        while block := source.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def needed(record: Record, *keys: str) -> list[Any]:
    """The values of keys that a record must have.

    Raises:
        InputError: If one is missing.
    """
    for key in keys:
        if key not in record.fields:
            raise InputError(f"{record.place} lacks {key!r}; is the file complete?")
    return [record.fields[key] for key in keys]
