"""What a public benchmark declares: how to recognise and read its files, and how it grades."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from caugym.core.errors import InputError
from caugym.data.records import Record, records
from caugym.problems.problem import Answer

Gold = Answer | str | tuple[float, ...] | frozenset[int]
"""A right answer: a value and yes/no, a word, a distribution, or the numbers of the right choices."""


@dataclass(frozen=True)
class Item:
    """One question of a benchmark.

    Attributes:
        id: Unique among the items of a file.
        text: What the model is asked.
        gold: The right answer, as its source has it.
        task: What kind of question it is, if the source says.
        system: The system message that its source prescribes; empty if none.
        record: The fields of the source, untouched.
    """

    id: str
    text: str
    gold: Gold
    task: str | None = None
    system: str = ""
    record: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)


Grader = Callable[[str, Item], bool]


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
        strict: ``(reply, item) -> bool``: right by one final, well-formed answer.
        right: ``(item) -> reply``: a right reply in the form that the benchmark asks for.
        source: ``(path) -> records``, from which the first is shown to ``shape``.
    """

    name: str
    title: str
    url: str
    licence: str
    citation: str
    metric: str
    shape: Callable[[Mapping[str, Any]], bool]
    read: Callable[[Path], Iterator[Item]]
    official: Grader
    strict: Grader
    right: Callable[[Item], str]
    source: Callable[[Path], Iterator[Record]] = records

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
            yield item

    def about(self) -> str:
        """Licence and citation, for whoever uses its files."""
        return f"{self.title} ({self.url}). Licence: {self.licence}. Cite: {self.citation}"


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
