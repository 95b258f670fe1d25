"""Asking a model every question k times, and grading what it says.

A run can be killed at any moment and started again: it goes on where it stopped, neither repeating nor
losing a reply. That holds because every reply is drawn from randomness named by its question, its sample
number and the seed, whatever else is in its batch, and because replies reach the disk before the next batch
begins.
"""

import fcntl
import hashlib
import platform
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from caugym.backends import Backend, Instructed, Prompt, Reply, Sampling, Streaming, backend, model_path
from caugym.core.errors import InputError
from caugym.data.questions import Question
from caugym.evaluate import records as folder
from caugym.evaluate.audit.shortcuts import scored
from caugym.evaluate.benchmarks import BENCHMARKS, Item
from caugym.evaluate.records import Record, Run
from caugym.evaluate.source import Source, source
from caugym.grade import grade

PAPER = Sampling(temperature=0.6, top_p=0.95, max_tokens=8192, seed=0)
"""The sampling of the paper "Can Post-Training Transform LLMs into Causal Reasoners?" (with 5 samples)."""

TRIED = 140
"""Questions that the graph-blind solver tries, to say how far shortcuts get on what was asked."""

PACKAGES = ("caugym", "numpy", "torch", "transformers", "vllm")


def evaluate(
    model: str,
    asked: Source | Path | str,
    out: Path,
    *,
    samples: int = 5,
    sampling: Sampling = PAPER,
    limit: int | None = None,
    batch: int = 256,
    progress: bool = True,
    options: Mapping[str, Any] | None = None,
) -> Run:
    """Evaluate a named model on a file or folder of questions: what ``caugym eval`` calls.

    Args:
        model: ``nano``, a path, a hub id, or another spec that `caugym.backends.backend` understands.
        asked: What to ask, or the spec of it that `caugym.evaluate.source.source` understands.
        out: The run folder; a run that was cut short there is gone on with.
        samples: Replies a question.
        sampling: How replies are drawn.
        limit: Ask only this many questions.
        batch: Replies asked for at a time.
        progress: Show progress on the terminal.
        options: Further arguments of the backend.

    Raises:
        InputError: As `run`, and where the model or the questions cannot be read.
    """
    asked = asked if isinstance(asked, Source) else source(asked)
    return run(
        backend(model, **(options or {})),
        asked.questions,
        out,
        samples=samples,
        sampling=sampling,
        limit=limit,
        batch=batch,
        progress=progress,
        origin={"source": asked.name, "about": asked.about()},
        digest=weights_digest(model_path(model.removeprefix("vllm:"))),
    )


def run(
    model: Backend,
    questions: Sequence[Question],
    out: Path,
    *,
    samples: int = 5,
    sampling: Sampling = PAPER,
    limit: int | None = None,
    batch: int = 256,
    progress: bool = True,
    origin: Mapping[str, Any] | None = None,
    digest: str | None = None,
) -> Run:
    """Ask, grade and record; go on with the run in ``out`` if one was begun there.

    Questions are asked in an order that depends on their ids alone, so that the accuracy shown on the way
    estimates the final one even where a file is sorted by task; ``limit`` takes the first of that order.

    Args:
        model: What answers.
        questions: What is asked; a question without a label is asked but not graded.
        out: The run folder (see `caugym.evaluate.records`).
        samples: Replies a question.
        sampling: How replies are drawn; its seed is part of each reply's randomness.
        limit: Ask only this many questions.
        batch: Replies asked for, graded and written at a time, except where the model gives them one by one.
            The replies do not depend on it.
        progress: Show progress on the terminal (standard error).
        origin: Where the questions came from (``source``) and whose they are (``about``); kept as a note.
        digest: Digest of the model's weights, where there is one: a run only goes on with the same weights.

    Raises:
        InputError: If there is nothing to ask, an id stands twice, or ``out`` holds something else: another
            configuration, another model, other questions, or a process that is still writing there.
    """
    asked = _order(questions, limit)
    if samples < 1 or batch < 1:
        raise InputError("samples and batch must be at least 1")
    out = Path(out)
    lines = [folder.question_line(question) for question in asked]
    identity = {
        "model": model.name,
        "weights": digest,
        "config": {"samples": samples, "limit": limit, "sampling": asdict(sampling)},
        "questions": {"count": len(asked), "sha256": hashlib.sha256(b"".join(lines)).hexdigest()},
    }
    with _opened(out) as file:
        info = _begin(out, identity, lines, {"source": "", "about": [], **(origin or {})})
        done = folder.mend(out / folder.RECORDS)
        unfinished = not info["finished"]
        try:
            _ask(model, asked, samples, sampling, batch, done, file, progress)
            if unfinished:
                info |= {"shortcuts": _shortcuts(asked), "finished": _now()}
        finally:
            if unfinished:
                if isinstance(model, Streaming):
                    info["starts"][-1]["served"] = model.account()
                folder.write_info(out, info)
    return folder.load(out)


