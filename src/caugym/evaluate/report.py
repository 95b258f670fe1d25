"""The report: one HTML page that needs nothing but itself, or the same figures as Markdown.

The page holds no script and asks for nothing over the network; it follows the reader's choice of light or
dark, and reads on a phone and on paper.
"""

from collections.abc import Mapping, Sequence
from html import escape
from importlib import resources
from pathlib import Path
from typing import Any

from caugym.core.errors import InputError
from caugym.evaluate import curves as training
from caugym.evaluate import records
from caugym.evaluate.anatomy import Case, case, fault, faults
from caugym.evaluate.anatomy.page import error_sheet, marked, section
from caugym.evaluate.calibration import calibration_sheet
from caugym.evaluate.compare import Comparison, compare
from caugym.evaluate.examples import Example, examples
from caugym.evaluate.plot import axis, dots, mark, slopes
from caugym.evaluate.prose import quoted, sentences
from caugym.evaluate.records import Record, Run, load_all
from caugym.evaluate.summary import PARTS, Part, Summary, parts, summary
from caugym.evaluate.tables import (
    NONE,
    accuracy_sheet,
    comparison_sheet,
    html_table,
    interval,
    percent,
    probability,
)

LONGEST = 6000
"""Characters of a reply that are shown, half from its beginning and half from its end."""

RELEASE_RULE = "the published rule of the CauGym release, which does not grade yes/no."
"""The official metric where no public benchmark was asked."""

VERDICTS = {
    "correct": "Right",
    "wrong": "Wrong answer",
    "abstained": "Refused wrongly",
    "unparsed": "No answer found",
    "truncated": "Cut off",
}
"""Heads of the table of verdicts."""


def report(runs: Sequence[Run | Path], file: Path, curves: Mapping[str, Path] | None = None) -> Path:
    """Write the report of one or several runs: what ``caugym report`` calls.

    Args:
        runs: Run folders or loaded runs; the others are compared with the first.
        file: Where to write; ``.html`` for the page, ``.md`` for Markdown tables.
        curves: Trainings to show, by name: folders of ``caugym train`` or their ``metrics.jsonl``.

    Raises:
        InputError: If there is no run, one cannot be read, or the file has another ending.
    """
    file = Path(file)
    if not runs:
        raise InputError("give at least one run to report")
    if file.suffix not in (".html", ".md"):
        raise InputError(f"{file.name}: the report is written as .html or .md")
    loaded = load_all(runs)
    if file.suffix == ".md":
        text = markdown(loaded)
    else:
        text = _page(loaded, {name: training.metrics(Path(path)) for name, path in (curves or {}).items()})
    file.parent.mkdir(parents=True, exist_ok=True)
    records.replace(file, [text.encode(errors="replace")])
    return file


def markdown(runs: Sequence[Run | Path]) -> str:
    """The results in words and tables, as Markdown; runs on different questions under headings of their
    own."""
    chapters = _chapters(load_all(runs))
    text = []
    for title, group in chapters:
        cases: dict[str, Case | None] = {}
        text += [f"## {title}\n"] if len(chapters) > 1 else []
        text.append("\n".join(sentences(group)) + "\n")
        text += [accuracy_sheet(run).markdown() for run in group]
        text += [comparison_sheet(group).markdown()] if len(group) > 1 else []
        text += [sheet.markdown() for run in group if (sheet := calibration_sheet(run))]
        text += [error_sheet(run, list(faults(run, cases))).markdown() for run in group]
    return "\n".join(text)


def _chapters(runs: list[Run]) -> list[tuple[str, list[Run]]]:
    """The runs in groups that were asked the same problems, at least in part, with a title each."""
    groups: list[list[Run]] = []
    for run in runs:
        group = next((g for g in groups if g[0].answered.keys() & run.answered.keys()), None)
        if group is None:
            groups.append([run])
        else:
            group.append(run)
    return [(_title(group[0]), load_all(group)) for group in groups]


