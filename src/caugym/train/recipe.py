"""The recipe of a training run: one frozen dataclass, YAML on disk, `key=value` to change it."""

import dataclasses
import difflib
import types
import typing
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any, Literal

import yaml

from caugym.core.errors import InputError


@dataclass(frozen=True, slots=True)
class Rollout:
    """How an online method draws replies.

    Attributes:
        group: Replies a prompt; rewards are compared within the group.
        max_tokens: Longest reply.
        temperature: Of sampling.
        kl: Weight of the divergence from the starting model, in the loss of GRPO, in the reward of PPO; 0
            keeps no copy of that model.
        vllm: Draw with vLLM (GPU) instead of the trainer's own decoding.
    """

    group: int = 8
    max_tokens: int = 256
    temperature: float = 1.0
    kl: float = 0.0
    vllm: bool = False


@dataclass(frozen=True, slots=True)
class Reward:
    """What a reply earns: parts that sum to 1 for a right one, or a control.

    Attributes:
        kind: ``answer`` rewards right answers by the parts below. The others are controls, which show what
            training does without that knowledge: ``format`` gives 1 for a reply from which an answer can be
            read, right or wrong, and ``random`` throws a coin.
        value: For the right value; takes over the yes/no part where a question has none.
        answer: For the right yes/no.
        format: For a reply from which an answer can be read.
        overlong: Tokens before ``rollout.max_tokens`` in which a penalty grows from 0 to 1 (DAPO); 0: none.
        repetition: Penalty of a reply that only repeats itself, in proportion to the repeated part; 0: none.
    """

    kind: Literal["answer", "format", "random"] = "answer"
    value: float = 0.7
    answer: float = 0.2
    format: float = 0.1
    overlong: int = 0
    repetition: float = 0.0

    def __post_init__(self) -> None:
        if self.overlong < 0 or self.repetition < 0:
            raise InputError("reward.overlong and reward.repetition are numbers >= 0")
        if min(self.value, self.answer, self.format) < 0 or self.value + self.answer + self.format == 0:
            raise InputError("the parts of the reward are numbers >= 0, not all of them 0")


@dataclass(frozen=True, slots=True)
class Critic:
    """The value function of PPO, a linear head on the model itself.

    Attributes:
        gamma: Discount of a later reward, a token.
        lam: Of generalised advantage estimation: 0 trusts the values, 1 the rewards alone. Below 1 it also
            forgets: at 0.95 a reward counts for a hundredth ninety tokens before it is earned.
        weight: Of the value loss beside the policy loss.
        rate: Learning rate of the head, in units of the model's.
        clip: How far a value may usefully move from what it was when the reply was drawn.
        whiten: Give advantages mean 0 and variance 1 over the batch.
        detach: Keep the value loss from the model, so that the head alone learns from it.
    """

    gamma: float = 1.0
    lam: float = 1.0
    weight: float = 0.5
    rate: float = 10.0
    clip: float = 0.2
    whiten: bool = True
    detach: bool = False

    def __post_init__(self) -> None:
        if not (0 <= self.gamma <= 1 and 0 <= self.lam <= 1):
            raise InputError("critic.gamma and critic.lam are numbers between 0 and 1")
        if not (self.weight >= 0 and self.rate >= 0 and self.clip > 0):
            raise InputError("critic.weight and critic.rate are numbers >= 0 and critic.clip is one > 0")


