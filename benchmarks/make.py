"""Items made and checked a second on one core, the memory it takes, and what four workers gain.

``python benchmarks/make.py [N]``, on a machine with nothing else to do: four workers need four free cores.
"""

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


def workers(n: int, count: int = 4) -> None:
    """Make one set with one worker and with several, and print how much sooner several are done."""
    config, seconds, digests = MakeConfig(level="standard", n=n, seed=1), [], set()
    for each in (1, count):
        with TemporaryDirectory() as folder:
            start = perf_counter()
            manifest = make(Path(folder) / "set", config, workers=each, progress=False)
            seconds.append(perf_counter() - start)
            digests.add(manifest.sha256)
    alone, together = seconds
    same = "the same rows" if len(digests) == 1 else "OTHER ROWS"
    print(
        f"standard: {n:,} items, {alone:,.1f} s with one worker, {together:,.1f} s with {count}: "
        f"{alone / together:.2f} times as fast, {same} "
        f"({os.cpu_count()} cores, load {os.getloadavg()[0]:.1f})"
    )


if __name__ == "__main__":
    workers(5 * int(sys.argv[1]) if len(sys.argv) > 1 else 21_000)
    for level in ("easy", "standard", "hard"):
        measure(int(sys.argv[1]) if len(sys.argv) > 1 else 4_000, level)