def _title(run: Run) -> str:
    asked = run.questions.values()
    kinds = sorted({" ".join(word for word in (q.level, q.set) if word) for q in asked} - {""})
    return f"{len(asked)} problems: {', '.join(kinds) or run.info['source'] or 'no set named'}"


def _page(runs: list[Run], trainings: Mapping[str, list[Record]]) -> str:
    chapters = _chapters(runs)
    names = list(dict.fromkeys(run.path.resolve().name for run in runs))
    title = names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
    body = [f"<h1>{escape(title)}</h1>"]
    for heading, group in chapters:
        body += [f'<h1 class="chapter">{escape(heading)}</h1>'] if len(chapters) > 1 else []
        body += _chapter(group)
    body += [_curves(trainings), _method(runs), *(_settings(group) for _, group in chapters)]
    css = resources.files(__package__).joinpath("report.css").read_text(encoding="utf-8")
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}: CauGym report</title>\n<style>\n{css}</style>\n</head>\n<body>\n"
        + "\n".join(part for part in body if part)
        + "\n</body>\n</html>\n"
    )


def _chapter(runs: list[Run]) -> list[str]:
    lead, *more = sentences(runs)
    cases: dict[str, Case | None] = {}
    return [
        f'<p class="lead">{escape(lead)}</p>',
        *(f"<p>{escape(sentence)}</p>" for sentence in more),
        _slopes(runs),
        *(_accuracy(runs, part) for part in PARTS if part == "task" or _several(runs, part)),
        _verdicts(runs),
        *(_calibration(run) for run in runs),
        section(runs, cases),
        _shortcuts(runs[0]),
        _examples(runs, cases),
    ]


def _several(runs: list[Run], part: Part) -> bool:
    return len({getattr(question, part) for run in runs for question in run.questions.values()} - {None}) > 1


def _slopes(runs: list[Run]) -> str:
    """From run to run, a line for each task."""
    if len(runs) < 2:
        return ""
    each = [{**parts(run), "all": summary(run)} for run in runs]
    names = sorted({name for one in each for name in one})
    lines = {name: [one[name].strict.value if name in one else None for one in each] for name in names}
    return (
        f"<h2>From {quoted(escape(runs[0].name))} to {quoted(escape(runs[-1].name))}</h2>"
        '<p class="note">Right replies by task, in percent; intervals and probabilities are below.</p>'
        f"{slopes(lines, [run.name for run in runs], 'all')}"
    )


def _accuracy(runs: list[Run], part: Part) -> str:
    """A table whose rows are drawn: intervals on one scale, beside their numbers."""
    each = [{**parts(run, part), "all": summary(run)} for run in runs]
    compared = len(runs) > 1
    changes = {row.name: row for row in compare([runs[0], runs[-1]], part)} if compared else {}
    rows = []
    for name in [*sorted({name for one in each for name in one} - {"all"}), "all"]:
        found = [one.get(name) for one in each]
        drawn = dots([one.strict if one else None for one in found], name)
        cells = "".join(map(_figure, found)) + (_changed(changes.get(name)) if compared else "")
        kind = ' class="all"' if name == "all" else ""
        rows.append(f'<tr{kind}><th scope="row">{escape(name)}</th><td class="plot">{drawn}</td>{cells}</tr>')
    heads = "".join(f'<th class="n">{mark(i)}{escape(run.name)}</th>' for i, run in enumerate(runs))
    rest = len(runs) + (2 if compared else 0)
    many = " many" if len(runs) > 2 else ""
    change = "change" if len(runs) == 2 else "first to last"
    heads += f'<th class="n">{change}</th><th class="n wide">p</th>' if compared else ""
    return (
        f"<h2>Accuracy by {part}</h2>"
        '<p class="note">Replies that are right in everything asked, in percent, with 95 % intervals.</p>'
        f'<div class="some"><table class="plotted{many}">'
        f'<thead><tr><th>{part}</th><th class="plot"></th>{heads}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody>"
        f'<tfoot><tr><td></td><td class="plot">{axis()}</td>{"<td></td>" * rest}</tr></tfoot></table></div>'
    )


