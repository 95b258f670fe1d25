"""Runs in order, and how sure the order is."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from caugym.core.errors import InputError
from caugym.core.streams import stream
from caugym.evaluate.records import Run, load_all
from caugym.evaluate.stats import Difference, Estimate, accuracy, difference, holm
from caugym.evaluate.summary import scores
from caugym.evaluate.tables import NONE, Sheet, interval, percent, probability

DRAWS = 2000
"""Bootstrap draws of problems for the intervals of ranks."""


@dataclass(frozen=True)
class Place:
    """A run's place on the problems that all runs have answered.

    Attributes:
        run: Name of the run.
        model: What it asked.
        rank: 1 for the highest accuracy; runs that are equal share one.
        low: Best rank of the 95 % interval; None where it is undefined.
        high: Worst rank of it.
        accuracy: Strict accuracy on the common problems.
        behind: Compared with the run in the first place, problem by problem; None for that run.
        adjusted: The probability of that comparison after Holm's correction over all of them.
    """

    run: str
    model: str
    rank: int
    low: int | None
    high: int | None
    accuracy: Estimate
    behind: Difference | None
    adjusted: float | None = None


def leaderboard(runs: Sequence[Run | Path]) -> tuple[Place, ...]:
    """The runs by strict accuracy on their common problems, the best first.

    The interval of a rank is that of a percentile bootstrap over problems, the same draw for all runs: it
    says what the ranks would be on other problems of the kind, not after another training.

    Raises:
        InputError: If there is no run, they have no problem in common, or one reads differently in two.
    """
    loaded = load_all(runs)
    if not loaded:
        raise InputError("give at least one run to rank")
    common = [i for i in loaded[0].answered if all(i in run.answered for run in loaded)]
    if not common:
        raise InputError("the runs share no problem; evaluate all of them on the same set")
    for run in loaded:
        for id_ in common:
            if run.questions[id_] != loaded[0].questions[id_]:
                raise InputError(f"question {id_} reads differently in {run.path}; use one set")
    each = [list(scores(run, ids=common).values()) for run in loaded]
    if not all(asked for _, asked in each[0]):
        raise InputError("some questions have no label, so replies to them cannot be ranked")
    lows, highs = _intervals([[right / asked for right, asked in some] for some in each])
    estimates = [accuracy(some) for some in each]
    values = [estimate.value or 0.0 for estimate in estimates]
    order = sorted(range(len(loaded)), key=lambda i: -values[i])
    behind = [None, *(difference(each[order[0]], each[i], seed="leaderboard") for i in order[1:])]
    adjusted = holm([one.p if one else None for one in behind])
    return tuple(
        Place(
            loaded[i].name,
            loaded[i].info["model"],
            1 + sum(value > values[i] for value in values),
            lows[i],
            highs[i],
            estimates[i],
            behind[at],
            adjusted[at],
        )
        for at, i in enumerate(order)
    )


def leaderboard_sheet(runs: Sequence[Run | Path]) -> Sheet:
    """The leaderboard as a table: what ``caugym leaderboard`` prints."""
    places = leaderboard(runs)
    rows = [
        (
            place.run,
            str(place.rank),
            NONE if place.low is None else f"{place.low} to {place.high}",
            percent(place.accuracy.value),
            interval(place.accuracy),
            *(
                (NONE, NONE, NONE)
                if place.behind is None
                else (
                    percent(place.behind.value, sign=True),
                    probability(place.adjusted),
                    percent(place.behind.detectable),
                )
            ),
        )
        for place in places
    ]
    return Sheet(
        f"Leaderboard: {places[0].accuracy.problems} problems",
        ("Run", "Rank", "95 %", "Accuracy", "95 % interval", "To first", "p", "Detectable"),
        tuple(rows),
        (
            "Ranks with bootstrap intervals over problems; accuracy in percent, differences in points.",
            "p: exact sign-flip test against the first, Holm-corrected.",
            "Detectable: the difference that such a comparison finds with 80 % power.",
        ),
    )


def _intervals(shares: list[list[float]]) -> tuple[list[int | None], list[int | None]]:
    """The 2.5 % and 97.5 % quantiles of each run's rank when problems are drawn anew."""
    matrix = np.array(shares)
    runs, problems = matrix.shape
    if problems < 2:
        return [None] * runs, [None] * runs
    rng = np.random.default_rng(stream("leaderboard", runs, problems).getrandbits(128))
    ranks = np.empty((DRAWS, runs), dtype=int)
    for draw in range(DRAWS):
        means = matrix @ np.bincount(rng.integers(problems, size=problems), minlength=problems)
        ranks[draw] = 1 + (means[None, :] > means[:, None] + 1e-9).sum(axis=1)
    ends = np.quantile(ranks, [0.025, 0.975], axis=0, method="nearest")
    return [int(low) for low in ends[0]], [int(high) for high in ends[1]]
