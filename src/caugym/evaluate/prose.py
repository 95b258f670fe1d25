"""What runs show, in plain sentences."""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from caugym.evaluate.compare import Comparison, compare
from caugym.evaluate.records import Run, load_all
from caugym.evaluate.summary import summary
from caugym.evaluate.tables import interval, percent, probability

CLEAR = 0.05
"""A difference with a smaller adjusted probability is called clear."""


def sentences(runs: Sequence[Run | Path]) -> list[str]:
    """The result in plain words, the main sentence first.

    Two runs are compared; of more, each with the first and the one before it, beginning with first and last.
    """
    loaded = load_all(runs)
    told = _alone(loaded[0]) if len(loaded) == 1 else []
    if len(loaded) > 1:
        names = [run.name for run in loaded]
        near = {(names[0], name) for name in names} | set(pairwise(names))
        rows = compare(loaded)
        pairs = [row for row in rows if row.name == "all" and (row.first, row.second) in near]
        pairs.sort(key=lambda row: (row.first, row.second) != (names[0], names[-1]))
        told = [words for row in pairs for words in _against(row)]
        if len(loaded) == 2:
            told += _by_task(rows[1:])
    return told + [
        f"{quoted(run.name)} is unfinished: {len(run.records)} of {run.expected} replies."
        for run in loaded
        if not run.info["finished"]
    ]


def quoted(name: str) -> str:
    """A run's name as it stands in a sentence."""
    return f"\N{LEFT DOUBLE QUOTATION MARK}{name}\N{RIGHT DOUBLE QUOTATION MARK}"


def _alone(run: Run) -> list[str]:
    whole = summary(run)
    if whole.strict.value is None:
        return [f"{quoted(run.name)} cannot be judged: {whole.strict.reason}."]
    each = f"{whole.k} replies" if whole.k > 1 else "one reply"
    told = [
        f"{quoted(run.name)} is right in {percent(whole.strict.value)} % of its replies "
        f"(95 % interval {interval(whole.strict)}): {whole.strict.problems} problems, {each} to each."
    ]
    if whole.k > 1 and whole.passed.value is not None:
        told.append(
            f"At least one of {whole.k} replies is right for {percent(whole.passed.value)} % of the "
            f"problems; the commonest answer is right for {percent(whole.voted.value)} %."
        )
    return told


def _against(row: Comparison) -> list[str]:
    change = row.difference
    if change.value is None:
        return [f"{quoted(row.second)} cannot be compared with {quoted(row.first)}: {change.reason}."]
    main = (
        f"{quoted(row.second)} is right in {percent(row.after.value)} % of its replies, {quoted(row.first)} "
        f"in {percent(row.before.value)} %, on the same {change.problems} problems: "
    )
    if change.value == 0:
        return [main + "no difference."]
    size = f"a {'gain' if change.value > 0 else 'loss'} of {percent(abs(change.value))} points"
    if change.low is not None:
        size += f" (95 % interval {interval(change, sign=True)})"
    if row.adjusted is not None and row.adjusted < CLEAR:
        return [f"{main}{size}, p {_p(row.adjusted)}."]
    told = [f"{main}{size}, which chance alone would explain (p {_p(row.adjusted)})."]
    if change.detectable is not None:
        told.append(f"A true change of {percent(change.detectable)} points would probably have been seen.")
    return told


def _by_task(rows: Sequence[Comparison]) -> list[str]:
    clear = [row for row in rows if row.adjusted is not None and row.adjusted < CLEAR]
    gained = [row.name for row in clear if (row.difference.value or 0) > 0]
    lost = [row.name for row in clear if (row.difference.value or 0) < 0]
    if len(rows) < 2:
        return []
    told = f"By task, corrected for {len(rows)} comparisons: a clear gain on {_listed(gained)}"
    return [f"{told}, a clear loss on {_listed(lost)}."]


def _p(p: float | None) -> str:
    text = probability(p)
    return text.replace("<", "< ") if text.startswith("<") else f"= {text}"


def _listed(names: list[str]) -> str:
    if len(names) > 1:
        return f"{', '.join(names[:-1])} and {names[-1]}"
    return names[0] if names else "none"
