"""Watching a run: the learning curve on disk, one progress bar, loud faults, complete checkpoints."""

import json
import math
import time
from pathlib import Path
from typing import Any

import torch.distributed as dist
from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.text import Text
from transformers import TrainerCallback

from caugym.core.errors import InputError

FIELDS = {
    "loss": "loss",
    "reward": "reward",
    "reward_std": "reward_std",
    "solved": "solved",
    "entropy": "entropy",
    "kl": "kl",
    "mean_token_accuracy": "token_accuracy",
    "completions/mean_length": "length",
    "completions/clipped_ratio": "truncated",
    "frac_reward_zero_std": "no_signal",
    "rewards/accuracies": "preferred",
    "rewards/margins": "margin",
    "logps/chosen": "chosen",
    "logps/rejected": "rejected",
    "clip_ratio/region_mean": "clipped",
    "value/mean": "value",
    "value/loss": "value_loss",
    "value/explained_variance": "explained_variance",
    "learning_rate": "learning_rate",
    "grad_norm": "gradient",
    "epoch": "epoch",
}
"""TRL's names and ours. ``no_signal`` is the share of groups whose replies all earned the same; ``preferred``
the share of pairs in which the model moved towards the right reply; ``chosen`` and ``rejected`` the
log-probabilities of right and wrong replies; ``explained_variance`` how much of the variance of what replies
earned the values of their tokens foresaw."""

DRIFT = 1.6
"""How many times longer or shorter replies may become without a warning."""

ALL_EARNED = 0.99
"""A mean reward above which there is nothing left to earn."""

COMPLETE = "complete"
"""Marks a checkpoint that was written to the end."""


def record(logs: dict[str, Any]) -> dict[str, Any]:
    """A line of the learning curve from TRL's logs."""
    line = {ours: float(logs[theirs]) for theirs, ours in FIELDS.items() if logs.get(theirs) is not None}
    solved = {name.split("/")[1]: value for name, value in sorted(logs.items()) if name.startswith("solved/")}
    return line | ({"solved_by_task": solved} if solved else {})


