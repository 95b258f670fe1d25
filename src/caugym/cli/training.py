"""Commands that train: rows of data, and post-training on them."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from caugym.cli.terminal import Out, resumable

app = typer.Typer()


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
    replies: Annotated[
        Path | None,
        typer.Option(help="dpo, kto: a run of `caugym eval`: its wrong replies are taken."),
    ] = None,
) -> None:
    """Turn a set into training rows, as TRL takes them: .jsonl or .parquet."""
    from caugym.data.rows import write_rows

    typer.echo(f"{write_rows(kind, path, out, style, replies)} rows in {out}")


@app.command(
    epilog="Example: caugym train grpo --model runs/sft --data train --set learning_rate=3e-4 -o runs/grpo"
)
def train(
    method: Annotated[
        Literal["sft", "dpo", "kto", "ppo", "grpo"],
        typer.Argument(help="ppo, grpo: by trial; else by example."),
    ],
    model: Annotated[str, typer.Option(help="scratch, a folder or a hub id.", show_default=False)],
    data: Annotated[
        list[Path], typer.Option(help="A set that `caugym make` wrote; repeatable.", show_default=False)
    ],
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

    with resumable("run the same command with --resume to go on"):
        plan = train_model(
            method, model, data, out, recipe=recipe, overrides=overrides or (), resume=resume, dry_run=dry_run
        )
    typer.echo(plan if dry_run else f"trained model in {out / 'model'}")
