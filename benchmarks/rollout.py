"""Rollout and GRPO step of the bundled model on a CPU, ours beside transformers and plain TRL, in one run.

    python benchmarks/rollout.py [--threads 1] [--rows 64] [--tokens 120]

For the rollouts the end token is switched off, so that every reply has the same length: the time is that of
the arithmetic, and neither side gains from finished replies. Steps are made as in a training. Then both make
three steps in float32 on the same replies, and the weights are compared. (On greedy replies they would learn
nothing: equal replies to a prompt have advantages that cancel. Tests show that decoders are greedy alike.)
"""

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import datasets
import torch
from torch.nn.utils import parameters_to_vector
from transformers import PrinterCallback
from trl import GRPOConfig, GRPOTrainer

from caugym.backends import Sampling, model_path
from caugym.backends.decode import Decoder
from caugym.backends.local import keep_memory, load, tokenise
from caugym.problems.generate import TASKS, generate
from caugym.train import grpo, prepare, settings, worker
from caugym.train.recipe import Recipe, resolve
from caugym.train.rollout import rollout_function

GROUP = 8
STEPS = 3


def problems(count: int) -> list[dict[str, Any]]:
    """Training rows of easy problems."""
    return [
        {
            "prompt": [{"role": "user", "content": item.prompt}],
            "id": item.id,
            "task": task,
            "gold": '{"status": "identified", "value": "0.5000", "answer": null}',
            "tolerance": 0.5,
        }
        for task in TASKS
        for item in generate("base", task, "easy", "train", 0, range(count // len(TASKS) + 1))
    ]


def timed(run: Callable[[], Any], repeats: int = 3) -> float:
    """Seconds of the best of a few runs."""
    best = float("inf")
    for _ in range(repeats):
        start = time.perf_counter()
        run()
        best = min(best, time.perf_counter() - start)
    return best


def rollouts(path: str, rows: list[dict[str, Any]], count: int, tokens: int) -> None:
    """Tokens a second of a GRPO rollout: groups of replies to a few prompts."""
    model, tokenizer = load(path)
    ids = [tokenise(tokenizer, row["prompt"]) for row in rows[: count // GROUP] for _ in range(GROUP)]
    size = max(map(len, ids))
    padded = torch.tensor([[0] * (size - len(prompt)) + prompt for prompt in ids])
    mask = torch.tensor([[0] * (size - len(prompt)) + [1] * len(prompt) for prompt in ids])
    sampling, keys = Sampling(1.0, max_tokens=tokens), [str(index) for index in range(len(ids))]

    def transformers() -> None:
        with torch.inference_mode():
            model.generate(
                input_ids=padded,
                attention_mask=mask,
                max_new_tokens=tokens,
                min_new_tokens=tokens,
                do_sample=True,
                top_k=0,
            )

    baseline = timed(transformers)
    print(f"HF generate                {len(ids) * tokens / baseline:8.0f} tokens/s")
    for name, dtype in (("fp32", torch.float32), ("bf16", torch.bfloat16)):

        def ours(dtype: torch.dtype = dtype) -> None:
            Decoder(model, dtype).decode(ids, sampling, keys, ends=[-1])

        took = timed(ours)
        print(
            f"our decoder {name}           {len(ids) * tokens / took:8.0f} tokens/s  {baseline / took:.2f}x"
        )


def trainer(name: str, path: str, rows: list[dict[str, Any]], recipe: Recipe, out: Path) -> GRPOTrainer:
    """A GRPO trainer, plain or ours, on the same rows with the same settings."""
    model, tokenizer = load(path)
    data = datasets.Dataset.from_list(prepare.online(rows, tokenizer, 700))
    assert recipe.rollout is not None
    if name == "ours":
        made: Any = grpo.trainer(model, tokenizer, data, recipe, out)
        made.reward_funcs = [by_place]
    else:
        fields = settings.arguments(recipe, len(data), out) | {
            "num_generations": GROUP,
            "max_completion_length": recipe.rollout.max_tokens,
            "beta": 0.0,
            "pad_to_multiple_of": None,
        }
        made = GRPOTrainer(
            model=model,
            args=GRPOConfig(**fields),
            reward_funcs=by_place,
            train_dataset=data,
            processing_class=tokenizer,
        )
    made.remove_callback(PrinterCallback)
    return made


def by_place(completions: list[Any], **_: object) -> list[float]:
    """A reward that differs within every group, whatever the replies are."""
    return [float(place % 3 == 0) for place in range(len(completions))]


def recipe(count: int, tokens: int, *more: str) -> Recipe:
    """The packaged recipe of GRPO, a few steps of it."""
    few = ("processes=1", f"steps={STEPS}", f"batch={count}", "micro=8", "save_every=1000", "warmup=0")
    return resolve("grpo", None, [*few, f"rollout.group={GROUP}", f"rollout.max_tokens={tokens}", *more])


def steps(path: str, rows: list[dict[str, Any]], count: int, tokens: int) -> None:
    """Seconds a GRPO step: plain TRL, and ours with the same recipe."""
    took = {}
    for name in ("plain TRL", "ours"):
        with tempfile.TemporaryDirectory() as out:
            made = trainer(name, path, rows, recipe(count, tokens), Path(out))
            start = time.perf_counter()
            made.train()
            took[name] = (time.perf_counter() - start) / STEPS
        gain = f"  {took['plain TRL'] / took[name]:.2f}x" if name == "ours" else ""
        print(f"GRPO step, {name:9s}       {took[name]:8.2f} s{gain}")


def agreement(path: str, rows: list[dict[str, Any]], count: int, tokens: int) -> None:
    """How far the weights are apart after a few steps on the same replies, in float32."""
    exact = recipe(count, tokens, "precision=fp32")
    start = parameters_to_vector(load(path)[0].parameters()).detach()
    ended = {}
    for name in ("plain TRL", "ours"):
        with tempfile.TemporaryDirectory() as out:
            made = trainer(name, path, rows, exact, Path(out))
            made.rollout_func = rollout_function(exact)
            made.train()
            ended[name] = parameters_to_vector(made.model.parameters()).detach()
    moved = (ended["plain TRL"] - start).norm()
    apart = (ended["plain TRL"] - ended["ours"]).norm()
    share = apart / moved
    print(f"weights after {STEPS} steps: moved by {moved:.2e}, apart by {apart:.1e} ({share:.1e})")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rows", type=int, default=64, help="replies side by side")
    parser.add_argument("--tokens", type=int, default=120, help="new tokens a reply")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    worker.quiet()
    keep_memory()
    path, rows = model_path("nano"), problems(350)
    print(f"nano, {given.rows} replies in groups of {GROUP}, {given.threads} thread(s)")
    for part in (rollouts, steps, agreement):
        part(path, rows, given.rows, given.tokens)


if __name__ == "__main__":
    main()
