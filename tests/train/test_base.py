"""The base model's corpus and training: fluent, unreliable on purpose, and reproducible."""

import json
import re
import shutil
from collections import Counter
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest

from caugym.backends import Sampling
from caugym.backends.local import LocalModel
from caugym.core.errors import InputError
from caugym.core.streams import stream
from caugym.estimands import TABLE
from caugym.problems.mistakes import KINDS
from caugym.problems.read import read
from caugym.problems.solution import check_steps, final_answer
from caugym.problems.solve import solve
from caugym.problems.stories import stories
from caugym.problems.transforms import TRANSFORMS
from caugym.train import base, directory
from caugym.train.corpus import COMMONEST, COURSE, COURSES, corpus
from caugym.train.lessons import LESSONS, Lessons
from caugym.train.nano import Size

TINY = Size(hidden=32, layers=2, heads=2, kv_heads=1, head=16, feed_forward=48, vocabulary=700)


MADE = 1000
"""Problems of a corpus to look at; the shares of sets and stages come out whole."""

Dialogue = list[str]
"""A prompt and the reply to it."""


def told(rows: list[dict[str, Any]]) -> list[Dialogue]:
    return [[turn["content"] for turn in (*row["prompt"], *row["completion"])] for row in rows]


@pytest.fixture(scope="module")
def dialogues() -> list[Dialogue]:
    return told(corpus(COURSE, MADE, seed=5))


@pytest.fixture(scope="module")
def problems(dialogues: list[Dialogue]) -> list[Dialogue]:
    return [dialogue for dialogue in dialogues if not is_exercise(dialogue)]


def is_exercise(dialogue: Dialogue) -> bool:
    return re.search(r"^Calculate |\n(Ways from|List with|Compare x with x'\.)", dialogue[0]) is not None


def rights(problems: list[Dialogue]) -> float:
    """The share of right answers."""
    answers = [solve(read(prompt)).answer for prompt, _ in problems]
    replies = [reply for _, reply in problems]
    right = [r.endswith("\n" + final_answer(a)) for r, a in zip(replies, answers, strict=True)]
    return sum(right) / len(right)


def test_the_corpus_is_fluent(dialogues: list[Dialogue], problems: list[Dialogue]) -> None:
    """Right or wrong, every equation holds, and exercises come as often as they should."""
    assert all(check_steps(reply.split("\n")) == [] for _, reply in dialogues)
    assert len(problems) == MADE
    assert len(dialogues) - len(problems) == pytest.approx(MADE * sum(COURSE.exercises.values()), rel=0.2)


def test_strategies_are_right_at_first_and_unreliable_at_last(problems: list[Dialogue]) -> None:
    mixed = round(len(problems) * COURSE.stages["mixed"])
    assert rights(problems[:-mixed]) == 1
    share, meant = rights(problems[-mixed:]), fmean(COURSE.right.values())
    assert meant - 0.15 < share < meant + 0.3, "a wrong step may lead to the right answer"


def test_the_last_stage_can_be_had_alone() -> None:
    dialogues = told(corpus(COURSES["last"], 56, seed=7))
    assert rights([dialogue for dialogue in dialogues if not is_exercise(dialogue)]) < 0.8


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


def test_shares_of_the_course_are_shares_of_what_exists() -> None:
    assert set(COURSE.sets) == set(TRANSFORMS)
    assert sum(COURSE.sets.values()) == pytest.approx(1)
    assert sum(COURSE.stages.values()) == pytest.approx(1)
    assert set(COURSE.right) == set(TABLE)
    assert all(0 < share < 0.5 for share in COURSE.right.values())
    assert COURSE.common < 1


def test_common_mistakes_are_kinds_of_mistakes() -> None:
    assert all(kind in KINDS and kind != "slip" for kinds in COMMONEST.values() for kind in kinds)


def test_small_problems_come_first(problems: list[Dialogue]) -> None:
    early = round(len(problems) * COURSE.stages["small"])
    assert all(len(read(prompt).variables) == 3 for prompt, _ in problems[:early])
    assert any(len(read(prompt).variables) > 3 for prompt, _ in problems[early:])


def test_the_corpus_does_not_depend_on_the_workers() -> None:
    assert corpus(COURSE, 60, seed=1) == corpus(COURSE, 60, seed=1, workers=2)


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


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run directory with its corpus, before any training."""
    out = tmp_path_factory.mktemp("base")
    base.train(out, problems=150, seed=2, workers=2, size=TINY, prepare=True)
    return out


def test_preparing_makes_the_corpus_and_no_more(prepared: Path) -> None:
    assert sorted(path.name for path in prepared.iterdir()) == [LESSONS, "start"]


def test_lessons_on_disk_are_those_in_memory(prepared: Path, tmp_path: Path) -> None:
    lessons = Lessons.load(prepared / LESSONS)
    lessons.save(tmp_path / LESSONS)
    again = Lessons.load(tmp_path / LESSONS)
    assert (again.asked, again.digest) == (lessons.asked, lessons.digest)
    for row, same in zip(lessons.rows, again.rows, strict=True):
        assert row["input_ids"].tolist() == same["input_ids"].tolist()
        assert (row["length"], row["head"]) == (same["length"], same["head"])
        assert 0 < row["head"] < row["length"] == len(row["input_ids"])


def test_a_corpus_of_something_else_is_refused(prepared: Path) -> None:
    with pytest.raises(InputError, match="begun with 150 problems, course whole, seed 2"):
        base.train(prepared, problems=140, seed=2, workers=2, prepare=True)


@pytest.mark.slow
def test_training_goes_on_where_it_was_stopped(prepared: Path) -> None:
    """From its last checkpoint it ends with the same weights, and its model replies."""

    def trained() -> str:
        base.train(prepared, problems=150, seed=2, workers=2, size=TINY, save=2)
        return str(directory.read(prepared)["weights"])

    first = trained()
    records = (prepared / directory.METRICS).read_text().splitlines()
    assert json.loads(records[-1])["loss"] < 6.3, "less than a guess among 700 tokens"
    shutil.rmtree(prepared / "model")
    record = directory.read(prepared) | {"status": "running"}
    directory.write(prepared / directory.RUN, json.dumps(record))
    assert trained() == first
    model = LocalModel(str(prepared / "model"))
    reply = model.generate(["Calculate 3 + 4."], Sampling(max_tokens=5), ["key"])[0]
    assert reply.tokens is not None
    assert reply.tokens <= 5


@pytest.mark.slow
def test_a_training_goes_on_from_another_model(prepared: Path, tmp_path: Path) -> None:
    """With its weights and its tokenizer, whatever the new corpus."""
    first, second = prepared / "start", tmp_path / "second"
    base.train(second, problems=60, seed=3, workers=1, model=str(first), course="last")
    assert not (second / "start").exists()
    assert directory.read(second)["start"] == str(first)
    tokenizers = [json.loads((model / "tokenizer.json").read_text()) for model in (first, second / "model")]
    assert tokenizers[0] == tokenizers[1]


def test_a_model_that_is_not_there_is_missed_at_once(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no model in"):
        base.train(tmp_path / "out", problems=10**6, seed=3, workers=1, model=str(tmp_path / "none"))
