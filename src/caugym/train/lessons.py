"""The corpus of the base model as it is learnt: tokenised, and kept in the run directory.

Making it takes longer than learning it does on a GPU, and needs none.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from caugym.backends import model_path
from caugym.backends.local import load
from caugym.core.errors import InputError
from caugym.core.pool import Pool
from caugym.train.corpus import COURSES, corpus, levels
from caugym.train.nano import Size, create
from caugym.train.prepare import supervised
from caugym.train.worker import quiet

LESSONS = "lessons.npz"
"""The file in the run directory."""

SAMPLE, CHUNK = 6_000, 4000
"""Rows that a tokenizer is fitted to; rows tokenised at a time."""

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Lessons:
    """A corpus, tokenised.

    Attributes:
        rows: In the order of learning, with ``input_ids``, ``length`` and ``head``, the length of the prompt.
        asked: What it was made of, in words.
    """

    rows: list[Row]
    asked: str

    @property
    def digest(self) -> str:
        """SHA-256 of the rows."""
        total = sha256()
        for row in self.rows:
            total.update(np.array([row["length"], row["head"]], dtype=np.int16).tobytes())
            total.update(row["input_ids"].tobytes())
        return total.hexdigest()

    def save(self, path: Path) -> None:
        """Write it, whole or not at all."""
        partial = path.with_name("partial.npz")
        np.savez_compressed(
            partial,
            tokens=np.concatenate([row["input_ids"] for row in self.rows]),
            lengths=np.array([row["length"] for row in self.rows], dtype=np.int16),
            heads=np.array([row["head"] for row in self.rows], dtype=np.int16),
            asked=np.array(self.asked),
        )
        partial.replace(path)

    @classmethod
    def load(cls, path: Path) -> "Lessons":
        """Read it."""
        with np.load(path, allow_pickle=False) as kept:
            lengths, heads = kept["lengths"].tolist(), kept["heads"].tolist()
            tokens = np.split(kept["tokens"], np.cumsum(lengths)[:-1])
            asked = str(kept["asked"])
        rows = [
            {"input_ids": ids, "length": length, "head": head}
            for ids, length, head in zip(tokens, lengths, heads, strict=True)
        ]
        return cls(rows, asked)


def prepared(
    out: Path, course: str, model: str, problems: int, seed: int, workers: int, size: Size
) -> tuple[Lessons, str]:
    """The lessons of a run, made unless they are there, and the directory of the model to start from.

    Raises:
        InputError: If ``out`` holds other lessons, or the model cannot be loaded.
    """
    asked = f"{problems} problems, course {course}, seed {seed}, model {model}"
    scratch = model == "scratch"
    start = str(out / "start") if scratch else model_path(model)
    if not (out / LESSONS).exists():
        if not scratch:
            load(start)  # one that is not there is missed before the corpus is made
        rows = corpus(COURSES[course], problems, seed, workers)
        if scratch and not Path(start).exists():
            spread = rows[:: max(1, len(rows) // SAMPLE)]
            texts = [turn["content"] for row in spread for turn in (*row["prompt"], *row["completion"])]
            create(Path(start), texts, seed=seed, size=size, apart=levels())
        chunks = [(start, rows[first : first + CHUNK]) for first in range(0, len(rows), CHUNK)]
        with Pool(workers) as pool:
            tokenised = list(chain.from_iterable(pool.map(_tokenised, chunks)))
        out.mkdir(parents=True, exist_ok=True)
        Lessons(tokenised, asked).save(out / LESSONS)
    lessons = Lessons.load(out / LESSONS)
    if lessons.asked != asked:
        raise InputError(f"{out} was begun with {lessons.asked}; go on with that or choose another directory")
    return lessons, start


def _tokenised(chunk: tuple[str, Sequence[Row]]) -> list[Row]:
    """Token ids and the number of them in the prompt; rows longer than the model's context are left out."""
    quiet()
    start, rows = chunk
    model, tokenizer = load(start)
    return [
        {
            "input_ids": np.array(row["input_ids"], dtype=np.int16),
            "head": row["labels"].count(-100),
            "length": row["length"],
        }
        for row in supervised(rows, tokenizer, model.config.max_position_embeddings)
    ]
