"""The run folder: what is in it, and how it is read and written without ever losing a reply.

A run folder holds three files and needs nothing else to be graded, compared or reported:

- ``run.json``: the resolved configuration, the model, the digest of the questions, versions, start and end,
  and in the end how far shortcuts get on the questions;
- ``questions.jsonl``: the questions as they were asked, one a line, with their labels;
- ``records.jsonl``: one reply a line: ``id``, ``sample``, ``reply``, ``finish``, ``tokens`` and the two
  verdicts.

Records are only ever appended, whole lines at a time. A process that dies while it writes leaves at most one
line without an end; `mend` drops it, and the reply is asked for again.
"""

import json
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from dataclasses import replace as replace_fields
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO

from caugym.core.errors import InputError
from caugym.data.questions import Question
from caugym.evaluate.benchmarks import BENCHMARKS, Benchmark, Item
from caugym.problems.problem import Answer

INFO, QUESTIONS, RECORDS = "run.json", "questions.jsonl", "records.jsonl"

INFO_KEYS = ("model", "weights", "source", "about", "config", "questions", "starts", "shortcuts", "finished")
"""What ``run.json`` holds."""

Record = dict[str, Any]
"""One reply with its verdicts, as it stands on its line of ``records.jsonl``."""


@dataclass(frozen=True)
class Run:
    """A run folder as read from disk.

    Attributes:
        path: The folder.
        name: What tables and plots call the run.
        info: The contents of ``run.json``.
        questions: The questions asked, by id, in the order in which they were asked.
        records: The replies, ordered by question and then sample, whatever their order in the file.
    """

    path: Path
    name: str
    info: dict[str, Any]
    questions: dict[str, Question]
    records: tuple[Record, ...]

    @cached_property
    def replies(self) -> dict[str, list[Record]]:
        """The records of each question that has any, in the order of the questions."""
        result: dict[str, list[Record]] = {}
        for record in self.records:
            result.setdefault(record["id"], []).append(record)
        return result

    @cached_property
    def answered(self) -> dict[str, list[Record]]:
        """The part of `replies` that is complete."""
        samples = self.info["config"]["samples"]
        return {id_: records for id_, records in self.replies.items() if len(records) == samples}

    @cached_property
    def benchmark(self) -> Benchmark | None:
        """The public benchmark that was asked; None for all other questions."""
        first = next(iter(self.questions.values()), None)
        return BENCHMARKS[first.benchmark] if isinstance(first, Item) else None

    @property
    def expected(self) -> int:
        """How many replies the finished run has."""
        return len(self.questions) * int(self.info["config"]["samples"])


def load(path: Path) -> Run:
    """The run in a folder, finished or not (a reply that was being written is left out).

    Raises:
        InputError: If the folder is not a run, or a file in it is damaged.
    """
    path = Path(path)
    if not (path / INFO).is_file():
        raise InputError(f"{path} is not a run (it has no {INFO}); give a folder that `caugym eval` wrote")
    info = read_info(path)
    content = (path / QUESTIONS).read_bytes() if (path / QUESTIONS).exists() else b""
    if sha256(content).hexdigest() != info["questions"]["sha256"]:
        raise InputError(f"{path / QUESTIONS} is not what was asked; remove the run and start it again")
    questions = {row["id"]: _question(row) for row in _lines(path / QUESTIONS)}
    place = {id_: position for position, id_ in enumerate(questions)}
    try:
        records = {(place[record["id"]], record["sample"]): record for record in _lines(path / RECORDS)}
    except (KeyError, TypeError):
        raise InputError(f"{path / RECORDS} holds a reply to something that was not asked") from None
    return Run(path, path.resolve().name, info, questions, tuple(records[key] for key in sorted(records)))


def load_all(runs: Sequence[Run | Path]) -> list[Run]:
    """The runs, loaded where they are not, each called by its folder, and by the one above where that is not
    enough."""
    loaded = [load(run) if isinstance(run, Path) else run for run in runs]
    paths = [run.path.resolve() for run in loaded]
    times = Counter(path.name for path in paths)
    return [
        replace_fields(run, name=path.name if times[path.name] == 1 else f"{path.parent.name}/{path.name}")
        for run, path in zip(loaded, paths, strict=True)
    ]


def mend(path: Path) -> list[Record]:
    """Drop an unfinished last line of a records file, on disk too, and return the records that stand."""
    if path.exists():
        with path.open("r+b") as file:
            file.truncate(_whole(file.read()))
    return list(_lines(path))


def line(record: dict[str, Any]) -> bytes:
    """One record as a line of JSON in UTF-8, keys in the order given; half a surrogate pair stays escaped."""
    return (json.dumps(record, ensure_ascii=False) + "\n").encode(errors="backslashreplace")


def question_line(question: Question) -> bytes:
    """One question as its line of ``questions.jsonl``."""
    return line(asdict(question))


def replace(path: Path, lines: Iterable[bytes]) -> None:
    """Write a whole file under another name, then put it in place in one step."""
    partial = path.with_name(path.name + ".partial")
    with partial.open("wb") as file:
        file.writelines(lines)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


def append(file: BinaryIO, records: Iterable[Record]) -> None:
    """Add whole lines to an open records file and wait until the disk has them."""
    file.write(b"".join(map(line, records)))
    file.flush()
    os.fsync(file.fileno())


def read_info(path: Path) -> dict[str, Any]:
    """The contents of ``run.json`` in the folder ``path``."""
    try:
        noted = json.loads((path / INFO).read_text(encoding="utf-8"))
        info = {"about": [], "shortcuts": [], **noted}  # 0.1 noted neither
        return {key: info[key] for key in INFO_KEYS}
    except (ValueError, KeyError, TypeError):
        raise InputError(f"{path / INFO} is damaged; remove the run and start it again") from None


def write_info(path: Path, info: dict[str, Any]) -> None:
    """Write ``run.json`` in the folder ``path``, in one step."""
    replace(path / INFO, [(json.dumps(info, ensure_ascii=False, indent=2) + "\n").encode()])


def _question(row: dict[str, Any]) -> Question:
    for key in ("label", "gold"):
        if isinstance(row.get(key), dict):
            row[key] = Answer(**{**row[key], "missing": tuple(row[key]["missing"])})
    row = {key: tuple(value) if isinstance(value, list) else value for key, value in row.items()}
    return Item(**row) if "gold" in row else Question(**row)


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    if not path.exists():
        return
    content = path.read_bytes()
    for number, text in enumerate(content[: _whole(content)].splitlines(), 1):
        try:
            yield json.loads(text)
        except ValueError:
            raise InputError(f"{path}, line {number}, is damaged; remove the line or the run") from None


def _whole(content: bytes) -> int:
    return content.rfind(b"\n") + 1
