"""Group-relative policy optimisation through TRL, with our reward and, for small models, our rollout."""

import math
from collections.abc import Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from trl import GRPOConfig, GRPOTrainer
from trl.trainer.utils import split_tensor_dict

from caugym.backends.decode import supports
from caugym.backends.local import end_tokens
from caugym.train import optimizer, settings
from caugym.train.branches import branches
from caugym.train.head import use_plain_head
from caugym.train.recipe import Recipe
from caugym.train.reward import reward_functions
from caugym.train.rollout import rollout_function


class TrimmedGRPO(GRPOTrainer):  # type: ignore[misc, unused-ignore]
    """GRPO that computes no padding.

    TRL pads every row of a rollout to the longest prompt and the longest reply in it; a pass over a few short
    rows then computes mostly pads. Columns that are pads in all its rows are cut before the pass.
    """

    def _get_per_token_logps_and_entropies(
        self,
        model: Any,
        input_ids: Tensor,
        attention_mask: Tensor,
        logits_to_keep: int,
        batch_size: int | None = None,
        **given: Any,
    ) -> tuple[Tensor, Tensor | None, Tensor | None]:
        rows = batch_size or len(input_ids)
        parts = []
        for start in range(0, len(input_ids), rows):
            ids, seen = input_ids[start : start + rows], attention_mask[start : start + rows]
            columns, kept = used(seen, logits_to_keep)
            parts.append(self._pass(model, ids[:, columns], seen[:, columns], kept, **given))
        logps, entropies, losses = zip(*parts, strict=True)
        return (
            widened(logps, logits_to_keep),
            None if entropies[0] is None else widened(entropies, logits_to_keep),
            None if losses[0] is None else torch.stack(losses).mean(),
        )

    def _pass(self, model: Any, ids: Tensor, seen: Tensor, kept: int, **given: Any) -> Any:
        """One forward pass; see `GRPOTrainer._get_per_token_logps_and_entropies`."""
        return super()._get_per_token_logps_and_entropies(model, ids, seen, kept, **given)


class BranchedGRPO(TrimmedGRPO):
    """GRPO that computes a prompt once for all replies to it in a pass (`caugym.train.branches`).

    TRL shuffles the replies of a rollout; they are brought back side by side.
    """

    _buffered_inputs: list[dict[str, Any]] | None

    def _prepare_inputs(self, generation_batch: Any) -> Any:
        before = self._buffered_inputs
        inputs = super()._prepare_inputs(generation_batch)
        if self._buffered_inputs is None or self._buffered_inputs is before:
            return inputs
        self._buffered_inputs = side_by_side(self._buffered_inputs)
        return self._buffered_inputs[self._step % self.args.steps_per_generation]

    def _pass(self, model: Any, ids: Tensor, seen: Tensor, kept: int, **given: Any) -> Any:
        joined = branches(ids, seen, kept)
        with self.accelerator.autocast():
            found = model(
                input_ids=joined.ids,
                position_ids=joined.positions,
                attention_mask=joined.mask(),
                labels=joined.labels,
                fused_lm_head=True,
            )
        return joined.back(found.log_probs), joined.back(found.entropy), None


def side_by_side(batches: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The rows of a rollout, in as many batches, those with the same prompt next to each other.

    Args:
        batches: By name, tensors and lists of rows; what is no sequence is the same in all batches.
    """
    joined: dict[str, Any] = {}
    for key, first in batches[0].items():
        parts = [batch[key] for batch in batches]
        if isinstance(first, Tensor) and first.ndim:
            joined[key] = torch.cat(parts)
        else:
            joined[key] = list(chain(*parts)) if isinstance(first, list) else first
    prompts = [tuple(row) for row in joined["prompt_ids"].tolist()]
    first_seen = {prompt: i for i, prompt in reversed(list(enumerate(prompts)))}
    order = sorted(range(len(prompts)), key=lambda row: first_seen[prompts[row]])
    for key, value in joined.items():
        if isinstance(value, list):
            joined[key] = [value[row] for row in order]
        elif isinstance(value, Tensor) and value.ndim:
            joined[key] = value[order]
    split: list[dict[str, Any]] = split_tensor_dict(joined, len(batches))
    return split


def used(mask: Tensor, reply: int) -> tuple[slice, int]:
    """The columns that some row uses, and how many of them are of replies.

    Args:
        mask: 1 on tokens; prompts are padded on their left, replies on their right.
        reply: Columns of replies, on the right of the mask.

    Returns:
        The columns, filled up on the left to a multiple of `settings.MULTIPLE` where there are as many.
    """
    columns = mask.bool().any(0)
    first = int((~columns[:-reply]).sum())
    kept = max(1, int(columns[-reply:].sum()))
    last = mask.size(1) - reply + kept
    return slice(max(0, first - (first - last) % settings.MULTIPLE), last), kept


def widened(parts: Sequence[Tensor], width: int) -> Tensor:
    """Rows of several passes as one tensor, filled up with 0 on the right."""
    return torch.cat([functional.pad(part, (0, width - part.size(1))) for part in parts])


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
    dtype = torch.bfloat16 if settings.bf16(recipe) else torch.float32
    ends = end_tokens(model, tokenizer)
    rewards = reward_functions(recipe.reward, rollout.max_tokens, ends, recipe.seed)
    made = kind(
        model=model,
        args=args,
        reward_funcs=rewards,
        train_dataset=data,
        processing_class=tokenizer,
        rollout_func=rollout_function(recipe, dtype) if ours(model, recipe) else None,
        optimizers=(optimizer.make(model, recipe), None),
        **own,
    )
    if settings.device() == "cpu" or ours(model, recipe):
        for patched in filter(None, (made.model, made.ref_model)):
            use_plain_head(patched, rollout.temperature)
    return made


def ours(model: Any, recipe: Recipe) -> bool:
    """Whether replies are drawn, and passes computed, by our own code: for models that it is made for."""
    assert recipe.rollout is not None
    return not recipe.rollout.vllm and supports(model, settings.device())


def trainer(model: Any, tokenizer: Any, data: Any, recipe: Recipe, out: Path) -> TrimmedGRPO:
    """The TRL trainer of a recipe on prepared rows; see `caugym.train.prepare.online`."""
    kind = BranchedGRPO if ours(model, recipe) else TrimmedGRPO
    return make(kind, model, tokenizer, data, recipe, out)
