"""Training rows: as TRL takes them, with the gold reply last."""

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from caugym.core.errors import InputError
from caugym.data.rows import training_rows, write_rows
from caugym.data.shards import rows
from caugym.grade import grade
from caugym.problems.problem import Answer


def test_sft_rows_end_in_the_gold_answer(made: Path) -> None:
    for row, source in zip(training_rows("sft", made), rows(made), strict=True):
        assert set(row) == {"prompt", "completion"}
        assert row["prompt"] == [{"role": "user", "content": source["prompt"]}]
        (said,) = row["completion"]
        assert said["role"] == "assistant"
        gold = Answer(source["gold"]["status"], source["gold"]["value"], source["gold"]["answer"])
        assert grade(said["content"], gold).correct


def test_rl_rows_carry_what_the_reward_needs(made: Path) -> None:
    for row, source in zip(training_rows("rl", made), rows(made), strict=True):
        assert set(row) == {"prompt", "id", "task", "gold", "tolerance"}
        assert json.loads(row["gold"]) == {key: source["gold"][key] for key in ("status", "value", "answer")}
        assert (row["id"], row["task"], row["tolerance"]) == (source["id"], source["task"], 0.0005)


def test_rows_are_written_whole(made: Path, tmp_path: Path) -> None:
    assert write_rows("rl", made, tmp_path / "rl.parquet") == 42
    assert pq.read_table(tmp_path / "rl.parquet").to_pylist() == training_rows("rl", made)
    assert write_rows("sft", made, tmp_path / "sft.jsonl") == 42
    written = (tmp_path / "sft.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line) for line in written] == training_rows("sft", made)
    assert sorted(f.name for f in tmp_path.iterdir()) == ["rl.parquet", "sft.jsonl"]


def test_faults_are_one_line(made: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="choose sft or rl"):
        training_rows("dpo", made)  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"\.parquet or \.jsonl"):
        write_rows("sft", made, tmp_path / "rows.csv")
    with pytest.raises(InputError, match="cannot write"):
        write_rows("sft", made, made / "manifest.json" / "rows.jsonl")
    with pytest.raises(InputError, match="does not exist"):
        training_rows("sft", tmp_path / "absent")
