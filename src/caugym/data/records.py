"""Records from files: Parquet, JSON, JSON lines or plain text, one file or a folder of them.

What a file holds is told by its ending; ``.json`` may be an array, one object, or JSON lines. Every fault is
an `InputError` that names the file, the place, and what was expected.
"""

import json
from collections.abc import Iterator
from glob import has_magic
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from caugym.core.errors import InputError
from caugym.data.manifest import NAME, Manifest

SUFFIXES = (".parquet", ".json", ".jsonl", ".txt", ".md")


class Record(NamedTuple):
    """One record and where it stands.

    Attributes:
        fields: Its keys and values; plain text is ``{"text": ...}``.
        file: The file.
        number: Its number in the file, from 1.
    """

    fields: dict[str, Any]
    file: Path
    number: int

    @property
    def place(self) -> str:
        """File and number, for messages."""
        return f"{self.file}: record {self.number}"


def records(path: Path) -> Iterator[Record]:
    """The records of a file, of a folder, or of the files that a pattern like ``*-basic_EN.json`` matches.

    Raises:
        InputError: If nothing is there, or a file is empty, damaged, or of an unknown kind.
    """
    for file in _files(Path(path)):
        count = 0
        for count, fields in enumerate(_read(file), 1):
            yield Record(fields, file, count)
        if not count:
            raise InputError(f"{file} is empty; it must hold at least one record")


def _files(path: Path) -> list[Path]:
    if (path / NAME).exists():
        return Manifest.read(path).files(path)
    if path.is_dir():
        found = sorted(
            f for f in path.rglob("*") if f.suffix in SUFFIXES and f.name != "README.md" and f.is_file()
        )
        expected = f"a folder must hold files that end in {', '.join(SUFFIXES)}"
    elif not path.exists() and has_magic(path.name):
        found, expected = sorted(path.parent.glob(path.name)), "no file matches"
    elif not path.exists():
        raise InputError(f"{path} does not exist; give a file or a folder")
    elif path.suffix not in SUFFIXES:
        raise InputError(f"{path}: cannot tell what it holds; the name must end in {', '.join(SUFFIXES)}")
    else:
        return [path]
    if not found:
        raise InputError(f"{path}: nothing to read; {expected}")
    return found


def _read(file: Path) -> Iterator[dict[str, Any]]:
    try:
        if file.suffix == ".parquet":
            yield from _parquet(file)
            return
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise InputError(f"{file} is not UTF-8 text; save it as UTF-8") from None
    except OSError as error:
        raise InputError(f"{file} cannot be read: {(error.strerror or str(error)).lower()}") from None
    if file.suffix in (".json", ".jsonl"):
        yield from _json(file, text)
    else:
        yield from ({"text": part} for part in _paragraphs(text))


def _parquet(file: Path) -> Iterator[dict[str, Any]]:
    try:
        with pq.ParquetFile(file) as source:
            for batch in source.iter_batches(batch_size=512):
                yield from batch.to_pylist()
    except pa.ArrowException as error:
        raise InputError(
            f"{file} is not readable Parquet ({str(error).splitlines()[0]}); make it again"
        ) from None


def _json(file: Path, text: str) -> Iterator[dict[str, Any]]:
    whole = _whole_json(text)
    if whole is not None:
        yield from (_object(file, f"record {n}", fields) for n, fields in enumerate(whole, 1))
        return
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            try:
                fields = json.loads(line)
            except ValueError as error:
                raise InputError(
                    f"{file}: line {number} is not JSON ({error}); each line must be one object"
                ) from None
            yield _object(file, f"line {number}", fields)


def _whole_json(text: str) -> list[Any] | None:
    """The records of a file that is one JSON value; None if it is JSON lines (or damaged)."""
    try:
        value = json.loads(text)
    except ValueError:
        return None
    return value if isinstance(value, list) else [value]


def _object(file: Path, place: str, fields: Any) -> dict[str, Any]:  # noqa: ANN401 - whatever JSON holds
    if not isinstance(fields, dict):
        raise InputError(f"{file}: {place} must be an object like {{...}}, not {type(fields).__name__}")
    return fields


def _paragraphs(text: str) -> Iterator[str]:
    """The questions of a plain text: the whole, or parts between lines that hold only dashes."""
    part: list[str] = []
    for line in [*text.splitlines(), "---"]:
        if line.strip().strip("-") == "" and len(line.strip()) >= 3:
            if any(map(str.strip, part)):
                yield "\n".join(part).strip()
            part = []
        else:
            part.append(line)
