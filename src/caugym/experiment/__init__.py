"""Five methods from one base: the same problems, the same token budget, several seeds, controls.

The question is that of the paper "Can Post-Training Transform LLMs into Causal Reasoners?" (arXiv
2602.06337): does online reinforcement learning make a model a causal reasoner where offline methods do less?
Everything is kept in one folder, and a second start goes on where the first one stopped::

    experiment.json   what was asked for
    data/             problems to train on, and sets to measure on
    train/            one run directory a training
    runs/             one run folder an evaluation
"""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from caugym.backends import Sampling, model_path
from caugym.core.errors import InputError
from caugym.core.pool import Pool
from caugym.data.manifest import MakeConfig
from caugym.data.rows import Kind, training_rows
from caugym.data.shards import make
from caugym.evaluate.records import INFO, read_info
from caugym.evaluate.run import evaluate, weights_digest
from caugym.train import METHODS, directory, fit
from caugym.train.recipe import Recipe, resolve

SETS = ("base", "rephrased", "omitted", "deconfounding", "redundant", "insufficient")
"""Sets that every model is measured on."""

SAMPLED, STANDARD, BASE = "sampled", "standard", "base"
"""Names of two further measurements: several replies at temperature 1, and four decimals, which no training
here has shown; and of the model that all start from."""

TASKS = 7


@dataclass(frozen=True, slots=True)
class Scale:
    """How much of everything.

    Attributes:
        problems: To train on, a task.
        tokens: Budget of a training: tokens of prompts and replies that a gradient is taken on, each time.
        seeds: Trainings of each kind.
        tests: Problems of a set to measure on.
        samples: Replies a problem at temperature 1.
        longest: Reply to measure, in tokens.
        overrides: Changes of every recipe.
    """

    problems: int = 300
    tokens: int = 3_000_000
    seeds: int = 3
    tests: int = 350
    samples: int = 8
    longest: int = 1200
    overrides: tuple[str, ...] = ()


QUICK = Scale(problems=100, tokens=450_000, seeds=1, tests=70)
"""Everything once, in half an hour to an hour on two cores."""


@dataclass(frozen=True, slots=True)
class Stage:
    """A training within an arm.

    Attributes:
        method: Of `caugym.train.METHODS`.
        share: Of the arm's tokens.
        overrides: Changes of the recipe.
        corpus: Learn from more of what the base has learnt from at last, not from the problems.
    """

    method: str
    share: float = 1.0
    overrides: tuple[str, ...] = ()
    corpus: bool = False


ARMS: dict[str, tuple[Stage, ...]] = {
    "sft": (Stage("sft"),),
    "dpo": (Stage("dpo"),),
    "kto": (Stage("kto"),),
    "ppo": (Stage("ppo"),),
    "grpo": (Stage("grpo"),),
    "sft+grpo": (Stage("sft", 0.25), Stage("grpo", 0.75)),
    "continued": (Stage("sft", corpus=True),),
    "random": (Stage("grpo", overrides=("reward.kind=random",)),),
    "format": (Stage("grpo", overrides=("reward.kind=format",)),),
}
"""What is compared: five methods, SFT as a cold start for GRPO, and three controls."""

CONTROLS = ("continued", "random", "format")

ABLATIONS: dict[str, tuple[Stage, ...]] = {
    "value-alone": (Stage("grpo", overrides=("reward.value=1", "reward.answer=0", "reward.format=0")),),
    "no-format": (Stage("grpo", overrides=("reward.value=0.8", "reward.format=0")),),
    "kl": (Stage("grpo", overrides=("rollout.kl=0.02",)),),
    "group-4": (Stage("grpo", overrides=("rollout.group=4",)),),
    "group-16": (Stage("grpo", overrides=("rollout.group=16",)),),
    "warm-10": (Stage("sft", 0.1), Stage("grpo", 0.9)),
    "warm-50": (Stage("sft", 0.5), Stage("grpo", 0.5)),
}
"""GRPO with one thing changed: what a right reply earns, a weight on leaving the base, the size of a group,
and the share of the tokens that go into SFT before it (a quarter in `ARMS`)."""

TRAININGS = ARMS | ABLATIONS
"""All that can be asked for."""


def run(
    out: Path,
    base: str = "nano",
    scale: Scale | None = None,
    arms: Sequence[str] = tuple(ARMS),
    parallel: int = 1,
) -> None:
    """Do the experiment in a folder, or go on with it.

    Args:
        out: The folder.
        base: The model that all start from.
        scale: How much; all of it by default.
        arms: Keys of `TRAININGS`.
        parallel: Trainings side by side; a small model does not fill a GPU.

    Raises:
        InputError: If the folder holds another experiment, or something cannot be used.
    """
    unknown = [arm for arm in arms if arm not in TRAININGS]
    if unknown:
        raise InputError(f"there is no arm {unknown[0]!r}; choose of {', '.join(TRAININGS)}")
    scale = scale or Scale()
    console = Console(stderr=True, highlight=False)
    _begin(out, base, scale)
    sets = _make(out, scale)
    kinds = dict.fromkeys(METHODS[stage.method] for arm in arms for stage in TRAININGS[arm])
    rows = {kind: training_rows(kind, out / "data" / "train") for kind in kinds | {METHODS["sft"]: None}}
    todo = [(out, arm, seed, base, rows, scale) for seed in range(scale.seeds) for arm in arms]
    if parallel == 1:
        trained = dict(_train(*training) for training in todo)
    else:
        with Pool(parallel) as pool:
            trained = dict(pool.map(_train, *zip(*todo, strict=True)))
    models = {BASE: Path(model_path(base))} | trained
    _measure(out, models, sets, scale, console)


