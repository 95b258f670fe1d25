"""What the commands share: options, and how they speak to the terminal."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from caugym.core.errors import InputError

if TYPE_CHECKING:
    from caugym.evaluate.tables import Sheet

Out = Annotated[Path, typer.Option("--out", "-o", help="Where to write.", show_default=False)]
Json = Annotated[bool, typer.Option("--json", help="One JSON object a line, also on a terminal.")]


@contextmanager
def resumable(hint: str = "run the same command to go on") -> Iterator[None]:
    """Around work that keeps what is finished: Ctrl-C says how to go on."""
    try:
        yield
    except KeyboardInterrupt:
        raise InputError(f"stopped; {hint}") from None


def show(sheet: "Sheet") -> None:
    """A table: with lines and colours on a terminal, else Markdown."""
    if not sys.stdout.isatty():
        typer.echo(sheet.markdown())
        return
    from rich.console import Console

    Console().print(sheet.rich())
