"""What can be said from k replies to each of m problems, and how surely.

The problem, not the reply, is the unit that was sampled: five replies to one problem say less than one reply
to each of five. Every interval and test here therefore works on one score a problem (the share of its
replies that are right) and treats problems as the independent draws. What cannot be said is None, never 0,
with the reason.

Sources:
    Wilson, JASA 22 (1927), 209-212: the score interval of a proportion.
    Korn and Graubard, Survey Methodology 24 (1998), 193-201: effective sample size with few clusters.
    Dean and Pagano, J. Survey Statistics and Methodology 3 (2015), 484-503: Wilson on the effective size.
    Chen et al., arXiv 2107.03374, equation 1: pass@k without bias.
    Miller, arXiv 2411.00640: paired and clustered comparison of language models.
    Holm, Scandinavian Journal of Statistics 6 (1979), 65-70: many comparisons.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import comb, lcm, sqrt
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from caugym.core.streams import stream

Z = NormalDist().inv_cdf(0.975)
"""Half-width of a 95 % normal interval in standard errors."""

POWER = NormalDist().inv_cdf(0.8)
"""What a power of 80 % adds to `Z` in the minimum detectable difference."""

Score = tuple[int, int]
"""One problem: how many replies are right, of how many."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """An estimated mean over problems.

    Attributes:
        value: The estimate, or None where it is undefined.
        low: Lower end of the 95 % interval, or None.
        high: Upper end, or None.
        problems: Problems it rests on.
        replies: Replies it rests on.
        reason: Why something is None; empty otherwise.
    """

    value: float | None
    low: float | None
    high: float | None
    problems: int
    replies: int
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Difference:
    """How much higher the second run scores than the first on the problems both were asked.

    Attributes:
        value: Mean difference by problem, second minus first, or None.
        low: Lower end of the 95 % bootstrap interval, or None.
        high: Upper end, or None.
        p: Two-sided exact sign-flip probability of a difference at least as large, or None.
        detectable: The smallest true difference that such a comparison finds with 80 % power at the 5 %
            level, or None.
        problems: Problems in common.
        reason: Why something is None; empty otherwise.
    """

    value: float | None
    low: float | None
    high: float | None
    p: float | None
    detectable: float | None
    problems: int
    reason: str = ""


def accuracy(scores: Sequence[Score]) -> Estimate:
    """The share of replies that are right, with a 95 % interval clustered by problem.

    The estimate is the ratio of right replies to replies. The interval is Wilson's with the effective number
    of
    replies: ``p (1 - p) / v``, where v is the variance of the ratio with problems as clusters (linearised, m
    - 1 degrees of freedom), shrunk by ``(z / t)^2`` for few problems (Korn and Graubard). The effective
    number is never taken below the number of problems nor above the (shrunk) number of replies: with one
    reply a problem the interval is exactly Wilson's, and where all replies agree it counts problems, not
    replies.

    >>> accuracy([(1, 1)] * 7 + [(0, 1)] * 3).value
    0.7
    """
    scores = [score for score in scores if score[1]]
    replies = sum(asked for _, asked in scores)
    if not replies:
        return Estimate(None, None, None, 0, 0, "no graded reply")
    right = sum(correct for correct, _ in scores)
    p = right / replies
    m = len(scores)
    if m < 2:
        return Estimate(p, None, None, m, replies, "one problem shows no spread between problems")
    residuals = sum((correct - p * asked) ** 2 for correct, asked in scores)
    variance = m / (m - 1) * residuals / replies**2
    low, high = _wilson(p, _effective(p, variance, m, replies))
    return Estimate(p, low, high, m, replies)


def pass_at(k: int, scores: Sequence[Score]) -> Estimate:
    """The chance that at least one of k replies is right, from n >= k replies a problem, without bias.

    A problem with c right of n replies counts ``1 - C(n - c, k) / C(n, k)`` (Chen et al.). The interval is
    Wilson's with the effective number of problems.

    >>> pass_at(2, [(1, 4), (0, 4)]).value
    0.25
    """
    scores = [score for score in scores if score[1]]
    if not scores:
        return Estimate(None, None, None, 0, 0, "no graded reply")
    if min(n for _, n in scores) < k:
        return Estimate(None, None, None, len(scores), 0, f"needs {k} replies to every problem")
    values = [1 - comb(n - c, k) / comb(n, k) for c, n in scores]
    return mean(values, sum(n for _, n in scores))


def mean(values: Sequence[float], replies: int) -> Estimate:
    """The mean of one value in [0, 1] a problem, and Wilson's interval on the effective number."""
    m = len(values)
    if not m:
        return Estimate(None, None, None, 0, 0, "no graded reply")
    p = min(1.0, max(0.0, float(np.mean(values))))
    if m < 2:
        return Estimate(p, None, None, m, replies, "one problem shows no spread between problems")
    variance = float(np.var(values, ddof=1)) / m
    low, high = _wilson(p, _effective(p, variance, m, replies))
    return Estimate(p, low, high, m, replies)


