"""The row: an item as it stands on disk, every field of one type, and back to a problem.

Variables are numbered in the order of ``variables``, levels in the order of their names; edges, statements
and the query refer to these numbers. The digest of a row is the SHA-256 of its JSON with sorted keys, so it
does not depend on how Parquet packs it.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import fields
from hashlib import sha256
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from caugym.core.errors import InputError
from caugym.core.query import Assignment, Query, Term
from caugym.problems.difficulty import Difficulty
from caugym.problems.generate import Item
from caugym.problems.problem import Answer, Problem, Statement, Variable
from caugym.problems.transforms import TRANSFORMS

Row = dict[str, Any]

CANARY = "CauGym data must not appear in training corpora. canary 5b0b29a4-1c1e-4a52-9f6f-7d3c8e0a6f25"
"""Stands in every row, so that a corpus which swallowed the data can be found out."""

_canonical = json.JSONEncoder(sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode

_MEASURES = tuple(field.name for field in fields(Difficulty))

_TEXT, _NUMBER = pa.string(), pa.int64()
_LEVELS = pa.list_(pa.struct([("variable", _NUMBER), ("level", _NUMBER)]))

SCHEMA = pa.schema(
    [
        ("id", _TEXT),
        ("set", _TEXT),
        ("task", _TEXT),
        ("level", _TEXT),
        ("split", _TEXT),
        ("prompt", _TEXT),
        (
            "gold",
            pa.struct([("status", _TEXT), ("value", _TEXT), ("answer", _TEXT), ("missing", pa.list_(_TEXT))]),
        ),
        ("tolerance", pa.float64()),
        ("solution", pa.list_(_TEXT)),
        (
            "variables",
            pa.list_(pa.struct([("name", _TEXT), ("levels", pa.list_(_TEXT)), ("plural", pa.bool_())])),
        ),
        ("edges", pa.list_(pa.struct([("cause", _NUMBER), ("effect", _NUMBER)]))),
        (
            "statements",
            pa.list_(pa.struct([("event", _LEVELS), ("given", _LEVELS), ("do", _LEVELS), ("value", _TEXT)])),
        ),
        (
            "query",
            pa.struct(
                [
                    ("task", _TEXT),
                    ("treatment", _NUMBER),
                    ("outcome", _NUMBER),
                    ("to", _NUMBER),
                    ("level", _NUMBER),
                    ("bound", _TEXT),
                    ("held", _LEVELS),
                    ("polarity", _TEXT),
                ]
            ),
        ),
        ("certificate", _TEXT),
        ("difficulty", pa.struct([(name, _NUMBER) for name in _MEASURES])),
        (
            "provenance",
            pa.struct(
                [
                    ("generator", _TEXT),
                    ("seed", _NUMBER),
                    ("index", _NUMBER),
                    ("attempt", _NUMBER),
                    ("rewriter", _TEXT),
                    ("refused", _TEXT),
                ]
            ),
        ),
        ("canary", _TEXT),
    ]
)
"""Columns of a set."""


def row(item: Item) -> Row:
    """An item as a row."""
    problem, gold, query = item.problem, item.gold, item.problem.query
    return {
        "id": item.id,
        "set": item.set,
        "task": item.task,
        "level": item.level,
        "split": item.split,
        "prompt": item.prompt,
        "gold": {
            "status": gold.status,
            "value": gold.value,
            "answer": gold.answer,
            "missing": list(gold.missing),
        },
        "tolerance": item.tolerance,
        "solution": list(item.solution),
        "variables": [
            {"name": v.name, "levels": list(v.levels), "plural": v.plural} for v in problem.variables
        ],
        "edges": [{"cause": cause, "effect": effect} for cause, effect in problem.edges],
        "statements": [
            {
                "event": _levels(s.term.event),
                "given": _levels(s.term.given),
                "do": _levels(s.term.do),
                "value": s.value,
            }
            for s in problem.statements
        ],
        "query": {
            "task": query.task,
            "treatment": query.treatment,
            "outcome": query.outcome,
            "to": query.to,
            "level": query.level,
            "bound": query.bound,
            "held": _levels(query.held),
            "polarity": query.polarity,
        },
        "certificate": item.certificate,
        "difficulty": {name: getattr(item.difficulty, name) for name in _MEASURES},
        "provenance": {
            "generator": TRANSFORMS[item.set].version,
            "seed": item.seed,
            "index": item.index,
            "attempt": item.attempt,
            "rewriter": item.rewriter,
            "refused": item.refused,
        },
        "canary": CANARY,
    }


def problem(row: Row) -> Problem:
    """The problem that a row records."""
    query = dict(row["query"])
    query["held"] = _assignment(query["held"])
    return Problem(
        variables=tuple(Variable(v["name"], tuple(v["levels"]), v["plural"]) for v in row["variables"]),
        edges=tuple((e["cause"], e["effect"]) for e in row["edges"]),
        statements=tuple(
            Statement(
                Term(_assignment(s["event"]), _assignment(s["given"]), _assignment(s["do"])), s["value"]
            )
            for s in row["statements"]
        ),
        query=Query(**query),
    )


def gold(row: Row) -> Answer:
    """The right answer that a row records."""
    fields = row["gold"]
    return Answer(fields["status"], fields["value"], fields["answer"], tuple(fields["missing"]))


def digest(row: Row) -> bytes:
    """SHA-256 of the row's canonical JSON."""
    return sha256(_canonical(row).encode()).digest()


def digest_of(digests: Iterable[bytes]) -> str:
    """SHA-256 over row digests in order, as hexadecimal: what a shard's and a set's digests are."""
    return sha256(b"".join(digests)).hexdigest()


def read_rows(file: Path) -> Iterator[Row]:
    """The rows of one Parquet file of a set.

    Raises:
        InputError: If it is not there, damaged, or has other columns.
    """
    try:
        with pq.ParquetFile(file) as source:
            _check_columns(file, source.schema_arrow)
            for batch in source.iter_batches(batch_size=500):
                yield from batch.to_pylist()
    except FileNotFoundError:
        raise InputError(f"{file} does not exist; give a folder that `caugym make` wrote") from None
    except (pa.ArrowException, OSError) as error:
        why = (str(error).splitlines() or ["damaged"])[0]
        raise InputError(f"{file} is not readable Parquet ({why}); run `caugym make` again") from None


def _check_columns(file: Path, schema: pa.Schema) -> None:
    missing = [name for name in SCHEMA.names if name not in schema.names]
    if missing:
        raise InputError(
            f"{file} lacks the columns {', '.join(missing)}; it is not a set that `caugym make` wrote"
        )
    wrong = [name for name in SCHEMA.names if schema.field(name).type != SCHEMA.field(name).type]
    if wrong:
        raise InputError(
            f"{file}: the columns {', '.join(wrong)} are not of their type; run `caugym make` again"
        )


def _levels(assignment: Assignment) -> list[dict[str, int]]:
    return [{"variable": variable, "level": level} for variable, level in assignment]


def _assignment(levels: list[dict[str, int]]) -> Assignment:
    return tuple((entry["variable"], entry["level"]) for entry in levels)
