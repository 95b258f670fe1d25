"""The order of rows: every row once an epoch, alike rows together, nothing but seed and epoch."""

from hypothesis import given
from hypothesis import strategies as st

from caugym.train.order import ByLength

LENGTHS = st.lists(st.integers(1, 300), min_size=1, max_size=400)


@given(LENGTHS, st.integers(1, 16), st.integers(0, 5), st.integers(0, 3))
def test_every_row_once_and_the_same_again(lengths: list[int], rows: int, seed: int, epoch: int) -> None:
    orders = []
    for _ in range(2):
        sampler = ByLength(lengths, rows, seed)
        list(sampler)  # an epoch seen before leaves no trace
        sampler.set_epoch(epoch)
        orders.append(list(sampler))
    assert orders[0] == orders[1]
    assert sorted(orders[0]) == list(range(len(lengths)))
    assert len(sampler) == len(lengths)


def test_epochs_and_seeds_differ_and_rows_of_a_pass_are_alike() -> None:
    lengths = [17 * row % 301 for row in range(400)]

    def drawn(seed: int, epoch: int) -> list[int]:
        sampler = ByLength(lengths, 8, seed)
        sampler.set_epoch(epoch)
        return list(sampler)

    order = drawn(0, 0)
    assert order != drawn(0, 1)
    assert order != drawn(1, 0)
    spreads = []
    for start in range(0, 400, 8):
        seen = [lengths[row] for row in order[start : start + 8]]
        spreads.append(max(seen) - min(seen))
    assert max(spreads) < 40
    firsts = [lengths[row] for row in order[::8]]
    assert firsts != sorted(firsts), "short passes do not come first"