def _figure(one: Summary | None) -> str:
    if one is None:
        return f'<td class="n">{NONE}</td>'
    small = f'<small class="wide">{interval(one.strict)}</small>'
    return f'<td class="n">{percent(one.strict.value)}{small}</td>'


def _changed(row: Comparison | None) -> str:
    if row is None:
        return f'<td class="n">{NONE}</td><td class="n wide">{NONE}</td>'
    small = f'<small class="wide">{interval(row.difference, sign=True)}</small>'
    return (
        f'<td class="n">{percent(row.difference.value, sign=True)}{small}</td>'
        f'<td class="n wide">{escape(probability(row.adjusted))}'
        f"<small>detects {percent(row.difference.detectable)}</small></td>"
    )


def _verdicts(runs: list[Run]) -> str:
    rows = []
    for run in runs:
        counts = summary(run).verdicts
        if total := sum(counts.values()):
            rows.append([run.name, *(percent(counts.get(kind, 0) / total) for kind in VERDICTS)])
    if not rows:
        return ""
    return (
        "<h2>What became of the replies</h2>"
        + html_table(["run", *VERDICTS.values()], rows)
        + '<p class="note">Percent of all replies. Refused wrongly: said LACK_CONDITION where there is an '
        "answer. No answer found: nothing in the form asked for. Cut off: stopped at the token limit.</p>"
    )


def _calibration(run: Run) -> str:
    sheet = calibration_sheet(run)
    if sheet is None:
        return ""
    note = f'<p class="note">{escape(" ".join(sheet.notes))}</p>'
    return f"<h2>{escape(sheet.title)}</h2>{html_table(sheet.header, sheet.rows)}{note}"


def _shortcuts(run: Run) -> str:
    """How far one gets on these questions without any causal reasoning."""
    lines = "".join(f"<li>{escape(line)}</li>" for line in run.info["shortcuts"])
    if not lines:
        return ""
    return (
        '<h2>Shortcuts</h2><p class="note">How often one is right here without causal reasoning; a model '
        f"that is no better may do no more.</p><ul>{lines}</ul>"
    )


def _curves(trainings: Mapping[str, list[Record]]) -> str:
    sections = "".join(training.section(name, logged) for name, logged in trainings.items())
    if not sections:
        return ""
    return (
        '<h2>Training</h2><p class="note">Pale: as logged. Strong: running mean, from its first to its last '
        f"value in grey.</p>{sections}"
    )


def _examples(runs: list[Run], cases: dict[str, Case | None]) -> str:
    chosen = examples(runs)
    if not chosen:
        return ""
    how = "For each task the problem that is solved least."
    if len(runs) > 1:
        how = (
            f"For each task the problem on which {quoted(runs[-1].name)} gained most, then the one on which "
            "it lost most and the one it solves least."
        )
    told = ""
    for i, example in enumerate(chosen):
        asked = cases[example.question.id] = cases.get(example.question.id) or case(example.question.text)
        told += _example(runs, example, asked, opened=not i)
    how += " Each run shows a typical reply; of a wrong one the first wrong step is marked."
    note = f'<p class="note">{escape(how)}</p>'
    return f"<h2>Replies side by side</h2>{note}{told}"


