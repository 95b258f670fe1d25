"""What a recipe means on this machine: device, processes, precision, and the fields that TRL wants."""

import math
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from caugym.core.errors import InputError
from caugym.train.recipe import Recipe

MOST_PROCESSES = 4
"""Workers that a recipe gets by itself: more cores are shared only when asked for."""

MULTIPLE = 32
"""Rows are padded to a multiple of this many tokens on a CPU: every new shape leaves a kernel behind."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A training run before it starts.

    Attributes:
        method: Name of the method.
        model: What is trained.
        parameters: Its size.
        rows: Rows of data.
        tokens: Mean tokens a row (online methods: a prompt).
        steps: Optimiser steps.
        batch: Rows (online methods: replies) a step.
        accumulate: Forward passes a step on each process.
        device: ``"cpu"`` or ``"cuda"``.
        processes: Workers.
        precision: ``"bf16"`` or ``"fp32"``.
    """

    method: str
    model: str
    parameters: int
    rows: int
    tokens: float
    steps: int
    batch: int
    accumulate: int
    device: str
    processes: int
    precision: str

    def __str__(self) -> str:
        return (
            f"{self.method}: {self.model} ({self.parameters / 1e6:.2f}M parameters) on {self.rows} rows of "
            f"{self.tokens:.0f} tokens; {self.steps} steps of {self.batch}; "
            f"{self.precision} on {self.device}, {self.processes} process{'es' * (self.processes > 1)} x "
            f"{self.accumulate} passes a step"
        )


def world_size() -> int:
    """Processes of the launcher that started this one (torchrun, accelerate); 1 without."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def wait_for_main() -> None:
    """Under a launcher, wait until the first process has written what all need."""
    if world_size() > 1:
        from accelerate import PartialState

        PartialState(cpu=device() == "cpu").wait_for_everyone()


def device() -> str:
    """Where training runs here."""
    return "cuda" if torch.cuda.is_available() else "cpu"


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def processes(recipe: Recipe) -> int:
    """Workers for this recipe: as the launcher set up, one on a GPU, the recipe's own number on a CPU."""
    if world_size() > 1 or device() == "cuda":
        return world_size()
    wanted = recipe.processes or min(MOST_PROCESSES, cores())
    # As many as divide the batch: every process must get the same number of rows.
    return max(n for n in range(1, wanted + 1) if recipe.batch % n == 0)


def micro(recipe: Recipe) -> int:
    """Rows a pass: the recipe's number, lowered to one that divides a process's share of the batch."""
    share = recipe.batch // processes(recipe)
    return max(n for n in range(1, min(recipe.micro, share) + 1) if share % n == 0)


def bf16(recipe: Recipe) -> bool:
    """Whether to compute in bfloat16: where that is faster, unless the recipe says."""
    if recipe.precision != "auto":
        return recipe.precision == "bf16"
    return torch.cuda.is_available() or multiplies_bf16(_cpu())


def suit(model: Any, recipe: Recipe) -> None:
    """Make ready to train a model here: a CPU keeps memory, and has attention of its own in bfloat16."""
    from caugym.backends.local import keep_memory
    from caugym.train import attention  # transformers take seconds to load

    if device() == "cpu":
        keep_memory()
        if bf16(recipe):
            model.set_attn_implementation(attention.NAME)


def _cpu() -> str:
    described = Path("/proc/cpuinfo")
    return described.read_text(encoding="utf-8", errors="replace") if described.exists() else ""


def multiplies_bf16(cpu: str) -> bool:
    """Whether a processor multiplies bfloat16 matrices faster than float32 ones.

    Intel's cores do with AMX alone: their AVX-512 instruction for it runs at half speed, AMD's does not.
    """
    return "amx_bf16" in cpu or ("avx512_bf16" in cpu and "AuthenticAMD" in cpu)


def steps(recipe: Recipe, rows: int) -> int:
    """Optimiser steps for this many rows."""
    if recipe.steps is not None:
        return recipe.steps
    replies = recipe.rollout.group if recipe.rollout else 1
    return max(1, math.ceil(recipe.epochs * rows * replies / recipe.batch))


def arguments(recipe: Recipe, rows: int, out: Path) -> dict[str, Any]:
    """Fields common to all TRL configurations; the recipe's own ``trl`` fields come last and win."""
    total = steps(recipe, rows)
    warmup = round(recipe.warmup * total)
    cpu = device() == "cpu"
    return {
        "output_dir": str(out / "checkpoints"),
        "max_steps": total,
        "per_device_train_batch_size": micro(recipe),
        "gradient_accumulation_steps": recipe.batch // processes(recipe) // micro(recipe),
        "learning_rate": recipe.learning_rate,
        "lr_scheduler_type": "warmup_stable_decay",
        "lr_scheduler_kwargs": {
            "num_decay_steps": min(round(recipe.decay * total), total - warmup),
            "decay_type": "linear",
        },
        "warmup_steps": warmup,
        "bf16": bf16(recipe),
        "use_cpu": cpu,
        "ddp_backend": "gloo" if cpu and processes(recipe) > 1 else None,
        "ddp_find_unused_parameters": False if processes(recipe) > 1 else None,
        "dataloader_pin_memory": not cpu,
        "pad_to_multiple_of": MULTIPLE if cpu else None,
        "gradient_checkpointing": False,
        "activation_checkpointing": False,  # its new name: transformers warns of the old one alone
        "seed": recipe.seed,
        "data_seed": recipe.seed,
        "save_strategy": "steps",
        "save_steps": recipe.save_every,
        "save_total_limit": 2,
        "logging_steps": recipe.log_every,
        "logging_nan_inf_filter": False,
        "report_to": "none",
        "disable_tqdm": True,
    } | dict(recipe.trl)


def configuration(kind: type[Any], fields: dict[str, Any]) -> Any:
    """The TRL configuration, or one line about the field it does not take.

    Raises:
        InputError: If a field is unknown or refused.
    """
    import dataclasses

    from caugym.train.recipe import unknown

    known = [field.name for field in dataclasses.fields(kind)]
    for name in fields:
        if name not in known:
            raise InputError(unknown(f"trl.{name}", [f"trl.{field}" for field in known]))
    _demand_trackers(fields.get("report_to", "none"))
    try:
        return kind(**fields)
    except (TypeError, ValueError) as error:
        raise InputError(f"TRL refuses this recipe: {str(error).splitlines()[0]}") from None


def _demand_trackers(wanted: str | list[str]) -> None:
    """Refuse a tracker whose package is not installed."""
    from transformers.integrations.integration_utils import get_available_reporting_integrations

    there = get_available_reporting_integrations()
    for name in [wanted] if isinstance(wanted, str) else wanted:
        if name not in (*there, "all", "none"):
            raise InputError(f"trl.report_to={name} needs a package that is not here: pip install {name}")
