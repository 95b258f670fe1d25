"""Runs: nothing is lost or repeated, whatever happens; nothing different goes into one folder."""

import fcntl
import json
import random
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from caugym.backends import Sampling
from caugym.core.errors import InputError
from caugym.evaluate import records
from caugym.evaluate import run as running
from caugym.evaluate.run import regrade, run, weights_digest
from caugym.evaluate.source import Source
from caugym.grade import grade
from tests.evaluate.toy import Toy, label, questions

WARM = Sampling(temperature=0.6, seed=3)


def quiet(out: Path, model: Toy | None = None, n: int = 20, **options: object) -> records.Run:
    settings_ = {"samples": 3, "sampling": WARM, "batch": 8, "progress": False, **options}
    return run(model or Toy(), questions(n), out, **settings_)  # type: ignore[arg-type]


def sorted_lines(out: Path) -> list[bytes]:
    return sorted((out / records.RECORDS).read_bytes().splitlines(keepends=True))


@pytest.mark.parametrize("kills", [4, pytest.param(20, marks=pytest.mark.slow)])
def test_a_killed_run_goes_on_as_if_nothing_had_happened(tmp_path: Path, kills: int) -> None:
    script, n = Path(__file__).with_name("toy.py"), 20 * kills
    rng = random.Random(11)
    killed, out = 0, tmp_path / "killed"
    while killed < kills:
        command = [sys.executable, str(script), str(out), str(n), "0.1"]
        process = subprocess.Popen(command, stderr=subprocess.PIPE)
        before = _size(out)
        while process.poll() is None and _size(out) == before:
            time.sleep(0.005)
        time.sleep(rng.uniform(0, 0.25))
        process.send_signal(signal.SIGKILL)
        _, problem = process.communicate()
        assert process.returncode == -signal.SIGKILL, problem
        killed += 1
    for folder in (out, tmp_path / "whole"):
        subprocess.run([sys.executable, str(script), str(folder), str(n), "0"], check=True)
    assert sorted_lines(out) == sorted_lines(tmp_path / "whole")
    assert len(sorted_lines(out)) == 3 * n
    info = records.read_info(out)
    assert info["finished"]
    assert len(info["starts"]) == kills + 1


def _size(out: Path) -> int:
    file = out / records.RECORDS
    return file.stat().st_size if file.exists() else 0


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("whole") / "run"
    quiet(out)
    return out


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_file_torn_at_any_byte_is_mended(
    data: st.DataObject, whole: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    content = (whole / records.RECORDS).read_bytes()
    torn = tmp_path_factory.mktemp("torn")
    for name in (records.INFO, records.QUESTIONS):
        (torn / name).write_bytes((whole / name).read_bytes())
    cut = data.draw(st.integers(0, len(content)))
    (torn / records.RECORDS).write_bytes(content[:cut])
    model = Toy()
    quiet(torn, model)
    assert sorted_lines(torn) == sorted_lines(whole)
    assert model.asked == 60 - content[:cut].count(b"\n")


def test_replies_do_not_depend_on_the_batch(tmp_path: Path, whole: Path) -> None:
    quiet(tmp_path / "one", batch=1)
    quiet(tmp_path / "all", batch=1000)
    assert sorted_lines(tmp_path / "one") == sorted_lines(whole) == sorted_lines(tmp_path / "all")


def test_a_finished_run_asks_nothing_more(whole: Path) -> None:
    model = Toy()
    before = (whole / records.INFO).read_bytes()
    quiet(whole, model)
    assert model.asked == 0
    assert (whole / records.INFO).read_bytes() == before


def test_records_hold_the_reply_and_both_verdicts(whole: Path) -> None:
    run_ = records.load(whole)
    assert len(run_.records) == run_.expected == 60
    assert [(r["id"], r["sample"]) for r in run_.records] == [
        (q, s) for q in run_.questions for s in range(3)
    ]
    for record in run_.records:
        gold = label(int(record["id"].split("-")[1]))
        assert run_.questions[record["id"]].label == gold
        verdict = grade(record["reply"], gold, truncated=record["finish"] == "length")
        assert record["strict"]["kind"] == verdict.kind
        assert record["official"]["correct"] in (True, False)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"samples": 4}, "samples was 3, now 4"),
        ({"sampling": replace(WARM, seed=4)}, "seed was 3, now 4"),
        ({"sampling": replace(WARM, temperature=0.7)}, "temperature was 0.6, now 0.7"),
        ({"limit": 5}, "limit was None, now 5"),
        ({"n": 19}, "count was 20, now 19"),
        ({"model": Toy(name="other")}, "model was toy, now other"),
        ({"digest": "abc"}, "weights was None, now abc"),
    ],
)
def test_another_configuration_does_not_go_into_the_folder(
    whole: Path, change: dict[str, object], says: str
) -> None:
    before = (whole / records.RECORDS).read_bytes()
    with pytest.raises(InputError, match=says):
        quiet(whole, **change)  # type: ignore[arg-type]
    assert (whole / records.RECORDS).read_bytes() == before


