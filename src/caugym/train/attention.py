"""Causal attention for short rows on a CPU, under the name `NAME` that a model can be loaded with.

PyTorch's own kernel takes two fifths of the time of a pass of a small model in bfloat16; multiplying whole
matrices takes a third of that, and for a few hundred tokens they fit a core's cache.
"""

import math
from typing import Any

import torch
from torch import Tensor
from transformers import AttentionInterface

NAME = "caugym_causal"
"""What `caugym.backends.local.load` takes as ``attention``."""


class Causal(torch.autograd.Function):
    """softmax(q k' / sqrt(d)) v, each token seeing itself and those before it.

    Heads that share a key and a value lie below each other: ``q`` is (n, shared * length, d), ``k`` and ``v``
    are (n, length, d), all of one type, in which the sums are rounded, too.
    """

    @staticmethod
    def forward(ctx: Any, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """The mixed values, of the shape of ``q``."""
        length = k.shape[1]
        later = torch.full((length, length), -torch.inf, dtype=q.dtype).triu(1)
        later = later.repeat(q.shape[1] // length, 1)
        with torch.autocast("cpu", enabled=False):
            scale = 1 / math.sqrt(q.shape[-1])
            shares = torch.baddbmm(later, q, k.transpose(1, 2), alpha=scale).softmax(-1)
            mixed = shares.bmm(v)
        ctx.save_for_backward(q, k, v, shares)
        return mixed

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Gradients of ``q``, ``k`` and ``v``."""
        q, k, v, shares = ctx.saved_tensors
        (grad,) = grads
        scale = 1 / math.sqrt(q.shape[-1])
        scores = torch._softmax_backward_data(grad.bmm(v.transpose(1, 2)), shares, -1, shares.dtype)
        return (
            scores.bmm(k).mul_(scale),
            scores.transpose(1, 2).bmm(q).mul_(scale),
            shares.transpose(1, 2).bmm(grad),
        )


def causal(
    module: Any, query: Tensor, key: Tensor, value: Tensor, attention_mask: Tensor | None, **_: Any
) -> tuple[Tensor, None]:
    """Attention as `transformers` calls it: (rows, heads, length, d) each; rows are padded on the right."""
    rows, heads, length, size = query.shape
    k = key.to(value.dtype).reshape(-1, length, size)
    q = query.to(value.dtype).reshape(len(k), -1, size)
    mixed: Tensor = Causal.apply(q, k, value.reshape(-1, length, size))  # type: ignore[no-untyped-call]
    return mixed.view(rows, heads, length, size).transpose(1, 2), None


AttentionInterface.register(NAME, causal)
