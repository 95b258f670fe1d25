"""The statistics against their laws, against scipy, and against simulation."""

from fractions import Fraction
from itertools import combinations, product
from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as scipy_stats

from caugym.evaluate import stats

scores = st.lists(
    st.integers(1, 8).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), min_size=1, max_size=40
)


def same_k(k: int) -> st.SearchStrategy[list[tuple[int, int]]]:
    return st.lists(st.tuples(st.integers(0, k), st.just(k)), min_size=1, max_size=40)


@given(scores)
def test_interval_contains_the_estimate_and_stays_in_range(some: list[tuple[int, int]]) -> None:
    estimate = stats.accuracy(some)
    assert estimate.value == pytest.approx(sum(c for c, _ in some) / sum(n for _, n in some))
    if len(some) < 2:
        assert estimate.low is None
        assert estimate.reason
    else:
        assert estimate.low is not None
        assert estimate.high is not None
        assert estimate.value is not None
        assert 0 <= estimate.low <= estimate.value <= estimate.high <= 1
        assert estimate.low < estimate.high


@given(st.lists(st.booleans(), min_size=2, max_size=60))
def test_one_reply_a_problem_is_wilson(right: list[bool]) -> None:
    estimate = stats.accuracy([(int(r), 1) for r in right])
    wilson = scipy_stats.binomtest(sum(right), len(right)).proportion_ci(method="wilson")
    assert estimate.low == pytest.approx(wilson.low, abs=1e-12)
    assert estimate.high == pytest.approx(wilson.high, abs=1e-12)


def test_copies_of_a_reply_add_nothing() -> None:
    once = stats.accuracy([(1, 1)] * 30 + [(0, 1)] * 20)
    copied = stats.accuracy([(5, 5)] * 30 + [(0, 5)] * 20)
    assert (once.low, once.high) == pytest.approx((copied.low, copied.high))


def test_independent_replies_narrow_the_interval() -> None:
    rng = np.random.default_rng(1)
    many = [(int(c), 5) for c in rng.binomial(5, 0.6, 400)]
    wide = stats.accuracy([(int(c > 2), 1) for c, _ in many])
    narrow = stats.accuracy(many)
    assert narrow.low is not None
    assert narrow.high is not None
    assert wide.low is not None
    assert wide.high is not None
    assert narrow.high - narrow.low < 0.6 * (wide.high - wide.low)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("m", "k", "a", "b"),
    [(10, 5, 2, 2), (50, 5, 8, 1), (100, 5, 0.5, 0.5), (30, 1, 6, 2), (200, 5, 9, 90)],
)
def test_interval_covers_the_truth(m: int, k: int, a: float, b: float) -> None:
    rng = np.random.default_rng(m)
    rounds = 1000
    covered = 0
    for _ in range(rounds):
        right = rng.binomial(k, rng.beta(a, b, m))
        estimate = stats.accuracy([(int(c), k) for c in right])
        assert estimate.low is not None
        assert estimate.high is not None
        covered += estimate.low <= a / (a + b) <= estimate.high
    assert covered / rounds >= 0.93


@pytest.mark.parametrize("df", [*range(1, 40), 100, 1399])
def test_t_quantile_is_students(df: int) -> None:
    assert stats.t_quantile(df) == pytest.approx(scipy_stats.t.ppf(0.975, df), rel=2e-3)


@given(scores)
def test_pass_at_one_is_the_mean_over_problems(some: list[tuple[int, int]]) -> None:
    assert stats.pass_at(1, some).value == pytest.approx(float(np.mean([c / n for c, n in some])))


@given(st.lists(st.booleans(), min_size=1, max_size=7), st.integers(1, 7))
def test_pass_at_k_counts_the_subsets_with_a_hit(replies: list[bool], most: int) -> None:
    k = min(most, len(replies))
    subsets = list(combinations(replies, k))
    expected = sum(any(subset) for subset in subsets) / len(subsets)
    assert stats.pass_at(k, [(sum(replies), len(replies))]).value == pytest.approx(expected)


def test_pass_at_more_than_was_drawn_is_undefined() -> None:
    estimate = stats.pass_at(6, [(3, 5)])
    assert estimate.value is None
    assert "6 replies" in estimate.reason


def test_majority_breaks_ties_by_lot_and_misses_without_votes() -> None:
    assert stats.majority([("a", True), ("b", False)]) == 0.5
    assert stats.majority([("a", True), ("b", False), ("b", False)]) == 0.0
    assert stats.majority([]) == 0.0


@given(same_k(5))
def test_identical_runs_do_not_differ(some: list[tuple[int, int]]) -> None:
    same = stats.difference(some, some)
    assert same.value == 0
    assert same.p == 1


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=2, max_size=40))
def test_difference_is_antisymmetric_and_inside_its_interval(pairs: list[tuple[int, int]]) -> None:
    first, second = [(a, 4) for a, _ in pairs], [(b, 4) for _, b in pairs]
    there, back = stats.difference(first, second), stats.difference(second, first)
    assert there.value == pytest.approx(float(Fraction(sum(b - a for a, b in pairs), 4 * len(pairs))))
    assert back.value == -(there.value or 0)
    assert back.p == there.p
    if there.low is None:
        assert there.reason
    else:
        assert there.high is not None
        assert there.value is not None
        assert there.detectable is not None
        assert there.low <= there.value <= there.high
        assert there.detectable > 0