def test_limit_takes_the_same_questions_whatever_their_order(tmp_path: Path) -> None:
    one = run(Toy(), questions(50), tmp_path / "a", limit=10, samples=1, progress=False)
    other = run(Toy(), questions(50)[::-1], tmp_path / "b", limit=10, samples=1, progress=False)
    assert one.records == other.records
    assert len({q.task for q in one.questions.values()}) > 3


def test_questions_without_labels_are_asked_and_not_graded(tmp_path: Path) -> None:
    asked = [replace(q, label=None) for q in questions(3)]
    result = run(Toy(), asked, tmp_path / "run", samples=2, progress=False)
    assert all(r["strict"] is None and r["official"] is None for r in result.records)


def test_regrading_asks_nothing_and_mends_verdicts(tmp_path: Path) -> None:
    out = tmp_path / "run"
    quiet(out)
    lines = sorted_lines(out)
    spoilt = [{**json.loads(each), "strict": None} for each in lines]
    (out / records.RECORDS).write_bytes(b"".join(map(records.line, spoilt)))
    regrade(out)
    assert sorted_lines(out) == lines


@pytest.mark.parametrize(
    ("options", "says"),
    [({"n": 0}, "no questions"), ({"samples": 0}, "at least 1"), ({"limit": 0}, "at least 1")],
)
def test_nothing_to_do_is_one_line(tmp_path: Path, options: dict[str, object], says: str) -> None:
    with pytest.raises(InputError, match=says):
        quiet(tmp_path / "run", **options)  # type: ignore[arg-type]
    assert not (tmp_path / "run").exists()


def test_an_id_stands_once(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="two questions have the id 'toy-0001'"):
        run(Toy(), questions(3) + questions(2)[1:], tmp_path / "run", progress=False)


def test_foreign_folders_and_files_are_left_alone(tmp_path: Path, whole: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match="holds other files"):
        quiet(tmp_path)
    with pytest.raises(InputError, match="is a file"):
        quiet(tmp_path / "notes.txt")
    with pytest.raises(InputError, match="is not a run"):
        records.load(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_damage_inside_a_file_is_named(tmp_path: Path) -> None:
    out = tmp_path / "run"
    quiet(out)
    lines = (out / records.RECORDS).read_bytes().splitlines(keepends=True)
    (out / records.RECORDS).write_bytes(b"".join([lines[0], b'{"id": \n', *lines[2:]]))
    with pytest.raises(InputError, match="line 2, is damaged"):
        records.load(out)
    stray = records.line({"id": "elsewhere", "sample": 0})
    (out / records.RECORDS).write_bytes(b"".join([*lines, stray]))
    with pytest.raises(InputError, match="not asked"):
        records.load(out)
    (out / records.RECORDS).write_bytes(b"".join(lines))
    (out / records.QUESTIONS).write_bytes((out / records.QUESTIONS).read_bytes().replace(b"Yes", b"No", 1))
    with pytest.raises(InputError, match="not what was asked"):
        records.load(out)
    (out / records.INFO).write_text("{")
    with pytest.raises(InputError, match="is damaged"):
        records.load(out)


def test_one_process_at_a_time(whole: Path) -> None:
    with (whole / records.RECORDS).open("ab") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(InputError, match="another process"):
            quiet(whole)


def test_progress_shows_rate_and_accuracy(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    quiet(tmp_path / "run", progress=True)
    shown = capsys.readouterr().err
    assert "60/60" in shown
    assert "replies/s" in shown
    assert "% right" in shown


def test_weights_have_a_digest(tmp_path: Path) -> None:
    assert weights_digest("hub/id") is None
    (tmp_path / "model.safetensors").write_bytes(b"1")
    first = weights_digest(str(tmp_path))
    (tmp_path / "model.safetensors").write_bytes(b"2")
    assert first != weights_digest(str(tmp_path))


def test_a_named_model_is_evaluated_on_a_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "source", lambda path: Source(str(path), tuple(questions(4))))
    monkeypatch.setattr(running, "backend", lambda spec, **options: Toy(name=spec, **options))
    monkeypatch.setattr(running, "model_path", lambda spec: spec)
    result = running.evaluate(
        "toy:small", tmp_path / "set", tmp_path / "run", progress=False, options={"chance": 1.0}
    )
    assert result.info["model"] == "toy:small"
    assert result.info["source"] == str(tmp_path / "set")
    assert len(result.records) == 20
