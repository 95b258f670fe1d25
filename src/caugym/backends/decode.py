"""Fast decoding of small Qwen3-architecture models, on a CPU or a GPU.

A rollout asks the same prompt several times, and small models are bound by memory traffic and by the number
of operations, not by arithmetic. Hence: a prompt is read once and its keys and values are shared by all its
replies; the query heads of one key-value head, and of all replies to one prompt, are folded into one matrix
product; projections with the same input are fused; finished replies leave the batch. Rows are slots in a
rectangle (prompts x replies) that shrinks as replies end.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from caugym.backends import Sampling
from caugym.backends.draws import choose, uniforms

PREFILL_TOKENS = {"cpu": 4096, "cuda": 65_536}
"""Prompt tokens read in one pass; more would fall out of a CPU's cache."""

ROWS = {"cpu": 128, "cuda": 1024}
"""Replies decoded side by side, unless said otherwise."""

MOST_ON_GPU = 200_000_000
"""Parameters of a model that is decoded here on a GPU; a larger one fills it without this, and a copy of its
weights has a price."""

SHRINK = 0.8
"""The batch is rebuilt without its finished rows once no more than this share of its slots is alive."""


class Decoded(NamedTuple):
    """One reply in tokens.

    Attributes:
        tokens: Generated ids, the end token included when the model wrote one.
        logprobs: Log-probability of each under the model at the sampling temperature, before top-p.
        finished: Whether an end token was written.
    """

    tokens: list[int]
    logprobs: list[float]
    finished: bool


@dataclass(slots=True)
class _Layer:
    """Weights of one block, projections with one input joined."""

    input_norm: Tensor
    qkv: Tensor
    query_norm: Tensor
    key_norm: Tensor
    output: Tensor
    mlp_norm: Tensor
    gate_up: Tensor
    down: Tensor


@dataclass(slots=True)
class _Cache:
    """Keys and values of one block.

    Attributes:
        prompt_keys: ``(P * KV, D, S)``, transposed for the product with the queries.
        prompt_values: ``(P * KV, S, D)``.
        keys: Of the replies, ``(P, KV, G, T, D)``.
        values: Likewise.
    """

    prompt_keys: Tensor
    prompt_values: Tensor
    keys: Tensor
    values: Tensor


def supports(model: Any, device: str) -> bool:
    """Whether the decoder computes this model exactly, and is meant for it on this kind of device."""
    config = model.config
    rope = getattr(config, "rope_parameters", None) or {}
    return (
        config.model_type == "qwen3"
        and not getattr(config, "use_sliding_window", False)
        and not getattr(config, "attention_bias", False)
        and rope.get("rope_type", "default") == "default"
        and (device == "cpu" or (device in ROWS and model.num_parameters() < MOST_ON_GPU))
    )


