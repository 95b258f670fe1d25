"""Rollout and GRPO step on a CPU, ours beside transformers and plain TRL, in one run.

    python benchmarks/rollout.py [--threads 1] [--rows 64] [--tokens 120]

The model has random weights, and its end token is switched off, so that every reply has the same length:
the time is that of the arithmetic, and neither side gains from finished replies.
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
from trl import GRPOConfig, GRPOTrainer

from caugym.backends import Sampling
from caugym.backends.decode import Decoder
from caugym.backends.local import load, tokenise
from caugym.problems.generate import TASKS, generate
from caugym.train import grpo, prepare, settings, worker
from caugym.train.nano import create, weights_hash
from caugym.train.recipe import resolve

GROUP = 8
STEPS = 4


def problems(count: int) -> list[dict[str, Any]]:
    """Training rows of easy problems, for SFT (the tokenizer) and RL alike."""
    rows = []
    for task in TASKS:
        for item in generate("base", task, "easy", "train", 0, range(count // len(TASKS) + 1)):
            rows.append(
                {
                    "prompt": [{"role": "user", "content": item.prompt}],
                    "completion": [{"role": "assistant", "content": "\n".join(item.solution)}],
                    "id": item.id,
                    "task": task,
                    "gold": '{"status": "identified", "value": "0.5000", "answer": null}',
                    "tolerance": 0.5,
                }
            )
    return rows


def timed(run: Callable[[], Any], repeats: int = 3) -> float:
    """Seconds of the best of a few runs."""
    best = float("inf")
    for _ in range(repeats):
        start = time.perf_counter()
        run()
        best = min(best, time.perf_counter() - start)
    return best


def rollouts(path: Path, rows: list[dict[str, Any]], count: int, tokens: int) -> None:
    """Tokens a second of a GRPO rollout: groups of replies to a few prompts."""
    model, tokenizer = load(str(path))
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


def steps(path: Path, rows: list[dict[str, Any]], count: int, tokens: int) -> None:
    """Seconds a GRPO step: plain TRL, and ours with the same recipe."""
    recipe = resolve(
        "grpo",
        overrides=[
            *("processes=1", f"steps={STEPS}", f"batch={count}", "micro=8", "save_every=1000"),
            *(f"rollout.group={GROUP}", f"rollout.max_tokens={tokens}"),
        ],
    )
    took = {}
    for name in ("plain TRL", "ours"):
        model, tokenizer = load(str(path), attention="eager" if name == "ours" else "sdpa")
        data = datasets.Dataset.from_list(prepare.online(rows, tokenizer, 900))
        with tempfile.TemporaryDirectory() as out:
            if name == "ours":
                trainer: Any = grpo.trainer(model, tokenizer, data, recipe, Path(out))
            else:
                fields = settings.arguments(recipe, len(data), Path(out)) | {
                    "num_generations": GROUP,
                    "max_completion_length": tokens,
                    "beta": 0.0,
                }
                trainer = GRPOTrainer(
                    model=model,
                    args=GRPOConfig(**fields),
                    reward_funcs=trainer_reward,
                    train_dataset=data,
                    processing_class=tokenizer,
                )
            start = time.perf_counter()
            trainer.train()
            took[name] = (time.perf_counter() - start) / STEPS
        gain = f"  {took['plain TRL'] / took[name]:.2f}x" if name == "ours" else ""
        print(f"GRPO step, {name:9s}       {took[name]:8.2f} s{gain}   weights {weights_hash(model)[:12]}")


def trainer_reward(completions: list[Any], **_: object) -> list[float]:
    """Something that differs from reply to reply."""
    return [len(set(completion[-1]["content"])) / 100 for completion in completions]


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
    rows = problems(350)
    with tempfile.TemporaryDirectory() as folder:
        texts = [message["content"] for row in rows for message in [*row["prompt"], *row["completion"]]]
        path = create(Path(folder) / "model", texts)
        print(f"3M parameters, {given.rows} replies in groups of {GROUP}, {given.threads} thread(s)")
        rollouts(path, rows, given.rows, given.tokens)
        steps(path, rows, given.rows, given.tokens)


if __name__ == "__main__":
    main()
