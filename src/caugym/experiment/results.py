"""The page of the experiment, made from its run files alone: tables, pictures, and the paper's claim."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from statistics import fmean
from typing import Any

from caugym.core.errors import InputError
from caugym.estimands import TABLE
from caugym.evaluate.curves import metrics
from caugym.evaluate.records import Run, load
from caugym.evaluate.stats import Difference, Estimate, Score, accuracy, difference, holm
from caugym.evaluate.summary import scores, summary
from caugym.evaluate.tables import NONE, Sheet, interval, percent, probability
from caugym.experiment import ABLATIONS, ARMS, BASE, CONTROLS, SAMPLED, SETS, STANDARD, TASKS
from caugym.experiment.figure import intervals, lines, palette
from caugym.train import METHODS, directory

ONLINE = tuple(name for name, kind in METHODS.items() if kind == "rl")
OFFLINE = tuple(name for name, kind in METHODS.items() if kind != "rl")

GRPO, WARM = "grpo", "sft+grpo"
"""Arms that the paper's claims and the ablations are about."""

CARD = {
    "base": 0.935,
    "rephrased": 0.880,
    "omitted": 0.902,
    "deconfounding": 0.866,
    "redundant": 0.920,
    "insufficient": 0.860,
}
"""What the card of the released 14B model says, the mean of seven tasks: five replies at T = 0.6, graded by
the release's own rule, on its own sets (``base`` is CaLM Lite)."""

CHANCE = 0.05
"""A change less likely than this by luck of the problems counts as one."""

Scores = dict[str, Score]
"""By problem: how many replies are right, of how many."""


@dataclass(frozen=True)
class Arm:
    """What was measured of one arm, all its seeds together.

    Attributes:
        name: Key of `TRAININGS`, or ``"base"``.
        sets: Scores of every measurement.
        seeds: Mean accuracy on the six sets of every seed.
        passed: The chance that one of a problem's sampled replies is right, the mean of the seeds.
        tasks: Accuracy on the six sets by task.
    """

    name: str
    sets: Mapping[str, Scores]
    seeds: tuple[float, ...]
    passed: float
    tasks: Mapping[str, Estimate]

    @property
    def easy(self) -> Scores:
        """The six sets in one."""
        return _joined(self.sets[name] for name in SETS)


@dataclass(frozen=True)
class Measure:
    """A way to compare arms.

    Attributes:
        name: What its picture is called.
        told: What is counted.
        scores: Those of an arm.
    """

    name: str
    told: str
    scores: Callable[[Arm], Scores]

    def estimate(self, each: Arm) -> Estimate:
        """The share that is right."""
        return accuracy(list(self.scores(each).values()))

    def change(self, first: Arm, second: Arm) -> Difference:
        """Paired by problem."""
        one, other = self.scores(first), self.scores(second)
        return difference(
            [one[id_] for id_ in one], [other[id_] for id_ in one], seed=f"{first.name}/{second.name}"
        )


GREEDY = Measure("greedy", "greedily on six sets", lambda each: each.easy)
DRAWN = Measure("sampled", "at T = 1 on `base`", lambda each: each.sets[SAMPLED])
MEASURES = GREEDY, DRAWN

CURVES = (
    ("solved", "solved", "Share of sampled replies that are right, while training"),
    ("explained", "explained_variance", "PPO: variance of the reward that the values foresee"),
)
"""Figures of the learning curves that are drawn: name of the picture, key in the log, title."""


