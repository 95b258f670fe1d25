"""Making problems: item = f(version of the set, seed, split, set, task, level, index), and nothing else.

An item is emitted only if its text, read back without the record, is the same problem, and the answer solved
from that text agrees with the oracle's answer on a joint distribution that has every printed number.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import groupby, islice
from operator import attrgetter
from random import Random

import numpy as np

from caugym.core.errors import InputError
from caugym.core.estimand import Sets
from caugym.core.query import Query, Task
from caugym.core.streams import stream
from caugym.core.witness import Witness
from caugym.estimands import TABLE, yes
from caugym.problems.balance import Coordinates, Wish, wished
from caugym.problems.certificate import certificate, model, told_tables
from caugym.problems.contest import SMALLEST, VISIBLE
from caugym.problems.contested import Contested, contested
from caugym.problems.decoys import with_decoys
from caugym.problems.difficulty import SAMPLE, Difficulty, difficulty, measured, on_rung, span
from caugym.problems.gaps import proof, with_gap
from caugym.problems.joint import Bools, Fitted, Floats, Shape, fit, scm_of, shape
from caugym.problems.levels import Level, level_named
from caugym.problems.problem import Answer, Problem
from caugym.problems.promises import broken
from caugym.problems.read import Unreadable, read
from caugym.problems.solution import worked
from caugym.problems.solve import solve
from caugym.problems.structure import Structure, draw
from caugym.problems.telling import telling
from caugym.problems.transforms import TRANSFORMS, Transform
from caugym.problems.verbalise import random_style, verbalise

TASKS: tuple[Task, ...] = tuple(estimand.code for estimand in TABLE.values())
SETS = tuple(TRANSFORMS)
TOLERANCE = 0.0005
ROUNDING = 0.00005 + 1e-9
"""How far gold, printed to 4 decimals, may be from the oracle's value."""
ATTEMPTS = 1000
PATIENCE = 10
"""Draws of numbers before another structure is drawn."""
WINDOW = 2048
"""Items drawn at a time; those refused are drawn again together with new ones."""
AHEAD = 8192
"""Items begun before an earlier one is done."""
BATCH = 192


def series(set_: str, task: Task, level: str, split: str, seed: int) -> Coordinates:
    """The coordinates of a series, within which items are counted by their index."""
    return TRANSFORMS[set_].version, seed, split, set_, task, level


@dataclass(frozen=True, slots=True)
class Item:
    """A problem with all that is derived from it.

    Attributes:
        id: Stable name, e.g. ``"base-standard-ATE-test-1-000042"``.
        set, task, level, split, seed, index: The coordinates that determine the item.
        attempt: How many draws were refused before this one.
        problem: The record.
        prompt: The text.
        gold: The right answer.
        solution: The worked solution, a step a line; the last line is the final answer.
        certificate: Proof that the numbers are possible (`caugym.problems.certificate`).
        difficulty: As measured on the text and its solution.
        tolerance: How far a reply's value may be from gold.
        rewriter: The language model that was asked for other words; empty where none was.
        refused: Why its words were not taken; empty where they were.
    """

    id: str
    set: str
    task: Task
    level: str
    split: str
    seed: int
    index: int
    attempt: int
    problem: Problem
    prompt: str
    gold: Answer
    solution: tuple[str, ...]
    certificate: str
    difficulty: Difficulty
    tolerance: float = TOLERANCE
    rewriter: str = ""
    refused: str = ""


@dataclass(slots=True)
class _Draft:
    """An item without numbers and words.

    Attributes:
        maker, index, attempt: What is drawn.
        wish: What it must be.
        structure: What it is without numbers and words.
        slots: Those that matter: all causes of what is stated or asked.
        query: The question on these slots.
        shape: The graph on these slots, and what is stated.
        rng: The stream that the rest is drawn from.
        contested: Where formulas compete: their contest.
    """

    maker: "_Maker"
    index: int
    attempt: int
    wish: Wish
    structure: Structure
    slots: list[int]
    query: Query
    shape: Shape
    rng: Random
    contested: Contested | None = None

    def uniforms(self) -> Floats:
        """What the numbers are drawn from."""
        if self.contested:
            return self.contested.start
        return np.array([self.rng.random() for _ in range((1 << len(self.slots)) - 1)])

    @property
    def size(self) -> tuple[int, int]:
        """Drafts of one size share a batch."""
        return len(self.slots), len(self.shape.cells)

    def again(self) -> "_Draft":
        """The draft for the next attempt: the same, or after some attempts another."""
        attempt = self.attempt + 1
        if attempt == ATTEMPTS:
            level, task = self.maker.level.name, self.maker.task
            raise InputError(f"level {level!r} refused {ATTEMPTS} draws of {task}; ease its knobs")
        if attempt % PATIENCE == 0 or self.contested:
            return self.maker.draft(self.index, attempt)
        self.attempt = attempt
        return self