def _example(runs: list[Run], example: Example, asked: Case | None, opened: bool) -> str:
    question = example.question
    pairs = zip(runs, example.scores, strict=True)
    score = ", ".join(f"{run.name} {right} of {asked}" for run, (right, asked) in pairs)
    sides = [_reply(run, record, asked) for run, record in zip(runs, example.replies, strict=True)]
    if example.steps:
        steps = escape("\n".join(example.steps))
        head = '<h4>Worked solution</h4><p class="note">by the engine</p>'
        sides.append(f'<div class="side">{head}<pre>{steps}</pre></div>')
    told = f"<p>{escape(question.text)}</p>"
    if example.graph:
        told = f'<div class="told pictured">{told}<div>{example.graph}</div></div>'
    else:
        told = f'<div class="told">{told}</div>'
    about = f"{question.id} \N{MIDDLE DOT} right: {score}"
    return (
        f'<details class="example"{" open" if opened else ""}>'
        f"<summary>{escape(question.task or 'Problem')} <span>{escape(about)}</span></summary>"
        f'{told}<div class="sides">{"".join(sides)}</div></details>'
    )


def _reply(run: Run, record: Record, asked: Case | None) -> str:
    verdict = record["strict"]
    if verdict["correct"]:
        word, found = '<span class="right">right</span>', None
    else:
        found = fault(record, asked)
        word = f'<span class="wrong">not right</span>: {escape(verdict["reason"])}'
        if found.step is not None and found.why != verdict["reason"]:
            word += f"; first wrong step: {escape(found.why)}"
    head = f'<h4>{escape(run.name)}</h4><p class="note">{word}</p>'
    return f'<div class="side">{head}<pre>{marked(record["reply"], found, LONGEST)}</pre></div>'


def _method(runs: list[Run]) -> str:
    told = (
        "A reply is right when its value is within the problem's tolerance and its yes/no, where one is "
        "asked for, is right too. Intervals are Wilson's with the effective number of replies, clustered by "
        "problem (Dean and Pagano 2015)."
    )
    if len(runs) > 1:
        told += (
            " Changes are paired by problem: bootstrap intervals, exact sign-flip tests, Holm's correction; "
            "below p the change that such a comparison finds with 80 % power."
        )
    for rule in dict.fromkeys(run.benchmark.metric if run.benchmark else RELEASE_RULE for run in runs):
        told += f" Official: {rule}"
    each = [summary(run) for run in runs]
    k = max(one.k for one in each)
    heads = ["run", "problems", "strict", "official"] + ([f"pass@{k}", f"maj@{k}"] if k > 1 else [])
    rows = []
    for run, one in zip(runs, each, strict=True):
        figures = [one.strict, one.official] + ([one.passed, one.voted] if k > 1 else [])
        cells = [percent(estimate.value if one.k == k else None) for estimate in figures[2:]]
        cells = [percent(estimate.value) for estimate in figures[:2]] + cells
        rows.append([run.name, str(one.strict.problems), *cells])
    return f'<h2>How it is measured</h2><p class="note">{escape(told)}</p>{html_table(heads, rows)}'


def _settings(runs: list[Run]) -> str:
    facts = [_facts(run) for run in runs]
    keys = dict.fromkeys(key for each in facts for key in each)
    rows = [[key, *(each.get(key, NONE) for each in facts)] for key in keys]
    heads = ["", *(run.name for run in runs)]
    return f"<h2>Settings and digests</h2>{html_table(heads, rows, figures=False)}"


def _facts(run: Run) -> dict[str, str]:
    info: dict[str, Any] = run.info
    return {
        "model": info["model"],
        "weights, sha256": (info["weights"] or NONE)[:16],
        "questions": f"{info['questions']['count']} from {info['source'] or 'memory'}",
        "questions, sha256": info["questions"]["sha256"][:16],
        **({"benchmark": " ".join(info["about"])} if info["about"] else {}),
        "replies a problem": str(info["config"]["samples"]),
        **{key.replace("_", " "): str(value) for key, value in info["config"]["sampling"].items()},
        "replies": f"{len(run.records)} of {run.expected}",
        "started": info["starts"][0]["time"],
        "finished": info["finished"] or "not yet",
        **info["starts"][-1]["versions"],
    }
