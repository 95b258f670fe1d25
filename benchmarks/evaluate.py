"""Evaluation on a CPU: `caugym eval` beside a plain transformers loop, and beside the rollout of training.

    python benchmarks/evaluate.py [--model PATH] [--questions 32] [--samples 8] [--tokens 120] [--plain 8]

All answer the same questions at temperature 1 with one thread; `caugym eval` also as the paper samples. CPU
seconds are counted, which other work on the machine changes less than it does the clock. The model is
untrained unless one is named; its end token is then so rare that replies are of equal length.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import torch

from caugym.backends import Sampling
from caugym.backends.decode import Decoder
from caugym.backends.local import LocalModel, end_tokens, tokenise
from caugym.data.questions import Question
from caugym.evaluate.run import run
from caugym.problems.generate import TASKS, generate
from caugym.train.nano import create

REPEATS = 2


def questions(count: int) -> tuple[list[Question], list[str]]:
    """Easy problems as questions, and texts for a tokenizer."""
    each = -(-count // len(TASKS))
    items = [item for task in TASKS for item in generate("base", task, "easy", "test", 0, range(each))]
    texts = [text for item in items for text in (item.prompt, "\n".join(item.solution))]
    asked = [Question(item.id, item.prompt, item.gold, item.task, tolerance=item.tolerance) for item in items]
    return asked[:count], texts


def seconds(work: Callable[[], int]) -> tuple[float, int]:
    """CPU seconds of the best of a few runs, and the tokens written."""
    best, tokens = float("inf"), 0
    for _ in range(REPEATS):
        start = time.process_time()
        tokens = work()
        best = min(best, time.process_time() - start)
    return best, tokens


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", type=Path, help="a folder; default: an untrained small model")
    parser.add_argument("--questions", type=int, default=32)
    parser.add_argument("--samples", type=int, default=8)
    parser.add_argument("--tokens", type=int, default=120, help="longest reply")
    parser.add_argument("--plain", type=int, default=8, help="replies of the plain loop")
    given = parser.parse_args()
    torch.set_num_threads(1)
    asked, texts = questions(given.questions)
    sampling = Sampling(1.0, max_tokens=given.tokens)
    with tempfile.TemporaryDirectory() as folder:
        path = given.model or create(Path(folder) / "model", texts)
        model = LocalModel(str(path), device="cpu")
        ends = end_tokens(model.model, model.tokenizer)
        ids = [tokenise(model.tokenizer, [{"role": "user", "content": q.text}]) for q in asked]
        folders = iter(range(2 * REPEATS))

        def plain() -> int:
            written = 0
            for prompt in ids[: given.plain]:
                inputs = torch.tensor([prompt])
                with torch.inference_mode():
                    output = model.model.generate(
                        inputs,
                        attention_mask=torch.ones_like(inputs),
                        max_new_tokens=given.tokens,
                        do_sample=True,
                        top_k=0,
                        pad_token_id=ends[0],
                    )
                written += output.size(1) - len(prompt)
            return written

        def ours(sampling: Sampling = sampling) -> int:
            out = Path(folder) / f"run{next(folders)}"
            done = run(model, asked, out, samples=given.samples, sampling=sampling, progress=False)
            return sum(record["tokens"] for record in done.records)

        def rollout() -> int:
            groups = [prompt for prompt in ids for _ in range(given.samples)]
            keys = [str(index) for index in range(len(groups))]
            written = Decoder(model.model).decode(groups, sampling, keys, ends)
            return sum(len(reply.tokens) for reply in written)

        took, tokens = seconds(plain)
        base = given.plain / took
        print(f"transformers.generate, batch 1  {base:8.2f} replies/s  {tokens / took:8.0f} tokens/s")
        took, tokens = seconds(rollout)
        goal = tokens / took
        print(f"rollout of training             {'':18s}  {goal:8.0f} tokens/s")
        paper = Sampling(0.6, 0.95, given.tokens)
        for name, work in (("caugym eval", ours), ("caugym eval, as the paper", lambda: ours(paper))):
            took, tokens = seconds(work)
            rate = given.questions * given.samples / took
            print(
                f"{name:30s}  {rate:8.2f} replies/s  {tokens / took:8.0f} tokens/s  {rate / base:.1f}x the "
                f"plain loop, {100 * tokens / took / goal:.0f} % of the rollout"
            )


if __name__ == "__main__":
    main()
