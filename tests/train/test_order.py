"""The order of rows: every row once an epoch, alike rows together, nothing but seed and epoch."""

from pathlib import Path
from typing import Any

import datasets
import pytest
from hypothesis import given
from hypothesis import strategies as st
from torch.utils.data import SequentialSampler

from caugym.backends.local import load
from caugym.train import settings
from caugym.train.order import ByLength
from caugym.train.prepare import supervised
from caugym.train.recipe import resolve
from caugym.train.sft import trainer

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


@pytest.mark.parametrize(("override", "kind"), [((), ByLength), (("sequential",), SequentialSampler)])
def test_a_recipe_may_ask_for_another_order(
    override: tuple[str, ...], kind: type[Any], rows: list[Any], tiny: Path, tmp_path: Path
) -> None:
    model, tokenizer = load(str(tiny))
    chosen = [f"trl.train_sampling_strategy={name}" for name in override]
    recipe = resolve("sft", overrides=["steps=1", "processes=1", "micro=4", "batch=4", *chosen])
    data = datasets.Dataset.from_list(supervised(rows, tokenizer, 128))
    sampler = trainer(model, tokenizer, data, recipe, tmp_path)._get_train_sampler()
    assert isinstance(sampler, kind)
    assert isinstance(sampler, SequentialSampler) or sampler.rows == settings.micro(recipe)
