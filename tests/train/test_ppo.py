"""PPO: what we lean on in TRL, the arithmetic of values, the value head's life, and two processes."""

import inspect
import json
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors import safe_open
from trl import GRPOTrainer

from caugym.backends.local import load
from caugym.core.errors import InputError
from caugym.train import fit, value
from caugym.train.grpo import TrimmedGRPO
from caugym.train.head import use_plain_head
from caugym.train.ppo import PPOTrainer
from caugym.train.recipe import Critic, resolve

Curve = Callable[[Path], list[dict[str, Any]]]
FAST = (
    *("processes=1", "batch=16", "micro=8", "precision=fp32", "learning_rate=3e-3"),
    *("rollout.max_tokens=32", "save_every=1"),
)

SIGNATURES = {
    "_generate_single_turn": [
        *("self", "prompt_ids", "images", "multimodal_fields", "num_generations", "has_tool_images"),
    ],
    "_get_per_token_logps_and_entropies": [
        *("self", "model", "input_ids", "attention_mask", "logits_to_keep", "batch_size", "compute_entropy"),
        *("compute_aux_loss", "pixel_values", "image_grid_thw", "num_images", "pixel_attention_mask"),
        *("spatial_shapes", "num_tiles", "image_sizes", "token_type_ids", "mm_token_type_ids"),
        "image_position_ids",
    ],
    "_calculate_rewards": ["self", "inputs", "prompts", "completions", "completion_ids_list"],
    "_generate_and_score_completions": ["self", "inputs"],
    "_compute_loss": ["self", "model", "inputs"],
}


def test_the_private_parts_of_trl_that_we_use_are_there() -> None:
    assert metadata.version("trl").startswith("1.16."), "read the GRPO trainer again before moving the pin"
    for name, parameters in SIGNATURES.items():
        assert list(inspect.signature(getattr(GRPOTrainer, name)).parameters) == parameters
    loss = inspect.getsource(GRPOTrainer._compute_loss)
    assert "if advantages.dim() == 1:" in loss, "advantages of one number a token"
    assert 'inputs["num_items_in_batch"].clamp(min=1.0) / self.accelerator.num_processes' in loss
    rollout = inspect.getsource(GRPOTrainer._generate_and_score_completions)
    assert "rewards_per_func aggregates rewards across all processes" in rollout
    assert "if self.beta != 0.0:" in loss
    assert "if self.beta != 0.0:" in rollout


NUMBERS = st.floats(-2, 2, width=32)


@given(
    st.lists(st.tuples(NUMBERS, NUMBERS), min_size=1, max_size=8),
    st.integers(0, 3),
    st.floats(0, 1),
    st.floats(0, 1),
)
def test_advantages_are_the_discounted_sum_of_surprises(
    tokens: list[tuple[float, float]], padding: int, gamma: float, lam: float
) -> None:
    count = len(tokens)
    rewards = torch.tensor([[r for r, _ in tokens] + [9.0] * padding])
    values = torch.tensor([[v for _, v in tokens] + [9.0] * padding])
    mask = torch.tensor([[1] * count + [0] * padding])
    v = [*(value for _, value in tokens), 0.0]
    surprises = [tokens[t][0] + gamma * v[t + 1] - v[t] for t in range(count)]
    wanted = [sum((gamma * lam) ** (k - t) * surprises[k] for k in range(t, count)) for t in range(count)]
    found = value.advantages(rewards, values, mask, gamma, lam)[0].tolist()
    assert found == pytest.approx([*wanted, *[0.0] * padding], abs=1e-4)
    later = [sum(gamma ** (k - t) * tokens[k][0] for k in range(t, count)) for t in range(count)]
    whole = value.advantages(rewards, values, mask, gamma, 1.0) + values
    assert whole[0, :count].tolist() == pytest.approx(later, abs=1e-4)


@given(NUMBERS, NUMBERS, NUMBERS)
def test_clipping_only_ever_raises_the_value_loss(new: float, old: float, wanted: float) -> None:
    values, before, returns = (torch.tensor([x]) for x in (new, old, wanted))
    loss = float(value.value_loss(values, before, returns, clip=0.2))
    assert loss >= 0.5 * (new - wanted) ** 2 - 1e-6
    if abs(new - old) <= 0.2:
        assert loss == pytest.approx(0.5 * (new - wanted) ** 2, abs=1e-5)


