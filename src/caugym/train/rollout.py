"""Rollouts of TRL's online trainers by our decoder."""

from collections.abc import Callable
from typing import Any

import torch

from caugym.backends import Sampling
from caugym.backends.decode import Decoder
from caugym.backends.local import end_tokens, tokenise
from caugym.train.recipe import Recipe


def rollout_function(recipe: Recipe, dtype: torch.dtype = torch.float32) -> Callable[..., dict[str, Any]]:
    """A `rollout_func` for `GRPOTrainer`.

    Every reply has its own random stream, named by the seed, the step, the process and its place in the
    batch, so a resumed run draws what the uninterrupted one would have drawn.
    """
    settings = recipe.rollout
    assert settings is not None
    sampling = Sampling(settings.temperature, max_tokens=settings.max_tokens, seed=recipe.seed)

    def rollout(prompts: list[Any], trainer: Any) -> dict[str, Any]:
        tokenizer, model = trainer.processing_class, trainer.accelerator.unwrap_model(trainer.model)
        ids = [tokenise(tokenizer, prompt) for prompt in prompts]
        place = f"{trainer.state.global_step}/{trainer.accelerator.process_index}"
        replies = Decoder(model, dtype).decode(
            ids, sampling, [f"{place}/{index}" for index in range(len(ids))], end_tokens(model, tokenizer)
        )
        return {
            "prompt_ids": ids,
            "completion_ids": [reply.tokens for reply in replies],
            "logprobs": [reply.logprobs for reply in replies],
        }

    return rollout
