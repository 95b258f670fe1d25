"""Model backends: one protocol, whatever runs the model.

A backend turns prompts into replies. Each reply depends on the model, the sampling and its own key, never on
the other prompts of the call, so a run that was cut short goes on as if it had not been.
"""

import importlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib import resources
from inspect import signature
from pathlib import Path
from typing import Any, Literal, NamedTuple, Protocol, runtime_checkable

from caugym.core.errors import InputError


@dataclass(frozen=True, slots=True)
class Sampling:
    """How replies are drawn.

    Attributes:
        temperature: 0 takes the most probable token; T > 0 samples from the softmax of logits / T.
        top_p: Sample from the smallest set of tokens whose probability reaches this, in (0, 1].
        max_tokens: Longest reply in tokens.
        seed: Root of every key's random stream.
    """

    temperature: float = 0.0
    top_p: float = 1.0
    max_tokens: int = 512
    seed: int = 0

    def __post_init__(self) -> None:
        if not self.temperature >= 0:
            raise InputError(f"temperature is {self.temperature}; give a number >= 0")
        if not 0 < self.top_p <= 1:
            raise InputError(f"top_p is {self.top_p}; give a number in (0, 1]")
        if self.max_tokens < 1:
            raise InputError(f"max_tokens is {self.max_tokens}; give at least 1")


@dataclass(frozen=True, slots=True)
class Reply:
    """What a model wrote.

    Attributes:
        text: The reply, special tokens left out.
        finish: ``"stop"`` when the model ended it, ``"length"`` when it was cut at ``max_tokens``,
            ``"filter"`` when a server withheld it.
        tokens: Tokens generated, the end token included; None where a server does not say.
    """

    text: str
    finish: Literal["stop", "length", "filter"]
    tokens: int | None


class Instructed(NamedTuple):
    """A user's message under a system message."""

    system: str
    text: str


Prompt = str | Instructed
"""What a model is asked: a user's message, alone or under a system message."""


def messages(prompt: Prompt) -> list[dict[str, str]]:
    """The conversation that a prompt begins."""
    if isinstance(prompt, str):
        return [{"role": "user", "content": prompt}]
    return [{"role": "system", "content": prompt.system}, {"role": "user", "content": prompt.text}]


class Backend(Protocol):
    """Something that answers prompts."""

    @property
    def name(self) -> str:
        """The spec it was made from."""

    def generate(self, prompts: Sequence[Prompt], sampling: Sampling, keys: Sequence[str]) -> list[Reply]:
        """One reply a prompt, in order; ``keys`` name the random stream of each."""


@runtime_checkable
class Streaming(Backend, Protocol):
    """A backend whose replies arrive one by one."""

    def stream(
        self, prompts: Sequence[Prompt], sampling: Sampling, keys: Sequence[str]
    ) -> Iterator[tuple[int, Reply]]:
        """The replies of `generate` in the order of their arrival, each with the position of its prompt."""

    def account(self) -> dict[str, Any]:
        """What the replies so far took and how they differ from what was asked for, as JSON can hold it."""


def needs(extra: str, *modules: str) -> None:
    """Import ``modules``, or say which extra brings the missing one.

    Raises:
        InputError: If one is not installed.
    """
    for module in modules:
        try:
            importlib.import_module(module)
        except ModuleNotFoundError as error:
            raise InputError(
                f"{error.name} is not installed; get it with: pip install 'caugym[{extra}]'"
            ) from None


def model_path(spec: str) -> str:
    """The directory or hub id of a model: ``nano`` is the bundled one, anything else stands for itself."""
    return str(resources.files(__package__) / "nano") if spec == "nano" else spec


def _local(spec: str, **options: Any) -> Backend:
    needs("train", "torch", "transformers")
    from caugym.backends.local import LocalModel

    return _made(LocalModel, model_path(spec), spec, options)


def _openai(spec: str, **options: Any) -> Backend:
    from caugym.backends.openai import ServedModel

    return _made(ServedModel, spec.partition(":")[2], spec, options)


def _vllm(spec: str, **options: Any) -> Backend:
    needs("vllm", "vllm")
    from caugym.backends.vllm import VllmModel

    return _made(VllmModel, model_path(spec.partition(":")[2]), spec, options)


def _made(maker: Callable[..., Backend], model: str, spec: str, options: dict[str, Any]) -> Backend:
    unknown = [option for option in options if option not in signature(maker).parameters]
    if unknown:
        raise InputError(f"the model {spec!r} takes no {unknown[0].replace('_', '-')}; leave it out")
    return maker(model, name=spec, **options)


SCHEMES: dict[str, Callable[..., Backend]] = {"openai": _openai, "vllm": _vllm}
"""Makers of backends, from the whole spec, by the word before its colon."""


def backend(spec: str, **options: Any) -> Backend:
    """The backend that a spec names: ``nano``, a model directory, a hub id, ``vllm:ID`` or ``openai:ID``.

    Args:
        spec: What to run.
        options: Passed to the backend, e.g. ``device="cpu"``.

    Raises:
        InputError: If there is no such model, or its software is not installed.
    """
    scheme, colon, _ = spec.partition(":")
    if not colon or Path(spec).exists():
        return _local(spec, **options)
    if scheme not in SCHEMES:
        known = ", ".join(["nano", "a directory", "a hub id", *(f"{name}:ID" for name in SCHEMES)])
        raise InputError(f"no backend is called {scheme!r} (in {spec!r}); known: {known}")
    return SCHEMES[scheme](spec, **options)
