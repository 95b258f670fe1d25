"""Training the bundled base model: ``python -m caugym.train.base OUT``; see ``runs/nano_base.sh``.

The model is Qwen3 of about three million parameters with its own tokenizer. It begins with random weights, or
goes on from an earlier training (``--model``), and learns a corpus of its own (`caugym.train.corpus`). The
learning rate falls to zero at the end: an unannealed base would make every later training look like a gain.
The loop is plain PyTorch on single-threaded processes, which trains so small a model about twice as fast on a
CPU as a general trainer does; on a GPU it is one process with longer passes. Making the corpus needs no GPU:
``--prepare`` does that alone, and the same command without it goes on from there.
"""

import argparse
import json
import os
from collections.abc import Sequence
from pathlib import Path
from random import Random
from time import monotonic
from typing import Any

import torch
import torch.distributed as dist
from rich.console import Console
from torch import Tensor
from torch.multiprocessing.spawn import spawn
from torch.nn.functional import cross_entropy

from caugym.backends.local import load
from caugym.core.pool import follow_parent
from caugym.core.streams import stream
from caugym.train import directory, optimizer, settings
from caugym.train.corpus import COURSES
from caugym.train.launch import free_port
from caugym.train.lessons import Row, prepared
from caugym.train.nano import Size, weights_hash
from caugym.train.recipe import Recipe, resolve
from caugym.train.worker import quiet

SIZES = {
    "small": Size(vocabulary=2560),
    "large": Size(hidden=512, layers=9, heads=8, kv_heads=4, head=64, feed_forward=1536, vocabulary=2560),
}
"""Dimensions: those of the bundled model, 3 million parameters, and 30 million, for a GPU."""

PROBLEMS = 80_000
"""Problems to learn from."""

TOKENS, PASSES = 1536, 4
"""Tokens that a process takes in a pass, few enough for its core's cache; passes in a step."""

STEP = 4 * PASSES * TOKENS
"""Tokens of a pass on a GPU, which is a step: as many as four processes take on a CPU."""

MULTIPLE, WINDOW = 32, 1536
"""Rows are padded to a multiple of the first, as every new shape costs time and memory; rows among which
those of like length are joined."""

MATRIX_RATE, RATE, WARMUP, DECAY = 0.02, 0.003, 0.01, 0.6
"""Peak rates of Muon and AdamW, and the shares of the steps in which they rise and fall."""

PROMPT = 0.5
"""Share of the steps that learn from prompts too, at the peak rate; it falls with the rate. A prompt names
every variable several times, which is where the model learns to copy names."""

LOG, SAVE = 20, 250
"""Steps between records of the learning curve, and between checkpoints."""


def batches(rows: Sequence[Row], parallel: int, tokens: int, rng: Random) -> list[list[list[Row]]]:
    """For each step the rows of ``parallel`` passes, of ``tokens`` at most: rows of like length together."""
    steps = []
    for start in range(0, len(rows), WINDOW):
        window = sorted(rows[start : start + WINDOW], key=lambda row: int(row["length"]))
        parts: list[list[Row]] = [[]]
        for row in window:
            if parts[-1] and row["length"] * (len(parts[-1]) + 1) > tokens:
                parts.append([])
            parts[-1].append(row)
        joined = [parts[i : i + parallel] for i in range(0, len(parts) - parallel + 1, parallel)]
        rng.shuffle(joined)
        steps += joined
    return steps


