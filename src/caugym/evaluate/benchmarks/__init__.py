"""Public benchmarks, one file each, and the table of all of them.

Nothing is bundled: each reads its files from a path, says whose they are and under which licence, and
grades replies by its authors' rule (``official``) and by one final, well-formed answer (``strict``). To add
one, write its file and add its name to `BENCHMARKS`; the tests of every benchmark then run on it too.
"""

from pathlib import Path

from caugym.core.errors import InputError
from caugym.evaluate.benchmarks.bbeh import BBEH
from caugym.evaluate.benchmarks.benchmark import Benchmark, Item, checksum
from caugym.evaluate.benchmarks.calm import CALM, TWINS
from caugym.evaluate.benchmarks.causalprobe import CAUSALPROBE
from caugym.evaluate.benchmarks.cladder import CLADDER
from caugym.evaluate.benchmarks.corr2cause import CORR2CAUSE
from caugym.evaluate.benchmarks.release import RELEASE
from caugym.evaluate.benchmarks.rlcausal import RLCAUSAL

__all__ = ["BENCHMARKS", "Benchmark", "Item", "checksum", "recognise"]

BENCHMARKS: dict[str, Benchmark] = {
    each.name: each for each in (CALM, TWINS, RELEASE, CLADDER, RLCAUSAL, CORR2CAUSE, BBEH, CAUSALPROBE)
}


def recognise(path: Path) -> Benchmark:
    """The benchmark that a file is of, told by its fields.

    Raises:
        InputError: If it is of none, or cannot be read.
    """
    if path.suffix == ".csv" or (path.is_dir() and any(path.glob("*.csv"))):
        known = [each for each in BENCHMARKS.values() if each is CORR2CAUSE]
    else:
        known = [each for each in BENCHMARKS.values() if each is not CORR2CAUSE]
    for each in known:
        if each.recognises(path):
            return each
    raise InputError(f"{path} is of no known benchmark; known are {', '.join(BENCHMARKS)}")
