"""The base model's corpus and training: fluent, unreliable on purpose, and reproducible."""

import json
import shutil
from collections import Counter
from dataclasses import replace
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
from caugym.problems.transforms import TRANSFORMS
from caugym.train import base, directory
from caugym.train.corpus import COMMONEST, COURSES, Course, corpus
from caugym.train.nano import Size

FIRST, SECOND = COURSES["first"], COURSES["second"]

TINY = Size(hidden=32, layers=2, heads=2, kv_heads=1, head=16, feed_forward=48, vocabulary=700)


Dialogue = list[str]
"""A prompt and the reply to it."""


@pytest.fixture(scope="module")
def dialogues() -> list[Dialogue]:
    rows = corpus(FIRST, 600, seed=5)
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
    assert len(dialogues) - len(problems) == pytest.approx(600 * 2 * FIRST.exercises, rel=0.2)


def test_strategies_are_right_at_first_and_unreliable_at_last(problems: list[Dialogue]) -> None:
    mixed = round(len(problems) * FIRST.stages["mixed"])
    assert rights(problems[:-mixed]) == 1
    share = rights(problems[-mixed:])
    assert FIRST.right - 0.15 < share < FIRST.right + 0.3, "a wrong step may lead to the right answer"


def test_the_last_stage_can_be_had_alone() -> None:
    rows = corpus(replace(SECOND, stages={"mixed": 1}), 56, seed=7)
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


@pytest.mark.parametrize("course", COURSES.values(), ids=COURSES)
def test_shares_of_a_course_are_shares_of_what_exists(course: Course) -> None:
    assert set(course.sets) == set(TRANSFORMS)
    assert sum(course.sets.values()) == pytest.approx(1)
    assert sum(course.stages.values()) == pytest.approx(1)
    assert course.right + course.common < 1


def test_common_mistakes_are_kinds_of_mistakes() -> None:
    assert all(kind in KINDS and kind != "slip" for kinds in COMMONEST.values() for kind in kinds)


def test_small_problems_come_first(problems: list[Dialogue]) -> None:
    early = round(len(problems) * FIRST.stages["small"])
    assert all(len(read(prompt).variables) == 3 for prompt, _ in problems[:early])
    assert any(len(read(prompt).variables) > 3 for prompt, _ in problems[early:])


def test_the_corpus_does_not_depend_on_the_workers() -> None:
    assert corpus(FIRST, 60, seed=1) == corpus(FIRST, 60, seed=1, workers=2)


def test_batches_hold_every_process_to_the_same_work() -> None:
    rows = [{"length": 20 + index % 300} for index in range(3000)]
    steps = base.batches(rows, 3, base.TOKENS, stream("test"))
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
    """From its last checkpoint a course ends with the same weights, and its model replies."""

    def trained() -> str:
        base.train(out, problems=350, seed=3, workers=2, course="second", model=before / "model", save=2)
        return str(directory.read(out)["weights"])

    def loss(run: Path) -> float:
        return float(json.loads((run / directory.METRICS).read_text().splitlines()[-1])["loss"])

    before, out = tmp_path / "first", tmp_path / "second"
    base.train(before, problems=700, seed=2, workers=2, size=TINY, save=2)
    first = trained()
    assert loss(out) < loss(before) < 6.3, "less than a guess among 700 tokens"
    shutil.rmtree(out / "model")
    directory.write(out / directory.RUN, json.dumps(directory.read(out) | {"status": "running"}))
    assert trained() == first
    reply = LocalModel(str(out / "model")).generate(["Calculate 3 + 4."], Sampling(max_tokens=5), ["key"])[0]
    assert reply.tokens is not None
    assert reply.tokens <= 5