@dataclass(frozen=True, slots=True)
class _Numbers:
    """The numbers of one draw: what is printed, the tables of the slots that matter, the oracle's value."""

    printed: list[int]
    tables: list[list[float]]
    value: float


@dataclass(frozen=True, slots=True)
class _Maker:
    """The coordinates shared by the items of one task."""

    transform: Transform
    task: Task
    level: Level
    split: str
    seed: int

    def coordinates(self) -> Coordinates:
        return series(self.transform.name, self.task, self.level.name, self.split, self.seed)

    def draft(self, index: int, attempt: int) -> _Draft:
        wish = wished(self.transform, self.task, self.level, self.coordinates(), index)
        rng = stream(*self.coordinates(), index, attempt)
        found = None
        if self.transform.rivals:
            found = contested(self.transform, self.task, self.level, wish, (self.coordinates(), index), rng)
        structure = found.structure if found else self.structure(wish, rng)
        slots = structure.slots()
        core = structure.on(slots)
        outline = shape(core.dag, core.terms)
        return _Draft(self, index, attempt, wish, structure, slots, core.query, outline, rng, found)

    def structure(self, wish: Wish, rng: Random) -> Structure:
        """A structure with what the set adds to it; of the wished difficulty, where there is a wish."""
        if not self.level.even:
            return self.drawn(wish, rng)
        return on_rung(wish.rung, _span(self), lambda: self.drawn(wish, rng), self.score)

    def score(self, structure: Structure) -> int:
        """How difficult problems of a structure are."""
        zero = TABLE[self.task].zero(structure.dag, structure.query)
        sets = None if zero else structure.sets
        return measured(structure, sets, len(structure.terms), self.level.decimals).score

    def drawn(self, wish: Wish, rng: Random) -> Structure:
        """A structure with what the set adds to it, as it falls."""
        transform, level = self.transform, self.level
        if not transform.routes[1] and not transform.bystanders[1]:
            return draw(self.task, level, null=wish.null, bound=wish.bound, rng=rng)
        for _ in range(ATTEMPTS):
            structure = draw(self.task, level, null=wish.null, bound=wish.bound, rng=rng)
            routes, bystanders = rng.randint(*transform.routes), rng.randint(*transform.bystanders)
            more = with_decoys(structure, 0 if wish.null else routes, bystanders, level.statements, rng)
            if not transform.gap:
                return more
            if left := with_gap(more, len(structure.terms), wish.lacking, rng):
                return left
        raise InputError(f"level {level.name!r} has no room for set {transform.name!r}; raise its statements")

    def wanted(self, draft: _Draft, numbers: _Numbers) -> bool:
        wish, value = draft.wish, numbers.value
        if wish.lacking:
            return True
        if draft.contested:
            return draft.contested.contest.fair_with(numbers.tables)
        if wish.null:
            apart: float = abs(numbers.printed[0] - numbers.printed[1]) / 10**self.level.decimals
            return apart >= VISIBLE
        if wish.bound is None:
            return abs(value) >= SMALLEST
        if wish.clipped:
            return bool(value == (0.0 if wish.bound == "lower" else 1.0))
        return SMALLEST <= value <= 1 - SMALLEST

    def tell(self, draft: _Draft, numbers: _Numbers) -> Item | None:
        """The item in names, words and order, if it reads back as itself and solves to the oracle's value."""
        wish, rng, value, index = draft.wish, draft.rng, numbers.value, draft.index
        structure = draft.structure
        if wish.less:
            structure = replace(structure, query=structure.query._replace(polarity="less"))
        # asking for the other level of Y turns the sign of an effect, and so gives the wished yes/no
        turned = wish.yes is not None and not wish.null and yes(value, structure.query) != wish.yes
        problem, slots, flips = telling(
            structure, numbers.printed, self.level, self.split, self.transform.pool, turned, rng
        )
        prompt = verbalise(problem, random_style(rng, self.transform.pool))
        try:
            if (heard := read(prompt)) != problem:
                return None
        except Unreadable:
            return None
        solution = solve(heard)
        if any(broken(self.transform, solution)):
            return None
        gold = solution.answer
        tables = told_tables(heard, slots, flips, dict(zip(draft.slots, numbers.tables, strict=True)))
        proved: Witness | None = None
        if wish.lacking:
            if gold.status != "insufficient":
                return None
            start = model(problem, certificate(Sets(), tables))
            proved = proof(problem, start, repr((*self.coordinates(), index)))
            if proved is None:
                return None
        elif gold.value is None or abs(float(gold.value) - (-value if turned else value)) > ROUNDING:
            return None
        return Item(
            id=f"{self.transform.name}-{self.level.name}-{self.task}-{self.split}-{self.seed}-{index:06d}",
            set=self.transform.name,
            task=self.task,
            level=self.level.name,
            split=self.split,
            seed=self.seed,
            index=index,
            attempt=draft.attempt,
            problem=problem,
            prompt=prompt,
            gold=gold,
            solution=worked(solution),
            certificate=certificate(solution.sets or Sets(), tables, proved),
            difficulty=difficulty(solution),
        )


