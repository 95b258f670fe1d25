"""What the card of the bundled base model says about it, measured: ``python runs/nano_card.py OUT [MODEL]``.

Two tables in Markdown. The first is accuracy on held-out `easy` problems by task and by set: greedy, at
temperature 0.6, and whether one of eight replies is right. The second is fluency: how often the model goes on
rightly in each kind of span of a right solution, given all that stands before it.
"""

import argparse
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch

from caugym.backends import Sampling, model_path
from caugym.backends.local import load, tokenise
from caugym.data.manifest import MakeConfig
from caugym.data.shards import make
from caugym.estimands import TABLE
from caugym.evaluate.run import evaluate
from caugym.evaluate.summary import Summary, parts, summary
from caugym.evaluate.tables import Sheet, interval, percent
from caugym.problems.generate import SETS, TASKS, Item, generate

SAMPLES, LONGEST = 8, 1200
"""Replies a problem at temperature 0.6, and most tokens of a reply."""

KINDS = (
    ("names", r"[XYMZ]\d* = (?!.*: -?\d)"),
    ("graph", r"path|edge|open|no "),
    ("numbers read", r"P\([^)]*\) = [\d.]+$"),
    ("formula", r"(?:ATE|CDE|ETT|NDE|NIE|PN|PS) [=<>]+ (?=\D*$|.*sum_|max|min|\[?P)"),
    ("answer", r"\{|LACK|\w+ = .*: (?:Yes|No)$|\w+ bound"),
)
"""Kinds of lines and how they begin; all others are equations."""

EQUATION = re.compile(r"(?P<numbers>-?\d[\d ()*/+-]*?)(?P<result>(?: [=≈] -?[\d.]+(?: [*/+-] [\d.]+)*)+)")
"""The numbers looked up or taken over from above, and what is calculated from them."""

Span = tuple[str, int, int]


def main() -> None:
    """Measure a model and print both tables."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    options.add_argument("out", type=Path, help="folder for problems and replies; resumes")
    options.add_argument("model", nargs="?", default="nano")
    options.add_argument("--problems", type=int, default=140, help="problems a set")
    chosen = options.parse_args()
    print(accuracy(chosen.model, chosen.out, chosen.problems).markdown())
    print()
    print(fluency(model_path(chosen.model), chosen.problems // len(TABLE)).markdown())


def accuracy(model: str, out: Path, problems: int) -> Sheet:
    """Accuracy by task of set `base`, and by set."""
    rows: list[tuple[str, ...]] = []
    for name in SETS:
        asked = out / name
        make(asked, MakeConfig(set=name, level="easy", n=problems, seed=77, split="test"))
        runs = []
        for temperature, samples in ((0.0, 1), (0.6, SAMPLES)):
            sampling = Sampling(temperature=temperature, max_tokens=LONGEST)
            folder = out / "replies" / f"{name}-{temperature}"
            runs.append(evaluate(model, asked, folder, samples=samples, sampling=sampling))
        if name == "base":
            by_task = [parts(run) for run in runs]
            rows += [_row(task, *(found[task] for found in by_task)) for task in TABLE]
        rows.append(_row(name, *map(summary, runs)))
    head = ("", "greedy, %", "95 % interval", "T 0.6, %", f"one of {SAMPLES}, %")
    return Sheet("Right answers on held-out problems", head, tuple(rows))


def _row(name: str, greedy: Summary, sampled: Summary) -> tuple[str, ...]:
    shown = (percent(greedy.strict.value), interval(greedy.strict), percent(sampled.strict.value))
    return name, *shown, percent(sampled.passed.value)


def spans(solution: str) -> Iterator[Span]:
    """Kind, start and end of the parts of a worked solution."""
    start = 0
    for line in solution.split("\n"):
        kind = next((kind for kind, beginning in KINDS if re.match(beginning, line)), None)
        if kind:
            yield kind, start, start + len(line)
        else:
            for found in EQUATION.finditer(line):
                yield "numbers", start + found.start("numbers"), start + found.end("numbers")
                yield "arithmetic", start + found.start("result"), start + found.end("result")
        start += len(line) + 1


@torch.no_grad()
def fluency(model: str, problems: int) -> Sheet:
    """How often all tokens of a span are the likeliest, given the problem and the solution up to there."""
    network, tokenizer = load(model)
    right: dict[str, list[bool]] = defaultdict(list)
    for item in _items(problems):
        text = "\n".join(item.solution)
        prompt = tokenise(tokenizer, [{"role": "user", "content": item.prompt}])
        reply = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
        ids = torch.tensor([prompt + reply["input_ids"]])
        hits = (network(ids).logits[0, :-1].argmax(-1) == ids[0, 1:])[len(prompt) - 1 :].tolist()
        for kind, start, end in spans(text):
            right[kind].append(all(_within(hits, reply["offset_mapping"], start, end)))
    rows = tuple((kind, percent(sum(found) / len(found)), str(len(found))) for kind, found in right.items())
    return Sheet("Spans continued rightly", ("span", "right, %", "spans"), rows)


def _items(problems: int) -> Iterator[Item]:
    for task in TASKS:
        yield from generate("base", task, "easy", "test", 77, range(problems))


def _within(hits: Sequence[bool], offsets: Sequence[tuple[int, int]], start: int, end: int) -> list[bool]:
    return [hit for hit, (first, _) in zip(hits, offsets, strict=True) if start <= first < end]


if __name__ == "__main__":
    main()
