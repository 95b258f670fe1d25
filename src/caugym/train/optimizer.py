"""One optimiser for models trained from scratch: Muon for the matrices of the blocks, AdamW for the rest.

Muon (Jordan et al., 2024) replaces the momentum of a matrix by the nearest semi-orthogonal matrix, found by
five Newton-Schulz iterations. With several processes each one orthogonalises its share of the matrices.
"""

from collections.abc import Callable, Iterable
from typing import Any, cast

import torch
import torch.distributed as dist
from torch import Tensor, nn

from caugym.train import settings
from caugym.train.recipe import Recipe

COEFFICIENTS = (3.4445, -4.7750, 2.0315)
"""Of the quintic iteration; they trade exactness for speed of convergence (Jordan et al., 2024)."""


def orthogonalise(matrices: Tensor, dtype: torch.dtype, iterations: int = 5) -> Tensor:
    """About the nearest semi-orthogonal matrix of each in a batch ``(count, rows, columns)``, in a dtype."""
    a, b, c = COEFFICIENTS
    x = matrices.to(dtype)
    wide = x.size(-2) <= x.size(-1)
    x = x if wide else x.mT
    x = x / x.norm(dim=(-2, -1), keepdim=True).clamp(min=1e-7)
    for _ in range(iterations):
        gram = x @ x.mT
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x if wide else x.mT


class MuonAdamW(torch.optim.Optimizer):
    """Muon on one group of parameters, AdamW on the other.

    Args:
        matrices: Two-dimensional weights inside the blocks.
        others: Embeddings, norms, heads.
        matrix_rate: Learning rate of Muon.
        learning_rate: Learning rate of AdamW.
        momentum: Of Muon (Nesterov).
        betas: Of AdamW.
        eps: Of AdamW.
        weight_decay: Decoupled, on the matrices alone.
        dtype: Of the iterations. bfloat16 is exact enough, and slower on most CPUs.
    """

    def __init__(
        self,
        matrices: Iterable[Tensor],
        others: Iterable[Tensor],
        *,
        matrix_rate: float,
        learning_rate: float,
        momentum: float = 0.95,
        betas: tuple[float, float] = (0.9, 0.98),
        eps: float = 1e-8,
        weight_decay: float = 0.01,
        dtype: torch.dtype = torch.bfloat16,
    ) -> None:
        groups = [
            {"params": list(matrices), "lr": matrix_rate, "kind": "muon"},
            {"params": list(others), "lr": learning_rate, "kind": "adamw"},
        ]
        defaults = {"momentum": momentum, "betas": betas, "eps": eps, "weight_decay": weight_decay}
        super().__init__(groups, defaults)
        self.dtype = dtype

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        """Update every parameter that has a gradient."""
        loss = closure() if closure is not None else None
        for group in self.param_groups:
            parameters = [p for p in group["params"] if p.grad is not None]
            if parameters:
                (self._muon if group["kind"] == "muon" else self._adamw)(parameters, group)
        return loss

    def _muon(self, parameters: list[Tensor], group: dict[str, Any]) -> None:
        directions = []
        for parameter in parameters:
            state, gradient = self.state[parameter], cast(Tensor, parameter.grad)
            if not state:
                state["momentum"] = torch.zeros_like(parameter)
            state["momentum"].lerp_(gradient, 1 - group["momentum"])
            directions.append(gradient.lerp(state["momentum"], group["momentum"]))
        for parameter, update in zip(parameters, _orthogonalised(directions, self.dtype), strict=True):
            # Tall matrices get larger steps, so that the change of the output does not depend on the shape.
            scale = max(1.0, parameter.size(0) / parameter.size(1)) ** 0.5
            parameter.mul_(1 - group["lr"] * group["weight_decay"])
            parameter.add_(update.to(parameter.dtype), alpha=-group["lr"] * scale)

    def _adamw(self, parameters: list[Tensor], group: dict[str, Any]) -> None:
        first, second = group["betas"]
        for parameter in parameters:
            state = self.state[parameter]
            if not state:
                state.update(
                    step=torch.zeros(()),
                    mean=torch.zeros_like(parameter),
                    square=torch.zeros_like(parameter),
                )
            state["step"] += 1
            count = state["step"].item()
            state["mean"].lerp_(parameter.grad, 1 - first)
            state["square"].mul_(second).addcmul_(parameter.grad, parameter.grad, value=1 - second)
            deviation = (state["square"] / (1 - second**count)).sqrt_().add_(group["eps"])
            parameter.addcdiv_(state["mean"], deviation, value=-group["lr"] / (1 - first**count))


def _orthogonalised(directions: list[Tensor], dtype: torch.dtype) -> list[Tensor]:
    """Each direction made semi-orthogonal; stacked by shape, and shared out among the processes."""
    world = dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1
    rank = dist.get_rank() if world > 1 else 0
    shapes: dict[torch.Size, list[int]] = {}
    for index, direction in enumerate(directions):
        shapes.setdefault(direction.shape, []).append(index)
    done: dict[int, Tensor] = {}
    for indices in shapes.values():
        share = -(-len(indices) // world)
        mine = indices[rank * share : (rank + 1) * share]
        part = directions[indices[0]].new_zeros(share, *directions[indices[0]].shape, dtype=dtype)
        if mine:
            part[: len(mine)] = orthogonalise(torch.stack([directions[index] for index in mine]), dtype)
        if world > 1:
            parts = [torch.empty_like(part) for _ in range(world)]
            dist.all_gather(parts, part)
            part = torch.cat(parts)
        done.update(zip(indices, part, strict=False))
    return [done[index] for index in range(len(directions))]


def make(model: nn.Module, recipe: Recipe) -> MuonAdamW | None:
    """The optimiser of a recipe: matrices of the blocks to Muon, all else to AdamW; None leaves it to TRL."""
    if not recipe.matrix_rate:
        return None
    matrices: list[Tensor] = []
    others: list[Tensor] = []
    for name, parameter in model.named_parameters():
        inside = parameter.ndim == 2 and "embed" not in name and "head" not in name
        (matrices if inside else others).append(parameter)
    return MuonAdamW(
        matrices,
        others,
        matrix_rate=recipe.matrix_rate,
        learning_rate=recipe.learning_rate,
        dtype=torch.bfloat16 if settings.bf16(recipe) else torch.float32,
    )
