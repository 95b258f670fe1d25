"""What is seen of a run: the curve on disk, the bar, and loud faults."""

import io
import json
from pathlib import Path
from types import SimpleNamespace

import pytest
from rich.console import Console

from caugym.core.errors import InputError
from caugym.train import watch


def log(curve: watch.Curve, step: int, **logs: float) -> None:
    state = SimpleNamespace(is_world_process_zero=True, global_step=step)
    curve.on_log(None, state, None, logs={"loss": 0.0, **logs})


def test_runs_that_teach_nothing_say_so_once(tmp_path: Path) -> None:
    written = io.StringIO()
    curve = watch.Curve(tmp_path / "metrics.jsonl", Console(file=written, width=400), patience=3)
    for step in range(1, 9):
        log(curve, step, frac_reward_zero_std=1.0, reward=0.1, **{"completions/clipped_ratio": 0.9})
    assert written.getvalue().count("No signal") == 1
    assert written.getvalue().count("Truncated") == 1
    log(curve, 9, frac_reward_zero_std=0.5)
    assert written.getvalue().count("No signal") == 1


@pytest.mark.parametrize(("reward", "advice"), [(0.1, "easier level"), (1.0, "harder problems")])
def test_the_advice_fits_the_reward(reward: float, advice: str, tmp_path: Path) -> None:
    curve, written = curve_of(tmp_path)
    for step in range(1, 4):
        log(curve, step, frac_reward_zero_std=1.0, reward=reward)
    assert advice in written.getvalue()


@pytest.mark.parametrize("name", ["loss", "grad_norm"])
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_numbers_that_are_none_stop_the_run(name: str, value: float, tmp_path: Path) -> None:
    curve = watch.Curve(tmp_path / "metrics.jsonl", Console(file=io.StringIO()))
    with pytest.raises(InputError, match="step 4"):
        log(curve, 4, **{name: value})


def test_curves_drop_what_a_resumed_run_repeats(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_text('{"step": 1, "seconds": 2.5}\n{"step": 2, "seconds": 5}\n{"step": 3, "sec')
    curve = watch.Curve(path, Console(file=io.StringIO()))
    curve.on_train_begin(None, SimpleNamespace(is_world_process_zero=True, global_step=1), None)
    assert path.read_text() == '{"step": 1, "seconds": 2.5}\n'
    assert curve.spent == 2.5


def test_only_complete_checkpoints_count(tmp_path: Path) -> None:
    for step, whole in ((5, True), (10, True), (15, False)):
        folder = tmp_path / f"checkpoint-{step}"
        folder.mkdir()
        if whole:
            (folder / watch.COMPLETE).touch()
    assert watch.last_checkpoint(tmp_path) == tmp_path / "checkpoint-10"
    assert watch.last_checkpoint(tmp_path / "none") is None


def curve_of(tmp_path: Path, **console: bool) -> tuple[watch.Curve, io.StringIO]:
    written = io.StringIO()
    shown = Console(file=written, width=400, **console)  # type: ignore[arg-type]
    return watch.Curve(tmp_path / "metrics.jsonl", shown, patience=3), written


def test_a_value_function_lacks_signal_only_when_all_earn_the_same(tmp_path: Path) -> None:
    curve, written = curve_of(tmp_path)
    for step in range(1, 9):
        log(curve, step, frac_reward_zero_std=1.0, reward=0.1, reward_std=0.3, **{"value/mean": 0.1})
        log(curve, step, entropy=1.0)
    assert not written.getvalue()
    for step in range(9, 13):
        log(curve, step, reward=0.0, reward_std=0.0, **{"value/mean": 0.1})
    assert written.getvalue().count("No signal") == 1


@pytest.mark.parametrize(("later", "warned"), [(20.0, 0), (31.0, 0), (40.0, 1), (8.0, 1)])
def test_replies_that_grow_or_shrink_are_pointed_out_once(later: float, warned: int, tmp_path: Path) -> None:
    curve, written = curve_of(tmp_path)
    for step in range(1, 13):
        log(curve, step, reward=0.5, **{"completions/mean_length": 20.0 if step < 5 else later})
    assert written.getvalue().count("Length") == warned


def test_a_resumed_run_remembers_how_long_replies_were(tmp_path: Path) -> None:
    curve, written = curve_of(tmp_path)
    lines = [{"step": step, "seconds": 1.0, "length": 20.0} for step in range(1, 6)]
    curve.path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    curve.on_train_begin(None, SimpleNamespace(is_world_process_zero=True, global_step=4), None)
    for step in range(5, 8):
        log(curve, step, reward=0.5, **{"completions/mean_length": 60.0})
    assert written.getvalue().count("Length") == 1


@pytest.mark.parametrize("terminal", [True, False])
def test_the_bar_shows_the_figures_of_the_step(terminal: bool, tmp_path: Path) -> None:
    curve, written = curve_of(tmp_path, force_terminal=terminal)
    bar = watch.Bar("grpo", curve.console, curve)
    state = SimpleNamespace(is_world_process_zero=True, global_step=0, max_steps=10)
    args = SimpleNamespace(logging_steps=1)
    bar.on_train_begin(args, state, None)
    state.global_step = 1
    logs = {"loss": 0.5, "reward": 0.25, "solved": 0.2, "solved/ATE": 0.4, "solved/PN": 0.0, "num_tokens": 99}
    curve.on_log(args, state, None, logs=logs)
    bar.on_log(args, state, None, logs=logs)
    bar.on_step_end(args, state, None)
    bar.on_train_end(args, state, None)
    seen = written.getvalue()
    for words in ("grpo", "1/10", "loss 0.500", "reward 0.250", "solved 20%", "tokens/s"):
        assert words in seen
    assert ("ATE 40%  PN 0%" in seen) == terminal


def test_speed_counts_the_time_of_steps_that_draw_nothing(tmp_path: Path) -> None:
    curve, _ = curve_of(tmp_path)
    log(curve, 1, num_tokens=100.0)
    curve.clock -= 10
    log(curve, 2)
    curve.clock -= 10
    log(curve, 3, num_tokens=300.0)
    lines = [json.loads(line) for line in curve.path.read_text().splitlines()]
    assert "tokens" not in lines[1]
    assert lines[2]["tokens_per_second"] == pytest.approx(10, rel=0.05)