@dataclass(frozen=True, slots=True)
class Recipe:
    """Everything that a training run depends on besides model and data.

    Attributes:
        method: Name of the method.
        steps: Optimiser steps; None makes ``epochs`` passes over the data.
        epochs: Passes over the data when ``steps`` is None.
        batch: Rows (online methods: replies) an optimiser step, over all processes.
        micro: Rows a forward pass on one process.
        learning_rate: Of AdamW at its peak.
        matrix_rate: Of Muon, for the matrices of the blocks; 0 leaves all to AdamW.
        warmup: Share of the steps in which the rates rise.
        decay: Share of the steps at the end in which they fall to 0.
        precision: ``bf16`` computes in bfloat16 with float32 weights; ``auto`` does so on a GPU and on CPUs
            that multiply matrices of it (Intel's AMX, AMD's AVX-512); on others it is slower.
        processes: Workers on a CPU; 0 takes one a core, at most 4. The result depends on their number.
        seed: Of the data order, the rollouts, and the weights of a model made from scratch.
        save_every: Steps between checkpoints, raised to whole rollouts where one is used for several steps.
        log_every: Steps between records of the learning curve.
        rollout: Online methods only.
        reward: Online methods only.
        critic: PPO only.
        trl: Any field of the TRL configuration of the method, e.g. ``trl.max_grad_norm=0.5``.
    """

    method: str
    steps: int | None = None
    epochs: float = 1.0
    batch: int = 32
    micro: int = 8
    learning_rate: float = 1e-4
    matrix_rate: float = 0.0
    warmup: float = 0.03
    decay: float = 0.5
    precision: Literal["auto", "bf16", "fp32"] = "auto"
    processes: int = 0
    seed: int = 0
    save_every: int = 100
    log_every: int = 10
    rollout: Rollout | None = None
    reward: Reward | None = None
    critic: Critic | None = None
    trl: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse what cannot be run.

        Raises:
            InputError: Names the field and what it may be.
        """
        least = {"batch": 1, "micro": 1, "save_every": 1, "log_every": 1, "processes": 0, "seed": 0}
        for name, low in least.items():
            if getattr(self, name) < low:
                raise InputError(f"{name} is {getattr(self, name)}; give at least {low}")
        if self.steps is not None and self.steps < 1:
            raise InputError(f"steps is {self.steps}; give at least 1, or null to count by epochs")
        for name in ("warmup", "decay"):
            if not 0 <= getattr(self, name) <= 1:
                raise InputError(
                    f"{name} is {getattr(self, name)}; give a share of the steps between 0 and 1"
                )
        if not self.learning_rate >= 0 or not self.matrix_rate >= 0:
            raise InputError("learning rates are numbers >= 0")
        if self.rollout is not None and (self.rollout.group < 2 or self.batch % self.rollout.group):
            raise InputError(
                f"batch {self.batch} must be a multiple of rollout.group {self.rollout.group}, "
                "and a group holds at least 2 replies"
            )

    def record(self) -> dict[str, Any]:
        """As written to disk: plain types, unused parts left out."""
        fields = dataclasses.asdict(self)
        return {name: value for name, value in fields.items() if value is not None or name == "steps"}


PARTS: dict[str, type[Any]] = {"rollout": Rollout, "reward": Reward, "critic": Critic}
"""Fields of a recipe that are dataclasses themselves."""


def resolve(method: str, recipe: str | Path | None = None, overrides: Sequence[str] = ()) -> Recipe:
    """The recipe of a method, changed by a YAML file and by ``key=value`` texts, in that order.

    Args:
        method: One that has a packaged recipe, e.g. ``"grpo"``.
        recipe: YAML file; the packaged recipe by default.
        overrides: For instance ``("steps=200", "rollout.group=16", "trl.max_grad_norm=0.5")``.

    Raises:
        InputError: On an unknown method or key (with the nearest that exists) or a value of another type.

    >>> resolve("sft", overrides=["steps=7"]).steps
    7
    """
    packaged = resources.files(__package__) / "recipes" / f"{method}.yaml"
    if not packaged.is_file():
        names = sorted(Path(str(p)).stem for p in (resources.files(__package__) / "recipes").iterdir())
        raise InputError(f"no method is called {method!r}; methods: {', '.join(names)}")
    values = _read(Path(str(packaged)))
    if recipe is not None:
        given = _read(Path(recipe))
        if given.get("method", method) != method:
            raise InputError(f"{recipe} is a recipe for {given['method']}, not for {method}")
        for key, value in _flat(given):
            _assign(values, key, value)
    for override in overrides:
        key, equals, text = override.partition("=")
        if not equals:
            raise InputError(f"--set takes key=value, not {override!r}")
        _assign(values, key.strip(), _parsed(text))
    built: Recipe = _build(Recipe, values, "")
    return built


def _parsed(text: str) -> Any:
    """A value as YAML reads it, and also 1e-3, which YAML takes for text."""
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError:
        raise InputError(f"cannot read the value {text!r}") from None
    if isinstance(value, str):
        try:
            return float(value)
        except ValueError:
            return value
    return value


def _read(path: Path) -> dict[str, Any]:
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"cannot read the recipe {path}: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError):
        raise InputError(f"the recipe {path} is not valid YAML") from None
    if not isinstance(values, dict):
        raise InputError(f"the recipe {path} holds no fields; write lines like 'steps: 200'")
    return values


def _flat(values: Mapping[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    """Leaves of nested mappings with their dotted keys."""
    leaves: list[tuple[str, Any]] = []
    for key, value in values.items():
        if isinstance(value, Mapping) and value:
            leaves.extend(_flat(value, f"{prefix}{key}."))
        else:
            leaves.append((f"{prefix}{key}", value))
    return leaves


def _assign(values: dict[str, Any], key: str, value: Any) -> None:
    """Set a dotted key; parts that the method's own recipe does not have are unknown to it."""
    known = [name.name for name in dataclasses.fields(Recipe) if name.name not in (*PARTS, "trl")]
    for part, kind in PARTS.items():
        if part in values:
            known += [f"{part}.{name.name}" for name in dataclasses.fields(kind)]
    part, dot, name = key.partition(".")
    if dot and part == "trl":
        values.setdefault("trl", {})[name] = value
    elif key not in known:
        raise InputError(unknown(key, known))
    elif dot:
        values[part] = {**(values[part] or {}), name: value}
    elif not (key == "trl" and value == {}):
        values[key] = value


def unknown(key: str, known: Sequence[str]) -> str:
    """The message for a key that does not exist, with the nearest that does."""
    near = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(sorted(known))}"
    return f"the recipe has no field {key!r}; {hint}"


def _build(kind: type[Any], values: Mapping[str, Any], prefix: str) -> Any:
    """A dataclass from plain values, each of the declared type."""
    hints = typing.get_type_hints(kind)
    for key in values:
        if key not in hints:
            raise InputError(unknown(f"{prefix}{key}", [f"{prefix}{name}" for name in hints]))
    return kind(**{key: _typed(f"{prefix}{key}", value, hints[key]) for key, value in values.items()})


def _typed(key: str, value: Any, hint: Any) -> Any:
    """The value as the declared type, or an error that names both."""
    options = typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
    for option in options:
        if dataclasses.is_dataclass(option) and isinstance(option, type) and isinstance(value, Mapping):
            return _build(option, value, f"{key}.")
        if option is float and isinstance(value, int | float) and not isinstance(value, bool):
            return float(value)
        if option is int and isinstance(value, float) and value.is_integer():
            return int(value)
        if typing.get_origin(option) is Literal and value in typing.get_args(option):
            return value
        plain = typing.get_origin(option) or option
        if plain is not Literal and isinstance(value, plain) and isinstance(value, bool) == (plain is bool):
            return value
    wanted = " or ".join(
        ", ".join(typing.get_args(option))
        if typing.get_origin(option) is Literal
        else "null"
        if option is type(None)
        else getattr(option, "__name__", str(option))
        for option in options
    )
    raise InputError(f"{key} is {value!r}; give {wanted}")
