"""Proximal policy optimisation: GRPO's rollouts, rewards and clipped loss, with a learnt value function.

TRL has had no PPO since 1.13. Its `GRPOTrainer` takes advantages of one number a token, so PPO is that
trainer with generalised advantage estimates in place of the comparison within a group. The value function is
a head on the model (`caugym.train.value`); ``rollout.kl`` is taken off the reward, token by token.
Checkpoints keep the head; the finished model is without it.
"""

import math
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from caugym.train import value
from caugym.train.grpo import TrimmedGRPO, make, widened
from caugym.train.recipe import Critic, Recipe


class PPOTrainer(TrimmedGRPO):
    """PPO on TRL's GRPO trainer, of which it overrides private methods; a test pins the version.

    Args:
        critic: How values are learnt and used.
        given: As `GRPOTrainer` takes them; the model has a value head.
    """

    beta: float
    _name = "PPO"
    _tag_names = ("trl", "ppo")

    def __init__(self, *, critic: Critic, **given: Any) -> None:
        super().__init__(**given)
        self.critic = critic
        self._values: Tensor | None = None
        self._rewards = torch.empty(0)

    def train(self, *args: Any, **kwargs: Any) -> Any:
        """Train, then take the value head off: what is left is the model that was trained."""
        done = super().train(*args, **kwargs)
        delattr(self.accelerator.unwrap_model(self.model), value.HEAD)
        return done

    def create_optimizer(self, *args: Any) -> Any:
        """The optimiser, in which the head has a rate of its own."""
        made = super().create_optimizer(*args)
        value.quicken(made, self.accelerator.unwrap_model(self.model), self.critic.rate)
        return made

    def _generate_single_turn(self, *args: Any, **kwargs: Any) -> Any:
        """Replies of TRL's own engines, vLLM among them."""
        with value.without_head(self.accelerator.unwrap_model(self.model)):
            return super()._generate_single_turn(*args, **kwargs)

    def _get_per_token_logps_and_entropies(self, *args: Any, **kwargs: Any) -> Any:
        """Keep the values that the model tells with the log-probabilities; the reference tells none."""
        self._told: list[Tensor] = []
        found = super()._get_per_token_logps_and_entropies(*args, **kwargs)
        if self._told:
            self._values = widened(self._told, found[0].size(1))
        return found

    def _pass(self, model: Any, ids: Tensor, seen: Tensor, kept: int, **given: Any) -> Any:
        def listened(**inputs: Any) -> Any:
            output = model(**inputs)
            if output.get("values") is not None:
                self._told.append(output["values"][:, -kept:])
            return output

        return super()._pass(listened, ids, seen, kept, **given)

    def _calculate_rewards(self, *args: Any) -> Tensor:
        """Keep the rewards of all processes' replies."""
        rewards: Tensor = super()._calculate_rewards(*args)
        self._rewards = rewards
        return rewards

    def _generate_and_score_completions(self, inputs: Any) -> dict[str, Any]:
        """A rollout with its old values, its returns, and one advantage a token."""
        self._values = None
        rollout: dict[str, Any] = super()._generate_and_score_completions(inputs)
        mask = rollout["completion_mask"]
        with torch.no_grad():
            logps = rollout.get("old_per_token_logps")
            if self._values is None or logps is None:
                ids = torch.cat([rollout["prompt_ids"], rollout["completion_ids"]], 1)
                seen = torch.cat([rollout["prompt_mask"], mask], 1)
                rows = self.args.per_device_train_batch_size
                logps, _, _ = self._get_per_token_logps_and_entropies(
                    self.model, ids, seen, mask.size(1), batch_size=rows
                )
            assert self._values is not None
            values = (self._values + self._first_guess()) * mask
            rewards = self._token_rewards(rollout, logps)
            estimates = value.advantages(rewards, values, mask, self.critic.gamma, self.critic.lam)
            # Values learn from what was earned, not from each other: a reward at the end of a hundred tokens
            # would take as many rollouts to reach the first of them (decoupled GAE, arXiv 2503.01491).
            returns = values + value.advantages(rewards, values, mask, self.critic.gamma, 1.0)
            self._note(returns, values, mask)
            rollout |= {"old_values": values, "returns": returns}
            rollout["advantages"] = self._whitened(estimates, mask) if self.critic.whiten else estimates
        return rollout

    def _earned(self) -> Tensor:
        """Rewards of the replies of all processes."""
        earned: Tensor = (self._rewards * self.reward_weights.to(self._rewards.device)).nansum(1)
        return earned

    def _first_guess(self) -> float:
        """Let an untrained head start at what the first replies earned on average; 0 ever after."""
        head = getattr(self.accelerator.unwrap_model(self.model), value.HEAD)
        if head.weight.any() or head.bias.any():
            return 0.0
        head.bias.fill_(self._earned().mean())
        return float(head.bias)

    def _token_rewards(self, rollout: dict[str, Any], logps: Tensor) -> Tensor:
        """The reward of a reply at its last token, less the divergence from the reference at each."""
        mask = rollout["completion_mask"]
        rows = torch.arange(len(mask), device=mask.device)
        earned = self._earned()[self.accelerator.process_index * len(mask) + rows]
        rewards = torch.zeros_like(logps)
        if self.beta:
            divergence = (logps - rollout["ref_per_token_logps"]) * mask
            rewards -= self.beta * divergence
            mean, _ = value.mean_and_variance(self._over_all(divergence, mask))
            self._metrics[self._mode]["kl"].append(mean)
        rewards[rows, (mask.sum(1) - 1).clamp(min=0)] += earned
        return rewards

    def _whitened(self, estimates: Tensor, mask: Tensor) -> Tensor:
        """Advantages with mean 0 and variance 1 over the replies of all processes."""
        mean, variance = value.mean_and_variance(self._over_all(estimates, mask))
        return (estimates - mean) / math.sqrt(variance + 1e-8) * mask

    def _note(self, returns: Tensor, values: Tensor, mask: Tensor) -> None:
        """Log how much of the variance of what was earned the values foresaw."""
        mean, _ = value.mean_and_variance(self._over_all(values, mask))
        _, unexplained = value.mean_and_variance(self._over_all(returns - values, mask))
        _, variance = value.mean_and_variance(self._over_all(returns, mask))
        metrics = self._metrics[self._mode]
        metrics["value/mean"].append(mean)
        metrics["value/explained_variance"].append(1 - unexplained / variance if variance else float("nan"))

    def _over_all(self, numbers: Tensor, mask: Tensor) -> Tensor:
        """Their `moments` over all processes."""
        summed: Tensor = self.accelerator.reduce(value.moments(numbers, mask), reduction="sum")
        return summed

    @property
    def _mode(self) -> str:
        return "train" if self.model.training else "eval"

    def _compute_loss(self, model: Any, inputs: dict[str, Any]) -> Tensor:
        """The clipped policy loss, and the clipped value loss."""
        weight, self.beta = self.beta, 0.0  # the divergence is in the reward already
        try:
            policy: Tensor = super()._compute_loss(model, inputs)
        finally:
            self.beta = weight
        assert self._values is not None
        errors = value.value_loss(self._values, inputs["old_values"], inputs["returns"], self.critic.clip)
        total = (errors * inputs["completion_mask"]).sum()
        # Normalised as TRL does the policy loss: a mean over the tokens of a step, over all processes.
        tokens = inputs["num_items_in_batch"].clamp(min=1) / self.accelerator.num_processes
        if self.model.training:
            tokens = tokens * self.current_gradient_accumulation_steps / self.args.steps_per_generation
        mean, _ = value.mean_and_variance(self._over_all(errors.detach(), inputs["completion_mask"]))
        self._metrics[self._mode]["value/loss"].append(mean)
        both: Tensor = policy + self.critic.weight * total / tokens
        return both


def trainer(model: Any, tokenizer: Any, data: Any, recipe: Recipe, out: Path) -> PPOTrainer:
    """The trainer of a recipe on prepared rows; see `caugym.train.prepare.online`."""
    assert recipe.critic is not None
    value.add_head(model)
    made = make(PPOTrainer, model, tokenizer, data, recipe, out, critic=recipe.critic)
    assert isinstance(made, PPOTrainer)
    value.answer_with_values(made.model, detach=recipe.critic.detach)
    return made