def _begin(out: Path, base: str, scale: Scale) -> None:
    """Write what was asked for, or see that it is the same but for the number of seeds, which may grow."""
    asked = {"base": base, "weights": weights_digest(model_path(base)), "scale": asdict(scale)}
    asked = json.loads(json.dumps(asked))
    file = out / "experiment.json"
    if file.exists():
        kept = json.loads(file.read_text(encoding="utf-8"))
        kept["scale"]["seeds"] = asked["scale"]["seeds"] = max(kept["scale"]["seeds"], scale.seeds)
        changed = [key for key in asked if kept.get(key) != asked[key]]
        if changed:
            raise InputError(f"{out} holds an experiment with other {changed[0]}; give another folder")
    out.mkdir(parents=True, exist_ok=True)
    directory.write(file, json.dumps(asked, indent=2) + "\n")


def _make(out: Path, scale: Scale) -> dict[str, Path]:
    """The problems: those of the base's own training are in another split."""
    n = TASKS * scale.problems
    make(out / "data" / "train", MakeConfig(level="easy", n=n, split="post"), workers=4, progress=False)
    sets = {name: MakeConfig(set=name, level="easy", n=scale.tests) for name in SETS}
    sets[STANDARD] = MakeConfig(level="standard", n=scale.tests)
    for name, config in sets.items():
        make(out / "data" / name, config, workers=4, progress=False)
    return {name: out / "data" / name for name in sets} | {SAMPLED: out / "data" / "base"}


def _train(
    out: Path,
    arm: str,
    seed: int,
    base: str,
    rows: Mapping[Kind, Sequence[Mapping[str, Any]]],
    scale: Scale,
) -> tuple[str, Path]:
    """The name and the model of one arm and seed, trained unless it is there."""
    start, stages, name = base, TRAININGS[arm], f"{arm}-{seed}"
    for number, stage in enumerate(stages):
        folder = out / "train" / (name if number + 1 == len(stages) else f"{name}.{stage.method}")
        if not (folder / directory.RUN).exists() or directory.read(folder)["status"] != "finished":
            kind = METHODS[stage.method]
            given = _corpus(scale, seed) if stage.corpus else rows[kind]
            recipe = _recipe(stage, given, rows["sft"], start, scale, seed)
            Console(stderr=True, highlight=False).print(f"[bold]{folder.name}[/]: {recipe.steps} steps")
            fit(recipe, given, start, folder, resume=True)
        start = str(folder)
    return name, folder / "model"


def _corpus(scale: Scale, seed: int) -> list[dict[str, Any]]:
    """More of what the base has learnt from at last, as many problems as the other arms have."""
    from caugym.train.corpus import COURSES, corpus

    return corpus(COURSES["last"], TASKS * scale.problems, seed=1000 + seed, workers=4)


def _recipe(
    stage: Stage,
    rows: Sequence[Mapping[str, Any]],
    solutions: Sequence[Mapping[str, Any]],
    start: str,
    scale: Scale,
    seed: int,
) -> Recipe:
    """The recipe of a stage, with as many steps as its tokens allow."""
    common = (*stage.overrides, *scale.overrides, f"seed={seed}")
    recipe = resolve(stage.method, overrides=common)
    # A reply that is yet to be drawn is taken to be as long as a solution.
    counted = (resolve("sft"), solutions) if recipe.rollout else (recipe, rows)
    tokens = fit(*counted, start, Path("unused"), dry_run=True).tokens
    steps = max(1, round(scale.tokens * stage.share / (recipe.batch * tokens)))
    every = max(1, math.ceil(steps / 4))
    return resolve(stage.method, overrides=(*common, f"steps={steps}", f"save_every={every}", "log_every=1"))


def _measure(
    out: Path, models: Mapping[str, Path], sets: Mapping[str, Path], scale: Scale, console: Console
) -> None:
    """Ask every model everything, a run a core."""
    todo = [job for job in _jobs(out, models, sets, scale) if not _finished(job[2])]
    console.print(f"[bold]evaluation[/]: {len(todo)} runs")
    if not todo:
        return
    from caugym.train.settings import MOST_PROCESSES, cores

    workers = min(MOST_PROCESSES, cores(), len(todo))
    with Pool(workers) as pool:
        for _ in pool.map(_ask, todo):
            pass


Job = tuple[str, Path, Path, int, Sampling]


def _jobs(out: Path, models: Mapping[str, Path], sets: Mapping[str, Path], scale: Scale) -> Iterator[Job]:
    for kind, path in sets.items():
        sampling = Sampling(float(kind == SAMPLED), max_tokens=scale.longest)
        for name, model in models.items():
            samples = scale.samples if kind == SAMPLED else 1
            yield str(model), path, out / "runs" / kind / name, samples, sampling


def _finished(run: Path) -> bool:
    return (run / INFO).exists() and bool(read_info(run)["finished"])


def _ask(job: Job) -> None:
    import torch

    torch.set_num_threads(1)  # a small model gains nothing from more
    model, path, out, samples, sampling = job
    evaluate(model, path, out, samples=samples, sampling=sampling, progress=False)