@given(st.lists(st.tuples(NUMBERS, st.booleans()), min_size=1, max_size=20))
def test_moments_give_mean_and_variance_of_what_the_mask_keeps(given: list[tuple[float, bool]]) -> None:
    numbers, mask = torch.tensor([n for n, _ in given]), torch.tensor([int(m) for _, m in given])
    mean, variance = value.mean_and_variance(value.moments(numbers, mask))
    kept = numbers[mask.bool()].double()
    assert mean == pytest.approx(kept.mean().item() if len(kept) else 0, abs=1e-6)
    assert variance == pytest.approx(kept.var(unbiased=False).item() if len(kept) else 0, abs=1e-6)


@pytest.mark.parametrize("detach", [False, True])
def test_values_come_beside_the_log_probabilities(tiny: Path, detach: bool) -> None:
    from trl.trainer.utils import add_fused_lm_head

    ids = torch.randint(3, 300, (2, 9), generator=torch.Generator().manual_seed(0))
    seen = []
    for plain in (False, True):
        model, _ = load(str(tiny))
        value.add_head(model)
        add_fused_lm_head(model, outputs=("log_probs", "entropy", "is_top1"))
        if plain:
            use_plain_head(model)
        bare = model(input_ids=ids, labels=ids, fused_lm_head=True)
        value.answer_with_values(model, detach=detach)
        output = model(input_ids=ids, labels=ids, fused_lm_head=True)
        assert torch.equal(output.log_probs, bare.log_probs)
        assert output.values.shape == output.log_probs.shape
        assert not output.values.any(), "an untrained head says 0"
        torch.nn.init.ones_(model.value_head.weight)
        output = model(input_ids=ids, labels=ids, fused_lm_head=True)
        output.values.sum().backward()
        assert model.value_head.weight.grad is not None
        assert (model.base_model.embed_tokens.weight.grad is None) == detach
        seen.append(output.values)
        assert "values" not in model(input_ids=ids)
    torch.testing.assert_close(*seen)


def test_the_head_learns_at_a_rate_of_its_own(tiny: Path) -> None:
    model, _ = load(str(tiny))
    value.add_head(model)
    optimiser = torch.optim.AdamW(model.parameters(), lr=0.1)
    value.quicken(optimiser, model, 10.0)
    body, head = optimiser.param_groups
    assert (body["lr"], head["lr"]) == (0.1, 1.0)
    assert [id(p) for p in head["params"]] == [id(p) for p in model.value_head.parameters()]
    assert len(body["params"]) + len(head["params"]) == len(list(model.parameters()))


class Fixed(PPOTrainer):
    """Enough of a trainer to give token rewards."""

    def __init__(self, rewards: list[float], beta: float) -> None:
        self._rewards, self.reward_weights = torch.tensor([rewards]).T, torch.ones(1)
        self.beta, self.model = beta, SimpleNamespace(training=True)
        self._metrics: dict[str, dict[str, list[float]]] = {"train": {"kl": []}}
        self.accelerator = SimpleNamespace(process_index=1, reduce=lambda x, reduction: x)


def test_rewards_stand_at_the_last_token_less_the_divergence() -> None:
    mask = torch.tensor([[1, 1, 0], [1, 1, 1]])
    rollout = {"completion_mask": mask, "ref_per_token_logps": torch.full((2, 3), -1.0)}
    logps = torch.tensor([[-0.5, -1.5, 7.0], [-1.0, -1.0, -2.0]])
    plain = Fixed([9.0, 9.0, 1.0, 0.5], beta=0.0)._token_rewards(rollout, logps)
    assert plain.tolist() == [[0, 1, 0], [0, 0, 0.5]], "the first two replies are another process's"
    trainer = Fixed([9.0, 9.0, 1.0, 0.5], beta=0.1)
    kept = trainer._token_rewards(rollout, logps)
    torch.testing.assert_close(kept, torch.tensor([[-0.05, 1.05, 0.0], [0.0, 0.0, 0.6]]))
    assert trainer._metrics["train"]["kl"] == [pytest.approx(-1 / 5)]


