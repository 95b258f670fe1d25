"""What an audit finds: labels that cannot be right, each with its proof, and what could not be decided."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from caugym.evaluate.audit.shortcuts import Shortcuts

KINDS: dict[str, str] = {
    "inverted answer": "The yes/no says the opposite of what the question's wording asks, for every number "
    "that rounding allows.",
    "dead zone": "The yes/no is No to an effect that is small (below 0.001) but certainly not zero.",
    "unreachable value": "Whoever computes with the printed numbers, by any valid formula, misses the value "
    "by more than the tolerance; the label stems from decimals that are not printed.",
    "impossible value": "The value lies outside what the printed numbers allow, whatever decimals they hide.",
    "answerable": "Labelled insufficient, though the stated numbers determine the answer.",
    "self-contradiction": "The text was not read, but the record's own solution ends with the other yes/no.",
    "loopy value": "The record's own number is not that of its own model: it takes dependent causes as "
    "independent, as loopy belief propagation does.",
    "wrong value": "The record's own number is not that of its own model.",
    "wrong answer": "The yes/no is not what the record's own model gives.",
    "right answer rejected": "The benchmark's own verifier gives no credit to the correctly rounded answer.",
}
"""Kinds of dispute, with what each claims."""


@dataclass(frozen=True, slots=True)
class Dispute:
    """One label that cannot be right.

    Attributes:
        id: The item.
        kind: A key of `KINDS`.
        task: What it asks for.
        label: The label, as printed.
        found: What is right instead.
        proof: Lines that a person can check: formula, numbers, how it was confirmed. Never the item's text.
    """

    id: str
    kind: str
    task: str
    label: str
    found: str
    proof: tuple[str, ...]

    def fields(self) -> dict[str, object]:
        """The dispute as a JSON object."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Examined:
    """What became of one item.

    Attributes:
        id: The item.
        task: What it asks for.
        disputes: Empty where the label stands, or where nothing can be said.
        undecided: Why nothing can be said about (part of) the label; None where all of it was recomputed.
    """

    id: str
    task: str
    disputes: tuple[Dispute, ...] = ()
    undecided: str | None = None


@dataclass(frozen=True)
class Audit:
    """The audit of one file.

    Attributes:
        file: Its name.
        benchmark: What it was recognised as.
        sha256: Checksum of the file; of a set, that of its manifest.
        examined: One record an item, in the order of the file.
        shortcuts: How far shortcuts get; None where they do not apply.
    """

    file: str
    benchmark: str
    sha256: str
    examined: Sequence[Examined]
    shortcuts: Shortcuts | None = None

    @property
    def disputes(self) -> list[Dispute]:
        """All disputes, in the order of the file."""
        return [dispute for each in self.examined for dispute in each.disputes]

    @property
    def disputed(self) -> int:
        """The number of items with at least one dispute."""
        return sum(bool(each.disputes) for each in self.examined)

    @property
    def undecided(self) -> Mapping[str, int]:
        """How many items were left open, by reason."""
        return Counter(each.undecided for each in self.examined if each.undecided)

    @property
    def recomputed(self) -> int:
        """The number of items of which the whole label was recomputed."""
        return sum(each.undecided is None for each in self.examined)

    @property
    def kinds(self) -> Mapping[str, int]:
        """The number of disputes by kind."""
        return Counter(dispute.kind for dispute in self.disputes)
