"""The command line: one Typer app in which each command calls one function.

Heavy imports happen inside the commands, so that `caugym --help` is quick and needs neither torch nor
numpy. Whatever a user can cause and mend is one line on stderr and exit code 2: `main` sees to that.
"""

import errno
import json
import os
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, NoReturn, cast

import typer

from caugym import __version__
from caugym.core.errors import InputError

if TYPE_CHECKING:
    from caugym.core.query import Task
    from caugym.data.solved import Record
    from caugym.evaluate.tables import Sheet

app = typer.Typer(
    name="caugym",
    help="Causal-estimation problems with proved answers: make them, train on them, measure honestly.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

EXTRAS = {
    "torch": "train",
    "transformers": "train",
    "trl": "train",
    "datasets": "train",
    "accelerate": "train",
}
"""Packages that the base install leaves out, and the extra that brings each."""

Out = Annotated[Path, typer.Option("--out", "-o", help="Where to write.", show_default=False)]
Json = Annotated[bool, typer.Option("--json", help="One JSON object a line, also on a terminal.")]


def main() -> NoReturn:
    """Run the command line; bad input of any kind ends in one line on stderr and exit code 2."""
    try:
        code = app(standalone_mode=False)
        sys.stdout.flush()  # a full disk shows here rather than when the interpreter exits
    except BrokenPipeError:  # the reader went away (`| head`): nothing to complain about
        _silence_stdout()
        raise SystemExit(1) from None
    except (InputError, OSError, ModuleNotFoundError, typer.TyperException, typer.Abort) as error:
        if isinstance(error, typer.TyperException) and not str(error):  # no command: the help was printed
            raise SystemExit(2) from None
        _stop(_complaint(error))
    if code == 130:  # how Typer reports Ctrl-C
        _stop("stopped")
    raise SystemExit(code)


def _stop(line: str) -> NoReturn:
    try:
        sys.stdout.flush()
    except OSError:
        _silence_stdout()
    with suppress(OSError):
        sys.stderr.write(f"caugym: {line}\n")
        sys.stderr.flush()
    raise SystemExit(2)


def _silence_stdout() -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _complaint(error: Exception) -> str:
    """One line that says what to do; what is not the user's to mend is raised again."""
    match error:
        case typer.TyperException():
            context = getattr(error, "ctx", None)
            command = context.command_path if context else "caugym"
            return f"{error.format_message()} (see `{command} --help`)"
        case ModuleNotFoundError():
            package = (error.name or "").partition(".")[0]
            if package not in EXTRAS:
                raise error
            return f"this command needs {package}: pip install 'caugym[{EXTRAS[package]}]'"
        case OSError():
            where = f"{error.filename}: " if error.filename else ""
            advice = "; free some space and run the command again" if error.errno == errno.ENOSPC else ""
            return f"{where}{(error.strerror or str(error)).lower()}{advice}"
        case _:
            return " ".join(str(error).split()) or "stopped"


@contextmanager
def _resumable(hint: str = "run the same command to go on") -> Iterator[None]:
    """Around work that keeps what is finished: Ctrl-C says how to go on."""
    try:
        yield
    except KeyboardInterrupt:
        raise InputError(f"stopped; {hint}") from None


@app.callback(invoke_without_command=True)
def caugym(
    version: Annotated[bool, typer.Option("--version", help="Print the version and stop.")] = False,
) -> None:
    """Causal-estimation problems with proved answers: make them, train on them, measure honestly."""
    if version:
        typer.echo(__version__)
        raise typer.Exit


@app.command(epilog="Example: caugym demo --out demo-out")
def demo(
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder to write.")] = Path("demo-out"),
    calm: Annotated[Path | None, typer.Option(help="A CaLM Lite file or folder, asked as well.")] = None,
) -> None:
    """The main job, small: make sets, post-train a small model, evaluate before and after, report."""
    from caugym.demo import run

    with _resumable():
        run(out, calm)


@app.command(epilog="Example: caugym make out --set base --task all --level easy --n 700 --seed 1")
def make(
    out: Annotated[Path, typer.Argument(help="Folder to write; goes on with what is there.")],
    set_: Annotated[
        str, typer.Option("--set", help="base, rephrased, omitted, deconfounding, redundant, insufficient.")
    ] = "base",
    task: Annotated[str, typer.Option(help="all, or codes with commas: ATE,NIE.")] = "all",
    level: Annotated[str, typer.Option(help="easy, standard or hard.")] = "standard",
    n: Annotated[int, typer.Option(help="Problems over all tasks.")] = 700,
    seed: Annotated[int, typer.Option(help="Another seed, other problems.")] = 1,
    split: Annotated[str, typer.Option(help="Splits share no graph, no names and no problem.")] = "test",
    shard: Annotated[str, typer.Option(help="i/N: make only the i-th of N parts, 0 <= i < N.")] = "0/1",
    workers: Annotated[int, typer.Option(help="Processes.")] = 1,
) -> None:
    """Make problems with proved answers: Parquet shards, a manifest and a card; resumes."""
    from caugym.data.manifest import MakeConfig
    from caugym.data.shards import make as make_set

    config = MakeConfig(set=set_, tasks=_tasks(task), level=level, n=n, seed=seed, split=split)
    with _resumable():
        manifest = make_set(out, config, workers=workers, shard=_shard(shard))
    typer.echo(f"{manifest.rows:,} problems in {out}")


@app.command(epilog="Example: caugym check out")
def check(
    path: Annotated[Path, typer.Argument(help="A folder that `caugym make` wrote.")],
) -> None:
    """Re-read every problem from its text, recompute its answer, verify its proof; exit 1 on any fault."""
    from caugym.data.check import check as check_set

    found = check_set(path)
    typer.echo(found)
    if not found.ok:
        raise typer.Exit(1)


@app.command(epilog="Example: caugym solve questions.json --json > answers.jsonl")
def solve(
    file: Annotated[Path, typer.Argument(help="Questions in words: JSON, JSONL, Parquet or plain text.")],
    as_json: Json = False,
) -> None:
    """Answer questions with the exact engine, step by step; says what is missing where that is so."""
    from caugym.data.solved import Agreement, solved

    agreement = Agreement()
    lines = as_json or not sys.stdout.isatty()
    for record in solved(file, agreement):
        typer.echo(json.dumps(record, ensure_ascii=False) if lines else _answered(record))
    if agreement.asked == agreement.unreadable:
        raise InputError(agreement.text())
    typer.echo(agreement.text(), err=True)


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
        _show(sheet(audits))
        if tricks := shortcut_sheet(audits):
            _show(tricks)


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


@app.command(epilog="Example: caugym data sft out -o rows.jsonl")
def data(
    kind: Annotated[
        Literal["sft", "dpo", "kto", "rl"],
        typer.Argument(help="sft: solutions; dpo: and a mistake each; kto: either, labelled; rl: gold."),
    ],
    path: Annotated[Path, typer.Argument(help="A set that `caugym make` wrote.")],
    out: Out,
    style: Annotated[
        Literal["symbolic", "prose", "named"], typer.Option(help="The writing; named: prose with theorems.")
    ] = "symbolic",
) -> None:
    """Turn a set into training rows, as TRL takes them: .jsonl or .parquet."""
    from caugym.data.rows import write_rows

    typer.echo(f"{write_rows(kind, path, out, style)} rows in {out}")


@app.command(
    epilog="Example: caugym train grpo --model runs/sft --data train --set learning_rate=3e-4 -o runs/grpo"
)
def train(
    method: Annotated[
        Literal["sft", "grpo"], typer.Argument(help="sft: imitate solutions; grpo: trial and reward.")
    ],
    model: Annotated[str, typer.Option(help="scratch, a folder or a hub id.", show_default=False)],
    data: Annotated[Path, typer.Option(help="A set that `caugym make` wrote.", show_default=False)],
    out: Out,
    recipe: Annotated[Path | None, typer.Option(help="YAML; default: the method's own.")] = None,
    overrides: Annotated[
        list[str] | None, typer.Option("--set", help="key=value over the recipe; repeatable.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the last checkpoint in OUT.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the resolved recipe and stop.")] = False,
) -> None:
    """Post-train a model on a set, with TRL."""
    from caugym.train import train as train_model

    with _resumable("run the same command with --resume to go on"):
        plan = train_model(
            method, model, data, out, recipe=recipe, overrides=overrides or (), resume=resume, dry_run=dry_run
        )
    typer.echo(plan if dry_run else f"trained model in {out / 'model'}")


@app.command("eval", epilog="Example: caugym eval --model runs/grpo --set out --samples 5 -o runs/grpo-eval")
def evaluate(
    model: Annotated[str, typer.Option(help="A folder, a hub id, vllm:ID or openai:ID.", show_default=False)],
    questions: Annotated[
        Path, typer.Option("--set", help="A set, or a file as `solve` takes.", show_default=False)
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
    from caugym.evaluate.tables import accuracy_sheet

    sampling = Sampling(temperature=temperature, top_p=top_p, max_tokens=max_tokens, seed=seed)
    served = {"base_url": base_url, "api_key_env": api_key_env, "concurrency": concurrency}
    options = {name: value for name, value in served.items() if value is not None}
    with _resumable():
        evaluate_model(
            model, questions, out, samples=samples, sampling=sampling, limit=limit, options=options
        )
    _show(accuracy_sheet(out))


@app.command(epilog="Example: caugym compare runs/before runs/after")
def compare(
    runs: Annotated[list[Path], typer.Argument(help="Two or more runs on the same questions.")],
) -> None:
    """Compare runs question by question: difference, 95 % interval, p."""
    from caugym.evaluate.tables import comparison_sheet

    _show(comparison_sheet(runs))


@app.command(epilog="Example: caugym report runs/before runs/after -o report.html")
def report(
    runs: Annotated[list[Path], typer.Argument(help="Runs that `caugym eval` wrote.")],
    out: Out,
    training: Annotated[
        list[Path] | None, typer.Option(help="A folder of `caugym train`: show its curves; repeatable.")
    ] = None,
) -> None:
    """Write one self-contained HTML page with tables and plots."""
    from caugym.evaluate.report import report as write_report

    write_report(runs, out, {path.name: path for path in training or ()})
    typer.echo(f"wrote {out}")


@app.command(epilog="Example: caugym explain ETT")
def explain(
    code: Annotated[
        str | None, typer.Argument(help="ATE, CDE, ETT, NDE, NIE, PN or PS; none: list them.")
    ] = None,
) -> None:
    """Print an estimand's page: what it asks, definition, formula, when it holds, source, example."""
    from caugym.estimands import TABLE

    if code is None:
        for estimand in TABLE.values():
            typer.echo(f"{estimand.code:4} {estimand.name}")
        return
    if code.upper() not in TABLE:
        from difflib import get_close_matches

        near = get_close_matches(code.upper(), TABLE, n=1, cutoff=0.3)
        known = f"did you mean {near[0]}?" if near else f"choose one of {', '.join(TABLE)}"
        raise InputError(f"there is no estimand {code!r}; {known}")
    from rich.console import Console
    from rich.text import Text

    page = Text(TABLE[code.upper()].page)
    page.highlight_regex(r"(?m)^[A-Z][\w ,-]*:", "bold cyan")
    Console(soft_wrap=True, highlight=False).print(page)


def _answered(record: "Record") -> str:
    """One answered question for a reader."""
    if record["status"] == "unreadable":
        return f"{record['id']}: {record['reason']}\n"
    lines = [f"{record['id']}: {record['status']}", *(f"  {step}" for step in record["steps"] or ())]
    return "\n".join(lines + [f"  missing: {term}" for term in record["missing"] or ()]) + "\n"


def _show(sheet: "Sheet") -> None:
    """A table: with lines and colours on a terminal, else Markdown."""
    if not sys.stdout.isatty():
        typer.echo(sheet.markdown())
        return
    from rich.console import Console

    Console().print(sheet.rich())


def _tasks(text: str) -> "tuple[Task, ...]":
    from caugym.problems.generate import TASKS

    codes = TASKS if text == "all" else tuple(code.strip().upper() for code in text.split(","))
    return cast("tuple[Task, ...]", codes)  # MakeConfig refuses any other


def _shard(text: str) -> tuple[int, int]:
    """``i/N`` as two numbers."""
    part, slash, parts = text.partition("/")
    if not (slash and part.isdecimal() and parts.isdecimal() and int(part) < int(parts)):
        raise InputError(f"--shard {text} is not i/N with 0 <= i < N, such as 0/4")
    return int(part), int(parts)


if __name__ == "__main__":
    main()