def page(out: Path, file: Path) -> None:
    """Write the page, and its pictures beside it.

    Args:
        out: Folder of the experiment.
        file: Page to write, Markdown.

    Raises:
        InputError: If the experiment is not finished.
    """
    asked = _asked(out)
    arms, ablated = (
        [arm(out, name) for name in names if _names(out, name)] for names in ((BASE, *ARMS), ABLATIONS)
    )
    if not arms or arms[0].name != BASE:
        raise InputError(f"{out} holds no measurements; run the experiment first")
    found = {each.name: each for each in arms}
    file.parent.mkdir(parents=True, exist_ok=True)
    colours = palette((BASE, *ARMS))
    pictures = {
        measure.name: intervals(
            f"Right {measure.told.replace('`', '')}, percent",
            {each.name: measure.estimate(each) for each in arms},
            colours,
        )
        for measure in MEASURES
    }
    for name, key, title in CURVES:
        pictures[name] = lines(title, _curves(out, key), colours)
    for name, picture in pictures.items():
        (file.parent / f"{file.stem}-{name}.svg").write_text(picture, encoding="utf-8")
    shown = {name: f"![{name}]({file.stem}-{name}.svg)" for name in pictures}
    parts = [
        "# Five methods from one base",
        _how(out, asked),
        "## What the paper says, and what is seen here",
        _claims(found).markdown(),
        *([_controls(found).markdown()] if set(CONTROLS) & set(found) else []),
        "## Figures",
        _accuracy(arms).markdown(),
        shown["greedy"],
        _sampled(out, arms).markdown(),
        shown["sampled"],
        _tasks(arms).markdown(),
        *([_ablations(found[GRPO], ablated).markdown()] if GRPO in found and ablated else []),
        *(shown[name] for name, _, _ in CURVES),
    ]
    file.write_text("\n\n".join(part.strip() for part in parts) + "\n", encoding="utf-8")


def arm(out: Path, name: str) -> Arm:
    """What was measured of one arm.

    Raises:
        InputError: If an evaluation is missing or unfinished.
    """
    runs = {kind: [_run(out / "runs" / kind / each) for each in _names(out, name)] for kind in _kinds()}
    sets = {kind: _joined(scores(run) for run in found) for kind, found in runs.items()}
    seeds = tuple(
        _value(_joined(scores(runs[kind][seed]) for kind in SETS)) for seed in range(len(_names(out, name)))
    )
    passed = [summary(run).passed.value or 0.0 for run in runs[SAMPLED]]
    tasks: dict[str, Scores] = {code: {} for code in TABLE}
    for kind in SETS:
        for id_, question in runs[kind][0].questions.items():
            if question.task in tasks:
                tasks[question.task][id_] = sets[kind][id_]
    by_task = {code: accuracy(list(found.values())) for code, found in tasks.items()}
    return Arm(name, sets, seeds, fmean(passed), by_task)


def _kinds() -> tuple[str, ...]:
    return (*SETS, SAMPLED, STANDARD)


def _names(out: Path, name: str) -> list[str]:
    """The models of an arm, a seed each; the base is one."""
    folder = out / "runs" / SETS[0]
    if name == BASE:
        return [BASE] if (folder / BASE).exists() else []
    return sorted(
        path.name for path in folder.glob(f"{name}-*") if path.name.removeprefix(f"{name}-").isdecimal()
    )


def _run(path: Path) -> Run:
    run = load(path)
    if not run.info["finished"]:
        raise InputError(f"{path} is not finished; run the experiment again")
    return run


def _joined(parts: Iterable[Mapping[str, Score]]) -> Scores:
    """Scores added up, problem by problem."""
    whole: Scores = {}
    for part in parts:
        for id_, (right, asked) in part.items():
            before = whole.get(id_, (0, 0))
            whole[id_] = (before[0] + right, before[1] + asked)
    return whole


def _value(found: Scores) -> float:
    return accuracy(list(found.values())).value or 0.0


