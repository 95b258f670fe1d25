"""Run the demo and keep its terminal as a picture: ``python runs/demo_svg.py demo-out docs/demo.svg``."""

import re
import sys
from pathlib import Path

from rich.console import Console

from caugym.demo import run

if __name__ == "__main__":
    out, picture = map(Path, sys.argv[1:])
    console = Console(record=True, width=92, highlight=False)
    console.print("[bold]$[/] make demo")
    run(out, console=console)
    drawn = console.export_svg(title="CauGym", clear=False)
    picture.write_text(re.sub(r"\s*@font-face \{.*?\}", "", drawn, flags=re.DOTALL), encoding="utf-8")