class Decoder:
    """Decodes with a snapshot of a model's weights.

    Args:
        model: A dense Qwen3 causal language model; see `supports`.
        dtype: Of weights, activations and cache. bfloat16 halves memory traffic, and is faster only on CPUs
            that multiply matrices of it (`caugym.train.settings.multiplies_bf16`).
    """

    def __init__(self, model: Any, dtype: torch.dtype = torch.float32) -> None:
        config = model.config
        self.dtype, self.device = dtype, model.device
        self.heads, self.kv = config.num_attention_heads, config.num_key_value_heads
        self.dim, self.eps = config.head_dim, config.rms_norm_eps

        def weight(*modules: Any) -> Tensor:
            parts = [module.weight.detach().to(dtype) for module in modules]
            return parts[0] if len(parts) == 1 else torch.cat(parts)

        self.embedding, self.norm = weight(model.model.embed_tokens), weight(model.model.norm)
        self.head = weight(model.lm_head)
        self.layers = [
            _Layer(
                input_norm=weight(block.input_layernorm),
                qkv=weight(block.self_attn.q_proj, block.self_attn.k_proj, block.self_attn.v_proj),
                query_norm=weight(block.self_attn.q_norm) * self.dim**-0.5,
                key_norm=weight(block.self_attn.k_norm),
                output=weight(block.self_attn.o_proj),
                mlp_norm=weight(block.post_attention_layernorm),
                gate_up=weight(block.mlp.gate_proj, block.mlp.up_proj),
                down=weight(block.mlp.down_proj),
            )
            for block in model.model.layers
        ]
        self.frequencies = model.model.rotary_emb.inv_freq.detach().float()

    def _rotation(self, positions: Tensor) -> tuple[Tensor, Tensor]:
        """Cosines and sines, the sign of the half turn folded into the sine: ``(..., 1, D)`` each."""
        angles = positions[..., None].float() * self.frequencies
        cosine, sine = angles.cos(), angles.sin()
        return (
            torch.cat([cosine, cosine], -1).to(self.dtype).unsqueeze(-2),
            torch.cat([-sine, sine], -1).to(self.dtype).unsqueeze(-2),
        )

    def _project(
        self, hidden: Tensor, layer: _Layer, rotation: tuple[Tensor, Tensor]
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Queries ``(.., H, D)`` (scaled), keys and values ``(.., KV, D)`` of ``hidden (.., width)``."""
        normed = functional.rms_norm(hidden, hidden.shape[-1:], layer.input_norm, self.eps)
        joined = functional.linear(normed, layer.qkv).unflatten(-1, (-1, self.dim))
        queries, keys, values = joined.split([self.heads, self.kv, self.kv], dim=-2)
        cosine, sine = rotation

        def turned(x: Tensor, norm: Tensor) -> Tensor:
            x = functional.rms_norm(x, (self.dim,), norm, self.eps)
            return x * cosine + x.roll(self.dim // 2, -1) * sine

        return turned(queries, layer.query_norm), turned(keys, layer.key_norm), values

    def _finish(self, hidden: Tensor, attended: Tensor, layer: _Layer) -> Tensor:
        """The rest of a block: output projection and gated MLP, with their residuals."""
        hidden = hidden + functional.linear(attended, layer.output)
        normed = functional.rms_norm(hidden, hidden.shape[-1:], layer.mlp_norm, self.eps)
        gate, up = functional.linear(normed, layer.gate_up).chunk(2, -1)
        return hidden + functional.linear(functional.silu(gate) * up, layer.down)

    def _logits(self, hidden: Tensor) -> Tensor:
        return functional.linear(
            functional.rms_norm(hidden, hidden.shape[-1:], self.norm, self.eps), self.head
        )

    def _prefill(self, prompts: list[list[int]]) -> tuple[Tensor, list[tuple[Tensor, Tensor]]]:
        """Read prompts of similar length, padded on the right (causality keeps pads out of sight).

        Returns:
            Logits after each prompt ``(P, vocabulary)``, and keys and values ``(P, KV, S, D)`` a block.
        """
        size = max(map(len, prompts))
        ids = torch.zeros(len(prompts), size, dtype=torch.long)
        for row, prompt in enumerate(prompts):
            ids[row, : len(prompt)] = torch.tensor(prompt)
        rotation = self._rotation(torch.arange(size, device=self.device))
        hidden = functional.embedding(ids.to(self.device), self.embedding)
        cached = []
        for layer in self.layers:
            queries, keys, values = (
                x.transpose(1, 2).contiguous() for x in self._project(hidden, layer, rotation)
            )
            attended = functional.scaled_dot_product_attention(
                queries, keys, values, is_causal=True, scale=1.0, enable_gqa=True
            )
            hidden = self._finish(hidden, attended.transpose(1, 2).flatten(2), layer)
            cached.append((keys, values))
        last = torch.tensor([len(prompt) - 1 for prompt in prompts])
        return self._logits(hidden[torch.arange(len(prompts)), last.to(self.device)]), cached

    def _read(
        self, prompts: list[list[int]], replies: int, longest: int
    ) -> tuple[Tensor, list[_Cache], Tensor]:
        """Prefill in passes of bounded size, and lay out the caches of a batch.

        Returns:
            Logits ``(P, vocabulary)``, a cache a block, the additive mask over prompts ``(P, 1, 1, 1, S)``.
        """
        size = max(map(len, prompts))
        step = max(1, PREFILL_TOKENS[self.device.type] // size)
        passes = [self._prefill(prompts[i : i + step]) for i in range(0, len(prompts), step)]

        def joined(block: int, side: int) -> Tensor:
            parts = [cached[block][side] for _, cached in passes]
            return torch.cat([functional.pad(part, (0, 0, 0, size - part.size(2))) for part in parts])

        caches = []
        for block in range(len(self.layers)):
            keys, values = joined(block, 0), joined(block, 1)
            shape = (len(prompts), self.kv, replies, longest, self.dim)
            caches.append(
                _Cache(
                    prompt_keys=keys.flatten(0, 1).transpose(1, 2).contiguous(),
                    prompt_values=values.flatten(0, 1),
                    keys=torch.empty(shape, dtype=self.dtype, device=self.device),
                    values=torch.empty(shape, dtype=self.dtype, device=self.device),
                )
            )
        lengths = torch.tensor([len(prompt) for prompt in prompts])
        hidden = torch.arange(size)[None] >= lengths[:, None]
        mask = torch.zeros(len(prompts), size, dtype=self.dtype).masked_fill_(hidden, -torch.inf)
        return torch.cat([x[0] for x in passes]), caches, mask[:, None, None, None].to(self.device)

    def _step(
        self, tokens: Tensor, positions: Tensor, caches: list[_Cache], mask: Tensor, time: int
    ) -> Tensor:
        """Logits ``(P, G, vocabulary)`` after one more token in every slot ``(P, G)``."""
        prompts, replies = tokens.shape
        group = self.heads // self.kv
        rotation = self._rotation(positions)
        hidden = functional.embedding(tokens, self.embedding)
        size = mask.size(-1)
        for layer, cache in zip(self.layers, caches, strict=True):
            queries, keys, values = self._project(hidden, layer, rotation)
            cache.keys[:, :, :, time] = keys.transpose(1, 2)
            cache.values[:, :, :, time] = values.transpose(1, 2)
            queries = queries.unflatten(2, (self.kv, group)).transpose(1, 2).contiguous()
            scores = queries.new_empty(prompts, self.kv, replies, group, size + time + 1)
            shared = torch.bmm(queries.view(prompts * self.kv, replies * group, self.dim), cache.prompt_keys)
            torch.add(shared.view(prompts, self.kv, replies, group, size), mask, out=scores[..., :size])
            own_keys, own_values = cache.keys[:, :, :, : time + 1], cache.values[:, :, :, : time + 1]
            scores[..., size:] = queries @ own_keys.transpose(-1, -2)
            weights = scores.softmax(-1)
            shared = torch.bmm(
                weights[..., :size].reshape(prompts * self.kv, replies * group, size), cache.prompt_values
            )
            attended = (
                shared.view(prompts, self.kv, replies, group, self.dim) + weights[..., size:] @ own_values
            )
            hidden = self._finish(hidden, attended.transpose(1, 2).reshape(prompts, replies, -1), layer)
        return self._logits(hidden)

    @torch.inference_mode()
    def decode(
        self,
        prompts: Sequence[Sequence[int]],
        sampling: Sampling,
        keys: Sequence[str],
        ends: Sequence[int],
        *,
        rows: int | None = None,
    ) -> list[Decoded]:
        """Replies to tokenised prompts, in their order.

        Args:
            prompts: Token ids; equal prompts are read once.
            sampling: Temperature, top-p, length and seed.
            keys: Names of the random streams, one a prompt.
            ends: Tokens that end a reply.
            rows: Replies decoded side by side; `ROWS` of this device by default.
        """
        rows = rows or ROWS[self.device.type]
        asked: dict[tuple[int, ...], list[int]] = {}
        for index, prompt in enumerate(prompts):
            asked.setdefault(tuple(prompt), []).append(index)
        # Prompts with as many replies and about as many tokens share a batch: the rectangle has few holes.
        order = sorted(asked.items(), key=lambda item: (len(item[1]), len(item[0])))
        decoded: dict[int, Decoded] = {}
        start = 0
        while start < len(order):
            stop, width = start, 0
            while stop < len(order):
                width = max(width, len(order[stop][1]))
                if stop > start and width * (stop + 1 - start) > rows:
                    break
                stop += 1
            batch = order[start:stop]
            decoded.update(self._batch(batch, sampling, keys, torch.tensor(sorted(ends), device=self.device)))
            start = stop
        return [decoded[index] for index in range(len(prompts))]

    def _batch(
        self,
        batch: list[tuple[tuple[int, ...], list[int]]],
        sampling: Sampling,
        keys: Sequence[str],
        ends: Tensor,
    ) -> dict[int, Decoded]:
        """Decode one rectangle of replies to the end; see `decode`."""
        replies, longest = max(len(indices) for _, indices in batch), sampling.max_tokens
        slots = torch.full((len(batch), replies), -1)
        for row, (_, indices) in enumerate(batch):
            slots[row, : len(indices)] = torch.tensor(indices)
        draws = torch.zeros(len(batch), replies, longest)
        if sampling.temperature:
            for row, column in (slots >= 0).nonzero().tolist():
                draws[row, column] = torch.from_numpy(
                    uniforms(sampling.seed, keys[int(slots[row, column])], longest)
                )
        slots, draws = slots.to(self.device), draws.to(self.device)
        logits, caches, mask = self._read([list(prompt) for prompt, _ in batch], replies, longest)
        logits = logits[:, None].expand(-1, replies, -1)
        positions = torch.tensor([len(prompt) for prompt, _ in batch], device=self.device)
        positions = positions[:, None].expand(-1, replies)
        alive = slots >= 0
        written: list[tuple[Tensor, Tensor, Tensor]] = []
        for time in range(longest):
            chosen, logprobs = choose(
                logits.flatten(0, 1), draws[..., time].flatten(), sampling.temperature, sampling.top_p
            )
            tokens = chosen.view_as(slots)
            written.append((slots[alive], tokens[alive], logprobs.view_as(slots)[alive]))
            alive = alive & ~torch.isin(tokens, ends)
            count = int(alive.sum())
            if count == 0 or time + 1 == longest:
                break
            if count <= SHRINK * alive.numel():
                keep = _layout(alive)
                if keep[1].numel() <= SHRINK * alive.numel():
                    places = torch.arange(keep[1].size(1), device=self.device)
                    alive = alive[keep] & (places < alive.sum(1)[keep[0]])
                    slots, tokens, positions, draws = slots[keep], tokens[keep], positions[keep], draws[keep]
                    mask = mask[keep[0][:, 0]]
                    _shrink(caches, keep, self.kv, time)
            logits = self._step(tokens, positions, caches, mask, time)
            positions = positions + 1
        return _gather(written, ends)


def _layout(alive: Tensor) -> tuple[Tensor, Tensor]:
    """Slots to keep: rows with a live reply, and in each its live replies first, as many as the fullest has.

    Returns:
        Row indices ``(P', 1)`` and column indices ``(P', G')`` into ``alive``.
    """
    counts = alive.sum(1)
    rows = counts.nonzero()
    columns = (~alive[rows[:, 0]]).to(torch.int8).argsort(dim=1, stable=True)
    return rows, columns[:, : int(counts.max())]


def _shrink(caches: list[_Cache], keep: tuple[Tensor, Tensor], kv: int, time: int) -> None:
    """Rebuild the caches with the kept slots alone, one block at a time."""
    rows, columns = keep
    for cache in caches:
        if len(rows) * kv < len(cache.prompt_values):
            prompt_keys = cache.prompt_keys.unflatten(0, (-1, kv))[rows[:, 0]]
            prompt_values = cache.prompt_values.unflatten(0, (-1, kv))[rows[:, 0]]
            cache.prompt_keys, cache.prompt_values = prompt_keys.flatten(0, 1), prompt_values.flatten(0, 1)
        for side in ("keys", "values"):
            old = getattr(cache, side)
            new = old.new_empty(len(rows), kv, columns.size(1), *old.shape[3:])
            new[:, :, :, :time] = old[:, :, :, :time].transpose(1, 2)[rows, columns].transpose(1, 2)
            setattr(cache, side, new)


def _gather(written: list[tuple[Tensor, Tensor, Tensor]], ends: Tensor) -> dict[int, Decoded]:
    """Collect what each slot wrote, step by step, into replies by index."""
    slots, tokens, logprobs = (torch.cat(parts).cpu().numpy() for parts in zip(*written, strict=True))
    order = np.argsort(slots, kind="stable")
    indices, starts = np.unique(slots[order], return_index=True)
    last = set(ends.tolist())
    ids, scores = np.split(tokens[order], starts[1:]), np.split(logprobs[order], starts[1:])
    return {
        int(index): Decoded(each.tolist(), score.tolist(), int(each[-1]) in last)
        for index, each, score in zip(indices, ids, scores, strict=True)
    }