def _accuracy(arms: Sequence[Arm]) -> Sheet:
    changes = [GREEDY.change(arms[0], each) for each in arms[1:]]
    adjusted = holm([change.p for change in changes])
    rows = []
    for number, each in enumerate(arms):
        cells = [percent(_value(each.sets[name])) for name in SETS]
        whole = GREEDY.estimate(each)
        cells += [percent(whole.value), interval(whole)]
        spread = f"{percent(min(each.seeds))} to {percent(max(each.seeds))}" if len(each.seeds) > 1 else NONE
        change = changes[number - 1] if number else None
        told = (
            [percent(change.value, sign=True), interval(change, sign=True), probability(adjusted[number - 1])]
            if change
            else [NONE] * 3
        )
        rows.append((each.name, *cells, spread, *told))
    heads = ("All", "95 % interval", "Seeds", "Change", "95 % interval", "p")
    notes = (
        "One greedy reply a problem; value and yes/no must both be right. Intervals are by problem.",
        "Seeds: lowest and highest training.",
        "Change against the base, paired by problem, exact sign-flip test, Holm-corrected.",
    )
    return Sheet("Right at `easy`, percent", ("Model", *SETS, *heads), tuple(rows), notes)


def _sampled(out: Path, arms: Sequence[Arm]) -> Sheet:
    k, rows = _asked(out)["scale"]["samples"], []
    for each in arms:
        drawn = DRAWN.estimate(each)
        rows.append(
            (
                each.name,
                percent(drawn.value),
                interval(drawn),
                percent(each.passed),
                percent(_value(each.sets[STANDARD])),
                *_cost(out, each.name),
            )
        )
    heads = ("Model", "At T = 1", "95 % interval", f"pass@{k}", "`standard`", "Steps", "Minutes")
    notes = (
        "Several replies to each problem of `base`; `standard` has four decimals and was never shown.",
        "Steps and minutes of the first seed.",
    )
    return Sheet("Sampled replies, and harder problems, percent", heads, tuple(rows), notes)


def _tasks(arms: Sequence[Arm]) -> Sheet:
    rows = [(each.name, *(percent(each.tasks[code].value) for code in TABLE)) for each in arms]
    return Sheet("By task, six sets together, percent", ("Model", *TABLE), tuple(rows))


def _trainings(out: Path, name: str) -> list[Path]:
    """The run directories of an arm's first seed, in their order."""
    return sorted((out / "train").glob(f"{name}-0*"), key=lambda path: -len(path.name))


def _cost(out: Path, name: str) -> tuple[str, str]:
    logs = [metrics(path) for path in _trainings(out, name)]
    if not logs:
        return NONE, NONE
    steps, seconds = sum(log[-1]["step"] for log in logs), sum(log[-1]["seconds"] for log in logs)
    return str(steps), f"{seconds / 60:.1f}"


def _curves(out: Path, key: str) -> dict[str, list[tuple[float, float]]]:
    """A figure over the steps of every arm's last stage, first seed, where it was logged."""
    curves = {}
    for name in ARMS:
        folders = _trainings(out, name)
        logged = metrics(folders[-1]) if folders else []
        points = [(float(row["step"]), float(row[key])) for row in logged if row.get(key) is not None]
        if len(points) > 1:
            curves[name] = points
    return curves


def _asked(out: Path) -> dict[str, Any]:
    try:
        return dict(json.loads((out / "experiment.json").read_text(encoding="utf-8")))
    except (OSError, ValueError):
        raise InputError(f"{out} holds no experiment; run it first") from None


def _how(out: Path, asked: Mapping[str, Any]) -> str:
    scale = asked["scale"]
    plans = {name: [_plan(directory.read(stage)) for stage in _trainings(out, name)] for name in ARMS}
    problems, weights = TASKS * scale["problems"], str(asked["weights"])[:12]
    told = [
        f"Base `{asked['base']}` (weights {weights}), {problems:,} problems of `easy` to train on, "
        f"{scale['tokens']:,} tokens a training, seeds: {scale['seeds']}, {scale['tests']} problems a set to "
        "measure on. The budget counts tokens of prompts and replies that a gradient is taken on; drawing "
        "replies, and asking a reference, comes on top.",
        "",
        *(
            f"- `{name}`: {', then '.join(stages).removeprefix(f'{name}: ')}"
            for name, stages in plans.items()
            if stages
        ),
        "",
        "`continued` learns from more of the base's own corpus; `random` and `format` are GRPO with a coin,",
        "or a readable answer, in place of the right one: what they gain was not learnt from answers.",
    ]
    return "\n".join(told)


