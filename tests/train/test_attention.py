"""Our attention is that of the library, as are its gradients."""

from pathlib import Path
from typing import Any

import pytest
import torch

from caugym.backends.local import load
from caugym.train import attention
from caugym.train.branches import branches
from caugym.train.nano import Size, create

SEEN = torch.ones(3, 20, dtype=torch.long)
RIGHT, LEFT = SEEN.clone(), SEEN.clone()
RIGHT[0, 15:] = 0
LEFT[1, :4] = 0


def branched() -> dict[str, torch.Tensor]:
    """Two replies to one prompt as branches of a row."""
    joined = branches(torch.tensor([[5, 6, 7, 8, 9], [5, 6, 7, 10, 11]]), torch.ones(2, 5), reply=2)
    assert len(joined.ids) == 1
    return {"input_ids": joined.ids, "position_ids": joined.positions, "attention_mask": joined.mask()}


@pytest.mark.parametrize("shared", [1, 3])
def test_gradients_are_those_of_the_function(shared: int) -> None:
    generator = torch.Generator().manual_seed(0)

    def drawn(length: int) -> torch.Tensor:
        return torch.randn(2, length, 4, dtype=torch.float64, generator=generator)

    given = [drawn(length).requires_grad_() for length in (shared * 5, 5, 5)]
    bias = torch.randn(2, shared * 5, 5, dtype=torch.float64, generator=generator)
    assert torch.autograd.gradcheck(attention.Whole.apply, (*given, bias))


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model with two heads to a key."""
    texts = ["When rain is low, then mud is high with probability 0.40."] * 4
    size = Size(hidden=32, layers=2, heads=4, kv_heads=2, head=16, feed_forward=48, vocabulary=300)
    return create(tmp_path_factory.mktemp("attention") / "tiny", texts, seed=1, size=size)


@pytest.mark.parametrize(
    "inputs",
    [
        {"input_ids": torch.arange(3, 63).view(3, 20)},
        {"input_ids": torch.arange(3, 63).view(3, 20), "attention_mask": RIGHT},
        {"input_ids": torch.arange(3, 63).view(3, 20), "attention_mask": LEFT},
        branched(),
    ],
    ids=["whole", "padded right", "padded left", "branches"],
)
@pytest.mark.parametrize("block", [8, attention.BLOCK])
def test_a_model_with_it_is_the_same_model(
    tiny: Path, inputs: dict[str, Any], block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Logits of what is seen, and gradients."""
    monkeypatch.setattr(attention, "BLOCK", block)
    seen = inputs.get("attention_mask", SEEN)
    seen = seen.bool() if seen.ndim == 2 else slice(None)
    found = []
    for name in (attention.NAME, "eager"):
        model, _ = load(str(tiny))
        model.set_attn_implementation(name)
        logits = model(**inputs, use_cache=False).logits[seen]
        logits.pow(2).sum().backward()
        found.append([logits.detach(), *(p.grad for p in model.parameters())])
    for ours, theirs in zip(*found, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)


def test_a_model_with_it_generates_the_same(tiny: Path) -> None:
    """With a cache there are more keys than queries."""
    replies = []
    for name in (attention.NAME, "eager"):
        model, _ = load(str(tiny))
        model.set_attn_implementation(name)
        ids = torch.arange(3, 43).view(2, 20)
        replies.append(
            model.generate(input_ids=ids, attention_mask=LEFT[1:], max_new_tokens=9, do_sample=False)
        )
    assert torch.equal(*replies)
