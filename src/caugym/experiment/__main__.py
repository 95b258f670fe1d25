"""``python -m caugym.experiment run OUT`` and ``python -m caugym.experiment page OUT docs/results.md``."""

import argparse
import sys
from dataclasses import replace
from pathlib import Path

from caugym.core.errors import InputError
from caugym.experiment import ABLATIONS, ARMS, QUICK, Scale, run
from caugym.experiment.results import page

SIZES = ("problems", "tokens", "seeds", "tests", "samples")
"""Fields of `Scale` that the command line sets."""


def main() -> None:
    """Run the experiment, or write its page."""
    parser = argparse.ArgumentParser(
        prog="python -m caugym.experiment", description="Five methods, one base."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    running = commands.add_parser("run", help="train and measure; goes on with what is there")
    running.add_argument("out", type=Path, help="folder of the experiment")
    running.add_argument("--base", default="nano", help="nano, a folder or a hub id")
    running.add_argument("--quick", action="store_true", help="one seed, few problems: up to an hour")
    running.add_argument("--arms", default=",".join(ARMS), help=f"of {', '.join([*ARMS, *ABLATIONS])}")
    running.add_argument("--ablations", action="store_true", help="those of GRPO, in place of the arms")
    for name in SIZES:
        running.add_argument(f"--{name}", type=int, help="another size; see caugym.experiment.Scale")
    running.add_argument("--parallel", type=int, default=1, help="trainings side by side, on a GPU")
    running.add_argument("--set", action="append", default=[], help="key=value over every recipe")
    writing = commands.add_parser("page", help="write the page of a finished experiment")
    writing.add_argument("out", type=Path, help="folder of the experiment")
    writing.add_argument("file", type=Path, help="page to write; pictures go beside it")
    given = parser.parse_args()
    try:
        if given.command == "page":
            page(given.out, given.file)
            return
        sizes = {name: getattr(given, name) for name in SIZES}
        changes = {name: size for name, size in sizes.items() if size is not None}
        scale = replace(QUICK if given.quick else Scale(), overrides=tuple(given.set), **changes)
        arms = tuple(ABLATIONS) if given.ablations else given.arms.split(",")
        run(given.out, given.base, scale, arms, given.parallel)
    except InputError as error:
        sys.stderr.write(f"caugym.experiment: {error}\n")
        sys.exit(2)
    except KeyboardInterrupt:
        sys.stderr.write("caugym.experiment: stopped; run the same command to go on\n")
        sys.exit(2)


if __name__ == "__main__":
    main()
