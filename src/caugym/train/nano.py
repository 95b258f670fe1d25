"""The small model: Qwen3 architecture, random weights from a seed, and its own tokenizer."""

import shutil
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import torch
from transformers import Qwen3Config, Qwen3ForCausalLM

from caugym.core.streams import stream
from caugym.train.tokenizer import build


@dataclass(frozen=True, slots=True)
class Size:
    """Dimensions of a model. The default has about 3M parameters and learns `easy` problems on a CPU."""

    hidden: int = 192
    layers: int = 6
    heads: int = 6
    kv_heads: int = 3
    head: int = 32
    feed_forward: int = 576
    vocabulary: int = 1536
    context: int = 2048


def create(
    out: Path, texts: Sequence[str], *, seed: int = 0, size: Size | None = None, apart: Collection[str] = ()
) -> Path:
    """Write an untrained model and a tokenizer for ``texts``; `AutoModelForCausalLM` loads it.

    Args:
        out: Directory to make, which is there whole or not at all.
        texts: Prompts and solutions the tokenizer is fitted to.
        seed: Of the weights, hashed.
        size: Dimensions.
        apart: Words that are never part of a phrase of the tokenizer.

    Returns:
        ``out``.
    """
    size = size or Size()
    tokenizer = build(texts, size.vocabulary, size.context, apart)
    config = Qwen3Config(
        vocab_size=size.vocabulary,
        hidden_size=size.hidden,
        intermediate_size=size.feed_forward,
        num_hidden_layers=size.layers,
        num_attention_heads=size.heads,
        num_key_value_heads=size.kv_heads,
        head_dim=size.head,
        max_position_embeddings=size.context,
        tie_word_embeddings=True,
        rope_parameters={"rope_type": "default", "rope_theta": 10_000.0},
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(stream("weights", seed).getrandbits(63))
        model = Qwen3ForCausalLM(config)
    model.generation_config.eos_token_id = tokenizer.eos_token_id
    model.generation_config.pad_token_id = tokenizer.pad_token_id
    partial = out.with_name(out.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    model.save_pretrained(partial)
    tokenizer.save_pretrained(partial)
    return partial.replace(out)


def weights_hash(model: torch.nn.Module) -> str:
    """SHA-256 of names and values of all parameters: equal exactly when the models are."""
    digest = sha256()
    for name, parameter in sorted(model.named_parameters()):
        digest.update(name.encode())
        digest.update(parameter.detach().cpu().contiguous().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
