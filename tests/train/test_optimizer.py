"""Muon and AdamW against PyTorch's own."""

import copy

import pytest
import torch

from caugym.train.optimizer import MuonAdamW, make, orthogonalise
from caugym.train.recipe import resolve


def steps(optimizer: torch.optim.Optimizer, parameters: list[torch.nn.Parameter], count: int = 4) -> None:
    for step in range(count):
        for index, parameter in enumerate(parameters):
            noise = torch.Generator().manual_seed(100 * step + index)
            parameter.grad = torch.randn(parameter.shape, generator=noise)
        optimizer.step()


def twice(shapes: list[tuple[int, ...]]) -> list[list[torch.nn.Parameter]]:
    made = [torch.randn(shape, generator=torch.Generator().manual_seed(7)) for shape in shapes]
    return [[torch.nn.Parameter(value.clone()) for value in made] for _ in range(2)]


def test_matrices_move_as_under_torch_muon() -> None:
    ours, theirs = twice([(24, 16), (16, 24), (16, 16), (16, 24)])
    steps(MuonAdamW(ours, [], matrix_rate=0.02, learning_rate=1.0, weight_decay=0.01), ours)
    reference = torch.optim.Muon(
        theirs, lr=0.02, momentum=0.95, weight_decay=0.01, adjust_lr_fn="original", nesterov=True
    )
    steps(reference, theirs)
    for a, b in zip(ours, theirs, strict=True):
        # Both iterate in bfloat16, ours in batches: equal up to its rounding.
        torch.testing.assert_close(a, b, atol=2e-3, rtol=0)


def test_the_rest_moves_as_under_torch_adamw() -> None:
    ours, theirs = twice([(24, 16), (16,)])
    steps(MuonAdamW([], ours, matrix_rate=1.0, learning_rate=3e-3, betas=(0.9, 0.98)), ours)
    steps(torch.optim.AdamW(theirs, lr=3e-3, betas=(0.9, 0.98), weight_decay=0.0), theirs)
    for a, b in zip(ours, theirs, strict=True):
        torch.testing.assert_close(a, b, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
@pytest.mark.parametrize("shape", [(3, 8, 20), (2, 20, 8), (1, 5, 5)])
def test_orthogonalised_matrices_have_singular_values_near_one(
    shape: tuple[int, int, int], dtype: torch.dtype
) -> None:
    matrices = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    values = torch.linalg.svdvals(orthogonalise(matrices, dtype).float())
    assert values.min() > 0.4
    assert values.max() < 1.4
    assert orthogonalise(torch.zeros(1, 4, 4), dtype).isfinite().all()


def test_iterations_are_as_precise_as_the_recipe() -> None:
    model = torch.nn.Linear(4, 4)
    for precision, dtype in (("bf16", torch.bfloat16), ("fp32", torch.float32)):
        optimiser = make(model, resolve("sft", overrides=("matrix_rate=0.02", f"precision={precision}")))
        assert optimiser is not None
        assert optimiser.dtype == dtype


def test_state_saves_and_loads() -> None:
    first, second = twice([(8, 8), (8,)])
    one = MuonAdamW(first[:1], first[1:], matrix_rate=0.02, learning_rate=0.01)
    two = MuonAdamW(second[:1], second[1:], matrix_rate=0.02, learning_rate=0.01)
    steps(one, first, 3)
    for a, b in zip(first, second, strict=True):
        b.data.copy_(a.data)
    two.load_state_dict(copy.deepcopy(one.state_dict()))
    steps(one, first, 2)
    steps(two, second, 2)
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


def test_recipes_choose() -> None:
    model = torch.nn.Sequential(torch.nn.Linear(4, 4))
    assert make(model, resolve("sft", overrides=["matrix_rate=0"])) is None
    made = make(model, resolve("sft"))
    assert made is not None
    assert [group["kind"] for group in made.param_groups] == ["muon", "adamw"]
    assert sum(len(group["params"]) for group in made.param_groups) == len(list(model.parameters()))
