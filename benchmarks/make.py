"""Items made and checked a second on one core, and the memory it takes: ``python benchmarks/make.py [N]``."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import resource
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

from caugym.data.shards import MakeConfig, check, make


def measure(n: int, level: str) -> None:
    """Make and check one set, and print how it went."""
    with TemporaryDirectory() as folder:
        start = perf_counter()
        manifest = make(Path(folder) / "set", MakeConfig(level=level, n=n, seed=1), progress=False)
        made = perf_counter() - start
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        start = perf_counter()
        report = check(Path(folder) / "set", progress=False)
        checked = perf_counter() - start
    print(
        f"{level}: {n:,} items, {n / made:,.0f} made/s, {memory:,.0f} MB at most; "
        f"{n / checked:,.0f} checked/s, {report.counts.total()} faults; {manifest.sha256}"
    )


if __name__ == "__main__":
    for level in ("easy", "standard", "hard"):
        measure(int(sys.argv[1]) if len(sys.argv) > 1 else 4_000, level)
