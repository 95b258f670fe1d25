"""Our attention is that of the library, as are its gradients."""

from pathlib import Path

import pytest
import torch

from caugym.backends.local import load
from caugym.train import attention
from caugym.train.nano import Size, create


@pytest.mark.parametrize("shared", [1, 3])
def test_gradients_are_those_of_the_function(shared: int) -> None:
    generator = torch.Generator().manual_seed(0)

    def drawn(length: int) -> torch.Tensor:
        values = torch.randn(2, length, 4, dtype=torch.float64, generator=generator)
        return values.requires_grad_()

    assert torch.autograd.gradcheck(attention.Causal.apply, (drawn(shared * 5), drawn(5), drawn(5)))


def test_a_model_with_it_is_the_same_model(tmp_path: Path) -> None:
    """Logits and gradients, with two heads to a key; the library computes its own with a mask."""
    texts = ["When rain is low, then mud is high with probability 0.40."] * 4
    size = Size(hidden=32, layers=2, heads=4, kv_heads=2, head=16, feed_forward=48, vocabulary=300)
    path = create(tmp_path / "tiny", texts, seed=1, size=size)
    ids = torch.arange(3, 63).view(3, 20)
    found = []
    for name in (attention.NAME, "eager"):
        model, _ = load(str(path), attention=name)
        logits = model(input_ids=ids, use_cache=False).logits
        logits.pow(2).sum().backward()
        found.append([logits.detach(), *(p.grad for p in model.parameters())])
    for ours, theirs in zip(*found, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)
