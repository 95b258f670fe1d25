"""Models run by vLLM in this process, on GPUs.

Prompts go in as the same tokens as `caugym.backends.local` would give the model, and each reply has its own
seed. vLLM's kernels may round differently with the batch, so replies repeat across batches only where it is
told to be batch-invariant.
"""

import importlib
import sys
from collections.abc import Sequence
from typing import Any

from caugym.backends import Prompt, Reply, Sampling, messages
from caugym.core.errors import InputError
from caugym.core.streams import stream

DTYPES = ("auto", "bfloat16", "float16", "float32")


class VllmModel:
    """A model that vLLM runs.

    Args:
        path: Directory or hub id.
        name: As reported; ``vllm:PATH`` by default.
        dtype: This and the others as in `engine_arguments`.
        context: Likewise.
        gpus: Likewise.
        memory: Likewise.

    Raises:
        InputError: If vLLM cannot load the model.
    """

    def __init__(
        self,
        path: str,
        *,
        name: str | None = None,
        dtype: str = "auto",
        context: int | None = None,
        gpus: int = 1,
        memory: float = 0.9,
    ) -> None:
        self.name = name or f"vllm:{path}"
        arguments = engine_arguments(path, dtype=dtype, context=context, gpus=gpus, memory=memory)
        self._vllm = importlib.import_module("vllm")
        try:
            self.engine = self._vllm.LLM(**arguments)
        except (OSError, ValueError, RuntimeError) as error:
            reason = (str(error).strip() or type(error).__name__).splitlines()[0]
            raise InputError(f"vLLM cannot load the model {path!r}: {reason}") from None

    def generate(self, prompts: Sequence[Prompt], sampling: Sampling, keys: Sequence[str]) -> list[Reply]:
        """One reply a prompt; see `Backend.generate`. A prompt that fills the context gets an empty one."""
        from caugym.backends.local import tokenise

        tokenizer, room = self.engine.get_tokenizer(), self._room()
        ids = [tokenise(tokenizer, messages(prompt)) for prompt in prompts]
        fitting = [index for index, prompt in enumerate(ids) if len(prompt) < room]
        replies = [Reply("", "length", 0)] * len(ids)
        if fitting:
            drawn = [sampling_arguments(sampling, keys[index], room - len(ids[index])) for index in fitting]
            outputs = self.engine.generate(
                [{"prompt_token_ids": ids[index]} for index in fitting],
                [self._vllm.SamplingParams(**arguments) for arguments in drawn],
                use_tqdm=False,
            )
            for index, output in zip(fitting, outputs, strict=True):
                replies[index] = _reply(output.outputs[0])
        return replies

    def _room(self) -> int:
        return int(getattr(self.engine.llm_engine.model_config, "max_model_len", None) or sys.maxsize)


def engine_arguments(
    path: str, *, dtype: str = "auto", context: int | None = None, gpus: int = 1, memory: float = 0.9
) -> dict[str, Any]:
    """Arguments of ``vllm.LLM``.

    Args:
        path: Directory or hub id.
        dtype: Of weights and activations; ``"auto"`` takes the one of the checkpoint.
        context: Longest prompt and reply together, in tokens; None takes the model's own.
        gpus: GPUs that share the model.
        memory: Share of each GPU's memory that vLLM may take, in (0, 1].

    Raises:
        InputError: If one of them cannot be meant.
    """
    if dtype not in DTYPES:
        raise InputError(f"dtype is {dtype!r}; give one of {', '.join(DTYPES)}")
    if gpus < 1 or not 0 < memory <= 1 or (context is not None and context < 2):
        raise InputError("gpus must be at least 1, memory in (0, 1], context at least 2")
    arguments: dict[str, Any] = {
        "model": path,
        "dtype": dtype,
        "tensor_parallel_size": gpus,
        "gpu_memory_utilization": memory,
        "seed": 0,
        "trust_remote_code": False,
    }
    return arguments if context is None else {**arguments, "max_model_len": context}


def sampling_arguments(sampling: Sampling, key: str, room: int) -> dict[str, Any]:
    """Arguments of ``vllm.SamplingParams`` for one reply, ``room`` being what the context leaves it."""
    return {
        "n": 1,
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "max_tokens": min(sampling.max_tokens, room),
        "seed": stream("reply", sampling.seed, key).getrandbits(31),
        "skip_special_tokens": True,
    }


def _reply(output: Any) -> Reply:
    if output.finish_reason not in ("stop", "length"):
        raise RuntimeError(f"vLLM ended a reply with {output.finish_reason!r}")
    return Reply(output.text, output.finish_reason, len(output.token_ids))
