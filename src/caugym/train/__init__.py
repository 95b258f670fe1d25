"""Post-training: one recipe, five methods on the same footing, every run resumable and reproducible."""

import importlib
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from caugym.backends import model_path, needs
from caugym.core.errors import InputError
from caugym.data.rows import Kind, training_rows
from caugym.train.recipe import Recipe, resolve

if TYPE_CHECKING:
    from caugym.train.settings import Plan

METHODS: dict[str, Kind] = {"sft": "sft", "dpo": "dpo", "kto": "kto", "ppo": "rl", "grpo": "rl"}
"""Methods, each a module here with a ``trainer``, and the kind of training rows it takes."""


def trainer_of(method: str) -> Callable[..., Any]:
    """The maker of a method's TRL trainer; importing TRL takes seconds, so only workers call this."""
    made: Callable[..., Any] = importlib.import_module(f"caugym.train.{method}").trainer
    return made


def train(
    method: str,
    model: str,
    data: str | Path | Sequence[str | Path],
    out: str | Path,
    *,
    recipe: str | Path | None = None,
    overrides: Sequence[str] = (),
    resume: bool = False,
    dry_run: bool = False,
) -> "Plan":
    """Post-train a model on sets made by ``caugym make``.

    Args:
        method: One of `METHODS`.
        model: ``nano``, a directory (also that of a finished run), a hub id, or ``scratch`` for an untrained
            small model with a tokenizer fitted to the data.
        data: Directory of problems, or several.
        out: Run directory to write; see `caugym.train.directory`.
        recipe: YAML file; the packaged recipe of the method by default.
        overrides: Texts ``key=value`` that change the recipe.
        resume: Go on from the last complete checkpoint in ``out``.
        dry_run: Only say what would be done; nothing is written.

    Returns:
        The `caugym.train.settings.Plan` of the run.

    Raises:
        InputError: If something given cannot be used.
    """
    resolved = resolve(method, recipe, overrides)
    sets = [data] if isinstance(data, str | Path) else data
    rows = [row for each in sets for row in training_rows(METHODS[method], Path(each))]
    return fit(resolved, rows, model, Path(out), resume=resume, dry_run=dry_run)


def fit(
    recipe: Recipe,
    rows: Sequence[Mapping[str, Any]],
    model: str,
    out: Path,
    *,
    resume: bool = False,
    dry_run: bool = False,
) -> "Plan":
    """Post-train on rows in memory; see `train`.

    Under a launcher (torchrun, accelerate) every process calls this; the first one writes the directory.
    """
    needs("train", "torch", "transformers", "datasets")
    from caugym.train import directory, settings, worker
    from caugym.train.launch import launch

    main = int(os.environ.get("RANK", "0")) == 0
    if not rows:
        raise InputError("there are no rows to train on")
    if main and out.exists() and any(out.iterdir()) and not (resume or dry_run):
        raise InputError(
            f"{out} already holds files; --resume goes on with a run, or choose another directory"
        )
    worker.quiet()
    plan, prepared, start = _plan(recipe, rows, model, out, write=main and not dry_run)
    if dry_run:
        return plan
    if main:
        record = {
            "method": recipe.method,
            "model": model,
            "start": str(start),
            "data": directory.digest(rows),
            "seed": recipe.seed,
            "processes": plan.processes,
            "plan": str(plan),
        }
        if directory.begin(out, recipe, record, resume=resume) == "finished":
            return plan
        _store(prepared, out / directory.DATA)
    del prepared  # a gigabyte in a hundred thousand rows, while the workers need the memory
    if plan.device == "cpu" and plan.processes > 1 and settings.world_size() == 1:
        launch(out, plan.processes)
    else:
        settings.wait_for_main()
        worker.work(out).accelerator.end_training()
    return plan


def _plan(
    recipe: Recipe, rows: Sequence[Mapping[str, Any]], model: str, out: Path, *, write: bool
) -> tuple["Plan", list[dict[str, Any]], Path | str]:
    """What will be done, the prepared rows, and the model to start from (written if made from scratch)."""
    from caugym.backends.local import load
    from caugym.train import prepare, settings

    with tempfile.TemporaryDirectory() as scratch:
        start: Path | str = _start(model)
        if model == "scratch":
            start = _scratch(rows, out / "start" if write else Path(scratch) / "start", recipe.seed)
        loaded, tokenizer = load(str(start))
    context = loaded.config.max_position_embeddings - (recipe.rollout.max_tokens if recipe.rollout else 0)
    prepared = prepare.prepare(
        METHODS[recipe.method],
        rows,
        tokenizer,
        context,
        chunk=settings.micro(recipe),
        seed=recipe.seed,
    )
    share = recipe.batch // settings.processes(recipe)
    plan = settings.Plan(
        method=recipe.method,
        model=model,
        parameters=sum(parameter.numel() for parameter in loaded.parameters()),
        rows=len(prepared),
        tokens=sum(row["length"] for row in prepared) / len(prepared),
        steps=settings.steps(recipe, len(prepared)),
        batch=recipe.batch,
        accumulate=share // settings.micro(recipe),
        device=settings.device(),
        processes=settings.processes(recipe),
        precision="bf16" if settings.bf16(recipe) else "fp32",
    )
    return plan, prepared, start


def _start(model: str) -> str:
    """The model itself, or that of a finished run."""
    finished = Path(model) / "model"
    return str(finished.resolve()) if (finished / "config.json").is_file() else model_path(model)


def _scratch(rows: Sequence[Mapping[str, Any]], start: Path, seed: int) -> Path:
    """The untrained model of a run, made once."""
    from caugym.train.nano import create

    if not start.exists():
        texts = [
            str(message["content"])
            for row in rows[:4000]
            for column in ("prompt", "completion", "chosen", "rejected")
            for message in row.get(column, [])
        ]
        create(start, texts, seed=seed)
    return start.resolve()


def _store(prepared: list[dict[str, Any]], path: Path) -> None:
    """Rows where every process of the run finds them, mapped into memory rather than copied."""
    import datasets

    shutil.rmtree(path, ignore_errors=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    datasets.Dataset.from_list(prepared).save_to_disk(str(path))
