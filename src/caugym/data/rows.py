"""Training rows: a set as the post-training libraries take it.

TRL, conversational: ``prompt`` is a list of messages. SFT rows add ``completion``, the worked solution with
the final answer as its last line. RL rows add ``id``, ``task``, ``gold`` (JSON: status, value, answer) and
``tolerance``, which reach the reward function as they are.

DPO rows add ``chosen``, the worked solution, and ``rejected``, a mistake (`caugym.problems.mistakes`); KTO
rows add ``completion``, one or the other, and ``label``, true for the worked solution. Both have ``id``,
``task`` and ``mistake``, its kind (KTO: empty where there is none). The kinds are balanced within each task
as far as its problems allow. KTO has one right and one wrong completion a problem, by turns and half the set
apart. A problem that allows no mistake is left out. All is determined by the set.

Where a model's own replies are given, its wrong ones take the place of mistakes that we wrote. They are typed
too: ``sampled: `` and the kind of mistake that ends in the same answer, ``unparsed`` or ``other``. A reply
that grades as right, or was cut off, is never among them.

Solutions and mistakes are written in one of the styles of `caugym.problems.prose`.
"""

import json
from collections import Counter
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args

import pyarrow as pa
import pyarrow.parquet as pq

from caugym.core.errors import InputError
from caugym.core.streams import stream
from caugym.data.manifest import replacing
from caugym.data.replies import sampled
from caugym.data.row import Row, gold, problem
from caugym.data.shards import rows
from caugym.grade import Verdict, grade
from caugym.problems.mistakes import Mistake, mistakes
from caugym.problems.problem import Answer
from caugym.problems.prose import Explanation, explained
from caugym.problems.solve import solve

Kind = Literal["sft", "dpo", "kto", "rl"]

ROUNDING = 0.00015
"""How far a reply may be from the answer of a mistake that it made: a unit or so of the last decimal."""


def training_rows(
    kind: Kind, path: Path, style: Explanation = "symbolic", replies: Path | None = None
) -> list[dict[str, Any]]:
    """The training rows of a set.

    Args:
        kind: ``"sft"``, ``"dpo"``, ``"kto"`` or ``"rl"``.
        path: A folder that `make` wrote, or one of its Parquet files.
        style: How solutions are written.
        replies: DPO, KTO: a model's own replies, as `caugym.data.replies.sampled` takes them.

    Raises:
        InputError: If the kind is unknown, or the set or the replies cannot be read or do not go together.
    """
    if replies is not None and kind not in ("dpo", "kto"):
        raise InputError(f"{kind} rows hold no wrong replies; --replies goes with dpo and kto")
    said = sampled(replies) if replies is not None else {}
    if kind == "sft":
        return [_sft(row, style) for row in rows(path)]
    if kind == "rl":
        return list(map(_rl, rows(path)))
    if kind == "dpo":
        return list(_dpo(path, style, said))
    if kind == "kto":
        return _kto(list(_dpo(path, style, said)))
    raise InputError(f"there are no training rows of the kind {kind!r}; choose {', '.join(get_args(Kind))}")


def write_rows(
    kind: Kind, path: Path, out: Path, style: Explanation = "symbolic", replies: Path | None = None
) -> int:
    """Write the training rows of a set to a file that ends in ``.parquet`` or ``.jsonl``; returns how many.

    Raises:
        InputError: As `training_rows`, or if the file has another ending or cannot be written.
    """
    out = Path(out)
    if out.suffix not in (".parquet", ".jsonl"):
        raise InputError(f"{out}: training rows are written to a file that ends in .parquet or .jsonl")
    made = training_rows(kind, path, style, replies)
    with replacing(out) as partial:
        if out.suffix == ".parquet":
            pq.write_table(pa.Table.from_pylist(made), partial, compression="zstd")
        else:
            with partial.open("w", encoding="utf-8") as file:
                file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in made)
    return len(made)


def _sft(row: Row, style: Explanation) -> dict[str, Any]:
    return {
        "prompt": spoken("user", row["prompt"]),
        "completion": spoken("assistant", "\n".join(explained(row["solution"], style))),
    }


def _rl(row: Row) -> dict[str, Any]:
    right = {key: row["gold"][key] for key in ("status", "value", "answer")}
    return {
        "prompt": spoken("user", row["prompt"]),
        "id": row["id"],
        "task": row["task"],
        "gold": json.dumps(right),
        "tolerance": row["tolerance"],
    }


def _dpo(path: Path, style: Explanation, said: dict[str, list[str]]) -> Iterator[dict[str, Any]]:
    """Each problem with its solution and the mistake of which its task has had least so far."""
    made: Counter[tuple[str, ...]] = Counter()
    answered = False
    for row in rows(path):
        task, rng = row["task"], stream("mistakes", row["id"])
        found = mistakes(solve(problem(row)), rng)
        answered |= row["id"] in said
        wrong = list(_sampled(row, found, said.get(row["id"], [])))
        wrong = wrong or [_Wrong(each.kind, each.steps) for each in found]
        rng.shuffle(wrong)

        def had(wrong: _Wrong, task: str = task) -> tuple[int, int]:
            return made[task, wrong.kind], made[wrong.kind,]

        if not wrong:
            continue
        kind, lines = min(wrong, key=had)
        made.update([(task, kind), (kind,)])
        yield {
            "prompt": spoken("user", row["prompt"]),
            "chosen": spoken("assistant", "\n".join(explained(row["solution"], style))),
            "rejected": spoken(
                "assistant", lines if isinstance(lines, str) else "\n".join(explained(lines, style))
            ),
            "id": row["id"],
            "task": task,
            "mistake": kind,
        }
    if said and not answered:
        raise InputError(f"no reply is to a problem of {path}; give the run that was made on it")


class _Wrong(NamedTuple):
    """What a problem's solution is preferred to: a reply as it is, or the steps of a mistake."""

    kind: str
    lines: str | tuple[str, ...]


def _sampled(row: Row, found: list[Mistake], replies: list[str]) -> Iterator[_Wrong]:
    """The wrong ones among a model's own replies, each with its kind."""
    right = gold(row)
    for reply in dict.fromkeys(replies):
        verdict = grade(reply, right, row["tolerance"])
        if verdict.correct or not reply.strip():
            continue
        kind = "answers" if right.status == "insufficient" else "other"
        kind = {"abstained": "abstains", "unparsed": "unparsed"}.get(verdict.kind, kind)
        same: Iterator[str] = (each.kind for each in found if _ends_alike(each.answer, verdict))
        kind = next(same, kind)
        yield _Wrong(f"sampled: {kind}", reply)


def _ends_alike(answer: Answer, verdict: Verdict) -> bool:
    """Whether a mistake ends in the answer that a reply gives."""
    if answer.value is None or verdict.value is None or answer.answer != verdict.answer:
        return False
    return abs(float(answer.value) - verdict.value) <= ROUNDING


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


def spoken(role: str, content: str) -> list[dict[str, str]]:
    """A conversation of one message."""
    return [{"role": role, "content": content}]
