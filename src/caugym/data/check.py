"""Checking a set: every item is proved again from its text alone, and every file against the manifest.

Each fault has a kind, so that a report says what is wrong and not only that something is:

| kind | what was found |
|---|---|
| ``file`` | a Parquet file is missing, damaged, or has other columns |
| ``row count`` | a file or the set has more or fewer rows than the manifest says |
| ``digest`` | rows are not those whose digest the manifest has |
| ``incomplete`` | shards are still to be made |
| ``duplicate id`` | an id stands twice |
| ``coordinates`` | id, set, task, level, split or provenance contradict each other or the manifest |
| ``unreadable`` | the text is not a problem |
| ``variable``, ``edge``, ``statement``, ``number`` | text and record differ in it |
| ``polarity``, ``question`` | text and record ask for different things |
| ``gold``, ``yes/no`` | the answer solved from the text is another; value and yes/no apart |
| ``certificate`` | the joint distribution does not prove the numbers and the answer |
| ``solution`` | an equation does not hold, or the last step is not the gold answer |
| ``grading`` | the gold reply is not graded correct, or an empty or a near-miss reply is |
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from rich.console import Console
from rich.progress import track

from caugym.core.errors import InputError
from caugym.data import row as rowing
from caugym.data.manifest import MakeConfig, Manifest, Shard
from caugym.data.row import Row, digest, digest_of, read_rows
from caugym.grade import grade
from caugym.problems.certificate import faults as certificate_faults
from caugym.problems.problem import Answer, Problem
from caugym.problems.read import read
from caugym.problems.solution import check_steps, final_answer
from caugym.problems.solve import solve

SHOWN = 10


class Failure(NamedTuple):
    """One fault.

    Attributes:
        kind: As in the module's table.
        where: Id of the item, or the file.
        what: What was found, in words.
    """

    kind: str
    where: str
    what: str


@dataclass
class CheckReport:
    """What a check found.

    Attributes:
        items: Rows looked at.
        counts: Number of faults of each kind.
        first: The first faults, at most ten of each kind.
    """

    items: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    first: list[Failure] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.counts

    def add(self, failure: Failure) -> None:
        """Count one fault."""
        self.counts[failure.kind] += 1
        if self.counts[failure.kind] <= SHOWN:
            self.first.append(failure)

    def __str__(self) -> str:
        if self.ok:
            return f"{self.items:,} items checked from their text: all proved"
        total = ", ".join(f"{count} {kind}" for kind, count in sorted(self.counts.items()))
        lines = [f"{failure.where}: {failure.kind}: {failure.what}" for failure in self.first]
        return "\n".join([*lines, f"{self.items:,} items checked, {self.counts.total():,} faults: {total}"])


def check(path: Path, *, progress: bool = True) -> CheckReport:
    """Check a set (a folder that `make` wrote) or one Parquet file of it.

    Raises:
        InputError: If there is no set to check; whatever is wrong with one is in the report.
    """
    path = Path(path)
    report = CheckReport()
    if not path.exists():
        raise InputError(f"{path} does not exist; give a folder that `caugym make` wrote")
    if path.is_dir():
        manifest = Manifest.read(path)
        _check_set(path, manifest, report, progress)
    else:
        _check_file(path, None, set(), report)
    return report


def _check_set(path: Path, manifest: Manifest, report: CheckReport, progress: bool) -> None:
    planned, there = manifest.planned(), {str(entry["file"]): entry for entry in manifest.shards}
    missing = [shard.file for shard in planned if shard.file not in there]
    if missing or not manifest.complete:
        what = f"{len(missing)} of {len(planned)} shards are not made; run the same `caugym make` again"
        report.add(Failure("incomplete", str(path), what))
    seen: set[str] = set()
    every: list[bytes] = []
    console = Console(stderr=True)
    shown = track(planned, "checking", console=console, disable=not (progress and console.is_terminal))
    for shard in shown:
        if (entry := there.get(shard.file)) is None:
            continue
        digests = _check_file(path / shard.file, (manifest.config, shard), seen, report)
        every += digests
        if len(digests) != entry["rows"] or len(digests) != shard.stop - shard.start:
            what = f"{len(digests)} rows, but the manifest says {entry['rows']}"
            report.add(Failure("row count", shard.file, what))
        if digest_of(digests) != entry["sha256"]:
            report.add(Failure("digest", shard.file, "the rows are not those that were made"))
    if len(every) != manifest.rows:
        report.add(
            Failure("row count", str(path), f"{len(every)} rows, but the manifest says {manifest.rows}")
        )
    if manifest.sha256 is not None and digest_of(every) != manifest.sha256:
        report.add(Failure("digest", str(path), "the rows together are not those that were made"))


def _check_file(
    file: Path, planned: tuple[MakeConfig, Shard] | None, seen: set[str], report: CheckReport
) -> list[bytes]:
    """Check every row of a file and return the rows' digests."""
    digests: list[bytes] = []
    try:
        for number, row in enumerate(read_rows(file)):
            digests.append(digest(row))
            report.items += 1
            where = str(row["id"])
            if where in seen:
                report.add(Failure("duplicate id", where, "it stands twice"))
            seen.add(where)
            for kind, what in _row_faults(row, planned, number):
                report.add(Failure(kind, where, what))
    except InputError as error:
        report.add(Failure("file", str(file), str(error)))
    return digests


