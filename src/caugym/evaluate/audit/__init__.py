"""Label audit: which labels of a public benchmark cannot be right, each with a proof.

`audit` recomputes every label that the engine can: our own sets, CaLM Lite and the CauGym release from their
words, CLadder from the parameters of its models, RLCausal from its displayed tables. It accuses only where
a second, independent calculation agrees and no rounding of the printed numbers can save the label. Sets in
words also meet the shortcuts: how much of them can be won without reasoning.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

from caugym.core.errors import InputError
from caugym.data.manifest import NAME as MANIFEST
from caugym.data.progress import bar
from caugym.data.records import SUFFIXES, records
from caugym.evaluate.audit import cladder, rlcausal, words
from caugym.evaluate.audit.dispute import KINDS, Audit, Dispute, Examined
from caugym.evaluate.audit.shortcuts import Shortcuts, shortcuts
from caugym.evaluate.benchmarks import BENCHMARKS, checksum, recognise

__all__ = ["AUDITORS", "KINDS", "Audit", "Dispute", "Examined", "Shortcuts", "audit"]

WORDS = ("caugym", "calm", "calm-yes-no", "release")
"""What is audited from its words; shortcuts are run on these."""

AUDITORS: dict[str, Callable[[Path], Iterator[Examined]]] = {
    **dict.fromkeys(WORDS, words.examined),
    "cladder": cladder.examined,
    "rlcausal": rlcausal.examined,
}
"""By benchmark: what examines its files, one record an item; ``caugym`` are sets that we made."""


def audit(path: Path) -> list[Audit]:
    """Audits a file or a set that `caugym make` wrote, or every file below a folder that can be audited.

    Raises:
        InputError: If there is nothing to audit there, or a file is damaged.
    """
    found = dict(_files(path))
    total = sum(1 for file in found for _ in records(file))
    with bar("auditing", total) as advance:
        return [_audit(file, name, advance) for file, name in found.items()]


def _files(path: Path) -> Iterator[tuple[Path, str]]:
    if not path.is_dir() or (path / MANIFEST).exists():
        name = _name(path)
        if name not in AUDITORS:
            raise InputError(
                f"{path}: labels of {BENCHMARKS[name].title} cannot be recomputed; "
                f"an audit knows {', '.join(AUDITORS)}"
            )
        yield path, name
        return
    none = True
    for file in sorted(file for file in path.rglob("*") if file.suffix in SUFFIXES):
        try:
            name = _name(file)
        except InputError:
            continue  # folders hold other files too, such as the models of CLadder
        if name in AUDITORS:
            none = False
            yield file, name
    if none:
        raise InputError(f"{path} holds no file that can be audited; known are {', '.join(AUDITORS)}")


def _name(path: Path) -> str:
    if path.suffix != ".csv" and {"prompt", "gold", "certificate"} <= next(records(path)).fields.keys():
        return "caugym"
    return recognise(path).name


def _audit(path: Path, name: str, advance: Callable[[int], None]) -> Audit:
    examined = []
    for each in AUDITORS[name](path):
        examined.append(each)
        advance(1)
    digest = checksum(path / MANIFEST if path.is_dir() else path)
    tricks = shortcuts(path) if name in WORDS else None
    return Audit(path.name, name, digest, tuple(examined), tricks)
