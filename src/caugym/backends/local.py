"""Models on this machine, loaded with transformers: our decoder where it applies, else HF generate."""

import ctypes
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from torch import Tensor
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    LogitsProcessor,
    LogitsProcessorList,
    PreTrainedTokenizerBase,
    logging,
)

from caugym.backends import Prompt, Reply, Sampling, messages
from caugym.backends.decode import ROWS, Decoder, supports
from caugym.backends.draws import choose, uniforms
from caugym.core.errors import InputError

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


SMALL = 30_000_000
"""Models with fewer parameters are run by one thread on a CPU: more gain little, and stall where cores are
shared."""

MALLOC = {-1: 1 << 30, -2: 64 << 20, -3: 32 << 20}
"""What glibc's allocator is told: trim threshold, top pad and mmap threshold, in bytes.

Giving the memory of each step back and asking for it again can take longer than the mathematics.
"""


def load(path: str, *, dtype: str = "float32") -> tuple[Any, PreTrainedTokenizerBase]:
    """Model and tokenizer of a directory or hub id; safetensors only, and no code from it is run.

    Raises:
        InputError: If there is no such model, or it is damaged.
    """
    if os.sep in path and path.startswith((".", os.sep)) and not (Path(path) / "config.json").is_file():
        raise InputError(f"no model in {path}: give a directory that holds config.json and model.safetensors")
    logging.disable_progress_bar()
    try:
        tokenizer = AutoTokenizer.from_pretrained(path, trust_remote_code=False)
        model = AutoModelForCausalLM.from_pretrained(
            path,
            dtype=DTYPES[dtype],
            use_safetensors=True,
            trust_remote_code=False,
        )
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise InputError(f"cannot load the model {path!r}: {reason}") from None
    return model, tokenizer


def tokenise(tokenizer: Any, messages: Sequence[dict[str, str]]) -> list[int]:
    """Ids of a conversation with the assistant's turn opened; plain text where there is no chat template."""
    if tokenizer.chat_template is None:
        return list(tokenizer("\n".join(message["content"] for message in messages) + "\n")["input_ids"])
    ids = tokenizer.apply_chat_template(
        list(messages),
        add_generation_prompt=True,
        return_dict=True,
        tokenizer_kwargs={"verbose": False},  # whether a text fits is seen to where it is used
    )
    return list(ids["input_ids"])


def end_tokens(model: Any, tokenizer: Any) -> list[int]:
    """Ids that end a reply, by the model's generation settings and the tokenizer."""
    configured = model.generation_config.eos_token_id
    ends = set(configured if isinstance(configured, list) else [configured])
    return sorted((ends | {tokenizer.eos_token_id}) - {None})


class _Keyed(LogitsProcessor):
    """Leaves HF generate one choice a row: the token drawn from the row's own stream."""

    def __init__(self, sampling: Sampling, draws: Tensor, prompt: int) -> None:
        self.sampling, self.draws, self.prompt = sampling, draws, prompt

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        drawn = self.draws[:, input_ids.size(1) - self.prompt]
        tokens, _ = choose(scores, drawn, self.sampling.temperature, self.sampling.top_p)
        return torch.full_like(scores, -torch.inf).scatter_(1, tokens[:, None], 0.0)


def keep_memory() -> None:
    """Let the allocator keep memory between steps, where it is glibc's."""
    with suppress(AttributeError, OSError):
        for setting, value in MALLOC.items():
            ctypes.CDLL(None).mallopt(setting, value)


