"""Sets on disk: made shard by shard, and read back.

A shard is written under another name, synced and renamed, so a file that has its name is whole. Making can be
stopped at any moment, by force too: the same command goes on, keeping each shard whose digest holds. The same
configuration gives the same rows whatever the number of workers and parts, and the same bytes for the same
number of parts.
"""

import fcntl
import gc
import json
import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import as_completed
from contextlib import contextmanager
from dataclasses import replace
from itertools import chain, islice
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from caugym import __version__
from caugym.core.errors import InputError
from caugym.core.pool import Pool
from caugym.data.card import card
from caugym.data.check import CheckReport, check
from caugym.data.manifest import NAME, SHARD_ROWS, MakeConfig, Manifest, Shard, replacing
from caugym.data.progress import bar
from caugym.data.rewriting import Rewriter
from caugym.data.row import SCHEMA, Row, digest, digest_of, read_rows, row
from caugym.problems.generate import Item, generate_mixed
from caugym.problems.transforms import TRANSFORMS

__all__ = ["CheckReport", "MakeConfig", "check", "make", "rows"]

Digests = list[bytes]
_BATCH = 100  # rows held as Python objects at a time
_FOOTER = b"caugym"  # key of the shard's own description in the Parquet footer


def make(
    out: Path,
    config: MakeConfig,
    *,
    workers: int = 1,
    shard: tuple[int, int] = (0, 1),
    progress: bool = True,
    rewriter: Rewriter | None = None,
) -> Manifest:
    """Make a set, or one part of it, in a folder; go on with what is there.

    Args:
        out: The folder: new, empty, or begun with the same configuration.
        config: What to make.
        workers: Processes. The result does not depend on it.
        shard: ``(i, N)``: make the i-th of N parts, ``0 <= i < N``. Parts may be made in one folder or many.
        progress: Show items made, rate and time left on standard error, if that is a terminal.
        rewriter: Asked for other words; of the name in the configuration, and with one worker.

    Returns:
        The manifest as written; ``complete`` once all begun parts are there.

    Raises:
        InputError: If the folder holds something else or cannot be written, or the disk is full.
    """
    part, parts = shard
    if not 0 <= part < parts:
        raise InputError(f"shard {part}/{parts}: the part must be 0 to {parts - 1}")
    if workers < 1:
        raise InputError(f"workers must be at least 1, not {workers}")
    if config.rewriter != (rewriter and rewriter.name) or (rewriter and workers > 1):
        raise InputError(
            "a rewriter needs its name in the configuration, and one worker: it asks in parallel"
        )
    out = Path(out)
    mine = _begin(out, Manifest(config, parts, SHARD_ROWS, (part,), TRANSFORMS[config.set].version)).part(
        part
    )
    done = {s: found for s in mine if (found := finished(out, config, s)) is not None}
    todo = [s for s in mine if s not in done]
    with bar(
        "making", sum(s.stop - s.start for s in mine), sum(map(len, done.values())), shown=progress
    ) as advance:
        for made, digests in _made(out, config, todo, workers, advance, rewriter):
            done[made] = digests
    return _finish(out, done)


def rows(path: Path) -> Iterator[Row]:
    """The rows of a set (a folder that `make` wrote, complete) or of one Parquet file of it, in order.

    Raises:
        InputError: If there is no set, it is not complete, or a file is damaged or has other columns.
    """
    path = Path(path)
    if not path.is_dir():
        yield from read_rows(path)
        return
    for file in Manifest.read(path).files(path):
        yield from read_rows(file)


def finished(out: Path, config: MakeConfig, shard: Shard) -> Digests | None:
    """The row digests of a shard that is there and whole; None if it must be made (again)."""
    file = out / shard.file
    if not file.exists():
        return None
    try:
        digests = [digest(row) for row in read_rows(file)]
        with pq.ParquetFile(file) as source:
            footer = (source.schema_arrow.metadata or {}).get(_FOOTER, b"")
    except InputError:
        return None
    return digests if footer == _footer(config, shard, digests) else None


def _footer(config: MakeConfig, shard: Shard, digests: Digests) -> bytes:
    """What a shard says of itself; equal only for the same rows of the same set."""
    version = TRANSFORMS[config.set].version
    same = {"level": config.level, "seed": config.seed, "generator": version, "tasks": config.tasks}
    text = {**same, "start": shard.start, "stop": shard.stop, "sha256": digest_of(digests)}
    return json.dumps(text, sort_keys=True).encode()