Fault = tuple[str, str]
"""Kind and words."""


def _row_faults(row: Row, planned: tuple[MakeConfig, Shard] | None, number: int) -> Iterator[Fault]:
    """All faults of one row."""
    yield from _coordinate_faults(row, planned, number)
    try:
        recorded, gold = rowing.problem(row), rowing.gold(row)
        float(row["tolerance"])
    except (TypeError, KeyError, ValueError) as error:
        yield "file", f"the row lacks a value ({error})"
        return
    try:
        told = read(row["prompt"])
        answer = solve(told).answer
    except InputError as error:
        yield "unreadable", str(error)
        return
    yield from record_faults(told, recorded)
    yield from _answer_faults(answer, gold)
    yield from (("certificate", what) for what in _certificate_faults(told, gold, row))
    yield from (("solution", f"{equation} does not hold") for equation in check_steps(row["solution"]))
    if not row["solution"] or row["solution"][-1] != final_answer(gold):
        yield "solution", "its last step is not the gold answer"
    yield from _grading_faults(gold, row["tolerance"])


def _coordinate_faults(row: Row, planned: tuple[MakeConfig, Shard] | None, number: int) -> Iterator[Fault]:
    seed, index = row["provenance"]["seed"], row["provenance"]["index"]
    named = (
        "{}-{}-{}-{}".format(*(row[key] for key in ("set", "level", "task", "split")))
        + f"-{seed}-{index:06d}"
    )
    if row["id"] != named:
        yield "coordinates", f"the id should be {named}"
    if row["query"]["task"] != row["task"]:
        yield "coordinates", f"the task is {row['task']}, but the query is {row['query']['task']}"
    if row["canary"] != rowing.CANARY:
        yield "coordinates", "the canary is missing"
    if planned:
        config, shard = planned
        task, wanted = config.item(shard.start + number)
        place = (config.set, config.level, config.split, config.seed, task, wanted)
        if place != (row["set"], row["level"], row["split"], seed, row["task"], index):
            yield "coordinates", f"another item belongs here: {task} {wanted}"


def record_faults(told: Problem, recorded: Problem) -> Iterator[Fault]:
    """Where a text, read, differs from its record."""
    if told.variables != recorded.variables:
        yield "variable", "text and record name other variables or levels"
    if told.edges != recorded.edges:
        odd = sorted(set(told.edges) ^ set(recorded.edges))
        yield (
            "edge",
            f"text and record differ in the arrows {odd}" if odd else "the arrows stand in another order",
        )
    terms, numbers = ([s.term for s in problem.statements] for problem in (told, recorded)), []
    if len({tuple(each) for each in terms}) > 1:
        counts = f"{len(told.statements)} in the text, {len(recorded.statements)} in the record"
        yield "statement", f"text and record state other probabilities ({counts})"
    else:
        pairs = zip(told.statements, recorded.statements, strict=True)
        numbers = [f"{a.value} for {b.value}" for a, b in pairs if a.value != b.value]
    if numbers:
        yield "number", f"the text has {', '.join(numbers)}"
    if told.query != recorded.query:
        if told.query.polarity != recorded.query.polarity:
            yield (
                "polarity",
                f"the text asks for {told.query.polarity}, the record for {recorded.query.polarity}",
            )
        else:
            yield "question", f"the text asks {told.query}, the record {recorded.query}"


def _answer_faults(answer: Answer, gold: Answer) -> Iterator[Fault]:
    if answer.status != gold.status:
        yield "gold", f"the text is {answer.status}, the gold says {gold.status}"
        return
    if answer.value != gold.value:
        yield "gold", f"the text gives {answer.value}, the gold is {gold.value}"
    if answer.answer != gold.answer:
        yield "yes/no", f"the text gives {answer.answer}, the gold is {gold.answer}"
    if set(answer.missing) != set(gold.missing):
        yield "gold", f"missing is {', '.join(answer.missing)}, the gold says {', '.join(gold.missing)}"


def _certificate_faults(told: Problem, gold: Answer, row: Row) -> list[str]:
    try:
        return certificate_faults(told, gold, row["certificate"])
    except (InputError, ValueError, TypeError) as error:
        return [f"it cannot be verified ({error})"]


def _grading_faults(gold: Answer, tolerance: float) -> Iterator[Fault]:
    """The item proves itself: its gold reply wins, an empty reply and near misses do not."""
    if not grade(final_answer(gold), gold, tolerance).correct:
        yield "grading", "the gold reply is not graded correct"
    if grade("", gold, tolerance).correct:
        yield "grading", "an empty reply is graded correct"
    if gold.value is not None:
        for miss in (-3 * tolerance, 3 * tolerance):
            near = Answer(gold.status, f"{float(gold.value) + miss:.6f}", gold.answer)
            if grade(final_answer(near), gold, tolerance).correct:
                yield "grading", f"{near.value} is graded correct"
