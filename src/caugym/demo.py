"""The main job as one page: make problems, post-train the bundled model on them, and see whether it helped.

- make: problems to train on, and held-out ones that share no graph, no names and no problem with them
- check: every text is read again, its answer recomputed and its proof verified
- SFT: the bundled model, which has seen right solutions and wrong ones, imitates right ones
- GRPO: it tries for itself and is rewarded for right answers
- evaluate: the three models side by side, on the same held-out problems
- report: paired 95 % intervals in the terminal, and plots in ``report.html``

Nothing is downloaded, and all that is written goes into one folder. Run again, the demo skips what is
finished there and goes on with what was cut short.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from caugym.backends import Sampling
from caugym.core.errors import InputError
from caugym.core.pool import Pool
from caugym.data.check import check
from caugym.data.manifest import MakeConfig
from caugym.data.shards import make
from caugym.estimands import TABLE
from caugym.evaluate.compare import compare
from caugym.evaluate.report import report
from caugym.evaluate.run import evaluate
from caugym.evaluate.source import source
from caugym.evaluate.summary import parts, summary
from caugym.evaluate.tables import NONE, interval, percent, probability
from caugym.train import train
from caugym.train.worker import quiet

TRAINING, HELD_OUT, CALM = 3_500, 350, 70
"""Problems to train on, problems to measure on, and CaLM Lite questions to ask at most."""

GRPO = ("steps=10", "learning_rate=0.0001", "decay=0.6")
"""What GRPO does otherwise than its recipe says: half as long as SFT before it, at a rate that
leaves what SFT has settled as it is (3e-4, constant, cost three points)."""

SAMPLES, SAMPLING = 4, Sampling(temperature=0.6, top_p=0.95, max_tokens=400)
"""Replies a problem, and how they are drawn: as the paper does."""

STAGES = {"SFT": ("base", "sft"), "GRPO": ("sft", "grpo"), "together": ("base", "grpo")}
"""What each stage is the difference of."""


def run(out: Path, calm: Path | None = None, console: Console | None = None) -> None:
    """Do the main job in a folder.

    Args:
        out: Folder for sets, trainings, runs and ``report.html``.
        calm: CaLM Lite questions (file, folder or pattern) to ask as well.
        console: Where the account goes.

    Raises:
        InputError: If ``out`` or ``calm`` cannot be used.
    """
    quiet()
    console = console or Console(highlight=False)
    start = monotonic()
    train_set, test_set = out / "train", out / "test"
    questions = {"held-out": test_set}
    if calm:
        source(calm)  # what cannot be read is refused now, not after minutes
        questions["calm"] = calm
    models = {"base": "nano", "sft": str(out / "sft" / "model"), "grpo": str(out / "grpo" / "model")}
    runs = {kind: [out / "runs" / kind / name for name in models] for kind in questions}

    with _stage(console, f"Make {TRAINING:,} problems to train on and {HELD_OUT} held-out ones"):
        make(train_set, MakeConfig(level="easy", n=TRAINING, split="train"), workers=4)
        make(test_set, MakeConfig(level="easy", n=HELD_OUT, split="test"))
    with _stage(console, "Check all of them: text read again, answer recomputed, proof verified"):
        _prove(train_set, test_set)
    with _stage(console, "Train: SFT, imitating right solutions"):
        train("sft", "nano", train_set, out / "sft", resume=True)
    with _stage(console, "Train: GRPO, trying and being rewarded"):
        train("grpo", str(out / "sft"), train_set, out / "grpo", overrides=GRPO, resume=True)
    words = f"Evaluate: {', '.join(models)}, each in a process of its own"
    with _stage(console, words), console.status(words), Pool(len(models)) as pool:
        asked = [(models[run.name], questions[kind], run) for kind, found in runs.items() for run in found]
        for _ in pool.map(_ask, *zip(*asked, strict=True)):
            pass
    _show(console, runs)
    curves = {"SFT": out / "sft", "GRPO": out / "grpo"}
    page = report([run for found in runs.values() for run in found], out / "report.html", curves)
    console.print(f"\nDone in {monotonic() - start:.0f} s. Plots and examples: {page}")


@contextmanager
def _stage(console: Console, words: str) -> Iterator[None]:
    """Say what is being done, and how long it took."""
    start = monotonic()
    yield
    console.print(f"[green]{monotonic() - start:6.1f} s[/]  {words}")


def _ask(model: str, questions: Path, run: Path) -> None:
    """Every question to one model."""
    limit = CALM if run.parent.name == "calm" else None
    evaluate(model, questions, run, samples=SAMPLES, sampling=SAMPLING, limit=limit, progress=False)


def _show(console: Console, runs: dict[str, list[Path]]) -> None:
    """Accuracy of every model by task, and what each stage changed."""
    for kind, folders in runs.items():
        table = Table(box=SIMPLE_HEAD, title=f"Right answers, percent: {kind}", title_justify="left")
        for head in ("Model", *TABLE, "All", "95 % interval"):
            table.add_column(head, justify="left" if head == "Model" else "right", no_wrap=True)
        for folder in folders:
            by_task, whole = parts(folder), summary(folder).strict
            cells = [percent(by_task[code].strict.value) if code in by_task else NONE for code in TABLE]
            table.add_row(folder.name, *cells, percent(whole.value), interval(whole))
        console.print("", table)
        changes = {(row.first, row.second): row for row in compare(folders) if row.name == "all"}
        for words, pair in STAGES.items():
            row = changes[pair]
            points = f"{percent(row.difference.value, sign=True):>5} points"
            spread = f"({interval(row.difference, sign=True)})"
            console.print(f"{words:9} {points}  {spread:18}  p {probability(row.adjusted)}")


def _prove(*sets: Path) -> None:
    for path in sets:
        found = check(path)
        if not found.ok:
            raise InputError(f"{path} is not as it was made ({found.first[0].what}); remove it and run again")
