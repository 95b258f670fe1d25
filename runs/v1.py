"""CauGym v1: make it, prove it, and write its page.

``python runs/v1.py OUT --workers 4 --page docs/v1.md``

Three levels, each with a training set of 21,000 problems and six test sets of 1,400 (200 a task). Whatever is
finished is kept: the same command goes on. ``--scale 0.01`` makes a small one, to see that all goes well.
"""

import argparse
import os
from collections import defaultdict
from pathlib import Path
from statistics import fmean
from time import perf_counter

os.environ.setdefault("OMP_NUM_THREADS", "1")

from caugym.core.pool import Pool
from caugym.data.check import CheckReport, check
from caugym.data.manifest import MakeConfig, Manifest
from caugym.data.row import gold
from caugym.data.shards import make, rows
from caugym.evaluate.audit.shortcuts import Shortcuts, shortcuts
from caugym.evaluate.gallery import gallery
from caugym.evaluate.tables import percent
from caugym.problems.generate import SETS, TASKS
from caugym.problems.levels import LEVELS
from caugym.problems.transforms import TRANSFORMS

SEED = 1
TRAIN, TEST = 21_000, 1_400

CARD = """---
license: apache-2.0
language:
- en
pretty_name: CauGym v1
tags:
- causal-inference
- reasoning
- math
- synthetic
configs:
{configs}---

# CauGym v1

Causal-estimation problems with proved answers at three levels: for each a training set and six test sets.
`gallery.html` in each level shows one problem of each task and set with its proof; each set has a card of its
own. Do not train on the test sets.
"""