def padded(rows: Sequence[Row]) -> tuple[Tensor, Tensor, Tensor]:
    """Token ids, padded on the right; whether each is of the text; and of a reply; (rows, longest) each.

    Args:
        rows: With ``input_ids`` and ``head``, the number of tokens in the prompt.
    """
    longest = -(-max(row["length"] for row in rows) // MULTIPLE) * MULTIPLE
    ids = torch.zeros(len(rows), longest, dtype=torch.long)
    text = torch.zeros(len(rows), longest, dtype=torch.bool)
    reply = torch.zeros_like(text)
    for i, row in enumerate(rows):
        ids[i, : row["length"]] = torch.from_numpy(row["input_ids"])
        text[i, : row["length"]] = True
        reply[i, row["head"] : row["length"]] = True
    return ids, text, reply


def rate(step: int, steps: int) -> float:
    """The share of the peak rates at a step: rising, constant, falling to zero."""
    return min(1.0, (step + 1) / (WARMUP * steps), (steps - step) / (DECAY * steps))


def work(rank: int, world: int, port: int, out: Path, steps: list[list[list[Row]]], save: int) -> None:
    """One process of the training."""
    follow_parent()
    quiet()
    torch.set_num_threads(1)
    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port), RANK=str(rank), WORLD_SIZE=str(world))
    dist.init_process_group("gloo")
    recipe = directory.recipe(out)
    bf16 = settings.bf16(recipe)
    model, tokenizer = load(directory.read(out)["start"])
    model.float().train().to(settings.device())
    settings.suit(model, recipe)
    optimiser = optimizer.make(model, recipe)
    assert optimiser is not None
    peaks = [group["lr"] for group in optimiser.param_groups]
    curve = Curve(out, len(steps)) if rank == 0 else None
    for step in range(_resumed(out, model, optimiser), len(steps)):
        share = rate(step, len(steps))
        prompt = stream("prompt", step).random() < PROMPT * share
        counts = _gradients(model, steps[step][rank::world], prompt=prompt, bf16=bf16)
        for group, peak in zip(optimiser.param_groups, peaks, strict=True):
            group["lr"] = peak * share
        optimiser.step()
        optimiser.zero_grad(set_to_none=False)
        if curve:
            curve.add(step + 1, counts)
            if (step + 1) % save == 0:
                _saved(out, model, optimiser, step + 1)
    if curve:
        model.to(torch.bfloat16)
        directory.finish(out, model, tokenizer, weights_hash(model))
    dist.barrier()
    dist.destroy_process_group()


def _gradients(model: Any, passes: Sequence[Sequence[Row]], *, prompt: bool, bf16: bool) -> Tensor:
    """Gradients of the mean loss over all processes and passes.

    Args:
        model: Gets the gradients.
        passes: The rows of each pass of this process.
        prompt: Whether to learn from the prompts too.
        bf16: Whether to compute in bfloat16.

    Returns:
        The tokens learnt from, the summed loss of the replies, their tokens, and all tokens, padding too.
    """
    counts = torch.zeros(4, device=model.device)
    for rows in passes:
        ids, text, reply = padded(rows)
        # What is learnt from is picked out here, since a GPU would have to be waited for.
        chosen = (text if prompt else reply)[:, 1:].flatten().nonzero()[:, 0]
        wanted, of_reply = ids[:, 1:].flatten()[chosen], reply[:, 1:].flatten()[chosen]
        sizes = torch.tensor([len(chosen), 0, of_reply.sum(), ids.numel()])
        ids, chosen, wanted, of_reply, sizes = (
            each.to(model.device, non_blocking=True) for each in (ids, chosen, wanted, of_reply, sizes)
        )
        with torch.autocast(model.device.type, torch.bfloat16, enabled=bf16):
            hidden = model.model(input_ids=ids, use_cache=False).last_hidden_state[:, :-1]
            logits = model.lm_head(hidden.flatten(0, 1)[chosen])
        losses = cross_entropy(logits.float(), wanted, reduction="none")
        losses.sum().backward()
        counts += sizes
        counts[1] += (losses.detach() * of_reply).sum()
    parameters = list(model.parameters())
    shared = torch.cat([*(p.grad.flatten() for p in parameters), counts])
    if dist.get_world_size() > 1:
        dist.all_reduce(shared)
    counts = shared[-len(counts) :].clone()
    start = 0
    for p in parameters:
        p.grad.copy_(shared[start : start + p.numel()].view_as(p) / counts[0])
        start += p.numel()
    torch.nn.utils.clip_grad_norm_(parameters, 1.0)
    return counts


class Curve:
    """The learning curve: a record in ``metrics.jsonl`` and a line on the terminal, every so many steps."""

    def __init__(self, out: Path, steps: int) -> None:
        self.path, self.steps, self.console = out / directory.METRICS, steps, Console(stderr=True)
        self.start, self.tokens, self.counts = monotonic(), 0.0, torch.zeros(4)

    def add(self, step: int, counts: Tensor) -> None:
        """Take in what `_gradients` counted in a step."""
        self.counts = self.counts.to(counts.device) + counts
        if step % LOG and step < self.steps:
            return
        _, loss, learnt, tokens = self.counts.tolist()
        self.counts, self.tokens = torch.zeros(4), self.tokens + tokens
        seconds = monotonic() - self.start
        record = {"step": step, "seconds": round(seconds, 3), "loss": loss / learnt, "tokens": self.tokens}
        record["tokens_per_second"] = round(self.tokens / seconds, 1)
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(record) + "\n")
        pace = f"{record['tokens_per_second']:,.0f} tokens/s"
        self.console.print(f"step {step}/{self.steps}  loss {record['loss']:.4f}  {pace}")


