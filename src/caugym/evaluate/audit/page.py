"""An audit as text: a table for the terminal, a page in Markdown, one JSON line for each dispute.

Ids, figures and letters only; never a sentence of the audited files.
"""

import json
from collections import Counter
from collections.abc import Iterator, Sequence

from caugym.evaluate.audit.dispute import KINDS, Audit
from caugym.evaluate.audit.shortcuts import DROPPED
from caugym.evaluate.benchmarks import BENCHMARKS
from caugym.evaluate.tables import Sheet, percent

_OPENING = """# Label audit

Which labels of public benchmarks cannot be right, recomputed from the files named below.

An item is disputed only where

* a label in words (CaLM Lite, CauGym release) differs from the value of *every* valid formula that the
  stated numbers allow, or its yes/no contradicts the wording whatever decimals the printed numbers hide; and
  on random models of the same graph the formula gives what the definition gives, by enumeration;
* a number of CLadder differs from the exact value of the record's own model, calculated once by variable
  elimination and once by walking through all states;
* the answer from the tables that an RLCausal prompt displays, rounded as the prompt asks, gets no credit
  from RLCausal's own rule.

Items that could not be decided are counted, not accused; a label "insufficient" stands where no derivation
was found. Letters stand for variables in the order of the text.
"""


def sheet(audits: Sequence[Audit]) -> Sheet:
    """The table: one row a file."""
    rows = []
    for each in audits:
        kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(each.kinds.items()))
        counts = (str(len(each.examined)), str(each.recomputed), str(each.disputed))
        rows.append((each.file, *counts, kinds or "none"))
    return Sheet(
        "Labels audited",
        ("File", "Items", "Recomputed", "Disputed", "Kinds"),
        tuple(rows),
        (
            "Recomputed: items whose whole label was recomputed.",
            "Disputed: items whose label cannot be right.",
            *_sources(audits),
            *(f"SHA-256 of {each.file}: {each.sha256}." for each in audits),
        ),
    )


def shortcut_sheet(audits: Sequence[Audit]) -> Sheet | None:
    """How far shortcuts get, one row a file; None if they apply to none."""
    rows, notes = [], []
    for each in audits:
        if (found := each.shortcuts) is None:
            continue
        surface = found.surface.get("status", found.surface.get("yes/no"))
        shares = (found.constant, found.majority, found.cautious, *found.blind.values(), surface)
        rows.append((each.file, *map(percent, shares)))
        notes += [f"{each.file}: {verdict}." for verdict in found.verdicts()]
    if not rows:
        return None
    dropped = [f"-{count}" for count in DROPPED if count]
    return Sheet(
        "Shortcuts",
        ("File", "Constant", "Yes/no", "Cautious", "Blind", *dropped, "Looks"),
        tuple(rows),
        (
            "Shares of all questions in percent. Constant: the best constant value of each task.",
            "Yes/no: the more frequent word of each task, of the yes/no asked.",
            "Blind: a solver that never looks at an arrow; -1: without the last statement. Cautious: the "
            "same, but it says that there is no effect only where the numbers are about neither of the two.",
            "Looks: a regression on how texts look, cross-validated; a coin gets 50.",
            *notes,
        ),
    )


def lines(audits: Sequence[Audit]) -> Iterator[str]:
    """One JSON object for each dispute, with the file it stands in."""
    for each in audits:
        for dispute in each.disputes:
            yield json.dumps({"file": each.file, "benchmark": each.benchmark, **dispute.fields()})


def page(audits: Sequence[Audit], command: str) -> str:
    """The whole audit as Markdown.

    Args:
        audits: One for each file.
        command: The command that makes this page, to be quoted in it.
    """
    return "\n".join(_page(audits, command)).rstrip() + "\n"


def _page(audits: Sequence[Audit], command: str) -> Iterator[str]:
    yield f"{_OPENING}\nWritten by `{command}`; do not edit by hand.\n"
    yield "## By kind\n"
    yield "| kind | disputes | what is claimed |\n|---|---:|---|"
    kinds = sum((Counter(each.kinds) for each in audits), Counter[str]())
    for kind, claim in KINDS.items():
        if kinds[kind]:
            yield f"| {kind} | {kinds[kind]} | {claim} |"
    yield "\n## By file\n"
    yield "| file | items | recomputed | disputed | kinds | sha256 |\n|---|---:|---:|---:|---|---|"
    for each in audits:
        found = ", ".join(f"{count} {kind}" for kind, count in sorted(each.kinds.items()))
        yield (
            f"| {each.file} | {len(each.examined)} | {each.recomputed} | {each.disputed} | {found or 'none'} "
            f"| `{each.sha256[:16]}...` |"
        )
    if tricks := shortcut_sheet(audits):
        yield "\n## Shortcuts\n"
        yield "\n".join(tricks.markdown().splitlines()[2:])
    yield "\n## Not decided\n"
    undecided = [(each.file, reason, n) for each in audits for reason, n in sorted(each.undecided.items())]
    yield "| file | items | why |\n|---|---:|---|" if undecided else "Nothing."
    for file, reason, count in undecided:
        yield f"| {file} | {count} | {reason} |"
    yield "\n## Sources\n"
    yield from (f"* {source}" for source in _sources(audits))
    for each in audits:
        if each.disputes:
            yield f"\n## {each.file}\n\nSHA-256 `{each.sha256}`\n"
            for dispute in each.disputes:
                told = f"label {dispute.label}, found {dispute.found}"
                yield f"**{dispute.id}** ({dispute.task}), {dispute.kind}: {told}\n"
                yield from (f"* {line}" for line in dispute.proof)
                yield ""


def _sources(audits: Sequence[Audit]) -> list[str]:
    """Licence and citation of what was audited; our own sets carry theirs in their card."""
    names = dict.fromkeys(each.benchmark for each in audits)
    return [BENCHMARKS[name].about() for name in names if name in BENCHMARKS]
