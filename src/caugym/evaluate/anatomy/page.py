"""Error anatomy in the report: shares by task, real examples of every kind, the first wrong step marked."""

from collections import Counter
from collections.abc import Sequence
from html import escape

from caugym.data.questions import Question
from caugym.evaluate.anatomy import EXAMINED, PARTS, Case, Fault, Part, faults
from caugym.evaluate.records import Record, Run
from caugym.evaluate.tables import NONE, Sheet, html_table, percent

SAID: dict[Part, str] = {
    "graph": "Graph misread",
    "set": "Adjustment or mediator set",
    "formula": "Formula",
    "lookup": "Number or question misread",
    "arithmetic": "Arithmetic",
    "sign": "Sign, or yes/no",
    "bound": "Side of the bound",
    "form": "Form of the answer",
    "truncated": "Cut off",
    "answered": "Answered though a number is missing",
    "abstained": "Abstained though it follows",
    "unexplained": "Unexplained",
}
"""The parts as the report calls them."""

SHOWN = 10
"""Examples of each part."""

LONGEST = 1800
"""Characters of an example; of a longer one, those around its first wrong step are shown."""

Found = tuple[Question, Record, Fault]


def error_sheet(run: Run, found: Sequence[Found]) -> Sheet:
    """The shares of the parts among the wrong replies of a run, by task, in percent."""
    tasks = sorted({question.task or "?" for question, _, _ in found})
    counts = Counter((fault.part, question.task or "?") for question, _, fault in found)
    totals = Counter(question.task or "?" for question, _, _ in found)
    rows = []
    for part in PARTS:
        if whole := sum(counts[part, task] for task in tasks):
            cells = (percent(counts[part, task] / totals[task]) for task in tasks)
            rows.append((SAID[part], *cells, percent(whole / len(found))))
    wrong = sum(bool(r["strict"]) and not r["strict"]["correct"] for r in run.records)
    drawn = f"{len(found)} of {wrong} wrong replies, drawn by lot" if len(found) < wrong else f"all {wrong}"
    return Sheet(
        f"{run.name}: where wrong replies went wrong first",
        ("Part", *tasks, "all"),
        tuple(rows) or ((NONE, *(NONE for _ in tasks), NONE),),
        (f"Percent of the wrong replies to each task; examined: {drawn}.",),
    )


def section(runs: Sequence[Run], cases: dict[str, Case | None]) -> str:
    """The section on errors, of the first and the last run; empty if nothing is wrong.

    Args:
        runs: The runs on the same questions.
        cases: Questions solved so far, by id; filled here.
    """
    chosen = [runs[0]] if len(runs) == 1 else [runs[0], runs[-1]]
    told = []
    for run in chosen:
        found = list(faults(run, cases, EXAMINED))
        if found:
            told.append(_shares(error_sheet(run, found)) + _examples(found))
    if not told:
        return ""
    return (
        "<h2>Where replies go wrong</h2>"
        '<p class="note">The first wrong step of each wrong reply: followed line by line along the right '
        "solution and along typed mistakes; in replies of other forms told by the value or the first "
        "equation that does not hold.</p>" + "".join(told)
    )


def marked(reply: str, fault: Fault | None, longest: int) -> str:
    """A reply as HTML, its first wrong line marked; a long one is shown around that line, or its ends."""
    text = reply.strip("\n")
    offset = len(reply) - len(reply.lstrip("\n"))
    lines = text.splitlines()
    step = None if fault is None or fault.step is None else fault.step - offset
    if step is None or not 0 <= step < len(lines):
        return escape(_ends(text, longest)) or "(nothing)"
    half = longest // 2
    before, after = "\n".join(lines[:step]), "\n".join(lines[step + 1 :])
    start = (
        f"[{len(before) - half:,} characters left out]\n{before[-half:]}" if len(before) > half else before
    )
    end = f"{after[:half]}\n[{len(after) - half:,} characters left out]" if len(after) > half else after
    told = [escape(start), f"<mark>{escape(_ends(lines[step], longest))}</mark>", escape(end)]
    return "\n".join(part for part in told if part)


def _ends(text: str, longest: int) -> str:
    if len(text) <= longest:
        return text
    half = longest // 2
    return f"{text[:half]}\n[{len(text) - longest:,} characters left out]\n{text[-half:]}"


def _shares(sheet: Sheet) -> str:
    table = html_table(sheet.header, sheet.rows)
    return f'<h3>{escape(sheet.title)}</h3>{table}<p class="note">{escape(" ".join(sheet.notes))}</p>'


def _examples(found: Sequence[Found]) -> str:
    told = []
    for part in PARTS:
        of_part = [each for each in found if each[2].part == part]
        if of_part:
            shown = "".join(_example(*each) for each in of_part[:SHOWN])
            head = f"{escape(SAID[part])} <span>{min(SHOWN, len(of_part))} of {len(of_part)}</span>"
            told.append(f'<details class="example"><summary>{head}</summary>{shown}</details>')
    return "".join(told)


def _example(question: Question, record: Record, fault: Fault) -> str:
    about = f"{question.task or 'Problem'} \N{MIDDLE DOT} {question.id}"
    return (
        f'<div class="sides"><div class="side"><h4>{escape(about)}</h4>'
        f'<p class="note">asked</p><pre>{escape(_ends(question.text, LONGEST))}</pre></div>'
        f'<div class="side"><h4>Reply</h4><p class="note"><span class="wrong">first wrong step</span>: '
        f"{escape(fault.why)}</p><pre>{marked(record['reply'], fault, LONGEST)}</pre></div></div>"
    )