def _plan(record: Mapping[str, Any]) -> str:
    """What a training said that it would do, its model told without the folder it lay in."""
    return str(record["plan"]).replace(record["model"], Path(record["model"]).name)


def _claims(found: Mapping[str, Arm]) -> Sheet:
    """The paper's claims (arXiv 2602.06337) beside what was measured, whatever it is."""
    reasoner = f"SFT, then GRPO, makes a reasoner: {percent(CARD['base'])} % on CaLM Lite, o3 55.4 %"
    pairs: dict[str, Callable[[Measure], tuple[str, str]]] = {
        "Online methods, GRPO above all, gain most": lambda measure: (
            _best(found, OFFLINE, measure),
            _best(found, ONLINE, measure),
        ),
        reasoner: lambda _: (BASE, WARM),
        "GRPO wants SFT as a cold start": lambda _: (GRPO, WARM),
    }
    rows = []
    for claim, measure in product(pairs, MEASURES):
        first, second = pairs[claim](measure)
        if first in found and second in found:
            change = measure.change(found[first], found[second])
            told = f"{second} against {first}, {measure.told}: {_said(change)}; {_verdict(change)}"
            rows.append((claim, told))
    if WARM in found:
        each = found[WARM]
        card = ", ".join(f"{name} {percent(CARD[name])}" for name in SETS)
        here = ", ".join(f"{name} {percent(_value(each.sets[name]))}" for name in SETS)
        rows.append((f"It holds where the problem changes: {card}", f"{WARM}: {here}"))
    notes = (
        "The paper's figures are of a 14B model, on its own sets, by a more lenient rule of grading.",
        "Intervals are by problem: the luck of a training is not in them.",
    )
    return Sheet("Side by side", ("The paper", "Here"), tuple(rows), notes, names=2)


def _best(found: Mapping[str, Arm], names: Sequence[str], measure: Measure) -> str:
    """The arm that is right most often; nothing where none was measured."""
    measured = [name for name in names if name in found]
    return max(measured, key=lambda name: measure.estimate(found[name]).value or 0.0, default="")


def _verdict(change: Difference) -> str:
    """Whether a gain was seen, by the interval and by the test."""
    within = change.low is None or change.high is None or change.low <= 0 <= change.high
    if within or change.p is None or change.p > CHANCE:
        return "no difference that this experiment could tell"
    return "as the paper says" if (change.value or 0) > 0 else "not what the paper says"


def _controls(found: Mapping[str, Arm]) -> Sheet:
    """Every control beside the base."""
    measured = product((name for name in CONTROLS if name in found), MEASURES)
    rows = [
        (name, measure.told, _said(measure.change(found[BASE], found[name]))) for name, measure in measured
    ]
    return Sheet("Controls against the base", ("Control", "Right", "Change"), tuple(rows), names=3)


def _ablations(whole: Arm, ablated: Sequence[Arm]) -> Sheet:
    """GRPO with one thing changed, beside GRPO as it is."""
    changes = [GREEDY.change(whole, each) for each in ablated]
    adjusted = holm([change.p for change in changes])
    rows = [(whole.name, percent(_value(whole.easy)), percent(_value(whole.sets[SAMPLED])), *[NONE] * 3)]
    for each, change, p in zip(ablated, changes, adjusted, strict=True):
        right = percent(_value(each.easy)), percent(_value(each.sets[SAMPLED]))
        told = percent(change.value, sign=True), interval(change, sign=True), probability(p)
        rows.append((each.name, *right, *told))
    notes = ("Change of the greedy replies against `grpo`, paired by problem, Holm-corrected.",)
    head = ("Model", "Greedy, six sets", "At T = 1, `base`", "Change", "95 % interval", "p")
    return Sheet("Ablations of GRPO, percent", head, tuple(rows), notes)


def _said(change: Difference) -> str:
    about = f"95 % interval {interval(change, sign=True)}, p {probability(change.p)}"
    return f"{percent(change.value, sign=True)} points ({about})"
