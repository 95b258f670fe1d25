"""Label audit: which labels of a public benchmark cannot be right, each with a proof.

`audit` recomputes every label that the engine can: CaLM Lite and the CauGym release from their words, CLadder
from the parameters of its models, RLCausal from its displayed tables. It accuses only where a second,
independent calculation agrees and no rounding of the printed numbers can save the label.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

from caugym.core.errors import InputError
from caugym.data.progress import bar
from caugym.data.records import SUFFIXES
from caugym.evaluate.audit import cladder, rlcausal, words
from caugym.evaluate.audit.dispute import KINDS, Audit, Dispute, Examined
from caugym.evaluate.benchmarks import Benchmark, checksum, recognise

__all__ = ["AUDITORS", "KINDS", "Audit", "Dispute", "Examined", "audit"]

AUDITORS: dict[str, Callable[[Path], Iterator[Examined]]] = {
    "calm": words.examined,
    "calm-yes-no": words.examined,
    "release": words.examined,
    "cladder": cladder.examined,
    "rlcausal": rlcausal.examined,
}
"""By benchmark: what examines its files, one record an item."""


def audit(path: Path) -> list[Audit]:
    """Audits a file, or every file of a folder (and of those in it) that can be audited.

    Raises:
        InputError: If there is nothing to audit there, or a file is damaged.
    """
    found = dict(_files(path))
    total = sum(1 for file, benchmark in found.items() for _ in benchmark.source(file))
    with bar("auditing", total) as advance:
        return [_audit(file, benchmark, advance) for file, benchmark in found.items()]


def _files(path: Path) -> Iterator[tuple[Path, Benchmark]]:
    if not path.is_dir():
        benchmark = recognise(path)
        if benchmark.name not in AUDITORS:
            raise InputError(
                f"{path}: labels of {benchmark.title} cannot be recomputed; "
                f"an audit knows {', '.join(AUDITORS)}"
            )
        yield path, benchmark
        return
    none = True
    for file in sorted(file for file in path.rglob("*") if file.suffix in SUFFIXES):
        try:
            benchmark = recognise(file)
        except InputError:
            continue  # folders hold other files too, such as the models of CLadder
        if benchmark.name in AUDITORS:
            none = False
            yield file, benchmark
    if none:
        raise InputError(f"{path} holds no file that can be audited; known are {', '.join(AUDITORS)}")


def _audit(file: Path, benchmark: Benchmark, advance: Callable[[int], None]) -> Audit:
    examined = []
    for each in AUDITORS[benchmark.name](file):
        examined.append(each)
        advance(1)
    return Audit(file.name, benchmark.name, checksum(file), tuple(examined))
