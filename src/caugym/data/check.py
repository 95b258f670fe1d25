"""Checking a set: every item is proved again from its text alone, and every file against the manifest.

Each fault has a kind, so that a report says what is wrong and not only that something is:

| kind | what was found |
|---|---|
| ``file`` | a Parquet file is missing, damaged, or has other columns |
| ``row count`` | a file or the set has more or fewer rows than the manifest says |
| ``column`` | a row lacks a value |
| ``digest`` | rows are not those whose digest the manifest has |
| ``incomplete`` | shards are still to be made |
| ``duplicate id`` | an id stands twice |
| ``duplicate`` | a problem stands twice, in whatever order and words |
| ``shared`` | training and test sets have named graphs, name sets or problems in common |
| ``coordinates`` | id, set, task, level, split or provenance contradict each other or the manifest |
| ``unreadable`` | the text is not a problem |
| ``variable``, ``edge``, ``statement``, ``number`` | text and record differ in it |
| ``polarity``, ``question`` | text and record ask for different things |
| ``gold``, ``yes/no`` | the answer solved from the text is another; value and yes/no apart |
| ``certificate`` | the joint distribution does not prove the numbers and the answer |
| ``route`` | `deconfounding`: a wrong formula that the stated numbers fit comes near the answer |
| ``needless`` | `redundant`: more or fewer statements than the set allows are not needed |
| ``difficulty`` | measured on the text it is another |
| ``solution`` | an equation does not hold, or the last step is not the gold answer |
| ``grading`` | the gold reply is not graded correct, or an empty or a near-miss reply is |
"""

from collections import Counter
from collections.abc import Callable, Hashable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import NamedTuple

from caugym.core.errors import InputError
from caugym.data import row as rowing
from caugym.data.manifest import MakeConfig, Manifest, Shard
from caugym.data.progress import bar
from caugym.data.row import Row, digest, digest_of, read_rows
from caugym.data.variety import APART, TEST, Variety, sides
from caugym.grade import grade
from caugym.problems.certificate import faults as certificate_faults
from caugym.problems.difficulty import difficulty
from caugym.problems.problem import Answer, Problem
from caugym.problems.promises import broken
from caugym.problems.read import read
from caugym.problems.solution import check_steps, final_answer
from caugym.problems.solve import Solution, solve
from caugym.problems.transforms import TRANSFORMS

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
        splits: What the items of each split are like.
    """

    items: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    first: list[Failure] = field(default_factory=list)
    splits: dict[str, Variety] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.counts

    def add(self, failure: Failure) -> None:
        """Count one fault."""
        self.counts[failure.kind] += 1
        if self.counts[failure.kind] <= SHOWN:
            self.first.append(failure)

    def variety(self) -> str:
        """How varied the items are, and what training and test sets share: a line each."""
        lines = [variety.text(split) for split, variety in self.splits.items()]
        for split, common in sides(self.splits):
            counts = ", ".join(f"{count:,} {kind}" for kind, count in common.items())
            lines.append(f"{split} and {TEST} share {counts}")
        return "\n".join(lines)

    def __str__(self) -> str:
        if self.ok:
            return f"{self.items:,} items checked from their text: all proved"
        total = ", ".join(f"{count} {kind}" for kind, count in sorted(self.counts.items()))
        lines = [f"{failure.where}: {failure.kind}: {failure.what}" for failure in self.first]
        return "\n".join([*lines, f"{self.items:,} items checked, {self.counts.total():,} faults: {total}"])


def check(path: Path, *more: Path, progress: bool = True) -> CheckReport:
    """Check sets (folders that `make` wrote) or single Parquet files of them, together.

    Raises:
        InputError: If there is no set to check; whatever is wrong with one is in the report.
    """
    paths = [Path(each) for each in (path, *more)]
    for each in paths:
        if not each.exists():
            raise InputError(f"{each} does not exist; give a folder that `caugym make` wrote")
    manifests = {each: Manifest.read(each) if each.is_dir() else None for each in paths}
    rows = sum(manifest.rows for manifest in manifests.values() if manifest)
    with bar("checking", rows, shown=progress and all(manifests.values())) as advance:
        checking = _Checking(advance)
        for each, manifest in manifests.items():
            if manifest:
                checking.set(each, manifest)
            else:
                checking.file(each)
    checking.sides()
    return checking.report


class _Checking:
    """A check under way: the report so far, and the ids and problems seen."""

    def __init__(self, advance: Callable[[int], None]) -> None:
        self.advance = advance
        self.report = CheckReport()
        self.seen: set[str] = set()
        self.told: dict[Hashable, str] = {}

    def fault(self, kind: str, where: object, what: str) -> None:
        self.report.add(Failure(kind, str(where), what))

    def set(self, path: Path, manifest: Manifest) -> None:
        """Check a whole set against its manifest."""
        planned, there = manifest.planned(), {str(entry["file"]): entry for entry in manifest.shards}
        missing = len([shard for shard in planned if shard.file not in there])
        if missing or not manifest.complete:
            what = f"{missing} of {len(planned)} shards are not made; run the same `caugym make` again"
            self.fault("incomplete", path, what)
        for odd in sorted({*path.glob("data/*/*.parquet")} - {path / shard.file for shard in planned}):
            self.fault("file", odd, "it is no part of the set")
        every: list[bytes] = []
        for shard in planned:
            if (entry := there.get(shard.file)) is None:
                continue
            digests = self.file(path / shard.file, (manifest.config, shard))
            self._counted(shard.file, len(digests), entry["rows"])
            if digest_of(digests) != entry["sha256"]:
                self.fault("digest", shard.file, "the rows are not those that were made")
            every += digests
        self._counted(path, len(every), manifest.rows)
        if manifest.sha256 is not None and digest_of(every) != manifest.sha256:
            self.fault("digest", path, "the rows together are not those that were made")

    def _counted(self, where: object, rows: int, stated: int) -> None:
        if rows != stated:
            self.fault("row count", where, f"{rows} rows, but the manifest says {stated}")

    def file(self, file: Path, planned: tuple[MakeConfig, Shard] | None = None) -> list[bytes]:
        """Check every row of a file and return the rows' digests."""
        digests: list[bytes] = []
        in_place = True
        try:
            for number, row in enumerate(read_rows(file)):
                digests.append(digest(row))
                self.report.items += 1
                self.advance(1)
                if empty := sorted(_empty(row)):
                    self.fault("column", f"{file} row {number}", f"no value in {', '.join(empty)}")
                    continue
                self._row(row)
                if planned and in_place and (what := _misplaced(row, *planned, number)):
                    in_place = False  # one row too few moves all that follow
                    self.fault("coordinates", row["id"], what)
        except InputError as error:
            self.fault("file", file, str(error))
        if planned and digests and len(digests) != planned[1].stop - planned[1].start:
            what = f"{len(digests)} rows where {planned[1].stop - planned[1].start} were planned"
            self.fault("row count", file, what)
        return digests

    def _row(self, row: Row) -> None:
        if row["id"] in self.seen:
            self.fault("duplicate id", row["id"], "it stands twice")
        self.seen.add(row["id"])
        try:
            solution = solve(read(row["prompt"]))
        except InputError as error:
            self.fault("unreadable", row["id"], str(error))
            faults = _coordinate_faults(row)
        else:
            self._compared(row, solution.problem)
            faults = _row_faults(row, solution)
        for kind, what in faults:
            self.fault(kind, row["id"], what)

    def _compared(self, row: Row, problem: Problem) -> None:
        """Count what the problem is like, and see that it is new."""
        prints = self.report.splits.setdefault(row["split"], Variety()).add(problem)
        own = prints["named graphs"], prints["problems"]
        other = self.told.setdefault(own, row["id"])
        if other != row["id"]:
            self.fault("duplicate", row["id"], f"the same problem is {other}")

    def sides(self) -> None:
        """See that training and test sets share nothing they need not."""
        for split, common in sides(self.report.splits):
            if found := [f"{common[kind]:,} {kind}" for kind in APART if common[kind]]:
                self.fault("shared", f"{split} and {TEST}", f"they have {', '.join(found)} in common")