def test_the_head_is_kept_to_resume_and_left_out_of_the_model(
    rows: list[Any], taught: Path, tmp_path: Path, curve: Curve
) -> None:
    out = tmp_path / "run"
    overrides = [*FAST, "steps=4", "rollout.kl=0.1", "trl.save_total_limit=9", "reward.kind=random"]
    fit(resolve("ppo", overrides=overrides), rows, str(taught), out)
    saved = sorted(path.name for path in out.glob("checkpoints/checkpoint-*"))
    assert saved == ["checkpoint-2", "checkpoint-4"], "checkpoints wait for the end of a rollout"

    def parameters(file: Path) -> set[str]:
        with safe_open(file, "pt") as opened:
            return set(opened.keys())

    kept = parameters(out / "checkpoints/checkpoint-4/model.safetensors")
    exported = parameters(out / "model/model.safetensors")
    assert kept - exported == {"value_head.weight", "value_head.bias"}
    assert exported == parameters(taught / "model.safetensors")
    lines = curve(out)
    assert {"value", "value_loss", "explained_variance", "kl"} <= lines[2].keys()
    assert lines[0]["value"] == pytest.approx(lines[0]["reward"], abs=1e-5), "the first guess is the mean"
    assert lines[0]["kl"] == pytest.approx(0, abs=1e-5), "the model starts as its own reference"
    assert lines[2]["kl"] != 0


def test_engines_that_generate_see_no_head(
    rows: list[Any], taught: Path, tmp_path: Path, curve: Curve, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[set[str]] = []
    generate = GRPOTrainer._generate_single_turn

    def watched(self: Any, *args: Any, **kwargs: Any) -> Any:
        seen.append({name for name, _ in self.model.named_parameters() if "value" in name})
        return generate(self, *args, **kwargs)

    monkeypatch.setattr(GRPOTrainer, "_generate_single_turn", watched)
    monkeypatch.setattr("caugym.train.grpo.supports", lambda model, device: False)
    fit(resolve("ppo", overrides=[*FAST, "steps=2"]), rows, str(taught), tmp_path / "run")
    assert seen == [set()]
    assert "value_loss" in curve(tmp_path / "run")[-1]


@pytest.mark.slow
def test_two_processes_share_one_value_function(
    rows: list[Any], taught: Path, tmp_path: Path, curve: Curve
) -> None:
    weights = []
    for name in ("first", "second"):
        out = tmp_path / name
        overrides = [*FAST, "processes=2", "steps=4", "rollout.kl=0.05"]
        fit(resolve("ppo", overrides=overrides), rows, str(taught), out)
        record = json.loads((out / "run.json").read_text())
        assert record["processes"] == 2
        weights.append(record["weights"])
        assert lines_agree(curve(out))
    assert weights[0] == weights[1]


def lines_agree(lines: list[dict[str, Any]]) -> bool:
    return [line["step"] for line in lines] == [1, 2, 3, 4] and "explained_variance" in lines[2]


def test_values_learn_to_foresee_what_can_be_foreseen(
    rows: list[Any], taught: Path, tmp_path: Path, curve: Curve, monkeypatch: pytest.MonkeyPatch
) -> None:
    def large(prompts: list[Any], **_: Any) -> list[float]:
        return [float(prompt[0]["content"][19] >= "5") for prompt in prompts]

    monkeypatch.setattr("caugym.train.grpo.reward_functions", lambda *_: [large])
    overrides = [*FAST, "steps=60", "batch=32", "micro=32", "learning_rate=1e-3", "critic.weight=1"]
    fit(resolve("ppo", overrides=overrides), rows, str(taught), tmp_path / "run")
    explained = [line["explained_variance"] for line in curve(tmp_path / "run") if "value" in line]
    assert explained[0] == pytest.approx(0, abs=1e-6)
    assert max(explained[-3:]) > 0.3


@pytest.mark.parametrize(
    ("override", "says"),
    [("critic.lam=2", "between 0 and 1"), ("critic.clip=0", "critic.clip"), ("critic.lamda=1", "critic.lam")],
)
def test_slips_are_one_line(override: str, says: str) -> None:
    with pytest.raises(InputError, match=says):
        resolve("ppo", overrides=[override])
    with pytest.raises(InputError, match="no field"):
        resolve("grpo", overrides=["critic.lam=0.5"])


def test_it_is_grpo_but_for_the_critic() -> None:
    assert issubclass(PPOTrainer, TrimmedGRPO)
    assert resolve("ppo").critic == Critic()
