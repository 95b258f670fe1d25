"""The gallery: one problem of each task of each set on a self-contained page, with its proof explained.

The page is made from the sets alone: the text is read and solved again, and every figure of a proof is
computed here from the certificate by the definitions.
"""

from collections.abc import Iterator, Sequence
from html import escape
from importlib import resources
from itertools import islice
from pathlib import Path

from caugym.core.exact import probability
from caugym.core.expr import Prob
from caugym.core.query import Term
from caugym.core.scm import SCM
from caugym.data.manifest import Manifest
from caugym.data.row import Row, gold, problem
from caugym.data.shards import rows
from caugym.data.solved import Words
from caugym.estimands import TABLE
from caugym.evaluate import records
from caugym.evaluate.examples import pictured
from caugym.evaluate.tables import html_table
from caugym.problems.certificate import model, witness
from caugym.problems.problem import Answer, Problem
from caugym.problems.shortcuts import graph_blind
from caugym.problems.transforms import TRANSFORMS

LOOKED_AT = 60
"""Rows of a set among which the one shown of each task is chosen: the most telling."""


def gallery(sets: Sequence[Path], file: Path) -> Path:
    """Write the page.

    Args:
        sets: Folders that `caugym make` wrote.
        file: Where to write, as HTML.

    Raises:
        InputError: If a set cannot be read or the file cannot be written.
    """
    manifests = [(Manifest.read(folder), folder) for folder in sets]
    levels = ", ".join(dict.fromkeys(manifest.config.level for manifest, _ in manifests))
    title = f"CauGym gallery: {levels}"
    body = [f"<h1>{escape(title)}</h1>", _OPENING]
    for manifest, folder in manifests:
        body += [f"<h2>{manifest.config.set}</h2>", f"<p>{TRANSFORMS[manifest.config.set].stresses}</p>"]
        body += map(_example, _chosen(folder))
    css = resources.files(__package__).joinpath("report.css").read_text(encoding="utf-8")
    page = (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>\n{css}</style>\n</head>\n<body>\n"
        + "\n".join(body)
        + "\n</body>\n</html>\n"
    )
    file.parent.mkdir(parents=True, exist_ok=True)
    records.replace(file, [page.encode()])
    return file


_OPENING = """<p class="lead">One problem of each task in each set, with its proof.</p>
<p>The answer to a problem is worked out from its text alone. Its <em>certificate</em> proves that the
printed numbers can all be true at once and that the answer is right: a full probability model that obeys the
arrows and has every printed number. On this model the quantity asked for is computed from its definition, by
going through all states, without the formula that the solution uses. Where a problem cannot be answered, two
such models prove it: they agree on every printed number and disagree on the answer.</p>"""


def _chosen(folder: Path) -> list[Row]:
    """For each task one of the first rows: an open one, or a number that the graph decides."""
    best: dict[str, Row] = {}
    for row in islice(rows(folder), LOOKED_AT * 7):
        if row["task"] not in best or _telling(row) > _telling(best[row["task"]]):
            best[row["task"]] = row
    return [best[task] for task in TABLE if task in best]


def _telling(row: Row) -> tuple[bool, bool, bool]:
    answer = gold(row)
    blind = graph_blind(problem(row))
    decides = blind.value is not None and blind.value != answer.value
    return answer.status == "insufficient", answer.value not in (None, "0.0000", "1.0000"), decides


def _example(row: Row) -> str:
    told, answer = problem(row), gold(row)
    graph, steps = pictured(row["prompt"])
    said = _said(answer)
    lines = "\n".join(steps)
    return (
        f'<details class="example"><summary>{row["task"]}: {escape(said)} '
        f"<span>{escape(TABLE[row['task']].name)}, {escape(row['id'])}</span></summary>\n"
        f'<div class="told pictured"><p>{escape(row["prompt"])}</p>{graph}</div>\n'
        f'<div class="side"><h4>Worked solution</h4><pre>{escape(lines)}</pre></div>\n'
        f"<h3>Proof</h3>\n{''.join(_proof(row, told, answer))}\n</details>"
    )


def _said(answer: Answer) -> str:
    if answer.status == "insufficient":
        return "cannot be answered"
    return ", ".join(filter(None, (answer.value, answer.answer)))


def _proof(row: Row, told: Problem, answer: Answer) -> Iterator[str]:
    scm = model(told, row["certificate"])
    definition, query = TABLE[row["task"]].definition, told.query
    if answer.status == "identified":
        models = [("Model", scm)]
        value = float(definition(scm, query)[0])
        yield (
            f"<p>On the model, the {escape(TABLE[row['task']].name)} by its definition is {value:.8f}; "
            f"to four decimals {answer.value}, the answer.</p>"
        )
    else:
        pair = witness(told, row["certificate"])
        models = [("First model", pair.first), ("Second model", pair.second)]
        one, other = (float(definition(each, query)[0]) for _, each in models)
        yield (
            f"<p>Both models have every printed number. By the definition the answer is {one:.4f} on the "
            f"first and {other:.4f} on the second, so no one can know it.</p>"
        )
    header = ("Stated", "Printed", *(name for name, _ in models))
    words = Words(told)
    stated = [
        (Prob(s.term).text(words), s.value, *(f"{_of(each, s.term):.8f}" for _, each in models))
        for s in told.statements
    ]
    yield html_table(header, stated)
    blind = graph_blind(told)
    if blind.value and blind.value != answer.value:
        yield f'<p class="note">Who ignores the arrows may get {escape(_said(blind))}.</p>'


def _of(scm: SCM, term: Term) -> float:
    return float(probability(scm, term.event, term.given)[0])