Fault = tuple[str, str]
"""Kind and words."""


def _row_faults(row: Row, solution: Solution) -> Iterator[Fault]:
    """All faults of one row, whose text has been read and solved."""
    yield from _coordinate_faults(row)
    recorded, gold, told = rowing.problem(row), rowing.gold(row), solution.problem
    yield from record_faults(told, recorded)
    yield from _answer_faults(solution.answer, gold)
    yield from (("certificate", what) for what in _certificate_faults(told, gold, row))
    yield from broken(TRANSFORMS[row["set"]], solution)
    if (found := asdict(difficulty(solution))) != row["difficulty"]:
        yield "difficulty", f"the text measures {found}, the record says {row['difficulty']}"
    yield from (("solution", f"{equation} does not hold") for equation in check_steps(row["solution"]))
    if not row["solution"] or row["solution"][-1] != final_answer(gold):
        yield "solution", "its last step is not the gold answer"
    yield from _grading_faults(gold, row["tolerance"])


def _coordinate_faults(row: Row) -> Iterator[Fault]:
    seed, index = row["provenance"]["seed"], row["provenance"]["index"]
    named = "-".join(row[key] for key in ("set", "level", "task", "split")) + f"-{seed}-{index:06d}"
    if row["id"] != named:
        yield "coordinates", f"the id should be {named}"
    if row["query"]["task"] != row["task"]:
        yield "coordinates", f"the task is {row['task']}, but the query is {row['query']['task']}"
    if row["canary"] != rowing.CANARY:
        yield "coordinates", "the canary is missing"


def _empty(value: object, name: str = "") -> Iterator[str]:
    """The fields of a row that must not be null, but are."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _empty(inner, f"{name}.{key}".removeprefix("."))
    elif isinstance(value, list):
        for inner in value:
            yield from _empty(inner, name)
    elif value is None and name not in ("gold.value", "gold.answer", "query.bound"):
        yield name


def _misplaced(row: Row, config: MakeConfig, shard: Shard, number: int) -> str | None:
    """What should stand here instead, if the row is another item than the plan says."""
    task, index = config.item(shard.start + number)
    wanted = (config.set, config.level, config.split, config.seed, task, index)
    seed, own = row["provenance"]["seed"], row["provenance"]["index"]
    found = (row["set"], row["level"], row["split"], seed, row["task"], own)
    return None if found == wanted else "{}-{}-{} seed {}, {} {} belongs here".format(*wanted)


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