def weights_digest(path: str) -> str | None:
    """SHA-256 over the weight files of a model directory, by name; None where the path is not a directory."""
    if not Path(path).is_dir():
        return None
    total = hashlib.sha256()
    for file in sorted([*Path(path).glob("*.safetensors"), *Path(path).glob("*.bin")]):
        with file.open("rb") as content:
            total.update(file.name.encode() + hashlib.file_digest(content, "sha256").digest())
    return total.hexdigest()


class Regraded(NamedTuple):
    """A run graded again.

    Attributes:
        run: As it is now.
        changed: How many replies have another verdict, strict or official, than before.
    """

    run: Run
    changed: int


def regrade(path: Path) -> Regraded:
    """Grade the replies of a run again, without asking for any: after a change of the grader.

    Raises:
        InputError: If ``path`` is not a run, or a process is still writing there.
    """
    before = folder.load(path)
    with _opened(before.path):
        after = [_graded(before.questions[record["id"]], record) for record in before.records]
        folder.replace(before.path / folder.RECORDS, map(folder.line, after))
    changed = sum(old != new for old, new in zip(before.records, after, strict=True))
    return Regraded(folder.load(path), changed)


def _order(questions: Sequence[Question], limit: int | None) -> list[Question]:
    if not questions:
        raise InputError("there are no questions to ask; check the path of the set")
    if limit is not None and limit < 1:
        raise InputError("limit must be at least 1")
    seen: set[str] = set()
    for question in questions:
        if question.id in seen:
            raise InputError(f"two questions have the id {question.id!r}; every id must be different")
        seen.add(question.id)
    return sorted(questions, key=lambda q: hashlib.sha256(q.id.encode()).digest())[:limit]


@contextmanager
def _opened(out: Path) -> Iterator[BinaryIO]:
    """The records file, open for appending and locked until the process ends, however it ends."""
    if out.is_dir() and not (out / folder.INFO).exists() and any(out.iterdir()):
        ours = {folder.INFO, folder.QUESTIONS, folder.RECORDS}  # a run that was killed as it began
        if not {entry.name.removesuffix(".partial") for entry in out.iterdir()} <= ours:
            raise InputError(f"{out} holds other files; give an empty folder or a run")
    try:
        out.mkdir(parents=True, exist_ok=True)
    except FileExistsError:
        raise InputError(f"{out} is a file; give a folder for the run") from None
    with (out / folder.RECORDS).open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InputError(
                f"another process writes to {out}; wait for it, or give another folder"
            ) from None
        yield file


def _begin(out: Path, identity: dict[str, Any], lines: list[bytes], origin: dict[str, Any]) -> dict[str, Any]:
    start = {"time": _now(), "versions": _versions()}
    if not (out / folder.INFO).exists():
        folder.replace(out / folder.QUESTIONS, lines)
        info = {**identity, **origin, "starts": [start], "shortcuts": [], "finished": None}
    else:
        info = folder.read_info(out)
        changed = _changes(info, identity)
        if changed:
            raise InputError(f"{out} holds another run ({', '.join(changed)}); give another folder")
        info["starts"].append(start)
    if not info["finished"]:
        folder.write_info(out, info)
    return info


