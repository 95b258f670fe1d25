"""The value function of PPO: a linear head on the model, what it is trained towards, and how well it knows.

Sources: Schulman et al., arXiv 1506.02438 (generalised advantage estimation) and 1707.06347 (PPO).
"""

import types
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from trl.trainer.utils import FusedCausalLMOutput

HEAD = "value_head"
"""Name of the head in the model, and before the dot in a checkpoint."""


@dataclass
class ValuedOutput(FusedCausalLMOutput):  # type: ignore[misc, unused-ignore]
    """An output with one value a token; declared, because DDP builds outputs anew from their class.

    Attributes:
        values: Expected reward from here on, before each token; as ``log_probs``.
    """

    values: Tensor | None = None


def add_head(model: Any) -> None:
    """Give a model a value head that says 0 everywhere; it is trained and saved with the model."""
    hidden = model.config.get_text_config().hidden_size
    head = nn.Linear(hidden, 1, device=next(model.parameters()).device, dtype=torch.float32)
    nn.init.zeros_(head.weight)
    nn.init.zeros_(head.bias)
    setattr(model, HEAD, head)


def answer_with_values(model: Any, *, detach: bool = False) -> None:
    """Let ``model(..., fused_lm_head=True)`` tell values beside log-probabilities.

    Args:
        model: With a value head, patched by a TRL trainer.
        detach: Keep the gradient of the values from the model.
    """
    answer = model.forward

    def forward(self: Any, *args: Any, fused_lm_head: bool = False, **kwargs: Any) -> Any:
        if not fused_lm_head:
            return answer(*args, **kwargs)
        seen: list[Tensor] = []
        hook = self.base_model.register_forward_hook(
            lambda module, inputs, output: seen.append(output.last_hidden_state)
        )
        try:
            output = answer(*args, fused_lm_head=True, **kwargs)
        finally:
            hook.remove()
        hidden = seen[0][:, :-1].float()
        with torch.autocast(hidden.device.type, enabled=False):  # bfloat16 cannot tell 0.70 from 0.702
            values = getattr(self, HEAD)(hidden.detach() if detach else hidden).squeeze(-1)
        return ValuedOutput(**output, values=values)

    model.forward = types.MethodType(forward, model)


def quicken(optimiser: torch.optim.Optimizer, model: Any, rate: float) -> None:
    """Let the head learn at ``rate`` times the model's learning rate: it is small and starts from nothing."""
    head = {id(parameter) for parameter in getattr(model, HEAD).parameters()}
    for group in list(optimiser.param_groups):
        mine = [parameter for parameter in group["params"] if id(parameter) in head]
        if mine:
            group["params"] = [parameter for parameter in group["params"] if id(parameter) not in head]
            optimiser.add_param_group({**group, "params": mine, "lr": rate * group["lr"]})


@contextmanager
def without_head(model: Any) -> Iterator[None]:
    """While this is open the model has no value head: engines that generate take its own weights alone."""
    head = model._modules.pop(HEAD)
    try:
        yield
    finally:
        model._modules[HEAD] = head


def advantages(rewards: Tensor, values: Tensor, mask: Tensor, gamma: float, lam: float) -> Tensor:
    """Generalised advantage estimates.

    ``A_t = sum_k (gamma lam)^k delta_{t+k}`` with ``delta_t = r_t + gamma V_{t+1} - V_t`` (1506.02438,
    equation 16). With ``lam = 1``, ``A_t + V_t`` is the discounted sum of the rewards from t on.

    Args:
        rewards: Of each token, ``(replies, tokens)``.
        values: Before each token, likewise.
        mask: 1 on a reply's tokens, 0 on the padding right of them.
        gamma: Discount a token.
        lam: Between 0 and 1.

    Returns:
        As the rewards; 0 on padding.
    """
    found = torch.zeros_like(values)
    later, following = values.new_zeros(len(values)), values.new_zeros(len(values))
    for step in reversed(range(values.size(1))):
        delta = rewards[:, step] + gamma * following - values[:, step]
        later = (delta + gamma * lam * later) * mask[:, step]
        following = values[:, step] * mask[:, step]
        found[:, step] = later
    return found


def value_loss(values: Tensor, old: Tensor, returns: Tensor, clip: float) -> Tensor:
    """Half the squared error of each token, the larger of that of the value and of the clipped value."""
    near = old + (values - old).clamp(-clip, clip)
    return 0.5 * torch.maximum((values - returns).square(), (near - returns).square())


def moments(numbers: Tensor, mask: Tensor) -> Tensor:
    """Count, sum and sum of squares where the mask is 1: what processes add up to take a variance."""
    kept = numbers.double() * mask
    return torch.stack([mask.double().sum(), kept.sum(), kept.square().sum()])


def mean_and_variance(summed: Tensor) -> tuple[float, float]:
    """Mean and variance from `moments`; 0 and 0 for nothing."""
    count, total, squares = summed.tolist()
    mean = total / max(count, 1)
    return mean, max(0.0, squares / max(count, 1) - mean * mean)
