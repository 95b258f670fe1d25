"""Step time and tokens a second of the five methods on this machine, on a GPU if there is one.

    python benchmarks/methods.py [--model nano] [--steps 6] [--profile] [--set key=value]

The recipes are the packaged ones; the first step, in which kernels are chosen, is left out. ``--profile``
also shows where one GRPO step spends its time. For a pretrained model: ``--set learning_rate=1e-6``.
"""

import argparse
import json
import os
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import datasets
import torch
from rich.console import Console
from rich.table import Table

from caugym.backends import model_path
from caugym.backends.local import load
from caugym.data.manifest import MakeConfig
from caugym.data.rows import training_rows
from caugym.data.shards import make
from caugym.train import METHODS, directory, fit, grpo, prepare, settings, worker
from caugym.train.recipe import resolve

PROBLEMS = 700
"""Of `easy`, from which every method takes its rows."""

SHOWN = 12
"""Operations shown of a profile."""


def measured(method: str, model: str, problems: Path, steps: int, overrides: Sequence[str]) -> list[str]:
    """A line of the table: seconds a step, tokens a second, and what a step is."""
    recipe = resolve(method, overrides=(*overrides, f"steps={steps}", "log_every=1"))
    with TemporaryDirectory() as folder:
        out = Path(folder) / method
        plan = fit(recipe, training_rows(METHODS[method], problems), model, out)
        logged = [json.loads(line) for line in (out / directory.METRICS).read_text().splitlines()]
    first, last = logged[0], next(row for row in reversed(logged) if "tokens" in row)
    seconds, taken = last["seconds"] - first["seconds"], last["step"] - first["step"]
    pace = (last["tokens"] - first["tokens"]) / seconds
    return [method, f"{seconds / taken:.2f}", f"{pace:,.0f}", str(plan).split("; ", 1)[1]]


def profile(model: str, problems: Path, overrides: Sequence[str]) -> None:
    """Where the time of a GRPO step goes: drawing, rewards, gradients and all, in one process."""
    recipe = resolve("grpo", overrides=(*overrides, "steps=1", "processes=1", "warmup=0"))
    assert recipe.rollout is not None
    loaded, tokenizer = load(model_path(model))
    rows: list[dict[str, Any]] = training_rows("rl", problems)
    room = loaded.config.max_position_embeddings - recipe.rollout.max_tokens
    data = datasets.Dataset.from_list(prepare.online(rows, tokenizer, room))
    gpu = settings.device() == "cuda"
    with TemporaryDirectory() as folder:
        trainer = grpo.trainer(loaded, tokenizer, data, recipe, Path(folder))
        with torch.profiler.profile() as seen:
            trainer.train()
    order = "self_device_time_total" if gpu else "self_cpu_time_total"
    print(seen.key_averages().table(sort_by=order, row_limit=SHOWN, max_name_column_width=44))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", default="nano", help="nano, a folder or a hub id")
    parser.add_argument("--steps", type=int, default=6, help="steps of each method, 3 at least")
    parser.add_argument("--profile", action="store_true", help="profile one GRPO step as well")
    parser.add_argument("--set", action="append", default=[], help="key=value over every recipe")
    given = parser.parse_args()
    if given.steps < 3:
        parser.error("--steps must be 3 or more")
    worker.quiet()
    where = torch.cuda.get_device_name() if settings.device() == "cuda" else f"{settings.cores()} cores"
    table = Table("method", "s/step", "tokens/s", "step", title=f"{given.model} on {where}")
    with TemporaryDirectory() as folder:
        problems = Path(folder) / "problems"
        make(problems, MakeConfig(level="easy", n=PROBLEMS, split="post"), progress=False)
        for method in METHODS:
            table.add_row(*measured(method, given.model, problems, given.steps, given.set))
        Console().print(table)
        if given.profile:
            profile(given.model, problems, given.set)


if __name__ == "__main__":
    main()
