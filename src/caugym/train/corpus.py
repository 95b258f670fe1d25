"""What the bundled base model learns from: worked solutions, right ones and wrong ones, and exercises.

A model trained on the web is fluent and unreliable: it has seen causal questions answered well and badly. The
corpus imitates that on purpose, in two parts. In the first the model becomes fluent: every
problem comes with its right solution. In the second, short part it becomes unreliable: a problem comes with
the right solution, with the mistake most common for its task, or with any other typed mistake
(`caugym.problems.mistakes`). Which of the three is drawn depends on nothing in the problem, so only the
strategy is unreliable: reading and arithmetic are always right. Exercises (`caugym.train.exercises`) come in
between.

Rows are in the order of learning: small problems first, then all, then those with mistakes.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from random import Random
from typing import Any, NamedTuple

from caugym.core.errors import InputError
from caugym.core.pool import Pool
from caugym.core.query import Task
from caugym.core.streams import stream
from caugym.data.rows import spoken
from caugym.problems.generate import Item, generate_mixed
from caugym.problems.levels import LEVELS
from caugym.problems.mistakes import KINDS, Kind, Mistake, mistakes
from caugym.problems.names import half
from caugym.problems.problem import Variable
from caugym.problems.read import read
from caugym.problems.solve import solve
from caugym.problems.stories import stories
from caugym.problems.wording import opened
from caugym.train.exercises import contrasts, lists, sums, ways

COMMONEST: dict[Task, tuple[Kind, ...]] = {
    "ATE": ("naive", "stratum", "sign"),
    "CDE": ("naive", "stratum", "outcome"),
    "ETT": ("naive", "weights", "verdict"),
    "NDE": ("mediator", "partial", "stratum", "verdict"),
    "NIE": ("estimand", "weights", "sign"),
    "PN": ("denominator", "clip"),
    "PS": ("estimand", "denominator"),
}
"""The common mistakes of each task; the first that a problem allows is its own."""


@dataclass(frozen=True, slots=True)
class Course:
    """What is learnt in one training, in shares.

    Attributes:
        stages: What is learnt one after the other, of the problems: ``small``, those with three variables and
            right solutions; ``right``, all, with right solutions; ``mixed``, all, with mistakes.
        sets: Of the problems, so that the model knows all wordings.
        right: Right solutions among the mixed ones, by task.
        common: The task's common mistake among those with a mistake; the rest are other mistakes.
        exercises: Of each kind (`caugym.train.exercises`), to a problem.
        rate: Of the peak rates of learning.
    """

    stages: Mapping[str, float]
    sets: Mapping[str, float]
    right: Mapping[Task, float]
    common: float
    exercises: Mapping[str, float]
    rate: float = 1.0


COURSE = Course(
    stages={"small": 0.05, "right": 0.85, "mixed": 0.1},
    sets={
        "base": 0.44,
        "rephrased": 0.1,
        "omitted": 0.06,
        "deconfounding": 0.16,
        "redundant": 0.14,
        "insufficient": 0.1,
    },
    right={"ATE": 0.27, "CDE": 0.2, "ETT": 0.3, "NDE": 0.32, "NIE": 0.33, "PN": 0.4, "PS": 0.41},
    common=0.6,
    exercises={"sums": 0.12, "ways": 0.2, "lists": 0.3, "contrasts": 0.12},
)
"""What a base is taught."""

LAST = replace(
    COURSE,
    stages={"mixed": 1.0},
    right={"ATE": 0.3, "CDE": 0.08, "ETT": 0.22, "NDE": 0.27, "NIE": 0.28, "PN": 0.36, "PS": 0.5},
    rate=0.5,
)
"""What makes a base that was taught, and grew too reliable, unreliable again."""

COURSES = {"whole": COURSE, "last": LAST}
"""Courses by name."""

SMALL = replace(LEVELS["easy"], variables=(3, 3))
"""The level of the first problems: three variables."""

NOVEL = 0.6
"""Share of the problems with other levels, and most often other names, than those in which they were told: to
look up a name that it has never met, and its levels, is what a model of this size finds hardest."""

CHUNK = 500
"""Problems made at a time."""


@dataclass(frozen=True, slots=True)
class Part:
    """A run of problems of one set, made by one process."""

    course: Course
    set: str
    stage: str
    seed: int
    start: int
    count: int


def corpus(course: Course, problems: int, seed: int = 0, workers: int = 1) -> list[dict[str, Any]]:
    """Rows for supervised training, in the order in which they are to be learnt.

    Args:
        course: What they are to teach.
        problems: How many problems; exercises come on top.
        seed: Of problems, mistakes and exercises.
        workers: Processes that make problems; the rows do not depend on it.
    """
    rng = stream("corpus", seed)
    rows: list[dict[str, Any]] = []
    with Pool(workers) as pool:
        for stage, share in course.stages.items():
            sets = {"base": 1.0} if stage == "small" else course.sets
            counts = {name: problems * share * part for name, part in sets.items()}
            parts = [
                part for name, count in counts.items() for part in _parts(course, name, stage, count, seed)
            ]
            made = [row for rows in pool.map(_rows, parts) for row in rows]
            rng.shuffle(made)
            rows += made
    return rows


def _parts(course: Course, name: str, stage: str, count: float, seed: int) -> Iterator[Part]:
    for start in range(0, round(count), CHUNK):
        yield Part(course, name, stage, seed, start, min(CHUNK, round(count) - start))


def _rows(part: Part) -> list[dict[str, Any]]:
    tasks = tuple(COMMONEST)
    wanted = [(tasks[i % len(tasks)], i // len(tasks)) for i in range(part.start, part.start + part.count)]
    level = SMALL if part.stage == "small" else "easy"
    items = generate_mixed(part.set, wanted, level, part.stage, part.seed)
    return [row for item in items for row in _of(item, part)]


def _of(item: Item, part: Part) -> Iterator[dict[str, Any]]:
    """The rows that one problem gives: its own, and exercises."""
    rng, shares, problem = stream("corpus", part.seed, item.id), part.course.exercises, item.problem
    yield _row(item, part, rng)
    if rng.random() < shares["sums"]:
        yield _example(*sums(rng))
    if rng.random() < shares["ways"]:
        yield _example(*ways(_perhaps_novel(problem.variables, rng), problem.dag, rng))
    for name, exercise in (("lists", lists), ("contrasts", contrasts)):
        if rng.random() < shares[name]:
            yield _example(*exercise(_perhaps_novel(problem.variables, rng), rng))


def _row(item: Item, part: Part, rng: Random) -> dict[str, Any]:
    steps, course = item.solution, part.course
    if part.stage == "mixed":
        right, common = rng.random() < course.right[item.task], rng.random() < course.common
        made = [] if right else [m for m in mistakes(solve(item.problem), rng) if m.kind != "slip"]
        if made:
            steps = _chosen(made, item, common=common, rng=rng).steps
    texts = [item.prompt, "\n".join(steps)]
    if rng.random() < NOVEL:
        texts = _renamed(texts, item.problem.variables, rng)
    return _example(*texts)


def _chosen(made: Sequence[Mistake], item: Item, *, common: bool, rng: Random) -> Mistake:
    """The task's common mistake, or one of another kind, every kind as likely as another."""
    kinds = [kind for kind in KINDS if any(m.kind == kind for m in made)]
    usual = next((kind for kind in COMMONEST[item.task] if kind in kinds), kinds[0])
    others = [kind for kind in kinds if kind != usual]
    kind = usual if common or not others else rng.choice(others)
    return rng.choice([m for m in made if m.kind == kind])


