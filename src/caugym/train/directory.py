"""The run directory: what was asked for, what it was made with, and how it ended.

::

    recipe.yaml     the resolved recipe
    run.json        method, model, data digest, versions, seed, plan; at the end the weight hash
    metrics.jsonl   the learning curve, one record a line
    checkpoints/    full states to resume from
    start/          the untrained model, where training began from scratch
    model/          the trained model; any Qwen3-capable server loads it
"""

import json
import platform
import shutil
from collections.abc import Mapping, Sequence
from hashlib import sha256
from importlib import metadata
from pathlib import Path
from typing import Any

import yaml

from caugym.core.errors import InputError
from caugym.train.recipe import Recipe, resolve

DATA, METRICS, RECIPE, RUN = ".rows", "metrics.jsonl", "recipe.yaml", "run.json"

PACKAGES = ("caugym", "torch", "transformers", "trl", "datasets", "accelerate", "tokenizers", "numpy")


def write(path: Path, text: str) -> None:
    """Replace a file in one step, so that it is never half written."""
    partial = path.with_name(path.name + ".partial")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)


def read(out: Path) -> dict[str, Any]:
    """The record of a run.

    Raises:
        InputError: If there is none.
    """
    try:
        return dict(json.loads((out / RUN).read_text(encoding="utf-8")))
    except (OSError, ValueError):
        raise InputError(f"{out} holds no training run") from None


def recipe(out: Path) -> Recipe:
    """The resolved recipe of a run."""
    method = read(out)["method"]
    return resolve(method, out / RECIPE)


def digest(rows: Sequence[Mapping[str, Any]]) -> str:
    """SHA-256 of rows in canonical JSON, in their order."""
    total = sha256()
    for row in rows:
        total.update(json.dumps(row, sort_keys=True, ensure_ascii=False).encode() + b"\n")
    return total.hexdigest()


def begin(out: Path, recipe: Recipe, record: dict[str, Any], *, resume: bool) -> str:
    """Write recipe and record of a new run, or check that the one to go on with is the same.

    Returns:
        The status of the run: ``"running"`` or ``"finished"``.

    Raises:
        InputError: If the run in ``out`` was begun with something else; names it.
    """
    if resume and (out / RUN).exists():
        return _same(out, recipe, record)
    out.mkdir(parents=True, exist_ok=True)
    versions = {name: metadata.version(name) for name in PACKAGES}
    write(out / RECIPE, yaml.safe_dump(recipe.record(), sort_keys=False))
    full = record | {"status": "running", "versions": versions, "python": platform.python_version()}
    write(out / RUN, json.dumps(full, indent=2) + "\n")
    return "running"


def _same(out: Path, recipe: Recipe, record: dict[str, Any]) -> str:
    old, new = read(out), recipe.record()
    kept = yaml.safe_load((out / RECIPE).read_text(encoding="utf-8"))
    for name in sorted(kept.keys() | new.keys()):
        if kept.get(name) != new.get(name):
            raise InputError(
                f"{out} was begun with {name}={kept.get(name)}, not {new.get(name)}; resume with that"
            )
    for name in ("method", "model", "data", "processes"):
        if old.get(name) != record.get(name):
            raise InputError(f"{out} was begun with other {name} ({old.get(name)}, now {record.get(name)})")
    return str(old["status"])


def finish(out: Path, model: Any, tokenizer: Any, weights: str) -> None:
    """Save the trained model, then say that the run is finished."""
    partial = out / "model.partial"
    shutil.rmtree(partial, ignore_errors=True)
    model.save_pretrained(partial)
    tokenizer.save_pretrained(partial)
    shutil.rmtree(out / "model", ignore_errors=True)
    partial.replace(out / "model")
    shutil.rmtree(out / DATA, ignore_errors=True)
    write(out / RUN, json.dumps(read(out) | {"status": "finished", "weights": weights}, indent=2) + "\n")
