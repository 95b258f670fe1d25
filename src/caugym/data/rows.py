"""Training rows: a set as the post-training libraries take it.

TRL, conversational: ``prompt`` is a list of messages. SFT rows add ``completion``, the worked solution with
the final answer as its last line. RL rows add ``id``, ``task``, ``gold`` (JSON: status, value, answer) and
``tolerance``, which reach the reward function as they are.
"""

import json
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.parquet as pq

from caugym.core.errors import InputError
from caugym.data.manifest import replacing
from caugym.data.row import Row
from caugym.data.shards import rows

Kind = Literal["sft", "rl"]


def training_rows(kind: Kind, path: Path) -> list[dict[str, Any]]:
    """The training rows of a set.

    Args:
        kind: ``"sft"`` or ``"rl"``.
        path: A folder that `make` wrote, or one of its Parquet files.

    Raises:
        InputError: If the kind is unknown or the set cannot be read.
    """
    if kind not in ("sft", "rl"):
        raise InputError(f"there are no training rows of the kind {kind!r}; choose sft or rl")
    return [_sft(row) if kind == "sft" else _rl(row) for row in rows(path)]


def write_rows(kind: Kind, path: Path, out: Path) -> int:
    """Write the training rows of a set to a file that ends in ``.parquet`` or ``.jsonl``; returns how many.

    Raises:
        InputError: As `training_rows`, or if the file has another ending or cannot be written.
    """
    out = Path(out)
    if out.suffix not in (".parquet", ".jsonl"):
        raise InputError(f"{out}: training rows are written to a file that ends in .parquet or .jsonl")
    made = training_rows(kind, path)
    with replacing(out) as partial:
        if out.suffix == ".parquet":
            pq.write_table(pa.Table.from_pylist(made), partial, compression="zstd")
        else:
            with partial.open("w", encoding="utf-8") as file:
                file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in made)
    return len(made)


def _sft(row: Row) -> dict[str, Any]:
    return {
        "prompt": _said("user", row["prompt"]),
        "completion": _said("assistant", "\n".join(row["solution"])),
    }


def _rl(row: Row) -> dict[str, Any]:
    gold = {key: row["gold"][key] for key in ("status", "value", "answer")}
    return {
        "prompt": _said("user", row["prompt"]),
        "id": row["id"],
        "task": row["task"],
        "gold": json.dumps(gold),
        "tolerance": row["tolerance"],
    }


def _said(role: str, content: str) -> list[dict[str, str]]:
    return [{"role": role, "content": content}]
