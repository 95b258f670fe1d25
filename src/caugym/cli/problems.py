"""Commands about problems: make them, prove them, solve them, explain what they ask."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from caugym.cli.terminal import Json, resumable
from caugym.core.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from caugym.core.query import Task
    from caugym.data.rewriting import Rewriter
    from caugym.data.solved import Record

app = typer.Typer()


@app.command(epilog="Example: caugym make out --set base --task all --level easy --n 700 --seed 1")
def make(
    out: Annotated[Path, typer.Argument(help="Folder to write; goes on with what is there.")],
    set_: Annotated[
        str, typer.Option("--set", help="base, rephrased, omitted, deconfounding, redundant, insufficient.")
    ] = "base",
    task: Annotated[str, typer.Option(help="all, or codes with commas: ATE,NIE.")] = "all",
    level: Annotated[
        str, typer.Option(help="easy, standard or hard; with -even, spread evenly over difficulty.")
    ] = "standard",
    n: Annotated[int, typer.Option(help="Problems over all tasks.")] = 700,
    seed: Annotated[int, typer.Option(help="Another seed, other problems.")] = 1,
    split: Annotated[str, typer.Option(help="Splits share no graph, no names and no problem.")] = "test",
    shard: Annotated[str, typer.Option(help="i/N: make only the i-th of N parts, 0 <= i < N.")] = "0/1",
    workers: Annotated[int, typer.Option(help="Processes.")] = 1,
    curriculum: Annotated[
        bool, typer.Option("--curriculum", help="Easy problems first; the level is LEVEL-even.")
    ] = False,
    rewriter: Annotated[
        str | None, typer.Option(help="openai:ID: ask this model for other words; kept if the meaning is.")
    ] = None,
    base_url: Annotated[str | None, typer.Option(help="With --rewriter, the server.")] = None,
    api_key_env: Annotated[
        str | None, typer.Option(help="With --rewriter, the environment variable that holds the key.")
    ] = None,
) -> None:
    """Make problems with proved answers: Parquet shards, a manifest and a card; resumes."""
    from caugym.data.manifest import MakeConfig
    from caugym.data.shards import make as make_set
    from caugym.problems.levels import EVEN

    if curriculum:
        level = level.removesuffix(EVEN) + EVEN
    config = MakeConfig(set_, _tasks(task), level, n, seed, split, curriculum, rewriter)
    writer = _rewriter(rewriter, seed, base_url=base_url, api_key_env=api_key_env)
    with resumable():
        manifest = make_set(out, config, workers=workers, shard=_shard(shard), rewriter=writer)
    typer.echo(f"{manifest.rows:,} problems in {out}")
    if writer:
        from caugym.data.rewriting import account
        from caugym.data.shards import rows

        typer.echo(account(rows(out)))


@app.command(epilog="Example: caugym check train test")
def check(
    paths: Annotated[
        list[Path], typer.Argument(help="Folders that `caugym make` wrote; several are compared as well.")
    ],
) -> None:
    """Re-read every problem from its text, recompute its answer, verify its proof; exit 1 on any fault.

    Training and test sets given together must share no named graph, no set of names and no problem.
    """
    from caugym.data.check import check as check_sets

    found = check_sets(*paths)
    typer.echo(found)
    typer.echo(found.variety())
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


def _rewriter(spec: str | None, seed: int, **served: str | None) -> "Rewriter | None":
    """The language model that is asked for other words."""
    options = {name: value for name, value in served.items() if value is not None}
    if spec is None:
        if options:
            raise InputError("--base-url and --api-key-env go with --rewriter openai:ID")
        return None
    from caugym.backends import Sampling, backend
    from caugym.data.rewriting import Rewriter

    model = backend(spec, **options)
    sampling = Sampling(temperature=0.7, top_p=0.95, max_tokens=4096, seed=seed)

    def ask(prompts: "Sequence[str]", keys: "Sequence[str]") -> list[str]:
        return [reply.text for reply in model.generate(prompts, sampling, keys)]

    return Rewriter(spec, ask)


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