def _saved(out: Path, model: Any, optimiser: Any, step: int) -> None:
    """Write a checkpoint, replacing the last one in one step."""
    partial = out / "checkpoint.partial"
    torch.save({"model": model.state_dict(), "optimiser": optimiser.state_dict(), "step": step}, partial)
    partial.replace(out / "checkpoint.pt")


def _resumed(out: Path, model: Any, optimiser: Any) -> int:
    """Go back to the last checkpoint; the step to go on with."""
    if not (out / "checkpoint.pt").exists():
        return 0
    state = torch.load(out / "checkpoint.pt", map_location=model.device, weights_only=True)
    model.load_state_dict(state["model"])
    optimiser.load_state_dict(state["optimiser"])
    return int(state["step"])


def train(
    out: Path,
    *,
    problems: int,
    seed: int,
    workers: int,
    model: str = "scratch",
    course: str = "whole",
    size: Size = SIZES["small"],
    save: int = SAVE,
    prepare: bool = False,
) -> None:
    """Make the corpus, fit the tokenizer, train; called again, it goes on where it was stopped.

    Args:
        out: Run directory, as of any training here (`caugym.train.directory`).
        problems: Problems to learn from.
        seed: Of problems, mistakes and weights.
        workers: Processes; on a CPU the result depends on their number.
        model: What to start from: ``"scratch"`` is random weights, and a tokenizer fitted to the corpus.
        course: What is learnt, a key of `caugym.train.corpus.COURSES`.
        size: Dimensions of a model from scratch.
        save: Steps between checkpoints.
        prepare: Make the corpus and the untrained model, and stop.

    Raises:
        InputError: If ``out`` holds a run that was asked for otherwise.
    """
    quiet()
    lessons, start = prepared(out, course, model, problems, seed, workers, size)
    if prepare:
        return
    gpu = settings.device() == "cuda"
    workers, passes, tokens = (1, 1, STEP) if gpu else (workers, workers * PASSES, TOKENS)
    steps = batches(lessons.rows, passes, tokens, stream("batches", seed))
    share = COURSES[course].rate
    rates = (f"matrix_rate={MATRIX_RATE * share}", f"learning_rate={RATE * share}", f"decay={DECAY}")
    recipe: Recipe = resolve("sft", None, (*rates, f"seed={seed}"))
    record = {
        "method": "sft",
        "model": model,
        "course": course,
        "start": start,
        "data": lessons.digest,
        "seed": seed,
        "processes": workers,
        "plan": f"{len(lessons.rows)} rows of {problems} problems in {len(steps)} steps",
    }
    if directory.begin(out, recipe, record, resume=(out / directory.RUN).exists()) == "finished":
        return
    del lessons  # gigabytes that the processes need
    os.environ |= {"OMP_NUM_THREADS": "1", "ONEDNN_PRIMITIVE_CACHE_CAPACITY": "64"}  # else gigabytes
    spawn(work, (workers, free_port(), out, steps, save), nprocs=workers)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m caugym.train.base", description=__doc__)
    parser.add_argument("out", type=Path, help="run directory to write")
    parser.add_argument("--problems", type=int, default=PROBLEMS, help="problems to learn from")
    parser.add_argument("--seed", type=int, default=0, help="of problems, mistakes and weights")
    parser.add_argument("--workers", type=int, default=4, help="processes, each on one core")
    parser.add_argument("--model", default="scratch", help="to go on from; random weights by default")
    parser.add_argument("--course", choices=COURSES, default="whole", help="all of it, or its mixed end")
    parser.add_argument("--size", choices=SIZES, default="small", help="3 or 30 million parameters")
    parser.add_argument("--prepare", action="store_true", help="make the corpus and stop")
    given = vars(parser.parse_args())
    train(**given | {"size": SIZES[given["size"]]})


if __name__ == "__main__":
    main()
