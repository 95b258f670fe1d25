"""A stand-in for the part of vLLM's interface that we use, with a small model behind it."""

import sys
from dataclasses import dataclass, field
from types import ModuleType, SimpleNamespace
from typing import Any, ClassVar

import pytest

from caugym.backends import Sampling
from caugym.backends.local import LocalModel, end_tokens


@dataclass
class SamplingParams:
    """How one reply is drawn."""

    n: int
    temperature: float
    top_p: float
    max_tokens: int
    seed: int
    skip_special_tokens: bool


@dataclass
class LLM:
    """An engine.

    Attributes:
        made: Arguments of the last one made.
        asked: Prompts and parameters of the last call.
        finish: Reason to give for every reply's end, in place of its own.
    """

    made: ClassVar[dict[str, Any]] = {}
    asked: ClassVar[tuple[list[Any], list[SamplingParams]]] = ([], [])
    finish: ClassVar[str | None] = None

    model: str
    dtype: str
    tensor_parallel_size: int
    gpu_memory_utilization: float
    seed: int
    trust_remote_code: bool
    max_model_len: int | None = None
    llm_engine: Any = field(init=False)

    def __post_init__(self) -> None:
        LLM.made = {"max_model_len": self.max_model_len}
        self.local = LocalModel(self.model, device="cpu")
        own = self.local.model.config.max_position_embeddings
        config = SimpleNamespace(max_model_len=self.max_model_len or own)
        self.llm_engine = SimpleNamespace(model_config=config)

    def get_tokenizer(self) -> Any:
        """The model's."""
        return self.local.tokenizer

    def generate(
        self, prompts: list[dict[str, list[int]]], parameters: list[SamplingParams], *, use_tqdm: bool
    ) -> list[Any]:
        """One output a prompt."""
        LLM.asked = (prompts, parameters)
        ends = end_tokens(self.local.model, self.local.tokenizer)
        outputs = []
        for prompt, one in zip(prompts, parameters, strict=True):
            sampling = Sampling(one.temperature, one.top_p, one.max_tokens)
            assert self.local.decoder is not None
            ids = [prompt["prompt_token_ids"]]
            (reply,) = self.local.decoder.decode(ids, sampling, [str(one.seed)], ends, rows=1)
            text = self.local.tokenizer.decode(reply.tokens, skip_special_tokens=one.skip_special_tokens)
            finish = LLM.finish or ("stop" if reply.finished else "length")
            made = SimpleNamespace(text=text, finish_reason=finish, token_ids=reply.tokens)
            outputs.append(SimpleNamespace(outputs=[made]))
        return outputs


def install(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let ``import vllm`` find this."""
    module = ModuleType("vllm")
    module.LLM, module.SamplingParams = LLM, SamplingParams  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "vllm", module)