class Curve(TrainerCallback):  # type: ignore[misc, unused-ignore]
    """Appends to ``metrics.jsonl``; stops on NaN; warns when there is nothing to learn from.

    Args:
        path: The file; lines of steps that a resumed run repeats are dropped.
        console: Where warnings go.
        patience: Records in a row without signal before the warning.
    """

    def __init__(self, path: Path, console: Console, patience: int = 3) -> None:
        self.path, self.console, self.patience = path, console, patience
        self.spent, self.tokens, self.silent, self.cut = 0.0, 0.0, 0, False
        self.counted = 0.0  # seconds when tokens were last counted: not every step draws replies
        self.lengths: list[float] = []
        self.line: dict[str, Any] = {}
        self.clock = time.monotonic()

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Drop what comes after the checkpoint that the run goes on from."""
        if not state.is_world_process_zero:
            return
        lines = self.path.read_text(encoding="utf-8").splitlines() if self.path.exists() else []
        kept = [line for line in map(_parsed, lines) if line and line["step"] <= state.global_step]
        self.path.write_text("".join(json.dumps(line) + "\n" for line in kept), encoding="utf-8")
        self.spent = kept[-1]["seconds"] if kept else 0.0
        counted = [line for line in kept if "tokens" in line]
        self.tokens = counted[-1]["tokens"] if counted else 0.0
        self.counted = counted[-1]["seconds"] if counted else 0.0
        self.lengths = [line["length"] for line in kept if "length" in line]
        self.clock = time.monotonic()

    def on_log(self, args: Any, state: Any, control: Any, **seen: Any) -> None:
        """Write one record, and look at it.

        Raises:
            InputError: If the loss or the gradient is not a number.
        """
        logs = seen["logs"]
        if "loss" not in logs:
            return
        for name in ("loss", "grad_norm"):
            if not math.isfinite(float(logs.get(name) or 0.0)):
                raise InputError(
                    f"training stopped at step {state.global_step}: {name} is {logs[name]}; "
                    "lower learning_rate (and matrix_rate), or set precision=fp32"
                )
        if not state.is_world_process_zero:
            return
        now = time.monotonic()
        self.spent, self.clock = self.spent + now - self.clock, now
        tokens = float(logs.get("num_tokens") or 0.0)
        line = {"step": state.global_step, "seconds": round(self.spent, 3)} | record(logs)
        if tokens:
            rate = (tokens - self.tokens) / max(self.spent - self.counted, 1e-9)
            line |= {"tokens": tokens, "tokens_per_second": round(rate, 1)}
            self.tokens, self.counted = tokens, self.spent
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
        self.line = line
        if "reward" in line:  # steps on a rollout that was used before say nothing new
            self._look(line)

    def _look(self, line: dict[str, Any]) -> None:
        """Warn of runs that teach nothing, or something else."""
        # A value function compares replies to different prompts, a group only those to one.
        dumb = line.get("reward_std") == 0 if "value" in line else line.get("no_signal") == 1.0
        self.silent = self.silent + 1 if dumb else 0
        if self.silent == self.patience:
            reward = line.get("reward", 0.0)
            advice = (
                "take harder problems, or stop here"
                if reward > ALL_EARNED
                else "start from a model that sometimes solves these problems (sft first), or take an easier "
                "level, a larger rollout.group or a higher rollout.temperature"
            )
            self.console.print(
                f"[bold red]No signal:[/] at step {line['step']} all replies to each prompt have long "
                f"earned the same reward ({reward:.2f}), so nothing is learnt; {advice}"
            )
        self._look_at_length(line)

    def _look_at_length(self, line: dict[str, Any]) -> None:
        """Warn once of replies that are cut off, and of replies that grow or shrink."""
        before = self._drift()
        if "length" in line:
            self.lengths.append(line["length"])
        drift = self._drift()
        if abs(math.log(drift)) > abs(math.log(DRIFT)) >= abs(math.log(before)):
            self.console.print(
                f"[bold yellow]Length:[/] at step {line['step']} replies are {drift:.1f} times as long as at "
                "the start; look at some of them, and think of a smaller learning_rate or of rollout.kl"
            )
        cut, self.cut = self.cut, line.get("truncated", 0.0) > 0.5
        if self.cut and not cut:
            self.console.print(
                f"[bold yellow]Truncated:[/] {line['truncated']:.0%} of the replies at step {line['step']} "
                "were cut off and earned nothing; raise rollout.max_tokens"
            )

    def _drift(self) -> float:
        """How long replies are now, in units of what they were; 1 while there are too few records."""
        few = self.lengths[: self.patience], self.lengths[-self.patience :]
        if len(self.lengths) < 2 * self.patience or not sum(few[0]) or not sum(few[1]):
            return 1.0
        return sum(few[1]) / sum(few[0])


def _parsed(line: str) -> dict[str, Any] | None:
    """A record, or None for a line that was cut off."""
    try:
        value = json.loads(line)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


SHOWN = {
    "loss": "loss {:.3f}",
    "reward": "reward {:.3f}",
    "solved": "solved {:.0%}",
    "preferred": "preferred {:.0%}",
    "margin": "margin {:.2f}",
    "entropy": "entropy {:.2f}",
    "kl": "kl {:.3f}",
    "length": "length {:.0f}",
    "explained_variance": "explained {:.0%}",
    "tokens_per_second": "{:,.0f} tokens/s",
}
"""What stands beside the bar, in this order, and how."""


class Bar(TrainerCallback):  # type: ignore[misc, unused-ignore]
    """One progress bar with the figures of the last step on a terminal; ten plain lines elsewhere.

    Args:
        title: What is done.
        console: Where.
        curve: Whose figures are shown; a callback before this one.
    """

    def __init__(self, title: str, console: Console, curve: Curve) -> None:
        self.title, self.console, self.curve = title, console, curve
        self.progress = Progress(
            TextColumn(f"[bold]{title}[/]"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
        )
        self.task, self.news = self.progress.add_task(title, total=None), Text()
        self.live = Live(Group(self.progress, self.news), console=console, transient=False)

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Show the bar, at the step that a resumed run goes on from."""
        self.progress.update(self.task, total=state.max_steps, completed=state.global_step)
        if self.console.is_terminal:
            self.live.start()

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Move the bar."""
        self.progress.update(self.task, completed=state.global_step)

    def on_log(self, args: Any, state: Any, control: Any, **seen: Any) -> None:
        """Refresh the figures."""
        line = self.curve.line
        if "loss" not in seen["logs"]:
            return
        figures = "  ".join(form.format(line[name]) for name, form in SHOWN.items() if name in line)
        tasks = "  ".join(f"{task} {share:.0%}" for task, share in line.get("solved_by_task", {}).items())
        self.news.plain = f"{figures}\n{tasks}" if tasks else figures
        tenth = max(1, state.max_steps // 10)
        if not self.console.is_terminal and state.global_step % tenth < args.logging_steps:
            said = f"{self.title} step {state.global_step}/{state.max_steps}  {figures}"
            self.console.print(said, soft_wrap=True)

    def on_train_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Leave the finished bar."""
        self.live.stop()


class Complete(TrainerCallback):  # type: ignore[misc, unused-ignore]
    """Marks checkpoints that every process has written to the end."""

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Wait for the others, then leave the mark."""
        if dist.is_available() and dist.is_initialized():
            dist.barrier()
        if state.is_world_process_zero:
            (Path(args.output_dir) / f"checkpoint-{state.global_step}" / COMPLETE).touch()


def last_checkpoint(checkpoints: Path) -> Path | None:
    """The latest complete checkpoint of a run, None before the first."""
    marked = [mark.parent for mark in checkpoints.glob(f"checkpoint-*/{COMPLETE}")]
    return max(marked, key=lambda path: int(path.name.rpartition("-")[2]), default=None)
