"""Tables of runs and comparisons, for the terminal (at most 80 columns), as Markdown and as HTML."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.table import Table

from caugym.evaluate.compare import Comparison, compare
from caugym.evaluate.records import Run, load, load_all
from caugym.evaluate.stats import Difference, Estimate
from caugym.evaluate.summary import NO_ANSWER, Part, Summary, parts, summary

NONE = "\N{EN DASH}"
"""What stands where a figure is undefined."""


@dataclass(frozen=True)
class Sheet:
    """A table in text: cells are strings, the first column is a name, the others are figures.

    Attributes:
        title: What the table shows.
        header: Column heads.
        rows: One tuple of cells a row.
        notes: What a reader has to know, one sentence each.
        names: How many columns on the left hold names.
        rule: Rows (by position) that a line is drawn under.
    """

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()
    names: int = 1
    rule: tuple[int, ...] = ()

    def rich(self) -> Table:
        """The table for the terminal."""
        table = Table(
            title=self.title,
            title_justify="left",
            title_style="bold",
            caption=" ".join(self.notes) or None,
            caption_justify="left",
            box=SIMPLE_HEAD,
            show_edge=False,
            padding=(0, 1, 0, 0),
            pad_edge=False,
        )
        for position, head in enumerate(self.header):
            table.add_column(head, justify="right" if position >= self.names else "left", overflow="ellipsis")
        for position, row in enumerate(self.rows):
            table.add_row(*row, end_section=position in self.rule)
        return table

    def markdown(self) -> str:
        """The table in GitHub's Markdown."""
        align = ["---" if position < self.names else "---:" for position in range(len(self.header))]
        lines = [f"| {' | '.join(cells)} |" for cells in (self.header, align, *self.rows)]
        return (
            "\n".join([f"**{self.title}**", "", *lines, "", *(f"{note}  " for note in self.notes)]).strip()
            + "\n"
        )


def accuracy_sheet(run: Run | Path, part: Part = "task") -> Sheet:
    """Accuracy of one run by part: what ``caugym eval`` prints at its end."""
    run = load(run) if isinstance(run, Path) else run
    whole = summary(run)
    divided = parts(run, part)
    k = whole.k
    several = (f"pass@{k}", f"maj@{k}") if k > 1 else ()
    rows = [_accuracy_row(each, k) for each in (*divided.values(), whole)]
    return Sheet(
        f"{run.name}: {run.info['model']}, {k} {'reply' if k == 1 else 'replies'} a problem",
        (part.capitalize(), "Problems", "Accuracy", "95 % interval", official(run), *several, "No answer"),
        tuple(rows),
        (
            *_unfinished(run),
            "Figures in percent; intervals by problem; No answer: unreadable or cut off.",
            *((f"{official(run)}: {run.benchmark.metric}",) if run.benchmark else ()),
            *reasons(each.strict.reason for each in (*divided.values(), whole)),
        ),
        rule=(len(divided) - 1,) if divided else (),
    )


def comparison_sheet(runs: Sequence[Run | Path], part: Part = "task") -> Sheet:
    """Paired differences between runs: what ``caugym compare`` prints."""
    loaded = load_all(runs)
    rows = compare(loaded, part)
    several = len(loaded) > 2
    names = [_short(run.name) for run in loaded]
    header = ("Run", "Against", part.capitalize(), "N") if several else (part.capitalize(), "N", *names)
    cells = []
    for row in rows:
        change = _difference_cells(row)
        if several:
            problems = (_short(row.second), _short(row.first), row.name, str(row.difference.problems))
        else:
            problems = (
                row.name,
                str(row.difference.problems),
                percent(row.before.value),
                percent(row.after.value),
            )
        cells.append((*problems, *change))
    notes = (
        "N: problems. Accuracy in percent, change in points, paired by problem, with a bootstrap interval.",
        "p: exact sign-flip test, Holm-corrected.",
        "Detectable: the change that such a comparison finds with 80 % power.",
        *reasons(row.difference.reason for row in rows),
        *(note for run in loaded for note in _unfinished(run)),
    )
    return Sheet(
        "Runs compared" if several else f"{loaded[1].name} compared with {loaded[0].name}",
        (*header, "Change", "95 % interval", "p", "Detectable"),
        tuple(cells),
        notes,
        names=3 if several else 1,
        rule=(len(loaded) * (len(loaded) - 1) // 2 - 1,),
    )


def official(run: Run) -> str:
    """The head of the column of official figures."""
    return "Official F1" if run.benchmark and run.benchmark.positive else "Official"


def reasons(given: Iterable[str]) -> tuple[str, ...]:
    """Why figures are dashes, one sentence each."""
    return tuple(f"{NONE}: {reason}." for reason in sorted({reason for reason in given if reason}))


def html_table(heads: Sequence[str], rows: Iterable[Sequence[str]], figures: bool = True) -> str:
    """A table of the report: names on the left, figures (or words) beside them."""
    kind = ' class="n"' if figures else ""
    top = "".join(f"<th{kind if i else ''}>{escape(head)}</th>" for i, head in enumerate(heads))
    lines = []
    for name, *cells in rows:
        row = "".join(f"<td{kind}>{escape(cell)}</td>" for cell in cells)
        lines.append(f'<tr><th scope="row">{escape(name)}</th>{row}</tr>')
    table = f'<table class="plain"><thead><tr>{top}</tr></thead><tbody>{"".join(lines)}</tbody></table>'
    return f'<div class="some">{table}</div>'


def percent(value: float | None, sign: bool = False) -> str:
    """A share in percent with one decimal, a dash where it is undefined."""
    if value is None:
        return NONE
    text = f"{abs(100 * value):.1f}"
    if float(text) == 0:
        return text
    return ("\N{MINUS SIGN}" if value < 0 else "+" if sign else "") + text


def interval(estimate: Estimate | Difference, sign: bool = False) -> str:
    """An interval in percent, e.g. ``"61.2 to 68.4"``."""
    if estimate.low is None or estimate.high is None:
        return NONE
    return f"{percent(estimate.low, sign)} to {percent(estimate.high, sign)}"


def probability(p: float | None) -> str:
    """A probability as it is usual to print it: never 0, never more digits than mean something."""
    if p is None:
        return NONE
    return "<0.001" if p < 0.001 else f"{p:.3f}"


def _accuracy_row(each: Summary, k: int) -> tuple[str, ...]:
    graded = sum(each.verdicts.values())
    missing = sum(each.verdicts.get(kind, 0) for kind in NO_ANSWER) / graded if graded else None
    several = (percent(each.passed.value), percent(each.voted.value)) if k > 1 else ()
    estimate = each.strict
    problems, official = str(estimate.problems), percent(each.official.value)
    return (
        each.name,
        problems,
        percent(estimate.value),
        interval(estimate),
        official,
        *several,
        percent(missing),
    )


def _difference_cells(row: Comparison) -> tuple[str, ...]:
    change = row.difference
    return (
        percent(change.value, sign=True),
        interval(change, sign=True),
        probability(row.adjusted),
        percent(change.detectable),
    )


def _short(name: str) -> str:
    return name if len(name) <= 8 else name[:7] + "\N{HORIZONTAL ELLIPSIS}"


def _unfinished(run: Run) -> tuple[str, ...]:
    if run.info["finished"]:
        return ()
    return (f"{run.name} is unfinished: {len(run.records)} of {run.expected} replies.",)
