"""Which of several runs is better, on the problems that they have in common."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from caugym.core.errors import InputError
from caugym.evaluate.records import Run, load_all
from caugym.evaluate.stats import Difference, Estimate, accuracy, difference, holm
from caugym.evaluate.summary import Part, scores


@dataclass(frozen=True)
class Comparison:
    """One run against an earlier one, on all common problems or on those of one part.

    Attributes:
        first: Name of the run that is compared with.
        second: Name of the run that is compared.
        name: ``"all"``, or the task, set or level.
        before: Accuracy of the first run on the common problems.
        after: Accuracy of the second run on them.
        difference: Second minus first.
        adjusted: The probability after Holm's correction: over all runs in the rows named ``"all"``, over
            all runs and parts in the others. None where the difference has none.
    """

    first: str
    second: str
    name: str
    before: Estimate
    after: Estimate
    difference: Difference
    adjusted: float | None = None


def compare(runs: Sequence[Run | Path], part: Part = "task") -> tuple[Comparison, ...]:
    """Compare runs problem by problem: every pair on all problems, then each with the first by part.

    Problems count that both runs have answered in full.

    Args:
        runs: At least two runs (folders or loaded), the one to compare with first.
        part: What to divide the problems by.

    Raises:
        InputError: If there are fewer than two runs, two share no problem, or a problem reads differently in
            two of them.
    """
    loaded = load_all(runs)
    if len(loaded) < 2:
        raise InputError("give at least two runs to compare")
    whole, divided = [], []
    for later, second in enumerate(loaded):
        for earlier, first in enumerate(loaded[:later]):
            rows = _pair(first, second, part)
            whole.append(rows[0])
            divided.extend([] if earlier else rows[1:])
    return (*_corrected(whole), *_corrected(divided))


def _pair(first: Run, second: Run, part: Part) -> list[Comparison]:
    common = [id_ for id_ in first.answered if id_ in second.answered]
    if not common:
        raise InputError(f"{first.path} and {second.path} share no problem; evaluate both on the same set")
    for id_ in common:
        if first.questions[id_] != second.questions[id_]:
            raise InputError(
                f"question {id_} reads differently in {first.path} and {second.path}; use one set"
            )
    members = {"all": common}
    for id_ in common:
        name = getattr(first.questions[id_], part)
        if name:
            members.setdefault(name, []).append(id_)
    one, other = scores(first, ids=common), scores(second, ids=common)
    rows = []
    for name, ids in sorted(members.items(), key=lambda item: (item[0] != "all", item[0])):
        old, new = [one[i] for i in ids], [other[i] for i in ids]
        change = difference(old, new, seed=f"{part}/{name}")
        rows.append(Comparison(first.name, second.name, name, accuracy(old), accuracy(new), change))
    return rows


def _corrected(rows: list[Comparison]) -> list[Comparison]:
    adjusted = holm([row.difference.p for row in rows])
    return [replace(row, adjusted=p) for row, p in zip(rows, adjusted, strict=True)]