def _renamed(texts: list[str], variables: Sequence[Variable], rng: Random) -> list[str]:
    """The texts with other levels, and most often other names; as they are if they cannot be read then."""
    new: dict[str, str] = {}
    if rng.random() < 0.7:
        names = _names(len(variables), rng)
        new = {variable.name: name for variable, name in zip(variables, names, strict=True)}
    old = dict.fromkeys(level for variable in variables for level in variable.levels)
    new |= dict(zip(old, rng.sample(levels(), len(old)), strict=True))
    new |= {level: _invented(rng, words=1) for level in old if rng.random() < 0.15}
    new |= {opened(key): opened(name) for key, name in new.items() if opened(key) != key}
    longest = sorted(new, key=len, reverse=True)
    pattern = re.compile(rf"\b({'|'.join(map(re.escape, longest))})\b")
    prompt, reply = (pattern.sub(lambda found: new[found[0]], text) for text in texts)
    try:
        read(prompt)
    except InputError:  # a level's name is also a word of the sentence around it
        return texts
    return [prompt, reply]


def _perhaps_novel(variables: tuple[Variable, ...], rng: Random) -> tuple[Variable, ...]:
    """The variables, or others with invented names; half of those have all the same levels."""
    if rng.random() >= NOVEL:
        return variables
    names, pairs = _names(len(variables), rng), [rng.sample(levels(), 2) for _ in variables]
    if rng.random() < 0.5:
        pairs = pairs[:1] * len(names)
    return tuple([Variable(name, tuple(pair)) for name, pair in zip(names, pairs, strict=True)])


def _names(count: int, rng: Random) -> list[str]:
    """Invented names, none of which begins as another."""
    names: list[str] = []
    for _ in range(count):
        name = _invented(rng, words=rng.choice((1, 2)))
        while any(name.startswith(other) or other.startswith(name) for other in names):
            name = _invented(rng, words=2)
        names.append(name)
    return names


def _invented(rng: Random, words: int) -> str:
    """Words whose letters follow one another as in the names of the stories; never a name of a test item."""
    letters = _letters()
    while True:
        name = " ".join(_word(letters.followers, rng) for _ in range(words))
        if not half(name) and name not in letters.names and all(2 < len(word) < 10 for word in name.split()):
            return name


def _word(followers: dict[str, list[str]], rng: Random) -> str:
    text = "  "
    while not text.endswith(" ") or not text.strip():
        text += rng.choice(followers[text[-2:]])
    return text.strip()


class _Letters(NamedTuple):
    """For two letters those that follow them in training stories; names of all stories."""

    followers: dict[str, list[str]]
    names: frozenset[str]


@cache
def levels() -> tuple[str, ...]:
    """Levels of training stories, sorted."""
    told = (variable for story in stories() if not story.reserved for variable in story.variables)
    return tuple(sorted({level for variable in told for level in variable.levels}))


@cache
def _letters() -> _Letters:
    told = [variable for story in stories() if not story.reserved for variable in story.variables]
    followers: dict[str, list[str]] = defaultdict(list)
    for word in " ".join(variable.name for variable in told).split():
        padded = f"  {word} "
        for first, second, third in zip(padded, padded[1:], padded[2:], strict=False):
            followers[first + second].append(third)
    names = frozenset(variable.name for story in stories() for variable in story.variables)
    return _Letters(followers, names)


def _example(prompt: str, reply: str) -> dict[str, Any]:
    return {"prompt": spoken("user", prompt), "completion": spoken("assistant", reply)}
