"""The base model's corpus and training: fluent, unreliable on purpose, and reproducible."""

import json
import shutil
from collections import Counter
from pathlib import Path

import pytest

from caugym.backends import Sampling
from caugym.backends.local import LocalModel
from caugym.core.streams import stream
from caugym.problems.mistakes import KINDS
from caugym.problems.read import read
from caugym.problems.solution import check_steps, final_answer
from caugym.problems.solve import solve
from caugym.problems.stories import stories
from caugym.train import base, directory
from caugym.train.corpus import COMMON, COMMONEST, GRAPHS, RIGHT, SETS, STAGES, SUMS, corpus
from caugym.train.nano import Size

TINY = Size(hidden=32, layers=2, heads=2, kv_heads=1, head=16, feed_forward=48, vocabulary=700)


Dialogue = list[str]
"""A prompt and the reply to it."""


@pytest.fixture(scope="module")
def dialogues() -> list[Dialogue]:
    rows = corpus(600, seed=5)
    return [[turn["content"] for turn in (*row["prompt"], *row["completion"])] for row in rows]


@pytest.fixture(scope="module")
def problems(dialogues: list[Dialogue]) -> list[Dialogue]:
    return [dialogue for dialogue in dialogues if not is_exercise(dialogue)]


def is_exercise(dialogue: Dialogue) -> bool:
    return dialogue[0].startswith("Calculate ") or "\nWays from " in dialogue[0]


def rights(problems: list[Dialogue]) -> float:
    """The share of right answers."""
    answers = [solve(read(prompt)).answer for prompt, _ in problems]
    replies = [reply for _, reply in problems]
    right = [r.endswith("\n" + final_answer(a)) for r, a in zip(replies, answers, strict=True)]
    return sum(right) / len(right)


def test_the_corpus_is_fluent(dialogues: list[Dialogue], problems: list[Dialogue]) -> None:
    """Right or wrong, every equation holds, and exercises come as often as they should."""
    assert all(check_steps(reply.split("\n")) == [] for _, reply in dialogues)
    assert len(problems) == 600
    assert len(dialogues) - len(problems) == pytest.approx(600 * (SUMS + GRAPHS), rel=0.2)


def test_strategies_are_right_at_first_and_unreliable_at_last(problems: list[Dialogue]) -> None:
    mixed = round(len(problems) * STAGES["mixed"])
    assert rights(problems[:-mixed]) == 1
    assert RIGHT - 0.15 < rights(problems[-mixed:]) < RIGHT + 0.3, "a wrong step may lead to the right answer"


def test_the_last_stage_can_be_had_alone() -> None:
    rows = corpus(56, seed=7, stages={"mixed": 1})
    problems = [[turn["content"] for turn in (*row["prompt"], *row["completion"])] for row in rows]
    assert rights([problem for problem in problems if not is_exercise(problem)]) < 0.8


def test_problems_with_invented_names_can_be_read(problems: list[Dialogue]) -> None:
    """Whatever the names, text and reply fit together; names of test problems are not among them."""
    told = {v.name for story in stories() for v in story.variables}
    reserved = {v.name for story in stories() if story.reserved for v in story.variables}
    invented = 0
    for prompt, reply in problems:
        problem = read(prompt)
        treatment = problem.variables[problem.query.treatment]
        assert reply.startswith(f"X = {treatment.name}: ")
        names = {v.name for v in problem.variables}
        assert not names & reserved
        invented += not names & told and any(" " in name for name in names)
    assert 0.3 < invented / len(problems) < 0.5


def test_shares_and_kinds_are_those_that_exist() -> None:
    assert sum(SETS.values()) == pytest.approx(1)
    assert sum(STAGES.values()) == pytest.approx(1)
    assert RIGHT + COMMON < 1
    assert all(kind in KINDS and kind != "slip" for kinds in COMMONEST.values() for kind in kinds)


def test_small_problems_come_first(problems: list[Dialogue]) -> None:
    early = round(len(problems) * STAGES["small"])
    assert all(len(read(prompt).variables) == 3 for prompt, _ in problems[:early])
    assert any(len(read(prompt).variables) > 3 for prompt, _ in problems[early:])


def test_the_corpus_does_not_depend_on_the_workers() -> None:
    assert corpus(60, seed=1) == corpus(60, seed=1, workers=2)


def test_batches_hold_every_process_to_the_same_work() -> None:
    rows = [{"length": 20 + index % 300} for index in range(3000)]
    steps = base.batches(rows, 3, stream("test"))
    assert all(len(step) == 3 for step in steps)
    for step in steps:
        sizes = [len(part) * max(row["length"] for row in part) for part in step]
        assert all(0 < size <= base.TOKENS for size in sizes)
    taken = Counter(id(row) for step in steps for part in step for row in part)
    assert max(taken.values()) == 1
    assert len(taken) > 0.9 * len(rows)


def test_the_rate_rises_and_falls_to_zero() -> None:
    rates = [base.rate(step, 1000) for step in range(1000)]
    assert rates[0] < rates[20] == max(rates) == 1.0
    assert 0 < rates[-1] < 0.01


@pytest.mark.slow
def test_training_goes_on_where_it_was_stopped(tmp_path: Path) -> None:
    """From the last checkpoint it ends with the same weights, and the result is a model that replies."""

    def trained() -> str:
        base.train(out, problems=700, seed=2, workers=2, size=TINY, save=2)
        return str(directory.read(out)["weights"])

    out = tmp_path / "base"
    first = trained()
    losses = [json.loads(line)["loss"] for line in (out / directory.METRICS).read_text().splitlines()]
    assert losses[-1] < 6.3, "less than a guess among 700 tokens"
    shutil.rmtree(out / "model")
    directory.write(out / directory.RUN, json.dumps(directory.read(out) | {"status": "running"}))
    assert trained() == first
    reply = LocalModel(str(out / "model")).generate(["Calculate 3 + 4."], Sampling(max_tokens=5), ["key"])[0]
    assert reply.tokens is not None
    assert reply.tokens <= 5
