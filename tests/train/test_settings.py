"""A recipe on this machine, and the fields that TRL gets."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from trl import DPOConfig, GRPOConfig, KTOConfig, SFTConfig

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


@pytest.mark.parametrize(
    ("cpu", "faster"),
    [
        ("vendor_id : GenuineIntel\nflags : avx512_bf16 amx_bf16", True),
        ("vendor_id : GenuineIntel\nflags : avx512_bf16", False),
        ("vendor_id : AuthenticAMD\nflags : avx512_bf16", True),
        ("vendor_id : AuthenticAMD\nflags : avx2", False),
        ("", False),
    ],
)
def test_bfloat16_is_for_processors_that_multiply_it(cpu: str, faster: bool) -> None:
    assert settings.multiplies_bf16(cpu) == faster


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


KNOBS = {
    "sft": ["loss_type=dft", "packing=true", "completion_only_loss=true"],
    "dpo": [
        *(f"loss_type={name}" for name in ("hinge", "ipo", "nca_pair", "robust", "apo_zero", "sigmoid_norm")),
        *(
            "loss_type=[sigmoid, sft]",
            "loss_weights=[1.0]",
            "beta=0.5",
            "label_smoothing=0.1",
            "ld_alpha=0.5",
        ),
        *("f_divergence_type=js_divergence", "precompute_ref_log_probs=false"),
    ],
    "kto": ["loss_type=apo_zero_unpaired", "desirable_weight=1.3", "undesirable_weight=0.7", "beta=0.5"],
    "grpo": [
        *(f"loss_type={name}" for name in ("grpo", "dr_grpo", "dapo", "bnpo", "cispo", "sapo", "vespo")),
        *("importance_sampling_level=sequence", "epsilon=0.1", "epsilon_high=0.3", "delta=1.5", "beta=0.01"),
        *(
            "use_bias_correction_kl=false",
            "sync_ref_model=true",
            "scale_rewards=none",
            "reward_weights=[2.0]",
        ),
        *("multi_objective_aggregation=normalize_then_sum", "mask_truncated_completions=true"),
        *("num_iterations=2", "steps_per_generation=4", "off_policy_mask_threshold=0.5"),
        *("vllm_importance_sampling_mode=token_mask", "vllm_importance_sampling_clip_max=2.0"),
        *("entropy_coef=0.01", "use_adaptive_entropy=true", "entropy_target=0.3", "top_entropy_quantile=0.2"),
    ],
    "ppo": ["num_iterations=4", "loss_type=bnpo", "epsilon=0.1", "entropy_coef=0.01"],
}


@pytest.mark.parametrize(("method", "knob"), [(method, knob) for method in KNOBS for knob in KNOBS[method]])
def test_every_knob_worth_turning_is_a_field(method: str, knob: str, tmp_path: Path) -> None:
    kinds = {"sft": SFTConfig, "dpo": DPOConfig, "kto": KTOConfig, "grpo": GRPOConfig, "ppo": GRPOConfig}
    recipe = resolve(method, overrides=["processes=1", "batch=32", "micro=8", f"trl.{knob}"])
    made = settings.configuration(kinds[method], settings.arguments(recipe, 64, tmp_path))
    name, _, text = knob.partition("=")
    value = getattr(made, name)
    assert value in (recipe.trl[name], [recipe.trl[name]]), text


def test_a_tracker_that_is_not_installed_is_one_line(tmp_path: Path) -> None:
    recipe = resolve("sft", overrides=["processes=1", "trl.report_to=trackerino"])
    with pytest.raises(InputError, match="pip install trackerino"):
        settings.configuration(SFTConfig, settings.arguments(recipe, 9, tmp_path))
