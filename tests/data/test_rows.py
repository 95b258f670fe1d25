"""Training rows: as TRL takes them, with the gold reply last."""

import json
from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from caugym.core.errors import InputError
from caugym.core.streams import stream
from caugym.data.manifest import MakeConfig
from caugym.data.row import gold, problem
from caugym.data.rows import training_rows, write_rows
from caugym.data.shards import make, rows
from caugym.grade import grade
from caugym.problems.mistakes import KINDS, mistakes
from caugym.problems.problem import Answer
from caugym.problems.solve import solve


def test_sft_rows_end_in_the_gold_answer(made: Path) -> None:
    for row, source in zip(training_rows("sft", made), rows(made), strict=True):
        assert set(row) == {"prompt", "completion"}
        assert row["prompt"] == [{"role": "user", "content": source["prompt"]}]
        (said,) = row["completion"]
        assert said["role"] == "assistant"
        gold = Answer(source["gold"]["status"], source["gold"]["value"], source["gold"]["answer"])
        assert grade(said["content"], gold).correct


def test_solutions_come_in_styles(made: Path) -> None:
    plain, prose = training_rows("dpo", made), training_rows("dpo", made, "prose")
    for before, after in zip(plain, prose, strict=True):
        assert before["id"] == after["id"]
        for side in ("chosen", "rejected"):
            assert after[side] != before[side]
            lines = (row[side][0]["content"].splitlines() for row in (before, after))
            assert len({found[-1] for found in lines}) == 1
    assert training_rows("sft", made, "prose")[0]["completion"] == prose[0]["chosen"]


def test_rl_rows_carry_what_the_reward_needs(made: Path) -> None:
    for row, source in zip(training_rows("rl", made), rows(made), strict=True):
        assert set(row) == {"prompt", "id", "task", "gold", "tolerance"}
        assert json.loads(row["gold"]) == {key: source["gold"][key] for key in ("status", "value", "answer")}
        assert (row["id"], row["task"], row["tolerance"]) == (source["id"], source["task"], 0.0005)


@pytest.mark.slow
def test_a_thousand_pairs_are_right_and_wrong(tmp_path: Path) -> None:
    make(tmp_path / "set", MakeConfig(level="easy", n=1001, seed=5), progress=False)
    check_pairs(tmp_path / "set", least=1000)


def test_dpo_prefers_right_to_wrong(made: Path) -> None:
    check_pairs(made, least=42)
    assert training_rows("dpo", made) == training_rows("dpo", made)


def check_pairs(path: Path, least: int) -> None:
    """Chosen is right, rejected is wrong, both talk about the same problem."""
    source = {row["id"]: row for row in rows(path)}
    pairs = training_rows("dpo", path)
    assert len(pairs) >= least
    for pair in pairs:
        assert set(pair) == {"prompt", "chosen", "rejected", "id", "task", "mistake"}
        item = source[pair["id"]]
        assert pair["prompt"] == [{"role": "user", "content": item["prompt"]}]
        gold = Answer(item["gold"]["status"], item["gold"]["value"], item["gold"]["answer"])
        assert grade(pair["chosen"][0]["content"], gold).correct
        assert not grade(pair["rejected"][0]["content"], gold).correct
        assert pair["task"] == item["task"]
        assert pair["chosen"][0]["role"] == pair["rejected"][0]["role"] == "assistant"
    for task in {pair["task"] for pair in pairs}:
        kinds = Counter(pair["mistake"] for pair in pairs if pair["task"] == task)
        assert len(kinds) >= 4
        assert max(kinds.values()) <= 0.4 * kinds.total()


def test_kto_is_the_pairs_taken_apart(made: Path) -> None:
    pairs = {pair["id"]: pair for pair in training_rows("dpo", made)}
    apart = training_rows("kto", made)
    assert len(apart) == 2 * len(pairs)
    assert [row["label"] for row in apart] == [True, False] * len(pairs)
    places: dict[str, list[int]] = {}
    for place, row in enumerate(apart):
        assert set(row) == {"prompt", "completion", "label", "id", "task", "mistake"}
        pair = pairs[row["id"]]
        assert row["prompt"] == pair["prompt"]
        assert row["completion"] == pair["chosen" if row["label"] else "rejected"]
        assert row["mistake"] == ("" if row["label"] else pair["mistake"])
        places.setdefault(row["id"], []).append(place)
    assert all(abs(a - b) >= len(pairs) - 2 for a, b in places.values())