@contextmanager
def _locked(out: Path) -> Iterator[None]:
    """No other process may change the manifest of this folder meanwhile."""
    handle = os.open(out, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _begin(out: Path, wanted: Manifest) -> Manifest:
    """Make the folder and its manifest, or see that the one there is of the same set; the manifest there."""
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot make the folder {out}: {(error.strerror or str(error)).lower()}") from None
    with _locked(out):
        if not (out / NAME).exists():
            if any(entry.name != f"{NAME}.partial" for entry in out.iterdir()):
                raise InputError(f"{out} holds other files; give an empty or a new folder")
            wanted.write(out)
            return wanted
        there = Manifest.read(out)
        for name in ("config", "parts", "generator"):
            if getattr(there, name) != getattr(wanted, name):
                was = _words(there, name)
                raise InputError(
                    f"{out} was begun with {was}, not {_words(wanted, name)}; give another folder"
                )
        if wanted.begun[0] not in there.begun:
            begun = tuple(sorted({*there.begun, *wanted.begun}))
            replace(there, begun=begun, complete=False, sha256=None).write(out)
        return there


def _words(manifest: Manifest, name: str) -> str:
    config = manifest.config
    if name == "config":
        tasks = ",".join(config.tasks)
        return f"set {config.set}, {tasks}, {config.level}, n {config.n}, seed {config.seed}, {config.split}"
    return f"{getattr(manifest, name)} parts" if name == "parts" else f"generator {manifest.generator}"


def _finish(out: Path, done: dict[Shard, Digests]) -> Manifest:
    """Write the manifest over all shards that are there, and the card if none is missing."""
    with _locked(out):
        manifest = Manifest.read(out)
        entries, every = [], []
        for shard in manifest.planned():
            digests = done.get(shard) or finished(out, manifest.config, shard)
            if digests:
                span = {"file": shard.file, "start": shard.start, "stop": shard.stop}
                entries.append({**span, "rows": len(digests), "sha256": digest_of(digests)})
                every.append(digests)
        complete = len(entries) == len(manifest.planned())
        manifest = replace(
            manifest,
            complete=complete,
            rows=sum(map(len, every)),
            shards=tuple(entries),
            sha256=digest_of(chain.from_iterable(every)) if complete else None,
            code=__version__,
        )
        if complete:
            with replacing(out / "README.md") as partial:
                partial.write_text(card(manifest), encoding="utf-8")
        manifest.write(out)
        return manifest


def _items(config: MakeConfig, shards: Iterable[Shard]) -> Iterator[Item]:
    """The items of some shards in one stream, going round the tasks."""
    wanted = (config.item(number) for shard in shards for number in range(shard.start, shard.stop))
    return generate_mixed(config.set, wanted, config.level, config.split, config.seed)


def _made_alone(out: Path, config: MakeConfig, shard: Shard, advance: Callable[[int], None]) -> Digests:
    """Make one shard and put it in place."""
    return _write(out, config, shard, _items(config, [shard]), advance)


def _write(
    out: Path,
    config: MakeConfig,
    shard: Shard,
    items: Iterator[Item],
    advance: Callable[[int], None],
    rewriter: Rewriter | None = None,
) -> Digests:
    """Put the next items in place as a shard."""
    digests: Digests = []
    batches: list[pa.RecordBatch] = []
    rest = islice(items, shard.stop - shard.start)
    with _uncollected():
        while some := list(islice(rest, _BATCH)):
            content = [row(item) for item in (rewriter(some) if rewriter else some)]
            digests += map(digest, content)
            batches.append(pa.RecordBatch.from_pylist(content, schema=SCHEMA))
            advance(len(content))
    table = pa.Table.from_batches(batches)
    table = table.replace_schema_metadata({_FOOTER: _footer(config, shard, digests)})
    with replacing(out / shard.file) as partial:
        pq.write_table(table, partial, compression="zstd")
    return digests


@contextmanager
def _uncollected() -> Iterator[None]:
    """No search for reference cycles meanwhile: items have none, and looking takes a quarter of the time."""
    searching = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if searching:
            gc.enable()


def _made(
    out: Path,
    config: MakeConfig,
    todo: list[Shard],
    workers: int,
    advance: Callable[[int], None],
    rewriter: Rewriter | None,
) -> Iterator[tuple[Shard, Digests]]:
    """Make shards here or in worker processes, in the order in which they are done."""
    if workers == 1 or len(todo) < 2:
        items = _items(config, todo)
        for shard in todo:
            yield shard, _write(out, config, shard, items, advance, rewriter)
        return
    with Pool(min(workers, len(todo))) as pool:
        jobs = {pool.submit(_made_alone, out, config, shard, _silent): shard for shard in todo}
        for job in as_completed(jobs):
            digests = job.result()
            advance(len(digests))
            yield jobs[job], digests


def _silent(count: int) -> None:
    """Progress of a worker, which is counted when its shard is done."""
