"""The output layer of a small model: log-probabilities where there is a label, and nowhere else.

TRL's fused head saves memory for large vocabularies on GPUs. Without Triton it scores every position, prompt
and padding included, and twice; for a small model that is a third of a training step.
"""

import functools
import types
from collections.abc import Collection
from typing import Any

import torch
from trl.trainer.utils import FusedCausalLMOutput


def use_plain_head(model: Any, temperature: float = 1.0, also: Collection[str] = ()) -> None:
    """Let ``model(..., labels=..., fused_lm_head=True)`` answer as TRL's patched forward does, but faster.

    Args:
        model: A causal language model that a TRL trainer has patched.
        temperature: The logits are divided by it.
        also: Fields to compute besides the usual ones: ``"mean_logits"``, ``"log_sum_sq_probs"``.
    """
    patched = model.forward

    def forward(self: Any, *args: Any, fused_lm_head: bool = False, labels: Any = None, **kwargs: Any) -> Any:
        if not fused_lm_head:
            return patched(*args, **kwargs, **({} if labels is None else {"labels": labels}))
        count = kwargs.pop("num_items_in_batch", None)
        hidden = self.base_model(*args, **{**kwargs, "use_cache": False}).last_hidden_state[:, :-1]
        labels = labels[:, 1:]
        mask = labels != -100
        chosen = labels[mask]
        logits = self.get_output_embeddings()(hidden[mask]).float() / temperature
        scores = logits.log_softmax(-1)
        picked = scores.gather(-1, chosen[:, None])[:, 0]

        def spread(values: torch.Tensor) -> torch.Tensor:
            return values.new_zeros(mask.shape).masked_scatter(mask, values)

        extra = {
            "mean_logits": lambda: logits.detach().mean(-1),
            "log_sum_sq_probs": lambda: (2 * scores.detach()).logsumexp(-1),
        }
        log_probs = spread(picked)
        return FusedCausalLMOutput(
            loss=-log_probs.sum() / (mask.sum().clamp(min=1) if count is None else count),
            log_probs=log_probs,
            entropy=spread(-(scores.exp() * scores).sum(-1)),
            is_top1=spread(scores.argmax(-1) == chosen),
            label_mask=mask,
            **{name: spread(extra[name]()) for name in also},
        )

    model.forward = types.MethodType(functools.wraps(type(model).forward)(forward), model)
