"""The demo, small: real sets, real trainings, real evaluations."""

from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from caugym import demo
from caugym.core.errors import InputError
from caugym.evaluate.records import load


@pytest.mark.slow
def test_it_ends_with_a_table_and_a_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "TRAINING", 28)
    monkeypatch.setattr(demo, "HELD_OUT", 14)
    monkeypatch.setattr(demo, "GRPO", ("steps=1", "batch=16", "processes=1"))
    said = StringIO()
    demo.run(tmp_path / "out", console=Console(file=said, width=100))
    runs = [load(tmp_path / "out" / "runs" / "held-out" / name) for name in ("base", "sft", "grpo")]
    assert [len(run.records) for run in runs] == [14 * demo.SAMPLES] * 3
    assert all(f"{stage:9} " in said.getvalue() for stage in demo.STAGES)
    assert "<svg" in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")


def test_questions_that_are_not_there_are_found_out_at_once(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        demo.run(tmp_path / "out", calm=tmp_path / "none")
    assert not (tmp_path / "out").exists()