@lru_cache(maxsize=64)
def _span(maker: _Maker) -> tuple[int, int]:
    """Between which scores the problems of a series lie."""
    name = (*maker.coordinates(), "scores")
    wishes = (wished(maker.transform, maker.task, maker.level, name, i) for i in range(SAMPLE))
    return span(maker.score(maker.drawn(wish, stream(*name, i))) for i, wish in enumerate(wishes))


def generate(
    set_: str, task: Task, level: str | Level, split: str, seed: int, indices: Iterable[int]
) -> Iterator[Item]:
    """Items of one task, in the order of ``indices``.

    Args:
        set_: Name of the set; see `caugym.problems.transforms`.
        task: Code of the estimand.
        level: Name of a built-in level, or a level of one's own.
        split: ``"train"``, ``"test"``, ...; splits share no item, and test shares no name with the others.
        seed: Any integer.
        indices: Which items; each depends on its own index alone.

    Raises:
        InputError: If a name is unknown or the level cannot be met.
    """
    return generate_mixed(set_, ((task, index) for index in indices), level, split, seed)


def generate_mixed(
    set_: str, wanted: Iterable[tuple[Task, int]], level: str | Level, split: str, seed: int
) -> Iterator[Item]:
    """Items of several tasks, in the order of ``wanted``: the same as from `generate`, but sooner together.

    Args:
        set_, level, split, seed: As for `generate`.
        wanted: Task and index of each item, none twice.
    """
    if set_ not in TRANSFORMS:
        raise InputError(f"no set {set_!r}; choose one of {', '.join(TRANSFORMS)}")
    level = level if isinstance(level, Level) else level_named(level)
    makers: dict[Task, _Maker] = {}
    rest = iter(wanted)
    order: deque[tuple[Task, int]] = deque()
    done: dict[tuple[Task, int], Item] = {}
    trying: list[_Draft] = []
    while True:
        room = min(WINDOW - len(trying), AHEAD - len(order))
        for task, index in islice(rest, room):
            if task not in TABLE:
                raise InputError(f"no task {task!r}; choose of {', '.join(TABLE)}")
            if task not in makers:
                makers[task] = _Maker(TRANSFORMS[set_], task, level, split, seed)
            trying.append(makers[task].draft(index, 0))
            order.append((task, index))
        if not order:
            return
        done |= {(item.task, item.index): item for item in _attempt(trying, level.decimals)}
        trying = [draft.again() for draft in trying if (draft.maker.task, draft.index) not in done]
        while order and order[0] in done:
            yield done.pop(order.popleft())


def _attempt(drafts: list[_Draft], decimals: int) -> Iterator[Item]:
    """Numbers and words for each draft; those that are refused are left out."""
    for _, alike in groupby(sorted(drafts, key=_size), key=_size):
        for draft, numbers in _numbers(list(alike), decimals):
            if draft.maker.wanted(draft, numbers) and (item := draft.maker.tell(draft, numbers)):
                yield item


_size = attrgetter("size")


def _numbers(drafts: Sequence[_Draft], decimals: int) -> Iterator[tuple[_Draft, _Numbers]]:
    """Numbers for those of the drafts, all of one size, whose printed numbers some joint has."""
    fitted: list[Fitted] = []
    batch = max(4, BATCH >> max(0, len(drafts[0].slots) - 5))
    parity = int(drafts[0].maker.split != "test")  # so that no test problem is one of another split
    for start in range(0, len(drafts), batch):
        some = drafts[start : start + batch]
        uniforms = np.array([draft.uniforms() for draft in some])
        fitted.append(fit([draft.shape for draft in some], uniforms, decimals, parity))
    exact = np.concatenate([f.exact for f in fitted])
    printed = [row for f in fitted for row in f.printed.tolist()]
    tables = [np.concatenate(each) for each in zip(*(f.tables for f in fitted), strict=True)]
    values = _by_definition([draft.query for draft in drafts], exact, tables)
    lists = [table.tolist() for table in tables]
    for b in np.flatnonzero(exact).tolist():
        yield drafts[b], _Numbers(printed[b], [table[b] for table in lists], values[b])


def _by_definition(queries: Sequence[Query], exact: Bools, tables: Sequence[Floats]) -> list[float]:
    """The oracle's values, computed together for entries that ask the same of the same slots."""
    values = np.full(len(queries), np.nan)
    groups: dict[Query, list[int]] = {}
    fitted = np.flatnonzero(exact)
    if not len(fitted):
        return values.tolist()
    for k, b in enumerate(fitted.tolist()):
        groups.setdefault(queries[b], []).append(k)
    models = scm_of(tables, fitted)
    for query, entries in groups.items():
        values[fitted[entries]] = TABLE[query.task].definition(models.take(entries), query)
    return values.tolist()
