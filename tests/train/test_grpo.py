"""GRPO: what we lean on in TRL, trimming, and the rollout."""

import inspect
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from trl import GRPOTrainer

from caugym.backends import decode
from caugym.backends.local import load, tokenise
from caugym.train import settings, worker
from caugym.train.grpo import BranchedGRPO, TrimmedGRPO, side_by_side, trainer
from caugym.train.prepare import online
from caugym.train.recipe import resolve
from caugym.train.rollout import rollout_function

FAST = (
    "processes=1",
    "batch=8",
    "micro=8",
    "steps=1",
    "precision=fp32",
    "rollout.group=4",
    "rollout.max_tokens=16",
)


def test_the_private_parts_of_trl_that_we_use_are_there() -> None:
    assert metadata.version("trl").startswith("1.16."), "read the GRPO trainer again before moving the pin"
    assert list(inspect.signature(GRPOTrainer._compute_loss).parameters) == ["self", "model", "inputs"]
    assert "rollout_func" in inspect.signature(GRPOTrainer.__init__).parameters
    source = inspect.getsource(GRPOTrainer)
    for name in (
        "self._buffered_inputs[self._step % self.args.steps_per_generation]",
        "prompt_mask",
        "completion_mask",
        "num_items_in_batch",
        "log_metric",
        "frac_reward_zero_std",
    ):
        assert name in source


def made(rows: list[Any], model: Path, out: Path) -> tuple[TrimmedGRPO, Any]:
    import datasets

    worker.quiet()
    loaded, tokenizer = load(str(model))
    data = datasets.Dataset.from_list(online(rows, tokenizer, 100))
    grpo = trainer(loaded, tokenizer, data, resolve("grpo", overrides=FAST), out)
    assert isinstance(grpo, BranchedGRPO)
    return grpo, tokenizer


def test_trimming_and_joining_change_nothing_but_the_work(
    rows: list[Any], tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "MULTIPLE", 4)
    grpo, _ = made(rows, tiny, tmp_path)
    grpo.current_gradient_accumulation_steps = 1
    numbers = torch.Generator().manual_seed(0)
    prompts, replies = [5, 9, 5], [4, 2, 6]
    left, right = 12, 11
    inputs = {
        "prompt_ids": torch.randint(3, 300, (3, left), generator=numbers),
        "prompt_mask": torch.stack([torch.arange(left) >= left - n for n in prompts]).long(),
        "completion_ids": torch.randint(3, 300, (3, right), generator=numbers),
        "completion_mask": torch.stack([torch.arange(right) < n for n in replies]).long(),
        "advantages": torch.tensor([1.0, -0.5, 0.25]),
        "sampling_per_token_logps": torch.zeros(3, right),
        "num_items_in_batch": torch.tensor(12),
    }
    inputs["prompt_ids"][2] = inputs["prompt_ids"][0]
    seen: list[tuple[int, ...]] = []
    hook = grpo.model.base_model.register_forward_pre_hook(
        lambda module, args, kwargs: seen.append(tuple(kwargs["input_ids"].shape)), with_kwargs=True
    )
    losses = [GRPOTrainer._compute_loss(grpo, grpo.model, inputs)]
    plain = GRPOTrainer._get_per_token_logps_and_entropies
    for name, one in (("_pass", TrimmedGRPO._pass), ("_get_per_token_logps_and_entropies", plain)):
        monkeypatch.setattr(BranchedGRPO, name, one)
        losses.append(GRPOTrainer._compute_loss(grpo, grpo.model, inputs))
    hook.remove()
    assert seen == [(2, 4 + 5 + 7), (3, 10 + 6), (3, 12 + 11)]
    gradients = [
        torch.autograd.grad(loss, list(grpo.model.parameters()), allow_unused=True) for loss in losses
    ]
    torch.testing.assert_close(losses[0], losses[2])
    torch.testing.assert_close(losses[1], losses[2])
    for joined, trimmed, whole in zip(*gradients, strict=True):
        torch.testing.assert_close(joined, whole, atol=1e-6, rtol=1e-4)
        torch.testing.assert_close(trimmed, whole, atol=1e-6, rtol=1e-4)


def test_replies_to_a_prompt_are_brought_side_by_side() -> None:
    prompts = [7, 8, 7, 9, 8, 7, 9, 9]
    batches = [
        {
            "prompt_ids": torch.tensor([[0, prompt] for prompt in prompts[start : start + 4]]),
            "advantages": torch.arange(start, start + 4),
            "names": [str(i) for i in range(start, start + 4)],
            "num_items_in_batch": torch.tensor(12),
            "images": None,
        }
        for start in (0, 4)
    ]
    made = side_by_side(batches)
    assert [row[1] for batch in made for row in batch["prompt_ids"].tolist()] == [7, 7, 7, 8, 8, 9, 9, 9]
    assert [i for batch in made for i in batch["advantages"].tolist()] == [0, 2, 5, 1, 4, 3, 6, 7]
    assert [name for batch in made for name in batch["names"]] == list("02514367")
    assert [len(batch["names"]) for batch in made] == [4, 4]
    assert all(batch["num_items_in_batch"] == 12 and batch["images"] is None for batch in made)


def test_rollouts_draw_by_step_process_and_place(rows: list[Any], tiny: Path) -> None:
    model, tokenizer = load(str(tiny))
    rollout = rollout_function(resolve("grpo", overrides=FAST))
    prompts = [rows[0]["prompt"]] * 4

    def at(step: int, process: int) -> list[list[int]]:
        accelerator = SimpleNamespace(process_index=process, unwrap_model=lambda wrapped: wrapped)
        fake = SimpleNamespace(
            processing_class=tokenizer,
            model=model,
            accelerator=accelerator,
            state=SimpleNamespace(global_step=step),
        )
        drawn = rollout(prompts, fake)
        assert drawn["prompt_ids"] == [tokenise(tokenizer, prompts[0])] * 4
        assert [len(x) for x in drawn["logprobs"]] == [len(x) for x in drawn["completion_ids"]]
        return list(drawn["completion_ids"])

    assert at(3, 0) == at(3, 0)
    assert at(3, 0) != at(4, 0)
    assert at(3, 0) != at(3, 1)
    assert len({tuple(reply) for reply in at(3, 0)}) > 1


def test_vllm_and_large_models_on_a_gpu_leave_the_drawing_to_trl(
    rows: list[Any], tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: dict[str, Any] = {}
    loaded, tokenizer = load(str(tiny))

    def made(**given: Any) -> SimpleNamespace:
        seen.update(given)
        return SimpleNamespace(model=loaded, ref_model=None)

    def configured(kind: Any, fields: dict[str, Any]) -> SimpleNamespace:
        return SimpleNamespace(**fields, steps_per_generation=2, num_iterations=2)

    monkeypatch.setattr("caugym.train.grpo.TrimmedGRPO", made)
    monkeypatch.setattr(settings, "configuration", configured)
    trainer(loaded, tokenizer, rows, resolve("grpo", overrides=[*FAST, "rollout.vllm=true"]), tmp_path)
    assert seen["rollout_func"] is None
    assert seen["args"].use_vllm is True
    monkeypatch.setattr(settings, "device", lambda: "cuda")
    monkeypatch.setattr(decode, "MOST_ON_GPU", 1)
    trainer(loaded, tokenizer, rows, resolve("grpo", overrides=FAST), tmp_path)
    assert seen["rollout_func"] is None
    assert seen["args"].use_cpu is False
