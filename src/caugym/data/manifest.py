"""The manifest: what a set is made of, where its rows stand, and their digests.

A set of n items is cut into ``parts`` (``--shard i/N`` makes the i-th), and a part into shards of at most
``shard_rows`` items: one Parquet file each. The plan follows from these numbers alone, so any process on any
machine knows the name and the items of every file.
"""

import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from caugym import __version__
from caugym.core.errors import InputError
from caugym.core.query import Task
from caugym.data.row import CANARY
from caugym.problems.balance import rung
from caugym.problems.generate import SETS, TASKS, series
from caugym.problems.levels import EVEN, level_named

NAME = "manifest.json"
SHARD_ROWS = 350
"""Most rows of a file. So few that several processes finish together: 1,400 rows are four files."""


@dataclass(frozen=True, slots=True)
class MakeConfig:
    """What determines a set, down to the last byte.

    Attributes:
        set: ``"base"``, ...
        tasks: Codes of the estimands; items go round them in this order.
        level: Name of a level of difficulty.
        n: Number of items over all tasks.
        seed: Another seed gives other items.
        split: ``"train"``, ``"test"``, ...; splits share no item.
        curriculum: Whether the items of a lower rung of difficulty come before those of a higher one, rather
            than mixed; needs a level that ends in ``-even``.
        rewriter: The language model that is asked for other words; None where none is.

    Raises:
        InputError: If a field cannot be used; the message says what can.
    """

    set: str = "base"
    tasks: tuple[Task, ...] = TASKS
    level: str = "standard"
    n: int = 700
    seed: int = 1
    split: str = "test"
    curriculum: bool = False
    rewriter: str | None = None

    def __post_init__(self) -> None:
        if self.set not in SETS:
            raise InputError(f"there is no set {self.set!r}; choose one of {', '.join(SETS)}")
        unknown = [task for task in self.tasks if task not in TASKS]
        if unknown or not self.tasks or len(set(self.tasks)) < len(self.tasks):
            named = ", ".join(map(str, unknown or self.tasks)) or "none"
            raise InputError(f"tasks must be different ones of {', '.join(TASKS)}, not {named}")
        if not level_named(self.level).even and self.curriculum:
            raise InputError(f"a curriculum needs problems of every difficulty: level {self.level}{EVEN}")
        if self.n < 1:
            raise InputError(f"n must be at least 1, not {self.n}")
        if not re.fullmatch(r"[a-z][a-z0-9_]{0,30}", self.split):
            raise InputError(f"the split must be a name like train or test, not {self.split!r}")

    def item(self, position: int) -> tuple[Task, int]:
        """Task and index of the item at a position of the set."""
        if self.curriculum:
            position = _ascending(self)[position]
        return self.tasks[position % len(self.tasks)], position // len(self.tasks)


@lru_cache(maxsize=4)
def _ascending(config: MakeConfig) -> list[int]:
    """Positions of the mixed set, those of a lower rung first."""

    def height(position: int) -> int:
        task, index = replace(config, curriculum=False).item(position)
        return rung(series(config.set, task, config.level, config.split, config.seed), index)

    return sorted(range(config.n), key=height)


@dataclass(frozen=True, slots=True)
class Shard:
    """One file of a set.

    Attributes:
        file: Path within the set's folder.
        start: Position of its first item.
        stop: Position after its last item.
    """

    file: str
    start: int
    stop: int


def plan(config: MakeConfig, parts: int, shard_rows: int) -> list[list[Shard]]:
    """The shards of every part, of at most ``shard_rows`` items each."""
    spans = []
    for part in range(parts):
        start, stop = config.n * part // parts, config.n * (part + 1) // parts
        spans.append([(a, min(a + shard_rows, stop)) for a in range(start, stop, shard_rows)])
    total, number, shards = sum(map(len, spans)), 0, []
    for part_spans in spans:
        shards.append(
            [
                Shard(f"data/{config.set}/{config.split}-{number + k:05d}-of-{total:05d}.parquet", a, b)
                for k, (a, b) in enumerate(part_spans)
            ]
        )
        number += len(part_spans)
    return shards


@dataclass(frozen=True, slots=True)
class Manifest:
    """A set's manifest.

    Attributes:
        config: What was made.
        parts: In how many parts.
        shard_rows: Most rows in a shard.
        begun: Which parts this folder has, finished or not.
        generator: Version of the set's recipe.
        complete: Whether every shard of those parts is there.
        rows: Number of rows in the shards.
        shards: For each finished shard: file, start, stop, rows, sha256.
        sha256: Digest over all rows in order; None until complete.
        code: Version of the package that finished it.
        canary: Stands in every row.
    """

    config: MakeConfig
    parts: int
    shard_rows: int
    begun: tuple[int, ...]
    generator: str
    complete: bool = False
    rows: int = 0
    shards: tuple[dict[str, Any], ...] = ()
    sha256: str | None = None
    code: str = __version__
    canary: str = CANARY

    def planned(self) -> list[Shard]:
        """The shards of the parts that this folder has, in order."""
        return [shard for part in self.begun for shard in self.part(part)]

    def part(self, part: int) -> list[Shard]:
        """The shards of one part."""
        return plan(self.config, self.parts, self.shard_rows)[part]

    def files(self, folder: Path) -> list[Path]:
        """The files of a complete set, in order.

        Raises:
            InputError: If it is not complete.
        """
        if not self.complete:
            raise InputError(f"{folder} is not complete; run the same `caugym make` again")
        return [folder / str(entry["file"]) for entry in self.shards]

    def write(self, folder: Path) -> None:
        """Write ``manifest.json`` in one step."""
        text = json.dumps(asdict(self), indent=2, ensure_ascii=False) + "\n"
        with replacing(folder / NAME) as partial:
            partial.write_text(text, encoding="utf-8")

    @classmethod
    def read(cls, folder: Path) -> "Manifest":
        """The manifest of a folder.

        Raises:
            InputError: If there is none, or it is damaged.
        """
        path = folder / NAME
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            content["config"]["tasks"] = tuple(content["config"]["tasks"])
            content["config"] = MakeConfig(**content["config"])
            content["begun"], content["shards"] = tuple(content["begun"]), tuple(content["shards"])
            if not all(
                {"file", "start", "stop", "rows", "sha256"} <= set(shard) for shard in content["shards"]
            ):
                raise ValueError("a shard lacks a field")
            return cls(**{field.name: content[field.name] for field in fields(cls)})
        except FileNotFoundError:
            raise InputError(f"{folder} has no {NAME}; give a folder that `caugym make` wrote") from None
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(f"{path} is damaged ({error}); run `caugym make` again") from None


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary path that takes the place of ``path`` when all went well, and vanishes when not.

    Raises:
        InputError: If the disk is full or the path cannot be written.
    """
    partial = path.with_name(path.name + ".partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield partial
            with partial.open("rb") as file:
                os.fsync(file.fileno())
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise InputError(f"cannot write {path}: {why}; make room or give another folder") from None
