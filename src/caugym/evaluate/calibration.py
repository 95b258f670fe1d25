"""Does a model know what it knows? For replies that state a confidence, how it compares with being right.

A confidence is what stands after the word: ``Confidence: 80 %``, ``"confidence": 0.8``. The last one after
the thought counts. Nothing is asked of models that state none: all figures are then None, with the reason.

Sources:
    Brier, Monthly Weather Review 78 (1950), 1-3: the mean squared error of a stated probability.
    Naeini, Cooper and Hauskrecht, AAAI 2015: the expected calibration error over bins of equal width.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from caugym.evaluate.records import Run
from caugym.evaluate.stats import Estimate, accuracy, mean
from caugym.evaluate.tables import Sheet, interval, percent

BINS = 10
"""Bins of equal width for the calibration error."""

FEWEST = 0.5
"""Confidences count as stated by the model if at least this share of its graded replies states one."""

_STATED = re.compile(
    r"\bconfidence(?:\s(?:level|score))?[\s\"'*_`]{0,4}(?:is|[:=])[\s\"'*_`~]{0,4}"
    r"(\d{1,3}(?:\.\d{1,6})?)\s?(\\?%|percent)?",
    re.IGNORECASE,
)
_WINDOW = 20_000


@dataclass(frozen=True)
class Bin:
    """Replies with about the same confidence.

    Attributes:
        low: Lower end of the bin; the upper one is a tenth higher.
        confidence: Their mean confidence.
        right: How many of them are right.
    """

    low: float
    confidence: float
    right: Estimate


@dataclass(frozen=True)
class Calibration:
    """How stated confidence and being right go together.

    Attributes:
        stated: The share of graded replies that state a confidence.
        brier: Mean squared distance between confidence and being right (0 at best, 0.25 for always saying one
            half); None where too few state one.
        error: Expected calibration error; None likewise.
        bins: The replies by confidence, those without any left out.
    """

    stated: Estimate
    brier: Estimate
    error: float | None
    bins: tuple[Bin, ...]


def confidence(reply: str) -> float | None:
    """The confidence that a reply states, from 0 to 1; None if it states none.

    >>> confidence('{"ANSWER": "Yes", "confidence": 0.8}'), confidence("Confidence: 85 %")
    (0.8, 0.85)
    """
    final = reply[max(reply.rfind("</think>"), len(reply) - _WINDOW, 0) :]
    *_, found = (None, *_STATED.finditer(final))
    if found is None:
        return None
    value = float(found[1])
    value = value / 100 if found[2] or value > 1 else value
    return value if value <= 1 else None


def calibration(run: Run) -> Calibration:
    """The calibration of a run."""
    told: dict[str, list[tuple[float, bool]]] = {}
    asked: dict[str, int] = {}
    for record in run.records:
        if record["strict"]:
            asked[record["id"]] = asked.get(record["id"], 0) + 1
            if (said := confidence(record["reply"])) is not None:
                told.setdefault(record["id"], []).append((said, record["strict"]["correct"]))
    stated = accuracy([(len(told.get(id_, ())), n) for id_, n in asked.items()])
    count = sum(map(len, told.values()))
    if stated.value is None or stated.value < FEWEST:
        reason = stated.reason or "fewer than half of the replies state a confidence"
        return Calibration(stated, Estimate(None, None, None, len(told), count, reason), None, ())
    errors = [sum((said - right) ** 2 for said, right in each) / len(each) for each in told.values()]
    bins = _bins(told)
    gaps = [abs((one.right.value or 0.0) - one.confidence) * one.right.replies for one in bins]
    return Calibration(stated, mean(errors, count), sum(gaps) / count, bins)


def calibration_sheet(run: Run) -> Sheet | None:
    """Calibration as a table; None where the model states no confidence."""
    found = calibration(run)
    if found.error is None:
        return None
    rows = [
        (
            f"{percent(one.low)} to {percent(one.low + 1 / BINS)}",
            str(one.right.replies),
            percent(one.confidence),
            percent(one.right.value),
            interval(one.right),
        )
        for one in found.bins
    ]
    return Sheet(
        f"{run.name}: stated confidence",
        ("Confidence", "Replies", "Mean", "Right", "95 % interval"),
        tuple(rows),
        (
            f"{percent(found.stated.value)} % of the replies state one. Calibration error {found.error:.3f}, "
            f"Brier score {found.brier.value:.3f} (0 is best; always saying one half gives 0.250).",
        ),
    )


def _bins(told: dict[str, list[tuple[float, bool]]]) -> tuple[Bin, ...]:
    """The replies by confidence; problems stay the unit of the intervals."""
    result = []
    for number in range(BINS):
        inside = [
            [one for one in each if min(int(one[0] * BINS), BINS - 1) == number] for each in told.values()
        ]
        chosen: Sequence[list[tuple[float, bool]]] = [each for each in inside if each]
        if chosen:
            said = [value for each in chosen for value, _ in each]
            right = accuracy([(sum(ok for _, ok in each), len(each)) for each in chosen])
            result.append(Bin(number / BINS, sum(said) / len(said), right))
    return tuple(result)
