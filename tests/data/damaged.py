"""A small configuration, and ways to damage a set of it."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from caugym.data.manifest import MakeConfig, Manifest
from caugym.data.row import SCHEMA, Row, digest, digest_of, read_rows

CONFIG = MakeConfig(level="easy", n=42, seed=7)


def damage(folder: Path, change: Callable[[list[Row]], object], *, sealed: bool = True) -> None:
    """Change the rows of the only shard; ``sealed`` mends counts and digests as a forger would."""
    manifest = Manifest.read(folder)
    (entry,) = manifest.shards
    file = folder / entry["file"]
    content = list(read_rows(file))
    change(content)
    pq.write_table(pa.Table.from_pylist(content, schema=SCHEMA), file, compression="zstd")
    if sealed:
        total = digest_of(map(digest, content))
        shards = ({**entry, "rows": len(content), "sha256": total},)
        replace(manifest, shards=shards, rows=len(content), sha256=total).write(folder)


def lines(path: Path, *objects: object) -> Path:
    """A file of JSON lines."""
    path.write_text("".join(json.dumps(each) + "\n" for each in objects), encoding="utf-8")
    return path