def test_rows_are_written_whole(made: Path, tmp_path: Path) -> None:
    assert write_rows("rl", made, tmp_path / "rl.parquet") == 42
    assert pq.read_table(tmp_path / "rl.parquet").to_pylist() == training_rows("rl", made)
    assert write_rows("sft", made, tmp_path / "sft.jsonl") == 42
    written = (tmp_path / "sft.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line) for line in written] == training_rows("sft", made)
    assert sorted(f.name for f in tmp_path.iterdir()) == ["rl.parquet", "sft.jsonl"]


def test_faults_are_one_line(made: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="choose sft, dpo, kto, rl"):
        training_rows("ppo", made)  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"\.parquet or \.jsonl"):
        write_rows("sft", made, tmp_path / "rows.csv")
    with pytest.raises(InputError, match="cannot write"):
        write_rows("sft", made, made / "manifest.json" / "rows.jsonl")
    with pytest.raises(InputError, match="does not exist"):
        training_rows("sft", tmp_path / "absent")


def replied(path: Path, made: Path, **changes: object) -> Path:
    """A file of replies: to each third item a right one, a typed mistake, and prose without an answer."""
    lines = []
    for number, row in enumerate(rows(made)):
        found = mistakes(solve(problem(row)), stream("replies", row["id"]))
        for text in ("\n".join(row["solution"]), "\n".join(found[0].steps), "I do not know."):
            if number % 3 == 0:
                lines.append(json.dumps({"id": row["id"], "reply": f"Well.\n{text}", **changes}))
    path.write_text("\n".join(lines))
    return path


def test_a_models_own_wrong_replies_take_the_place_of_mistakes(made: Path, tmp_path: Path) -> None:
    pairs = training_rows("dpo", made, replies=replied(tmp_path / "replies.jsonl", made))
    kinds: Counter[str] = Counter()
    for number, (pair, row) in enumerate(zip(pairs, rows(made), strict=True)):
        said = pair["rejected"][0]["content"]
        assert not grade(said, gold(row)).correct
        own = number % 3 == 0
        assert said.startswith("Well.") == own == pair["mistake"].startswith("sampled: ")
        kinds[pair["mistake"]] += own
    assert kinds["sampled: unparsed"] > 0
    typed = {kind.removeprefix("sampled: ") for kind, count in kinds.items() if count} - {"unparsed"}
    assert typed
    assert typed <= set(KINDS)
    kto = training_rows("kto", made, replies=tmp_path / "replies.jsonl")
    assert sum(row["label"] for row in kto) * 2 == len(kto) == 2 * len(pairs)


def test_replies_that_were_cut_off_are_no_mistakes(made: Path, tmp_path: Path) -> None:
    replies = replied(tmp_path / "replies.jsonl", made, finish="length")
    assert training_rows("dpo", made, replies=replies) == training_rows("dpo", made)


def test_right_replies_are_no_mistakes(made: Path, tmp_path: Path) -> None:
    told = [{"id": row["id"], "reply": row["solution"][-1]} for row in rows(made)]
    (tmp_path / "replies.jsonl").write_text("\n".join(map(json.dumps, told)))
    assert training_rows("dpo", made, replies=tmp_path / "replies.jsonl") == training_rows("dpo", made)


def test_replies_to_something_else_are_one_line(made: Path, tmp_path: Path) -> None:
    (tmp_path / "replies.jsonl").write_text('{"id": "x", "reply": "y"}')
    with pytest.raises(InputError, match="no reply is to a problem"):
        training_rows("dpo", made, replies=tmp_path / "replies.jsonl")
    with pytest.raises(InputError, match="dpo and kto"):
        training_rows("sft", made, replies=tmp_path / "replies.jsonl")
    (tmp_path / "replies.jsonl").write_text('{"id": "x"}')
    with pytest.raises(InputError, match="record 1 must be"):
        training_rows("kto", made, replies=tmp_path / "replies.jsonl")
