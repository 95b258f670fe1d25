"""Group-relative policy optimisation through TRL, with our reward and, on a CPU, our rollout."""

import math
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from trl import GRPOConfig, GRPOTrainer

from caugym.backends.decode import supports
from caugym.backends.local import end_tokens
from caugym.train import optimizer, settings
from caugym.train.head import use_plain_head
from caugym.train.recipe import Recipe
from caugym.train.reward import reward_functions
from caugym.train.rollout import rollout_function


class TrimmedGRPO(GRPOTrainer):  # type: ignore[misc, unused-ignore]
    """GRPO that computes no padding.

    TRL pads every row of a rollout to the longest prompt and the longest reply in it; a micro-batch of short
    rows then computes mostly pads. Columns that are pads in all its rows are cut before the forward pass.
    """

    def _compute_loss(self, model: Any, inputs: dict[str, Any]) -> Tensor:
        return super()._compute_loss(model, trimmed(inputs))  # type: ignore[no-any-return, unused-ignore]


def trimmed(inputs: dict[str, Any]) -> dict[str, Any]:
    """The inputs of a loss without the columns that no row uses: left of prompts, right of replies."""
    prompt = int((~inputs["prompt_mask"].any(0)).sum())
    reply = max(1, int(inputs["completion_mask"].any(0).sum()))
    width = inputs["completion_mask"].size(1)
    cut = dict(inputs)
    for name, value in inputs.items():
        if name.startswith("prompt_"):
            cut[name] = value[:, prompt:]
        elif isinstance(value, Tensor) and value.dim() == 2 and value.size(1) == width:
            cut[name] = value[:, :reply]
    return cut


def make(
    kind: type[TrimmedGRPO], model: Any, tokenizer: Any, data: Any, recipe: Recipe, out: Path, **own: Any
) -> TrimmedGRPO:
    """A trainer that learns from rewarded rollouts.

    Args:
        kind: Its class.
        model: What is trained.
        tokenizer: Of the model.
        data: Rows of `caugym.train.prepare.online`.
        recipe: With ``rollout`` and ``reward``.
        out: The run directory.
        own: Further arguments of this kind of trainer.
    """
    assert recipe.rollout is not None
    assert recipe.reward is not None
    rollout = recipe.rollout
    fields = {
        "num_generations": rollout.group,
        "max_completion_length": rollout.max_tokens,
        "temperature": rollout.temperature,
        "beta": rollout.kl,
        "use_vllm": rollout.vllm,
    } | settings.arguments(recipe, len(data), out)
    args = settings.configuration(GRPOConfig, fields)
    # A rollout cannot be gone on with: checkpoints are written where one has been used up.
    steps = math.lcm(args.steps_per_generation * args.num_iterations, args.gradient_accumulation_steps)
    steps //= args.gradient_accumulation_steps
    args.save_steps = steps * math.ceil(args.save_steps / steps)
    ours = settings.device() == "cpu" and not rollout.vllm and supports(model.config)
    dtype = torch.bfloat16 if settings.bf16(recipe) else torch.float32
    ends = end_tokens(model, tokenizer)
    rewards = reward_functions(recipe.reward, rollout.max_tokens, ends, recipe.seed)
    made = kind(
        model=model,
        args=args,
        reward_funcs=rewards,
        train_dataset=data,
        processing_class=tokenizer,
        rollout_func=rollout_function(recipe, dtype) if ours else None,
        optimizers=(optimizer.make(model, recipe), None),
        **own,
    )
    if settings.device() == "cpu":
        for patched in filter(None, (made.model, made.ref_model)):
            use_plain_head(patched, rollout.temperature)
    return made


def trainer(model: Any, tokenizer: Any, data: Any, recipe: Recipe, out: Path) -> TrimmedGRPO:
    """The TRL trainer of a recipe on prepared rows; see `caugym.train.prepare.online`."""
    return make(TrimmedGRPO, model, tokenizer, data, recipe, out)