def main() -> None:
    """Make, check and describe the published sets."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    options.add_argument("out", type=Path)
    options.add_argument("--workers", type=int, default=4)
    options.add_argument("--page", type=Path, help="write figures and digests here (Markdown)")
    options.add_argument("--scale", type=float, default=1.0)
    chosen = options.parse_args()
    began = perf_counter()
    folders = {level: made(chosen.out, level, chosen.workers, chosen.scale) for level in LEVELS}
    making = perf_counter() - began
    with Pool(min(chosen.workers, len(LEVELS))) as pool:
        reports = dict(zip(folders, pool.map(checked, folders.values()), strict=True))
    checking = perf_counter() - began - making
    with Pool(chosen.workers) as pool:
        tests = [folder for each in folders.values() for folder in each[1:]]
        won = dict(zip(tests, pool.map(shortcuts, tests), strict=True))
    (chosen.out / "README.md").write_text(card(folders), encoding="utf-8")
    lines = page(folders, reports, won)
    lines.append(
        f"Made in {making / 60:.0f} minutes and checked in {checking / 60:.0f} with {chosen.workers} workers "
        "(what was there already is not made again)."
    )
    text = "\n".join(lines) + "\n"
    print(text)
    if chosen.page:
        chosen.page.write_text(text, encoding="utf-8")
    if not all(report.ok for report in reports.values()):
        raise SystemExit(1)


def made(out: Path, level: str, workers: int, scale: float) -> list[Path]:
    """The sets of a level, the training set first, and their gallery."""
    plans = [("train", MakeConfig("base", TASKS, level, scaled(TRAIN, scale), SEED, "train"))]
    plans += [(set_, MakeConfig(set_, TASKS, level, scaled(TEST, scale), SEED, "test")) for set_ in SETS]
    folders = []
    for name, config in plans:
        start = perf_counter()
        folders.append(out / level / name)
        make(folders[-1], config, workers=workers)
        print(f"{level}/{name}: {config.n:,} problems, {perf_counter() - start:,.0f} s", flush=True)
    gallery(folders[1:], out / level / "gallery.html")
    return folders


def scaled(n: int, scale: float) -> int:
    """So many problems, a whole number of eights a task."""
    block = 8 * len(TASKS)
    return n if scale == 1 else max(block, round(n * scale / block) * block)


def checked(folders: list[Path]) -> CheckReport:
    """All sets of a level proved again, and training against test."""
    return check(*folders, progress=False)


def card(folders: dict[str, list[Path]]) -> str:
    """The card of the whole, with one configuration a level and set."""
    configs = ""
    for level, each in folders.items():
        for folder in each:
            config = Manifest.read(folder).config
            path = f"{level}/{folder.name}/data/{config.set}/{config.split}-*.parquet"
            configs += f"- config_name: {level}-{folder.name}\n  data_files:\n"
            configs += f"  - split: {config.split}\n    path: {path}\n"
    return CARD.format(configs=configs)


def page(
    folders: dict[str, list[Path]], reports: dict[str, CheckReport], won: dict[Path, Shortcuts | None]
) -> list[str]:
    """Figures and digests, as Markdown."""
    lines = [
        "# CauGym v1",
        "",
        f"Written by `python runs/v1.py OUT --page docs/v1.md` (seed {SEED}). The data "
        "is not kept here: whoever runs this gets rows with these digests.",
        "",
        "| set | recipe | rows | SHA-256 over the rows |",
        "|---|---:|---:|---|",
    ]
    for level, each in folders.items():
        for folder in each:
            manifest = Manifest.read(folder)
            recipe = TRANSFORMS[manifest.config.set].version
            lines.append(f"| {level}/{folder.name} | {recipe} | {manifest.rows:,} | `{manifest.sha256}` |")
    lines += ["", "## Proved again", ""]
    lines += [
        "`caugym check` reads every text without its record, solves it anew, and compares the answer with "
        "the value that the definition gives, by going through all states of a model with these numbers.",
        "",
    ]
    for level, report in reports.items():
        lines += [f"**{level}**: {report}  ", *(f"{line}  " for line in report.variety().splitlines()), ""]
    lines += ["## Balance", "", "| set | Yes | lower bounds | clipped |", "|---|---:|---:|---:|"]
    lines += [
        f"| {named(folder)} | {' | '.join(balance(folder))} |" for each in folders.values() for folder in each
    ]
    lines += [
        "",
        "In percent: of the effects that have an answer those with Yes, in the task with fewest and in that "
        "with most; of the bounds the lower ones, likewise; of the bounds with an answer those at 0 or 1.",
        "",
        "## Shortcuts",
        "",
    ]
    heads = (
        "set",
        "constant",
        "yes/no",
        "graph-blind",
        "less 1",
        "less 2",
        "less 3",
        "looks: status",
        "yes/no",
    )
    lines += [f"| {' | '.join(heads)} |", f"|---|{'---:|' * (len(heads) - 1)}"]
    for folder, found in won.items():
        if found:
            looks = (found.surface.get("status"), found.surface.get("yes/no"))
            cells = map(percent, (found.constant, found.majority, *found.blind.values(), *looks))
            lines.append(f"| {named(folder)} | {' | '.join(cells)} |")
    lines += [
        "",
        "Shares of all questions in percent: the best constant a task (of `insufficient`, LACK_CONDITION); "
        "the more frequent of Yes and No; a solver that never looks at an arrow, with all statements and "
        "without the last one, two, three; a regression on how the texts look, for which a coin gets 50.",
        "",
    ]
    return lines


def named(folder: Path) -> str:
    """Level and set."""
    return f"{folder.parent.name}/{folder.name}"


def balance(folder: Path) -> tuple[str, str, str]:
    """Shares of Yes, of lower bounds, and of clipped values, as cells."""
    yes: dict[str, list[bool]] = defaultdict(list)
    lower: dict[str, list[bool]] = defaultdict(list)
    clipped = []
    for row in rows(folder):
        answer, bound = gold(row), row["query"]["bound"]
        if bound:
            lower[row["task"]].append(bound == "lower")
            clipped += [answer.value in ("0.0000", "1.0000")] if answer.value else []
        elif answer.answer:
            yes[row["task"]].append(answer.answer == "Yes")
    return span(yes), span(lower), percent(fmean(clipped))


def span(shares: dict[str, list[bool]]) -> str:
    """The lowest and the highest share of a task."""
    each = [fmean(said) for said in shares.values()]
    return f"{percent(min(each))} to {percent(max(each))}"


if __name__ == "__main__":
    main()
