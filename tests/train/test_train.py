"""Runs: what they leave behind, that they repeat, and that they survive."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from caugym.core.errors import InputError
from caugym.data.manifest import MakeConfig
from caugym.data.shards import make
from caugym.train import METHODS, fit, train
from caugym.train.recipe import resolve
from tests.train.conftest import rated

Curve = Callable[[Path], list[dict[str, Any]]]
OFFLINE = ("steps=4", "batch=8", "micro=4", "processes=1", "log_every=1", "save_every=2")
ONLINE = (
    *("steps=2", "batch=8", "micro=4", "processes=1", "log_every=1", "save_every=1"),
    *("rollout.group=4", "rollout.max_tokens=32"),
)
FAST = {method: ONLINE if kind == "rl" else OFFLINE for method, kind in METHODS.items()}


def run(method: str, rows: Sequence[Any], model: Path | str, out: Path, *overrides: str, **how: bool) -> str:
    rows = rated(list(rows)) if method == "kto" and rows else rows
    fit(resolve(method, overrides=(*FAST[method], *overrides)), rows, str(model), out, **how)
    return str(json.loads((out / "run.json").read_text())["weights"])


@pytest.mark.parametrize("method", METHODS)
def test_a_run_leaves_model_record_and_curve(
    method: str, rows: list[Any], taught: Path, tmp_path: Path, curve: Curve
) -> None:
    out = tmp_path / "run"
    weights = run(method, rows, taught, out)
    record = json.loads((out / "run.json").read_text())
    assert record["status"] == "finished"
    assert {"torch", "trl", "caugym"} <= record["versions"].keys()
    lines = curve(out)
    assert [line["step"] for line in lines] == list(range(1, len(lines) + 1))
    online, offline = {"reward", "solved", "length"}, {"margin", "chosen", "rejected"}
    own = {"rl": online, "dpo": offline | {"preferred"}, "kto": offline | {"kl"}}.get(METHODS[method], set())
    assert {"loss", "entropy", "tokens_per_second"} | own <= lines[0].keys()
    from caugym.backends import Sampling, backend

    (reply,) = backend(str(out / "model"), device="cpu").generate(["Rain?"], Sampling(max_tokens=5), ["k"])
    assert reply.tokens is not None
    assert reply.tokens <= 5
    assert run(method, rows, taught, tmp_path / "again") == weights
    assert run(method, rows, taught, tmp_path / "other", "seed=1") != weights


def test_supervised_training_learns(rows: list[Any], tiny: Path, tmp_path: Path, curve: Curve) -> None:
    run("sft", rows, tiny, tmp_path / "run", "steps=40", "matrix_rate=0.02", "learning_rate=0.003")
    losses = [line["loss"] for line in curve(tmp_path / "run")]
    assert losses[-1] < 0.7 * losses[0]


@pytest.mark.parametrize("method", METHODS)
def test_dry_runs_write_nothing(method: str, rows: list[Any], tmp_path: Path) -> None:
    rows = rated(rows) if method == "kto" else rows
    plan = fit(resolve(method, overrides=FAST[method]), rows, "scratch", tmp_path / "run", dry_run=True)
    assert (plan.rows, plan.processes, plan.method) == (len(rows), 1, method)
    assert f"{plan.steps} steps of 8" in str(plan)
    assert not (tmp_path / "run").exists()


def test_several_sets_are_learnt_together(tmp_path: Path) -> None:
    sets = [tmp_path / name for name in ("base", "omitted")]
    for path in sets:
        make(path, MakeConfig(set=path.name, level="easy", n=7, split="train"), progress=False)
    assert train("sft", "nano", sets, tmp_path / "run", dry_run=True).rows == 14
    assert train("sft", "nano", sets[0], tmp_path / "run", dry_run=True).rows == 7


def test_training_from_scratch_keeps_its_start(rows: list[Any], tmp_path: Path) -> None:
    run("sft", rows, "scratch", tmp_path / "run", "steps=1")
    assert (tmp_path / "run/start/config.json").exists()


def test_a_finished_run_is_a_model(rows: list[Any], tiny: Path, tmp_path: Path) -> None:
    run("sft", rows, tiny, tmp_path / "first", "steps=1")
    run("grpo", rows, tmp_path / "first", tmp_path / "second", "steps=1")
    record = json.loads((tmp_path / "second/run.json").read_text())
    assert record["start"] == str((tmp_path / "first/model").resolve())


def test_what_exists_is_not_overwritten(rows: list[Any], tiny: Path, tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("")
    with pytest.raises(InputError, match="already holds files"):
        run("sft", rows, tiny, tmp_path)


def test_resuming_asks_for_the_same_run(rows: list[Any], tiny: Path, tmp_path: Path) -> None:
    weights = run("sft", rows, tiny, tmp_path)
    assert run("sft", rows, tiny, tmp_path, resume=True) == weights
    with pytest.raises(InputError, match="batch=8, not 16"):
        run("sft", rows, tiny, tmp_path, "batch=16", resume=True)
    with pytest.raises(InputError, match="other data"):
        run("sft", rows[1:], tiny, tmp_path, resume=True)


def test_a_diverging_run_stops_in_one_line(rows: list[Any], tiny: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="lower learning_rate"):
        run("sft", rows, tiny, tmp_path, "learning_rate=1e30", "precision=fp32")
    assert not (tmp_path / "model").exists()


@pytest.mark.parametrize(
    ("change", "says"),
    [({"prompt": None}, "no prompt"), ({"gold": None}, "no gold")],
)
def test_rows_without_a_column_are_refused(
    change: dict[str, Any], says: str, rows: list[Any], tiny: Path, tmp_path: Path
) -> None:
    damaged = [{name: value for name, value in rows[0].items() if name not in change}]
    with pytest.raises(InputError, match=says):
        run("grpo", damaged, tiny, tmp_path / "run")


def test_no_rows_are_refused(tiny: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no rows"):
        run("sft", [], tiny, tmp_path / "run")


@pytest.mark.parametrize("method", METHODS)
def test_a_run_cut_short_ends_with_the_same_weights(
    method: str, rows: list[Any], taught: Path, tmp_path: Path, curve: Curve
) -> None:
    online = METHODS[method] == "rl"
    steps, saved = (4, (2,)) if online else (12, (5, 10))  # 10 is in the second pass over the rows
    overrides = (f"steps={steps}", f"save_every={saved[0]}", "trl.save_total_limit=9")
    expected = run(method, rows, taught, tmp_path / "whole", *overrides)
    for step in saved:
        out = tmp_path / f"cut-{step}"
        shutil.copytree(tmp_path / "whole", out, ignore=shutil.ignore_patterns("model"))
        for later in [
            p for p in out.glob("checkpoints/checkpoint-*") if int(p.name.rpartition("-")[2]) > step
        ]:
            shutil.rmtree(later)
        record = json.loads((out / "run.json").read_text())
        del record["weights"]
        (out / "run.json").write_text(json.dumps(record | {"status": "running"}))
        assert run(method, rows, taught, out, *overrides, resume=True) == expected
        assert [line["step"] for line in curve(out)] == list(range(1, steps + 1))


KILLED = """
import json, sys
from pathlib import Path
from caugym.train import fit
from caugym.train.recipe import resolve
method, model, out, *overrides = sys.argv[1:]
rows = json.loads(Path(out).with_name("rows.json").read_text())
fit(resolve(method, overrides=overrides), rows, model, Path(out), resume=True)
"""


@pytest.mark.slow
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("processes", [1, 2])
def test_killed_and_resumed_ends_with_the_same_weights(
    method: str, processes: int, rows: list[Any], taught: Path, tmp_path: Path, curve: Curve
) -> None:
    overrides = (*FAST[method], f"processes={processes}", "steps=12")
    expected = run(method, rows, taught, tmp_path / "whole", *overrides)
    (tmp_path / "rows.json").write_text(json.dumps(rated(rows) if method == "kto" else rows))
    out = tmp_path / "killed"
    command = [sys.executable, "-c", KILLED, method, str(taught), str(out), *overrides]
    victim = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    end = time.monotonic() + 120
    while not list(out.glob("checkpoints/*/complete")) and victim.poll() is None and time.monotonic() < end:
        time.sleep(0.02)
    os.kill(victim.pid, signal.SIGKILL)
    victim.wait()
    assert json.loads((out / "run.json").read_text())["status"] == "running"
    assert run(method, rows, taught, out, *overrides, resume=True) == expected
    assert [line["step"] for line in curve(out)] == list(range(1, 13))


@pytest.mark.slow
def test_a_fault_in_a_worker_is_one_line(rows: list[Any], tiny: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="lower learning_rate"):
        run("sft", rows, tiny, tmp_path, "learning_rate=1e30", "precision=fp32", "processes=2")
