"""The main job as one page: make problems, train a small model on them, and see whether it helped.

- make: problems to train on, and held-out ones that share no graph, no names and no problem with them
- check: every text is read again, its answer recomputed and its proof verified
- SFT: a small model with random parameters imitates worked solutions
- GRPO: it tries for itself and is rewarded for right answers
- evaluate: before, between and after, on the same held-out problems
- report: paired 95 % intervals in the terminal, and plots in ``report.html``

Nothing is downloaded, and all that is written goes into one folder. Run again, the demo skips what is
finished there and goes on with what was cut short.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from time import monotonic

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from torch import set_num_threads

from caugym.backends import Sampling
from caugym.core.errors import InputError
from caugym.data.check import check
from caugym.data.manifest import MakeConfig
from caugym.data.shards import make, rows
from caugym.estimands import TABLE
from caugym.evaluate.compare import compare
from caugym.evaluate.report import report
from caugym.evaluate.run import evaluate
from caugym.evaluate.summary import parts, summary
from caugym.evaluate.tables import NONE, interval, percent, probability
from caugym.train import train
from caugym.train.nano import Size, create
from caugym.train.worker import quiet

TRAINING, HELD_OUT, CALM = 8_400, 350, 70
"""Problems to train on, problems to measure on, and CaLM Lite questions to ask at most."""

GRPO = ("steps=15",)
"""What GRPO does otherwise than its recipe says: it stops after two minutes or so."""

SMALL = Size(hidden=128, layers=4, heads=4, kv_heads=2, feed_forward=384, vocabulary=2048)
"""About a million parameters: in minutes on a CPU more problems teach more than more parameters."""

GREEDY = Sampling(temperature=0.0, max_tokens=256)
"""One reply a problem, every token the likeliest."""

SAMPLE = 4_000
"""Problems that the tokenizer is fitted to."""


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
    set_num_threads(1)  # matrices this small gain little from more threads, which stall on a busy machine
    console = console or Console(highlight=False)
    start = monotonic()
    train_set, test_set, untrained = out / "train", out / "test", out / "untrained"
    questions = {"held-out": test_set} | ({"calm": calm} if calm else {})
    runs: dict[str, list[Path]] = {name: [] for name in questions}

    def measure(name: str, model: Path) -> None:
        with _stage(console, f"Evaluate: {name}"):
            for kind, path in questions.items():
                folder = out / "runs" / kind / name
                limit = CALM if kind == "calm" else None
                evaluate(str(model), path, folder, samples=1, sampling=GREEDY, limit=limit)
                runs[kind].append(folder)

    with _stage(console, f"Make {TRAINING:,} problems to train on and {HELD_OUT} held-out ones"):
        make(train_set, MakeConfig(level="easy", n=TRAINING, split="train"), workers=4)
        make(test_set, MakeConfig(level="easy", n=HELD_OUT, split="test"))
    with _stage(console, "Check all of them: text read again, answer recomputed, proof verified"):
        _prove(train_set, test_set)
    with _stage(console, "Build a tokenizer and an untrained small model"):
        if not untrained.exists():
            _build(untrained, train_set)
    measure("untrained", untrained)
    with _stage(console, "Train: SFT, imitating worked solutions"):
        train("sft", str(untrained), train_set, out / "sft", resume=True)
    measure("sft", out / "sft" / "model")
    with _stage(console, "Train: GRPO, trying and being rewarded"):
        train("grpo", str(out / "sft"), train_set, out / "grpo", overrides=GRPO, resume=True)
    measure("grpo", out / "grpo" / "model")
    _show(console, runs)
    curves = {"SFT": out / "sft", "GRPO": out / "grpo"}
    page = report([folder for folders in runs.values() for folder in folders], out / "report.html", curves)
    console.print(f"\nDone in {monotonic() - start:.0f} s. Plots and examples: {page}")


@contextmanager
def _stage(console: Console, words: str) -> Iterator[None]:
    """Say what is being done, and how long it took."""
    start = monotonic()
    yield
    console.print(f"[green]{monotonic() - start:6.1f} s[/]  {words}")


def _show(console: Console, runs: dict[str, list[Path]]) -> None:
    """Accuracy of every stage by task, and what each stage changed."""
    table = Table(box=SIMPLE_HEAD, title="Right answers, percent", title_justify="left")
    for head in ("Questions", "Model", *TABLE, "All", "95 % interval"):
        table.add_column(head, justify="left" if head in ("Questions", "Model") else "right")
    changes = []
    for kind, folders in runs.items():
        for folder in folders:
            by_task, whole = parts(folder), summary(folder).strict
            cells = [percent(by_task[code].strict.value) if code in by_task else NONE for code in TABLE]
            table.add_row(kind, folder.name, *cells, percent(whole.value), interval(whole))
        table.add_section()
        changes += [(kind, row) for row in compare(folders) if row.name == "all"]
    console.print("", table)
    for kind, row in changes:
        change = row.difference
        words = f"{percent(change.value, sign=True)} points ({interval(change, sign=True)})"
        console.print(f"{kind}: {row.first} -> {row.second} {words}, p {probability(row.adjusted)}")


def _prove(*sets: Path) -> None:
    for path in sets:
        found = check(path)
        if not found.ok:
            raise InputError(f"{path} is not as it was made ({found.first[0].what}); remove it and run again")


def _build(out: Path, train_set: Path) -> None:
    texts = []
    for row in islice(rows(train_set), SAMPLE):
        texts += [row["prompt"], "\n".join(row["solution"])]
    partial = out.with_name(out.name + ".partial")
    create(partial, texts, size=SMALL)
    partial.replace(out)
