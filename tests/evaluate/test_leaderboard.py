"""Ranks and their intervals; regrading from the command line; confidence against being right."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from caugym.backends import Prompt, Reply, Sampling
from caugym.cli import app
from caugym.core.errors import InputError
from caugym.core.streams import stream
from caugym.evaluate.calibration import calibration, calibration_sheet, confidence
from caugym.evaluate.leaderboard import leaderboard, leaderboard_sheet
from caugym.evaluate.records import Run
from caugym.evaluate.report import report
from caugym.evaluate.run import run
from tests.evaluate.toy import Toy, label, questions


def made(out: Path, chance: float, n: int = 60, **changes: str) -> Run:
    asked = [replace(q, **changes) for q in questions(n)]  # type: ignore[arg-type]
    return run(Toy(chance, name=out.name), asked, out, samples=2, progress=False)


def test_runs_are_ranked_and_the_ranks_have_intervals(tmp_path: Path) -> None:
    runs = [
        made(tmp_path / name, chance) for name, chance in (("b", 0.5), ("d", 0.0), ("a", 0.95), ("c", 0.5))
    ]
    places = leaderboard(runs)
    assert (places[0].run, places[-1].run) == ("a", "d")
    values = [place.accuracy.value or 0 for place in places]
    assert values == sorted(values, reverse=True)
    for place in places:
        assert place.low is not None
        assert place.high is not None
        assert 1 <= place.low <= place.rank <= place.high <= 4
    assert (places[0].low, places[0].high) == (1, 1)
    assert places[0].behind is None
    for place in places[1:]:
        assert place.behind
        assert (place.behind.value or 0) <= 0
        assert place.behind.detectable is not None
    assert places[3].adjusted is not None
    assert places[3].adjusted < 0.01


def test_equal_runs_share_a_rank(tmp_path: Path) -> None:
    one, other = made(tmp_path / "one", 0.5), made(tmp_path / "other", 0.5)
    places = leaderboard([one, other])
    assert [place.rank for place in places] == [1, 1]
    assert [(place.low, place.high) for place in places] == [(1, 1), (1, 1)]


def test_one_problem_has_no_interval_and_none_in_common_no_ranks(tmp_path: Path) -> None:
    (place,) = leaderboard([made(tmp_path / "a", 1.0, n=1)])
    assert (place.rank, place.low, place.accuracy.low) == (1, None, None)
    other = [replace(q, id=f"x{q.id}") for q in questions(3)]
    apart = run(Toy(), other, tmp_path / "c", samples=1, progress=False)
    with pytest.raises(InputError, match="no problem"):
        leaderboard([made(tmp_path / "b", 1.0, n=1), apart])
    with pytest.raises(InputError, match="reads differently"):
        leaderboard(
            [made(tmp_path / "d", 1.0, n=2), made(tmp_path / "e", 1.0, n=2, text="Question 1: other?")]
        )
    with pytest.raises(InputError, match="at least one run"):
        leaderboard([])


def test_the_commands(tmp_path: Path) -> None:
    for name, chance in (("a", 0.9), ("b", 0.2)):
        made(tmp_path / name, chance)
    shown = CliRunner().invoke(app, ["leaderboard", str(tmp_path / "b"), str(tmp_path / "a")])
    assert shown.exit_code == 0, shown.output
    rows = [line for line in shown.output.splitlines() if line.startswith(("| a ", "| b "))]
    assert [row.split("|")[2].strip() for row in rows] == ["1", "2"]
    assert shown.output.startswith(leaderboard_sheet([tmp_path / "b", tmp_path / "a"]).markdown()[:40])
    file = tmp_path / "a" / "records.jsonl"
    lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    lines[3]["strict"]["correct"] = not lines[3]["strict"]["correct"]
    file.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    again = CliRunner().invoke(app, ["regrade", str(tmp_path / "a")])
    assert again.exit_code == 0, again.output
    assert "1 of 120 replies have another verdict" in again.output
    assert "0 of 120" in CliRunner().invoke(app, ["regrade", str(tmp_path / "a")]).output


@dataclass
class Boaster:
    """Right with its stated confidence plus an offset, and says the confidence."""

    offset: float = 0.0
    silent: bool = False
    name: str = "boaster"

    def generate(self, prompts: Sequence[Prompt], sampling: Sampling, keys: Sequence[str]) -> list[Reply]:
        """A reply with a confidence."""
        return [self._reply(str(prompt), key) for prompt, key in zip(prompts, keys, strict=True)]

    def _reply(self, prompt: str, key: str) -> Reply:
        rng = stream("boaster", key)
        said = rng.choice([0.25, 0.55, 0.85])
        gold = label(int(prompt.split(":")[0].split()[1]))
        right = rng.random() < said + self.offset
        answer = (
            json.dumps({"ANSWER": gold.answer, "PROB": gold.value})
            if right and gold.value
            else "LACK_CONDITION"
        )
        answer = answer if right or gold.value else '{"PROB": "0.1"}'
        tail = "" if self.silent else f"\nConfidence: {said:.0%}"
        return Reply(f"{answer}{tail}", "stop", 9)


def test_calibration_tells_the_honest_from_the_boaster(tmp_path: Path) -> None:
    asked = [q for q in questions(400) if q.task not in ("PN", "PS")]
    honest = run(Boaster(), asked, tmp_path / "honest", samples=3, progress=False)
    boaster = run(Boaster(-0.2), asked, tmp_path / "boaster", samples=3, progress=False)
    good, bad = calibration(honest), calibration(boaster)
    assert good.stated.value == bad.stated.value == 1
    assert good.error is not None
    assert bad.error is not None
    assert good.error < 0.06 < 0.14 < bad.error
    assert good.brier.value is not None
    assert bad.brier.value is not None
    assert good.brier.value < bad.brier.value
    assert [one.low for one in good.bins] == [0.2, 0.5, 0.8]
    pairs = [(confidence(r["reply"]), r["strict"]["correct"]) for r in honest.records]
    expected = float(np.mean([(said - right) ** 2 for said, right in pairs if said is not None]))
    assert good.brier.value == pytest.approx(expected)
    assert all((one.right.low or 0) <= one.confidence <= (one.right.high or 1) for one in good.bins)
    page = report([honest], tmp_path / "r.html").read_text(encoding="utf-8")
    assert "Calibration error" in page
    assert "Calibration error" in report([honest], tmp_path / "r.md").read_text(encoding="utf-8")


def test_a_model_that_states_none_has_none(tmp_path: Path) -> None:
    silent = run(Boaster(silent=True), questions(20), tmp_path / "run", samples=1, progress=False)
    found = calibration(silent)
    assert (found.error, found.brier.value, found.bins) == (None, None, ())
    assert found.brier.reason
    assert calibration_sheet(silent) is None


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        ("Confidence: 80%", 0.8),
        ("**Confidence:** 0.7", 0.7),
        ('{"PROB": "0.2", "Confidence": "95"}', 0.95),
        ("My confidence level is 1", 1.0),
        ("confidence = 60 percent", 0.6),
        ("<think>Confidence: 10%</think> Confidence: 90%", 0.9),
        ("<think>Confidence: 10%</think> 0.5", None),
        ("The 95 % confidence interval is [0.1, 0.2]", None),
        ("confidence: 400%", None),
        ("With confidence I say 0.3", None),
        ("", None),
    ],
)
def test_confidence_is_read_where_it_is_stated(reply: str, said: float | None) -> None:
    assert confidence(reply) == said


@given(st.text(max_size=300))
def test_no_reply_breaks_the_reader_of_confidence(reply: str) -> None:
    assert confidence(reply) is None or 0 <= (confidence(reply) or 0) <= 1
