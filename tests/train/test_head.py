"""The plain output layer: the numbers of TRL's fused one."""

from pathlib import Path

import pytest
import torch
from trl.trainer.utils import add_fused_lm_head

from caugym.backends.local import load
from caugym.train.head import use_plain_head

FIELDS = ("log_probs", "entropy", "is_top1", "mean_logits", "log_sum_sq_probs")


@pytest.mark.parametrize("temperature", [1.0, 0.7])
def test_the_plain_head_is_the_fused_one(tiny: Path, temperature: float) -> None:
    numbers = torch.Generator().manual_seed(0)
    ids = torch.randint(3, 300, (3, 20), generator=numbers)
    labels = ids.masked_fill(torch.rand(3, 20, generator=numbers) < 0.4, -100)
    seen = []
    for plain in (False, True):
        model, _ = load(str(tiny))
        add_fused_lm_head(model, temperature=temperature, outputs=FIELDS)
        if plain:
            use_plain_head(model, temperature, also=("mean_logits", "log_sum_sq_probs"))
        outputs = model(input_ids=ids, labels=labels, fused_lm_head=True)
        gradients = torch.autograd.grad(outputs.loss, list(model.parameters()))
        named = [outputs[name].float() for name in ("loss", "label_mask", *FIELDS)]
        seen.append([*named, *gradients, model(input_ids=ids).logits])
    for a, b in zip(*seen, strict=True):
        torch.testing.assert_close(a, b, atol=1e-5, rtol=1e-4)
