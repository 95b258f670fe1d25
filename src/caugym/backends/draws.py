"""Tokens drawn from what a model makes of them, by random numbers that belong to one reply alone."""

from hashlib import sha256

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

HEAD = 64
"""The likeliest tokens, which hold the nucleus of top-p nearly always; sorting all of them takes longer."""


def uniforms(seed: int, key: str, count: int) -> np.ndarray:
    """``count`` numbers in [0, 1) that depend on the seed and the key alone."""
    root = int.from_bytes(sha256(f"{seed}/{key}".encode()).digest()[:16], "little")
    return np.random.Generator(np.random.Philox(key=root)).random(count, dtype=np.float32)


def choose(logits: Tensor, draws: Tensor, temperature: float, top_p: float = 1.0) -> tuple[Tensor, Tensor]:
    """One token a row, by inverting the cumulative distribution at the row's own uniform draw.

    Args:
        logits: ``(rows, vocabulary)``.
        draws: ``(rows,)`` in [0, 1).
        temperature: 0 for the most probable token.
        top_p: Mass of the nucleus, in (0, 1].

    Returns:
        Tokens ``(rows,)`` and their log-probabilities at this temperature, before top-p.
    """
    logprobs = functional.log_softmax(logits.float() / (temperature or 1.0), dim=-1)
    if temperature == 0:
        best, tokens = logprobs.max(dim=-1)
        return tokens, best
    if top_p < 1:
        mass, order = _likeliest(logprobs.exp(), top_p)
        below = mass.cumsum(dim=-1) - mass
        cumulative = mass.masked_fill_(below >= top_p, 0).cumsum(dim=-1)
    else:
        order, cumulative = None, logprobs.exp().cumsum(dim=-1)
    target = draws[:, None] * cumulative[:, -1:]
    tokens = torch.searchsorted(cumulative, target, right=True).clamp_(max=cumulative.size(-1) - 1)
    if order is not None:
        tokens = order.gather(1, tokens)
    return tokens[:, 0], logprobs.gather(1, tokens)[:, 0]


def _likeliest(probabilities: Tensor, top_p: float) -> tuple[Tensor, Tensor]:
    """Probabilities in descending order, at least those of the nucleus of every row, and their tokens.

    Equal ones stand in the order of their tokens, whether all are sorted or only the likeliest, so that a
    reply does not depend on the others of its batch.
    """
    head = probabilities.topk(min(HEAD, probabilities.size(-1)), sorted=False).indices.sort(dim=-1).values
    mass, places = probabilities.gather(1, head).sort(dim=-1, descending=True, stable=True)
    below = mass.cumsum(dim=-1) - mass
    if bool(((below >= top_p) | (mass > mass[:, -1:])).all()):
        return mass, head.gather(1, places)
    return probabilities.sort(dim=-1, descending=True, stable=True)