def f1(positive: Sequence[Score], negative: Sequence[Score], draws: int = 10_000) -> Estimate:
    """The harmonic mean of precision and recall of one of two words, from how its questions were answered.

    Args:
        positive: Questions to which the word is the right answer; a reply that is not right misses it.
        negative: The others; a reply that is not right says the word.
        draws: Bootstrap draws over problems for the percentile interval.

    >>> f1([(1, 1), (1, 1), (0, 1)], [(1, 1), (0, 1)]).value
    0.6666666666666666
    """
    found = [(right, asked - right, 0) for right, asked in positive if asked]
    found += [(0, 0, asked - right) for right, asked in negative if asked]
    replies = sum(asked for _, asked in (*positive, *negative))
    counts = Counter(found)
    kinds = np.array(sorted(counts), dtype=float).reshape(-1, 3)
    times = np.array([counts[kind] for kind in sorted(counts)])

    def score(weights: NDArray[np.int64]) -> NDArray[np.float64]:
        hit, missed, false = (weights @ kinds).T
        with np.errstate(invalid="ignore"):
            return np.asarray(2 * hit / (2 * hit + missed + false))

    if not len(found) or not kinds.sum():
        return Estimate(None, None, None, len(found), replies, "the word is neither right nor said anywhere")
    value = float(score(times[None])[0])
    if len(found) < 2:
        return Estimate(value, None, None, 1, replies, "one problem shows no spread between problems")
    rng = np.random.default_rng(stream("f1", str(sorted(counts.items()))).getrandbits(128))
    drawn = score(rng.multinomial(len(found), times / times.sum(), size=draws))
    low, high = np.nanquantile(drawn, [0.025, 0.975])
    return Estimate(value, float(low), float(high), len(found), replies)


def majority(votes: Sequence[tuple[str, bool]]) -> float:
    """The chance that the commonest answer is right, for one problem, ties broken by lot (maj@k).

    Args:
        votes: The answer of each reply that gave one, and whether it is right. No vote at all is a miss.

    >>> majority([("0.1", False), ("0.2", True), ("0.2", True)])
    1.0
    """
    counts = Counter(answer for answer, _ in votes)
    if not counts:
        return 0.0
    top = max(counts.values())
    right = dict(votes)
    leaders = [answer for answer, count in counts.items() if count == top]
    return sum(right[answer] for answer in leaders) / len(leaders)


