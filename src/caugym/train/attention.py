"""Attention in bfloat16 for short rows on a CPU, under the name `NAME` that a model can be given.

In bfloat16 PyTorch's own kernel takes half of the time of a pass of a small model on a CPU. Multiplying whole
matrices, of a block of queries and all keys up to its last, takes a third of that: they fit a core's cache.
In float32 the kernel wins.
"""

import math
from typing import Any

import torch
from torch import Tensor
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.masking_utils import sdpa_mask

NAME = "caugym_whole"
"""For ``model.set_attn_implementation``."""

BLOCK = 256
"""Queries multiplied at a time, with the keys up to their last: no token may see a later one."""


class Whole(torch.autograd.Function):
    """softmax(q k' / sqrt(d) + bias) v.

    Heads that share a key and a value lie below each other: ``q`` is (n, shared * queries, d), ``k`` and
    ``v`` are (n, keys, d), all of one type, in which the sums are rounded, too. The bias is
    (n, shared * queries, keys), or alike for all n.
    """

    @staticmethod
    def forward(ctx: Any, q: Tensor, k: Tensor, v: Tensor, bias: Tensor) -> Tensor:
        """The mixed values, of the shape of ``q``."""
        with torch.autocast("cpu", enabled=False):
            scale = 1 / math.sqrt(q.shape[-1])
            shares = torch.baddbmm(bias, q, k.transpose(1, 2), alpha=scale).softmax(-1)
            mixed = shares.bmm(v)
        ctx.save_for_backward(q, k, v, shares)
        return mixed

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        """Gradients of ``q``, ``k`` and ``v``; the bias is given."""
        q, k, v, shares = ctx.saved_tensors
        (grad,) = grads
        scale = 1 / math.sqrt(q.shape[-1])
        scores = torch._softmax_backward_data(grad.bmm(v.transpose(1, 2)), shares, -1, shares.dtype)
        return (
            scores.bmm(k).mul_(scale),
            scores.transpose(1, 2).bmm(q).mul_(scale),
            shares.transpose(1, 2).bmm(grad),
            None,
        )


def whole(
    module: Any, query: Tensor, key: Tensor, value: Tensor, attention_mask: Tensor | None, **_: Any
) -> tuple[Tensor, None]:
    """Attention as `transformers` calls it: (rows, heads, length, d) each.

    The mask is (rows or 1, 1, queries, keys), true where a query sees a key, or a number to add; without one
    each token sees itself and those before it.
    """
    rows, heads, queries, size = query.shape
    keys, shared = key.shape[2], heads // key.shape[1]
    v = value.reshape(-1, keys, size)
    k = key.to(v.dtype).reshape(v.shape)
    q = query.to(v.dtype).reshape(len(k), shared, queries, size)
    if attention_mask is None:
        attention_mask = torch.ones(1, 1, queries, keys, dtype=torch.bool).tril(keys - queries)
    bias = _added(attention_mask, v.dtype)
    if len(bias) > 1:
        bias = bias.expand(-1, key.shape[1], -1, -1)
    mixed = []
    for start in range(0, queries, BLOCK):
        block = slice(start, min(start + BLOCK, queries))
        seen = keys - queries + block.stop
        added = bias[:, :, block, :seen].repeat(1, 1, shared, 1).flatten(0, 1)
        asked = q[:, :, block].flatten(1, 2)
        part = Whole.apply(asked, k[:, :seen], v[:, :seen], added)  # type: ignore[no-untyped-call]
        mixed.append(part.unflatten(1, (shared, -1)))
    return torch.cat(mixed, 2).view(rows, heads, queries, size).transpose(1, 2), None


def _added(mask: Tensor, dtype: torch.dtype) -> Tensor:
    """What a mask adds to scores: nothing, or the least number; a token that sees none sees all alike."""
    least = torch.finfo(dtype).min
    if mask.dtype == torch.bool:
        return torch.zeros(mask.shape, dtype=dtype).masked_fill(~mask, least)
    return mask.clamp(min=least).to(dtype)


AttentionInterface.register(NAME, whole)
AttentionMaskInterface.register(NAME, sdpa_mask)
