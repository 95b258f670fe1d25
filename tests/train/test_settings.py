"""A recipe on this machine, and the fields that TRL gets."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from trl import GRPOConfig, SFTConfig

from caugym.core.errors import InputError
from caugym.train import settings
from caugym.train.recipe import Recipe, resolve


@given(st.integers(1, 300), st.integers(1, 40), st.integers(0, 9))
def test_every_row_of_a_batch_is_computed_once(batch: int, micro: int, processes: int) -> None:
    recipe = Recipe("sft", batch=batch, micro=micro, processes=processes)
    passes = settings.arguments(recipe, 100, Path("out"))
    per_process = passes["per_device_train_batch_size"] * passes["gradient_accumulation_steps"]
    assert per_process * settings.processes(recipe) == batch
    assert passes["per_device_train_batch_size"] <= micro


@given(st.integers(1, 10_000), st.floats(0, 1), st.floats(0, 1))
def test_the_schedule_covers_the_run(steps: int, warmup: float, decay: float) -> None:
    fields = settings.arguments(Recipe("sft", steps=steps, warmup=warmup, decay=decay), 9, Path("out"))
    falling = fields["lr_scheduler_kwargs"]["num_decay_steps"]
    assert 0 <= fields["warmup_steps"] <= fields["warmup_steps"] + falling <= steps


def test_steps_count_rows_or_replies() -> None:
    assert settings.steps(resolve("sft", overrides=["batch=32", "epochs=2", "steps=null"]), 100) == 7
    assert settings.steps(resolve("grpo", overrides=["batch=32", "epochs=1", "steps=null"]), 100) == 25


def test_any_trl_field_is_reachable_and_wins(tmp_path: Path) -> None:
    recipe = resolve("grpo", overrides=["processes=1", "trl.epsilon=0.11", "trl.save_total_limit=5"])
    made = settings.configuration(
        GRPOConfig, settings.arguments(recipe, 9, tmp_path) | {"num_generations": 8}
    )
    assert (made.epsilon, made.save_total_limit) == (0.11, 5)


@pytest.mark.parametrize(
    ("override", "says"),
    [("trl.epsilom=1", "trl.epsilon"), ("trl.lr_scheduler_type=sideways", "TRL refuses")],
)
def test_what_trl_does_not_take_is_one_line(override: str, says: str, tmp_path: Path) -> None:
    recipe = resolve("sft", overrides=[override, "processes=1"])
    kind = GRPOConfig if "epsilom" in override else SFTConfig
    with pytest.raises(InputError) as error:
        settings.configuration(kind, settings.arguments(recipe, 9, tmp_path))
    assert says in str(error.value)
    assert "\n" not in str(error.value)