def difference(
    first: Sequence[Score], second: Sequence[Score], seed: str = "", draws: int = 10_000
) -> Difference:
    """Compare two runs on the same problems, paired by problem.

    The interval is the percentile bootstrap over problems (with fewer than some 20 a little too narrow). The
    probability is exact: under the hypothesis that the runs do not differ, the sign of each problem's
    difference is a coin, and the distribution of their sum is convolved whole. With one reply a problem this
    is McNemar's exact test.

    Args:
        first: Score of each problem in the first run.
        second: Score of the same problems, in the same order, in the second run.
        seed: Names the bootstrap's stream, with the differences themselves.
        draws: Bootstrap draws.

    >>> difference([(0, 1)] * 6, [(1, 1)] * 5 + [(0, 1)]).p
    0.0625
    """
    pairs = [(a, b) for a, b in zip(first, second, strict=True) if a[1] and b[1]]
    m = len(pairs)
    if not m:
        return Difference(None, None, None, None, None, 0, "no graded problem in common")
    scale = lcm(*{n for pair in pairs for _, n in pair})
    steps = [b[0] * (scale // b[1]) - a[0] * (scale // a[1]) for a, b in pairs]
    value = float(Fraction(sum(steps), scale * m))
    p = sign_flip(steps)
    counts = Counter(steps)
    if len(counts) < 2:
        reason = "no problem differs" if not any(steps) else "all problems differ by the same amount"
        return Difference(value, None, None, p, None, m, reason)
    low, high = _bootstrap(counts, m, seed, draws)
    spread = float(np.std(steps, ddof=1)) / sqrt(m)
    return Difference(value, low / (scale * m), high / (scale * m), p, (Z + POWER) * spread / scale, m)


def sign_flip(steps: Sequence[int]) -> float:
    """Two-sided probability, with every sign a fair coin, of a sum at least as far from 0 as the one seen."""
    weights = [abs(step) for step in steps if step]
    total, seen = sum(weights), abs(sum(steps))
    chance = np.ones(1)
    for weight in weights:
        longer = np.zeros(len(chance) + weight)
        longer[: len(chance)] = chance
        longer[weight:] += chance
        chance = longer / 2
    sums = 2 * np.arange(total + 1) - total
    return min(1.0, float(chance[np.abs(sums) >= seen].sum()))


def holm(ps: Sequence[float | None]) -> list[float | None]:
    """Holm's adjusted probabilities for tests made together; None stays None and is not counted.

    >>> holm([0.01, None, 0.04])
    [0.02, None, 0.04]
    """
    order = sorted((p, i) for i, p in enumerate(ps) if p is not None)
    adjusted: list[float | None] = [None] * len(ps)
    worst = 0.0
    for rank, (p, i) in enumerate(order):
        worst = max(worst, min(1.0, p * (len(order) - rank)))
        adjusted[i] = worst
    return adjusted


def t_quantile(df: int) -> float:
    """The 97.5 % quantile of Student's t (Abramowitz and Stegun 26.7.5; exact for 1 and 2), within 0.2 %."""
    if df == 1:
        return float(np.tan(np.pi * 0.475))
    if df == 2:
        return 0.95 / sqrt(2 * 0.975 * 0.025)
    z = Z
    return (
        z
        + (z**3 + z) / (4 * df)
        + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * df**2)
        + (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * df**3)
        + (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / (92160 * df**4)
    )


def _effective(p: float, variance: float, m: int, replies: int) -> float:
    """The number of independent replies that would give a mean of p this variance, where possible."""
    if p in (0.0, 1.0):
        return m
    few = (Z / t_quantile(m - 1)) ** 2
    most = replies * few
    return max(m, most if variance == 0 else min(most, p * (1 - p) / variance * few))


def _wilson(p: float, n: float) -> tuple[float, float]:
    centre = (p + Z**2 / (2 * n)) / (1 + Z**2 / n)
    half = Z / (1 + Z**2 / n) * sqrt(p * (1 - p) / n + Z**2 / (4 * n**2))
    return max(0.0, min(p, centre - half)), min(1.0, max(p, centre + half))


def _bootstrap(counts: Counter[int], m: int, seed: str, draws: int) -> tuple[float, float]:
    """The 2.5 % and 97.5 % quantiles of the resampled sum; equal differences are drawn together."""
    steps = sorted(counts)
    named = ",".join(f"{step}:{counts[step]}" for step in steps)
    rng = np.random.default_rng(stream("bootstrap", seed, named).getrandbits(128))
    shares = np.array([counts[step] / m for step in steps])
    sums = rng.multinomial(m, shares / shares.sum(), size=draws) @ np.array(steps)
    low, high = np.quantile(sums, [0.025, 0.975])
    return float(low), float(high)