@given(st.lists(st.integers(-5, 5), min_size=1, max_size=10))
def test_sign_flip_is_the_share_of_sign_patterns(steps: list[int]) -> None:
    sums = [abs(np.dot(signs, steps)) for signs in product((1, -1), repeat=len(steps))]
    assert stats.sign_flip(steps) == pytest.approx(np.mean([total >= abs(sum(steps)) for total in sums]))


@given(st.integers(0, 30), st.integers(0, 30))
def test_sign_flip_with_one_reply_is_mcnemar(gained: int, lost: int) -> None:
    expected = scipy_stats.binomtest(gained, gained + lost).pvalue if gained + lost else 1.0
    assert stats.sign_flip([1] * gained + [-1] * lost + [0] * 7) == pytest.approx(expected)


def test_bootstrap_agrees_with_scipy() -> None:
    rng = np.random.default_rng(3)
    first = [(int(c), 5) for c in rng.binomial(5, 0.5, 200)]
    second = [(int(c), 5) for c in rng.binomial(5, 0.6, 200)]
    ours = stats.difference(first, second)
    steps = np.array([(b[0] - a[0]) / 5 for a, b in zip(first, second, strict=True)])
    theirs = scipy_stats.bootstrap((steps,), np.mean, method="percentile", rng=rng, n_resamples=10_000)
    assert ours.low == pytest.approx(theirs.confidence_interval.low, abs=0.004)
    assert ours.high == pytest.approx(theirs.confidence_interval.high, abs=0.004)


def test_detectable_difference_is_found_four_times_in_five() -> None:
    rng = np.random.default_rng(5)
    found, rounds = 0, 300
    sizes = [_compared(rng, 0.5).detectable for _ in range(5)]
    size = float(np.mean([s for s in sizes if s is not None]))
    for _ in range(rounds):
        p = _compared(rng, 0.5 + size).p
        found += p is not None and p < 0.05
    assert found / rounds == pytest.approx(0.8, abs=0.08)


def _compared(rng: np.random.Generator, chance: float) -> stats.Difference:
    first, second = ([(int(c), 3) for c in rng.binomial(3, p, 150)] for p in (0.5, chance))
    return stats.difference(first, second, draws=10)


@given(st.lists(st.one_of(st.none(), st.floats(0, 1)), max_size=12))
def test_holm_is_scipys(ps: list[float | None]) -> None:
    defined = [p for p in ps if p is not None]
    ranks = sorted(range(len(defined)), key=lambda i: defined[i])
    expected = [0.0] * len(defined)
    worst = 0.0
    for rank, i in enumerate(ranks):
        worst = max(worst, min(1.0, defined[i] * (len(defined) - rank)))
        expected[i] = worst
    assert [p for p in stats.holm(ps) if p is not None] == expected
    assert [p is None for p in stats.holm(ps)] == [p is None for p in ps]


def test_nothing_to_estimate_is_none_with_a_reason() -> None:
    nothing = (stats.accuracy([]), stats.accuracy([(0, 0)]), stats.pass_at(1, []), stats.difference([], []))
    for estimate in nothing:
        assert estimate.value is None
        assert estimate.reason


def test_binomials_stay_exact() -> None:
    assert stats.pass_at(8, [(1, 64)]).value == pytest.approx(1 - comb(63, 8) / comb(64, 8))


@given(scores, scores)
def test_f1_is_the_harmonic_mean_of_precision_and_recall(
    positive: list[tuple[int, int]], negative: list[tuple[int, int]]
) -> None:
    estimate = stats.f1(positive, negative, draws=200)
    hit, asked = sum(c for c, _ in positive), sum(n for _, n in positive)
    said = hit + sum(n - c for c, n in negative)
    assert estimate.value == pytest.approx(scipy_stats.hmean([hit / said, hit / asked]) if hit else 0)
    assert estimate.low is not None
    assert estimate.high is not None
    assert 0 <= estimate.low <= estimate.high <= 1


def test_f1_of_a_word_that_nobody_says_is_undefined() -> None:
    estimate = stats.f1([], [(1, 1), (2, 2)])
    assert estimate.value is None
    assert estimate.reason


def test_the_interval_of_f1_covers() -> None:
    rng = np.random.default_rng(5)
    n, recall, false = 120, 0.7, 0.2
    truth = 2 * recall / (2 * recall + (1 - recall) + false)
    covered = 0
    for _ in range(200):
        positive = [(int(hit), 1) for hit in rng.random(n) < recall]
        negative = [(int(right), 1) for right in rng.random(n) >= false]
        estimate = stats.f1(positive, negative, draws=400)
        covered += (estimate.low or 0) <= truth <= (estimate.high or 1)
    assert covered / 200 > 0.9
