"""Commands that measure: labels, replies, models, runs."""

import json
from collections import Counter
from pathlib import Path
from typing import Annotated, Literal

import typer

from caugym.cli.terminal import Json, Out, resumable, show

app = typer.Typer()


@app.command(epilog="Example: caugym audit base_dataset.json -o audit.md")
def audit(
    path: Annotated[
        Path,
        typer.Argument(help="A set, a file of CaLM Lite, the CauGym release, CLadder or RLCausal; a folder."),
    ],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Write all proofs to this page (Markdown).")
    ] = None,
    as_json: Json = False,
) -> None:
    """Recompute a benchmark's labels: which cannot be right, each with a proof; and run shortcuts on it."""
    from caugym.evaluate.audit import audit as audit_labels
    from caugym.evaluate.audit.page import lines, page, sheet, shortcut_sheet

    audits = audit_labels(path)
    if out is not None:
        out.write_text(page(audits, f"caugym audit {path.name} -o {out}"), encoding="utf-8")
    if as_json:
        for line in lines(audits):
            typer.echo(line)
    else:
        show(sheet(audits))
        if tricks := shortcut_sheet(audits):
            show(tricks)


@app.command(epilog="Example: caugym grade --items out --replies replies.jsonl")
def grade(
    items: Annotated[Path, typer.Option(help="A set, or JSONL with id and gold.", show_default=False)],
    replies: Annotated[Path, typer.Option(help="JSONL with id and reply.", show_default=False)],
    grader: Annotated[
        Literal["strict", "official"], typer.Option(help="Which rule; see the README.")
    ] = "strict",
    as_json: Json = False,
) -> None:
    """Grade replies: one verdict a reply, and the accuracy."""
    from caugym.data.replies import grade_files

    graded = grade_files(items, replies, grader)
    for identity, _, verdict in graded if as_json else ():
        fields = {"correct": verdict.correct, "value_ok": verdict.value_ok, "answer_ok": verdict.answer_ok}
        typer.echo(json.dumps({"id": identity, **fields, "verdict": verdict.kind}))
    kinds = Counter(each.verdict.kind for each in graded)
    counts = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))
    typer.echo(f"{kinds['correct'] / len(graded):.1%} right of {len(graded)} ({counts})", err=as_json)


@app.command("eval", epilog="Example: caugym eval --model runs/grpo --set out --samples 5 -o runs/grpo-eval")
def evaluate(
    model: Annotated[str, typer.Option(help="A folder, a hub id, vllm:ID or openai:ID.", show_default=False)],
    questions: Annotated[
        str,
        typer.Option(
            "--set",
            help="A set, a file as `solve` takes, or a public benchmark: its file or folder, or NAME:PATH.",
            show_default=False,
        ),
    ],
    out: Out,
    samples: Annotated[int, typer.Option(help="Replies to each question.")] = 5,
    temperature: Annotated[float, typer.Option(help="0: always the likeliest token.")] = 0.6,
    top_p: Annotated[float, typer.Option(help="Sample from this much of the probability.")] = 0.95,
    max_tokens: Annotated[int, typer.Option(help="Longest reply.")] = 512,
    seed: Annotated[int, typer.Option(help="Another seed, other samples.")] = 0,
    limit: Annotated[int | None, typer.Option(help="Ask only this many questions.")] = None,
    base_url: Annotated[
        str | None, typer.Option(help="With openai:ID, the server, as http://127.0.0.1:8000.")
    ] = None,
    api_key_env: Annotated[
        str | None, typer.Option(help="With openai:ID, the environment variable that holds the key.")
    ] = None,
    concurrency: Annotated[int | None, typer.Option(help="With openai:ID, requests at a time.")] = None,
) -> None:
    """Ask a model every question, grade its replies, print accuracy with 95 % intervals; resumes."""
    from caugym.backends import Sampling
    from caugym.evaluate.run import evaluate as evaluate_model
    from caugym.evaluate.source import source
    from caugym.evaluate.tables import accuracy_sheet

    sampling = Sampling(temperature=temperature, top_p=top_p, max_tokens=max_tokens, seed=seed)
    served = {"base_url": base_url, "api_key_env": api_key_env, "concurrency": concurrency}
    options = {name: value for name, value in served.items() if value is not None}
    asked = source(questions)
    for line in asked.about():
        typer.echo(line, err=True)
    with resumable():
        evaluate_model(model, asked, out, samples=samples, sampling=sampling, limit=limit, options=options)
    show(accuracy_sheet(out))


@app.command(epilog="Example: caugym compare runs/before runs/after")
def compare(
    runs: Annotated[list[Path], typer.Argument(help="Two or more runs on the same questions.")],
) -> None:
    """Compare runs question by question: difference, 95 % interval, p."""
    from caugym.evaluate.tables import comparison_sheet

    show(comparison_sheet(runs))


@app.command(epilog="Example: caugym leaderboard runs/sft runs/dpo runs/grpo")
def leaderboard(
    runs: Annotated[list[Path], typer.Argument(help="Runs on the same questions.")],
) -> None:
    """Rank runs on the problems that all have answered, with an interval for every rank."""
    from caugym.evaluate.leaderboard import leaderboard_sheet

    show(leaderboard_sheet(runs))


@app.command(epilog="Example: caugym regrade runs/grpo")
def regrade(
    run: Annotated[Path, typer.Argument(help="A run that `caugym eval` wrote.")],
) -> None:
    """Grade the replies of a run again, without asking for any: after a change of the grader."""
    from caugym.evaluate.run import regrade as grade_again
    from caugym.evaluate.tables import accuracy_sheet

    again = grade_again(run)
    typer.echo(
        f"{again.changed} of {len(again.run.records)} replies have another verdict than before", err=True
    )
    show(accuracy_sheet(again.run))


@app.command(epilog="Example: caugym report runs/before runs/after -o report.html")
def report(
    runs: Annotated[list[Path], typer.Argument(help="Runs that `caugym eval` wrote.")],
    out: Out,
    training: Annotated[
        list[Path] | None, typer.Option(help="A folder of `caugym train`: show its curves; repeatable.")
    ] = None,
) -> None:
    """Write one self-contained HTML page with tables and plots; as .md, the tables as Markdown."""
    from caugym.evaluate.report import report as write_report

    write_report(runs, out, {path.name: path for path in training or ()})
    typer.echo(f"wrote {out}")