def _changes(before: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """What is not as it was, in words; only keys of ``now`` are looked at."""
    changed = []
    for key, value in now.items():
        if isinstance(value, dict):
            changed += _changes(before[key], value)
        elif before[key] != value:
            changed.append(f"{key} was {str(before[key])[:60]}, now {str(value)[:60]}")
    return changed


def _ask(
    model: Backend,
    asked: list[Question],
    samples: int,
    sampling: Sampling,
    batch: int,
    done: list[Record],
    file: BinaryIO,
    progress: bool,
) -> None:
    have = {(record["id"], record["sample"]) for record in done}
    todo = [(q, sample) for q in asked for sample in range(samples) if (q.id, sample) not in have]
    with _Bar(len(asked) * samples, done, progress) as bar:
        for replies in _replies(model, todo, sampling, batch):
            new = [_record(*todo[index], reply) for index, reply in replies]
            folder.append(file, new)
            bar.advance(new)


def _replies(
    model: Backend, todo: list[tuple[Question, int]], sampling: Sampling, batch: int
) -> Iterator[list[tuple[int, Reply]]]:
    """Replies with their positions in ``todo``: one by one where the model gives them so, else in batches."""
    prompts = [_prompt(question) for question, _ in todo]
    keys = [f"{question.id}/{sample}" for question, sample in todo]
    if isinstance(model, Streaming):
        for reply in model.stream(prompts, sampling, keys):
            yield [reply]
        return
    for start in range(0, len(todo), batch):
        part = slice(start, start + batch)
        yield list(enumerate(model.generate(prompts[part], sampling, keys[part]), start))


def _prompt(question: Question) -> Prompt:
    system = question.system if isinstance(question, Item) else ""
    return Instructed(system, question.text) if system else question.text


def _record(question: Question, sample: int, reply: Reply) -> Record:
    return _graded(
        question,
        {
            "id": question.id,
            "sample": sample,
            "reply": reply.text,
            "finish": reply.finish,
            "tokens": reply.tokens,
        },
    )


def _graded(question: Question, record: Record) -> Record:
    reply, truncated = record["reply"], record["finish"] == "length"
    if isinstance(question, Item):
        strict, official = BENCHMARKS[question.benchmark].grade(reply, question, truncated)
    elif question.label is not None:
        label, tolerance = question.label, question.tolerance
        strict = grade(reply, label, tolerance, truncated=truncated)
        official = grade(reply, label, tolerance, truncated=truncated, grader="official")
    else:
        return {**record, "strict": None, "official": None}
    return {**record, "strict": asdict(strict), "official": asdict(official)}


class _Bar:
    """Progress on standard error: replies done, replies a second, time left, accuracy so far."""

    def __init__(self, total: int, done: list[Record], shown: bool) -> None:
        self.right = self.graded = self.new = 0
        self.start = time.monotonic()
        self.bar = Progress(
            TextColumn("Evaluating"),
            BarColumn(bar_width=None),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[accuracy]}"),
            console=Console(stderr=True),
            disable=not shown,
        )
        self.task = self.bar.add_task(
            "", total=total, completed=len(done), rate="", accuracy=self._accuracy(done)
        )

    def __enter__(self) -> "_Bar":
        self.bar.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.bar.stop()

    def advance(self, new: list[Record]) -> None:
        self.new += len(new)
        rate = self.new / max(time.monotonic() - self.start, 1e-9)
        self.bar.update(
            self.task, advance=len(new), rate=f"{rate:.1f} replies/s", accuracy=self._accuracy(new)
        )

    def _accuracy(self, new: list[Record]) -> str:
        graded = [record["strict"]["correct"] for record in new if record["strict"]]
        self.right += sum(graded)
        self.graded += len(graded)
        if not self.graded:
            return "no labels" if new else ""
        return f"{100 * self.right / self.graded:.1f} % right"


def _shortcuts(asked: Sequence[Question]) -> list[str]:
    """How far one gets without causal reasoning, in lines."""
    found = scored(asked, TRIED, dropped=(0,))
    return [each.told for each in found.findings()] if found else []


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _versions() -> dict[str, str]:
    versions = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return versions
