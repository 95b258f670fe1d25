"""Training rows: a set as the post-training libraries take it.

TRL, conversational: ``prompt`` is a list of messages. SFT rows add ``completion``, the worked solution with
the final answer as its last line. RL rows add ``id``, ``task``, ``gold`` (JSON: status, value, answer) and
``tolerance``, which reach the reward function as they are.

DPO rows add ``chosen``, the worked solution, and ``rejected``, a mistake (`caugym.problems.mistakes`); KTO
rows add ``completion``, one or the other, and ``label``, true for the worked solution. Both have ``id``,
``task`` and ``mistake``, its kind (KTO: empty where there is none). The kinds are balanced within each task
as far as its problems allow. KTO has one right and one wrong completion a problem, by turns and half the set
apart. A problem that allows no mistake is left out. All is determined by the set.

Solutions and mistakes are written in one of the styles of `caugym.problems.prose`.
"""

import json
from collections import Counter
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any, Literal, get_args

import pyarrow as pa
import pyarrow.parquet as pq

from caugym.core.errors import InputError
from caugym.core.streams import stream
from caugym.data.manifest import replacing
from caugym.data.row import Row, problem
from caugym.data.shards import rows
from caugym.problems.mistakes import Mistake, mistakes
from caugym.problems.prose import Explanation, explained
from caugym.problems.solve import solve

Kind = Literal["sft", "dpo", "kto", "rl"]


def training_rows(kind: Kind, path: Path, style: Explanation = "symbolic") -> list[dict[str, Any]]:
    """The training rows of a set.

    Args:
        kind: ``"sft"``, ``"dpo"``, ``"kto"`` or ``"rl"``.
        path: A folder that `make` wrote, or one of its Parquet files.
        style: How solutions are written.

    Raises:
        InputError: If the kind is unknown or the set cannot be read.
    """
    if kind == "sft":
        return [_sft(row, style) for row in rows(path)]
    if kind == "rl":
        return list(map(_rl, rows(path)))
    if kind == "dpo":
        return list(_dpo(path, style))
    if kind == "kto":
        return _kto(list(_dpo(path, style)))
    raise InputError(f"there are no training rows of the kind {kind!r}; choose {', '.join(get_args(Kind))}")


def write_rows(kind: Kind, path: Path, out: Path, style: Explanation = "symbolic") -> int:
    """Write the training rows of a set to a file that ends in ``.parquet`` or ``.jsonl``; returns how many.

    Raises:
        InputError: As `training_rows`, or if the file has another ending or cannot be written.
    """
    out = Path(out)
    if out.suffix not in (".parquet", ".jsonl"):
        raise InputError(f"{out}: training rows are written to a file that ends in .parquet or .jsonl")
    made = training_rows(kind, path, style)
    with replacing(out) as partial:
        if out.suffix == ".parquet":
            pq.write_table(pa.Table.from_pylist(made), partial, compression="zstd")
        else:
            with partial.open("w", encoding="utf-8") as file:
                file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in made)
    return len(made)


def _sft(row: Row, style: Explanation) -> dict[str, Any]:
    return {
        "prompt": _said("user", row["prompt"]),
        "completion": _said("assistant", "\n".join(explained(row["solution"], style))),
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


def _dpo(path: Path, style: Explanation) -> Iterator[dict[str, Any]]:
    """Each problem with its solution and the mistake of which its task has had least so far."""
    made: Counter[tuple[str, ...]] = Counter()
    for row in rows(path):
        task, rng = row["task"], stream("mistakes", row["id"])
        found = mistakes(solve(problem(row)), rng)
        rng.shuffle(found)

        def had(mistake: Mistake, task: str = task) -> tuple[int, int]:
            return made[task, mistake.kind], made[mistake.kind,]

        if not found:
            continue
        mistake = min(found, key=had)
        made.update([(task, mistake.kind), (mistake.kind,)])
        yield {
            "prompt": _said("user", row["prompt"]),
            "chosen": _said("assistant", "\n".join(explained(row["solution"], style))),
            "rejected": _said("assistant", "\n".join(explained(mistake.steps, style))),
            "id": row["id"],
            "task": task,
            "mistake": mistake.kind,
        }


def _kto(pairs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The two completions of each pair as rows of their own, shuffled, right and wrong by turns."""
    stream("kto", *(pair["id"] for pair in pairs[:1]), len(pairs)).shuffle(pairs)
    half = len(pairs) // 2
    wrong = pairs[half:] + pairs[:half]
    return list(
        chain.from_iterable(
            (_rated(good, "chosen"), _rated(bad, "rejected")) for good, bad in zip(pairs, wrong, strict=True)
        )
    )


def _rated(pair: dict[str, Any], side: Literal["chosen", "rejected"]) -> dict[str, Any]:
    return {
        "prompt": pair["prompt"],
        "completion": pair[side],
        "label": side == "chosen",
        "id": pair["id"],
        "task": pair["task"],
        "mistake": "" if side == "chosen" else pair["mistake"],
    }


def _said(role: str, content: str) -> list[dict[str, str]]:
    return [{"role": role, "content": content}]
