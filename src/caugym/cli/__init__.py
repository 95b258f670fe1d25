"""The command line: one Typer app in which each command calls one function, a module a group of commands.

Heavy imports happen inside the commands, so that `caugym --help` is quick and needs neither torch nor
numpy. Whatever a user can cause and mend is one line on stderr and exit code 2: `main` sees to that.
"""

import errno
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from caugym import __version__
from caugym.cli import evaluation, problems, training
from caugym.cli.terminal import resumable
from caugym.core.errors import InputError

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

    with resumable():
        run(out, calm)


for group in (problems, training, evaluation):
    app.add_typer(group.app)
