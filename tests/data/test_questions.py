"""Questions and replies from files of every kind; faults are one line that names the file."""

import json
import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from caugym.core.errors import InputError
from caugym.data.questions import Question, questions
from caugym.data.replies import grade_files
from caugym.problems.problem import Answer
from caugym.problems.read import read
from caugym.problems.solve import solve
from tests.data.damaged import lines

CALM = {
    "index": 1,
    "given_info": "Imagine a self-contained, hypothetical world with only the following conditions: "
    "Rain has a direct effect on mud.",
    "Background": {
        "data_info": "For those with rain being low, the probability of mud being low is 0.8445. "
        "For those with rain being high, the probability of mud being low is 0.9288. "
    },
    "Instruction": "Consider the average treatment effect (ATE) of rain on mud.",
    "Question": "If rain is changed to be low, will mud be more likely to be low?",
    "Type": "ATE",
    "gt_answer": -0.08429999999999993,
}
RELEASE = {"position": 0, "problem": "Q?", "answer": '{"ANSWER": "No", "PROB": "-0.125"}', "Type": "CDE"}


def one(path: Path) -> Question:
    (question,) = questions(path)
    return question


def test_our_sets(made: Path) -> None:
    asked = list(questions(made))
    assert len(asked) == 42
    assert (asked[0].id, asked[0].task, asked[0].set) == ("base-easy-ATE-test-7-000000", "ATE", "base")
    for question in asked:
        assert question.label == solve(read(question.text)).answer
    assert list(questions(made / "data/base/test-00000-of-00001.parquet")) == asked


def test_an_unfinished_set_is_not_asked(made: Path, copy: Path) -> None:
    manifest = json.loads((copy / "manifest.json").read_text())
    (copy / "manifest.json").write_text(json.dumps({**manifest, "complete": False}))
    with pytest.raises(InputError, match="not complete"):
        list(questions(copy))


@pytest.mark.parametrize("name", ["ATE-basic_EN.json", "calm.jsonl"])
def test_calm(tmp_path: Path, name: str) -> None:
    path = lines(tmp_path / name, CALM, {**CALM, "gt_answer": 0})
    first, second = questions(path)
    assert first.id == f"{path.stem}-0001"
    assert (first.label, second.label) == (Answer("identified", "-0.0843"), Answer("identified", "0.0000"))
    assert (first.task, first.set) == ("ATE", "calm")
    solved = solve(read(first.text)).answer
    assert solved.value == "-0.0843"


def test_the_release(tmp_path: Path) -> None:
    path = tmp_path / "base_dataset.json"
    path.write_text(json.dumps([RELEASE, {**RELEASE, "answer": "LACK_CONDITION"}], indent=1))
    first, second = questions(path)
    assert first == Question("base_dataset-0001", "Q?", Answer("identified", "-0.1250", "No"), "CDE", "base")
    assert second.label == Answer("insufficient")


def test_rows_for_reinforcement_learning(tmp_path: Path) -> None:
    said = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Q?"}]
    row = {"prompt": said, "reward_model": {"ground_truth": '{"PROB": "0"}', "style": "rule"}}
    pq.write_table(pa.Table.from_pylist([row]), tmp_path / "rl.parquet")
    assert one(tmp_path / "rl.parquet") == Question("rl-0001", "Q?", Answer("identified", "0.0000"))
    path = lines(tmp_path / "rl.jsonl", {"prompt": said, "gold": '{"status": "insufficient", "value": null}'})
    assert one(path).label == Answer("insufficient")


def test_plain_records(tmp_path: Path) -> None:
    gold = {"status": "identified", "value": 0.25, "answer": "yes"}
    path = lines(
        tmp_path / "mine.jsonl",
        {"id": 7, "question": "Q?", "gold": gold, "tolerance": 0.01},
        {"id": "b", "text": "R?", "gold": None},
    )
    first, second = questions(path)
    assert first == Question("7", "Q?", Answer("identified", "0.2500", "Yes"), tolerance=0.01)
    assert second == Question("b", "R?")


def test_plain_text(tmp_path: Path) -> None:
    path = tmp_path / "q.txt"
    path.write_text("\ufeffFirst\nquestion?\n\n---\n\n---\nSecond -- question?\n---\n", encoding="utf-8")
    assert [question.text for question in questions(path)] == ["First\nquestion?", "Second -- question?"]
    path.write_text("One question?")
    assert one(path).id == "q-0001"


def test_folders_and_patterns(tmp_path: Path) -> None:
    lines(tmp_path / "a_EN.json", CALM)
    lines(tmp_path / "b_EN.json", CALM)
    lines(tmp_path / "b_CN.json", CALM)
    (tmp_path / "LICENSE").write_text("free")
    assert [q.id for q in questions(tmp_path)] == ["a_EN-0001", "b_CN-0001", "b_EN-0001"]
    assert [q.id for q in questions(tmp_path / "*_EN.json")] == ["a_EN-0001", "b_EN-0001"]