@contextmanager
def _threads(count: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


class LocalModel:
    """A model on the CPU or a GPU.

    Args:
        path: Directory or hub id.
        name: As reported; the path by default.
        device: ``"cpu"``, ``"cuda"``, or None for a GPU where there is one.
        dtype: ``"float32"``, ``"bfloat16"`` or ``"float16"``; None takes float32 on a CPU, bfloat16 on a GPU.
        rows: Replies decoded side by side; as many as suit the device by default.
    """

    def __init__(
        self,
        path: str,
        *,
        name: str | None = None,
        device: str | None = None,
        dtype: str | None = None,
        rows: int | None = None,
    ) -> None:
        self.name = name or path
        self.device = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
        dtype = dtype or ("float32" if self.device.type == "cpu" else "bfloat16")
        if dtype not in DTYPES:
            raise InputError(f"dtype is {dtype!r}; give one of {', '.join(DTYPES)}")
        self.model, self.tokenizer = load(path, dtype=dtype)
        self.model.to(self.device).eval()
        self.rows = rows
        small = self.device.type == "cpu" and self.model.num_parameters() < SMALL
        self.threads = 1 if small else torch.get_num_threads()
        if self.device.type == "cpu":
            keep_memory()
        self.decoder = Decoder(self.model, DTYPES[dtype]) if supports(self.model, self.device.type) else None

    def generate(self, prompts: Sequence[Prompt], sampling: Sampling, keys: Sequence[str]) -> list[Reply]:
        """One reply a prompt; see `Backend.generate`.

        A reply ends with ``"length"`` where the model's context does, too; a prompt that fills the context
        gets an empty one.
        """
        read = {prompt: tokenise(self.tokenizer, messages(prompt)) for prompt in dict.fromkeys(prompts)}
        ids = [read[prompt] for prompt in prompts]
        room = getattr(self.model.config, "max_position_embeddings", sys.maxsize)
        budgets: dict[int, list[int]] = {}
        for index, prompt in enumerate(ids):
            budgets.setdefault(min(sampling.max_tokens, room - len(prompt)), []).append(index)
        ends = end_tokens(self.model, self.tokenizer)
        written: dict[int, list[int]] = {}
        for budget, chosen in budgets.items():
            if budget < 1:
                written.update({index: [] for index in chosen})
                continue
            with _threads(self.threads):
                replies = self._tokens(
                    [ids[index] for index in chosen],
                    replace(sampling, max_tokens=budget),
                    [keys[index] for index in chosen],
                    ends,
                )
            written.update(zip(chosen, replies, strict=True))
        tokens = [written[index] for index in range(len(ids))]
        texts = self.tokenizer.batch_decode(tokens, skip_special_tokens=True) if tokens else []
        return [
            Reply(text, "stop" if reply and reply[-1] in ends else "length", len(reply))
            for text, reply in zip(texts, tokens, strict=True)
        ]

    def _tokens(
        self, ids: list[list[int]], sampling: Sampling, keys: Sequence[str], ends: list[int]
    ) -> list[list[int]]:
        """Generated ids, by our decoder where it applies."""
        if self.decoder is None:
            return self._generate(ids, sampling, keys, ends)
        return [reply.tokens for reply in self.decoder.decode(ids, sampling, keys, ends, rows=self.rows)]

    @torch.inference_mode()
    def _generate(
        self, ids: list[list[int]], sampling: Sampling, keys: Sequence[str], ends: list[int]
    ) -> list[list[int]]:
        """Tokens by HF generate, in batches of similar length."""
        order = sorted(range(len(ids)), key=lambda index: len(ids[index]))
        replies: dict[int, list[int]] = {}
        pad = self.tokenizer.pad_token_id if self.tokenizer.pad_token_id is not None else ends[0]
        rows = self.rows or ROWS["cpu"]
        for start in range(0, len(order), rows):
            batch = order[start : start + rows]
            size = max(len(ids[index]) for index in batch)
            padded = torch.tensor([[pad] * (size - len(ids[i])) + ids[i] for i in batch], device=self.device)
            mask = torch.tensor(
                [[0] * (size - len(ids[i])) + [1] * len(ids[i]) for i in batch], device=self.device
            )
            processors = LogitsProcessorList()
            if sampling.temperature:
                streams = [
                    torch.from_numpy(uniforms(sampling.seed, keys[i], sampling.max_tokens)) for i in batch
                ]
                processors.append(_Keyed(sampling, torch.stack(streams).to(self.device), size))
            output = self.model.generate(
                input_ids=padded,
                attention_mask=mask,
                max_new_tokens=sampling.max_tokens,
                do_sample=False,
                logits_processor=processors,
                eos_token_id=ends,
                pad_token_id=pad,
            )[:, size:].tolist()
            for index, reply in zip(batch, output, strict=True):
                stop = next((at + 1 for at, token in enumerate(reply) if token in ends), len(reply))
                replies[index] = reply[:stop]
        return [replies[index] for index in range(len(ids))]
