"""What a run shows: accuracy under both graders, pass@k and maj@k, for all its problems and for each part."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, get_args

from caugym.evaluate.benchmarks import Item
from caugym.evaluate.records import Record, Run, load
from caugym.evaluate.stats import Estimate, Score, accuracy, f1, majority, mean, pass_at
from caugym.grade import Grader

Part = Literal["task", "set", "level", "difficulty"]
"""What the problems of a run can be divided by."""

NO_ANSWER = ("unparsed", "truncated")
"""Verdicts on replies that give no answer at all."""


@dataclass(frozen=True)
class Summary:
    """One run, or one part of it.

    Attributes:
        name: ``"all"``, or the task, set, level or step of difficulty.
        strict: Accuracy under the strict grader.
        official: The official figure: accuracy under the benchmark's own rule (for all but public benchmarks
            that of the CauGym release), or its F1 where the benchmark reports that.
        k: Replies a problem.
        passed: pass@k, at least one reply of k right.
        voted: maj@k, the commonest answer of k right.
        verdicts: How many replies got which strict verdict.
    """

    name: str
    strict: Estimate
    official: Estimate
    k: int
    passed: Estimate
    voted: Estimate
    verdicts: dict[str, int] = field(default_factory=dict)


def summary(run: Run | Path) -> Summary:
    """The figures of a whole run (a finished one or what there is of it)."""
    run = load(run) if isinstance(run, Path) else run
    return _summary("all", run, run.replies)


def parts(run: Run | Path, part: Part = "task") -> dict[str, Summary]:
    """The figures of each task, set, ..., by name; questions that name none are left out."""
    run = load(run) if isinstance(run, Path) else run
    members: dict[str, list[str]] = {}
    for id_ in run.replies:
        name = getattr(run.questions[id_], part)
        if name:
            members.setdefault(name, []).append(id_)
    return {name: _summary(name, run, members[name]) for name in sorted(members)}


def scores(run: Run, grader: Grader = "strict", ids: Iterable[str] | None = None) -> dict[str, Score]:
    """How many of how many graded replies to each question are right, by question."""
    result = {}
    for id_ in run.replies if ids is None else ids:
        graded = [record[grader] for record in run.replies[id_] if record[grader]]
        result[id_] = (sum(verdict["correct"] for verdict in graded), len(graded))
    return result


def _summary(name: str, run: Run, ids: Iterable[str]) -> Summary:
    ids = list(ids)
    strict = list(scores(run, "strict", ids).values())
    k = int(run.info["config"]["samples"])
    verdicts = Counter(r["strict"]["kind"] for id_ in ids for r in run.replies[id_] if r["strict"])
    return Summary(
        name=name,
        strict=accuracy(strict),
        official=_official(run, ids),
        k=k,
        passed=pass_at(k, strict),
        voted=_voted(k, [run.replies[id_] for id_ in ids]),
        verdicts=dict(verdicts),
    )


def _official(run: Run, ids: Iterable[str]) -> Estimate:
    each = scores(run, "official", ids)
    word = run.benchmark.positive if run.benchmark else None
    if word is None:
        return accuracy(list(each.values()))
    asked = {id_: run.questions[id_] for id_ in each}
    said = {id_ for id_, item in asked.items() if isinstance(item, Item) and item.gold == word}
    return f1([each[id_] for id_ in each if id_ in said], [each[id_] for id_ in each if id_ not in said])


def _voted(k: int, replies: list[list[Record]]) -> Estimate:
    graded = [[r["strict"] for r in records if r["strict"]] for records in replies]
    graded = [verdicts for verdicts in graded if verdicts]
    if any(len(verdicts) < k for verdicts in graded):
        return Estimate(None, None, None, len(graded), 0, f"needs {k} replies to every problem")
    shares = []
    for verdicts in graded:
        votes = [v for v in verdicts if v["value"] is not None or v["answer"] is not None]
        shares.append(majority([(_answer(v), v["correct"]) for v in votes]))
    return mean(shares, sum(map(len, graded)))


def _answer(verdict: Record) -> str:
    value = verdict["value"]
    return f"{verdict['answer']} {'' if value is None else format(value, '.4f')}"


PARTS: tuple[Part, ...] = get_args(Part)