BAD = {
    "empty.jsonl": ("", "is empty"),
    "blank.txt": (" \n---\n", "is empty"),
    "broken.json": ('[{"prompt": "Q?"},', "line 1 is not JSON"),
    "broken.jsonl": ('{"prompt": "Q?"}\n{"prompt"', "line 2 is not JSON"),
    "array.jsonl": ('{"prompt": "Q?"}\n[1]', "line 2 must be an object"),
    "numbers.json": ("[1, 2]", "record 1 must be an object"),
    "column.jsonl": ('{"query": "Q?"}', "record 1 has no question: expected one of prompt"),
    "blank.jsonl": ('{"prompt": " "}', "record 1 has no question"),
    "nan.jsonl": ('{"prompt": "Q?", "gold": {"value": NaN}}', "label cannot be used"),
    "word.jsonl": ('{"prompt": "Q?", "gold": {"value": "a third"}}', "label cannot be used"),
    "status.jsonl": ('{"prompt": "Q?", "gold": {"status": "maybe"}}', "label cannot be used"),
    "nothing.jsonl": ('{"prompt": "Q?", "gold": {"status": "identified"}}', "label cannot be used"),
    "answer.jsonl": ('{"prompt": "Q?", "gold": {"value": 0, "answer": "maybe"}}', "label cannot be used"),
    "release.json": ('[{"problem": "Q?", "answer": "0.5?"}]', "label cannot be used"),
    "tolerance.jsonl": ('{"prompt": "Q?", "tolerance": 0}', "tolerance must be"),
    "calm.json": ('{"given_info": "a", "Question": "b", "Type": "XYZ"}', "looks like CaLM but lacks"),
    "twice.jsonl": ('{"id": 1, "prompt": "Q?"}\n{"id": 1, "prompt": "R?"}', "stands twice"),
    "set.csv": ("prompt\nQ?", "cannot tell what it holds"),
    "rows.parquet": ("PAR1", "not readable Parquet"),
}


@pytest.mark.parametrize("name", BAD)
def test_faults_are_one_line_that_names_the_file(tmp_path: Path, name: str) -> None:
    content, expected = BAD[name]
    (tmp_path / name).write_text(content)
    with pytest.raises(InputError, match=expected) as caught:
        list(questions(tmp_path / name))
    assert name in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_is_not_there_or_not_text_is_one_line(tmp_path: Path) -> None:
    for path in (tmp_path / "absent.json", tmp_path / "*.json", tmp_path):
        with pytest.raises(InputError):
            list(questions(path))
    (tmp_path / "latin.txt").write_bytes(b"caf\xe9")
    with pytest.raises(InputError, match="UTF-8"):
        list(questions(tmp_path / "latin.txt"))


GOLD = {"status": "identified", "value": "0.3847", "answer": "Yes"}
RIGHT = '{"ANSWER": "Yes", "PROB": "0.3847"}'


def test_replies_are_graded_in_their_order(tmp_path: Path) -> None:
    items = lines(
        tmp_path / "items.jsonl",
        {"id": "a", "gold": GOLD},
        {"id": "b", "gold": GOLD, "tolerance": 0.1, "task": "ATE"},
        {"id": "c", "gold": {"status": "insufficient", "value": None, "answer": None}},
        {"id": "d", "gold": GOLD},
    )
    replies = lines(
        tmp_path / "replies.jsonl",
        {"id": "c", "reply": "LACK_CONDITION"},
        {"id": "b", "reply": RIGHT.replace("0.3847", "0.45")},
        {"id": "a", "reply": ""},
        {"id": "d", "reply": RIGHT, "finish": "length"},
    )
    graded = grade_files(items, replies)
    assert [(g.id, g.verdict.kind) for g in graded] == [
        ("c", "correct"),
        ("b", "correct"),
        ("a", "unparsed"),
        ("d", "truncated"),
    ]
    assert graded[1].task == "ATE"
    assert [g.verdict.correct for g in grade_files(items, replies, "official")] == [True, True, False, True]


def test_replies_to_a_set(made: Path, tmp_path: Path) -> None:
    asked = list(questions(made))[:5]
    replies = lines(
        tmp_path / "r.jsonl",
        *({"id": q.id, "reply": f'{{"PROB": {q.label.value}}}'} for q in asked if q.label),
    )
    assert all(g.verdict.value_ok for g in grade_files(made, replies))


@pytest.mark.parametrize(
    ("items", "replies", "expected"),
    [
        ([{"id": "a", "gold": GOLD}], [{"id": "z", "reply": ""}], "no item has the id 'z'"),
        ([{"id": "a", "gold": GOLD}], [{"id": "a", "reply": ""}] * 2, "stands twice"),
        ([{"id": "a", "gold": GOLD}] * 2, [{"id": "a", "reply": ""}], "stands twice"),
        ([{"id": "a"}], [{"id": "a", "reply": ""}], "no gold"),
        ([{"id": "a", "gold": GOLD}], [{"id": "a", "text": ""}], "must be"),
        ([{"id": "a", "gold": GOLD}], [{"id": "a", "reply": None}], "must be text"),
        ([{"id": "a", "gold": GOLD}], [], "is empty"),
    ],
)
def test_faults_of_replies_are_one_line(
    tmp_path: Path, items: list[object], replies: list[object], expected: str
) -> None:
    with pytest.raises(InputError, match=expected):
        grade_files(lines(tmp_path / "items.jsonl", *items), lines(tmp_path / "replies.jsonl", *replies))


def _public(name: str) -> Path:
    root = os.environ.get("CAUGYM_SHARED_DATA")
    if not root or not (Path(root) / name).exists():
        pytest.skip(f"CAUGYM_SHARED_DATA has no {name}")
    return Path(root) / name


def test_public_sets_load() -> None:
    assert sum(1 for _ in questions(_public("calm_lite") / "*-basic_EN.json")) == 700
    for name in ("base", "deconfounding", "redundant", "insufficient", "omitted", "rephrased"):
        asked = list(questions(_public("caugym_release") / f"{name}_dataset.json"))
        assert len(asked) == 350
        assert all(question.label for question in asked)
    assert sum(1 for _ in questions(_public("caugym_release") / "online_rl_sample.parquet")) == 500
