"""Toy rows and a tiny model: training for real, in seconds."""

import json
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest

for module in ("torch", "transformers", "trl", "datasets"):
    pytest.importorskip(module, reason="needs the train extra")

Row = dict[str, Any]


def toy(count: int, seed: int = 0) -> list[Row]:
    """Questions whose answer stands in the text, with the columns of all kinds of training rows but KTO's."""
    random = Random(seed)
    rows = []
    for index in range(count):
        value = f"0.{random.randint(0, 9)}000"
        answer = "Yes" if value > "0.4" else "No"
        reply = f'{{"ANSWER": "{answer}", "PROB": "{value}"}}'
        wrong = f'{{"ANSWER": "{answer}", "PROB": "0.{random.randint(0, 9)}500"}}'
        right = [{"role": "assistant", "content": f"value {value}\n{reply}"}]
        rows.append(
            {
                "prompt": [{"role": "user", "content": f"Rain sets mud to {value}."}],
                "completion": right,
                "chosen": right,
                "rejected": [{"role": "assistant", "content": f"value {value}\n{wrong}"}],
                "id": f"toy-{index}",
                "task": "ATE" if index % 2 else "CDE",
                "gold": json.dumps({"status": "identified", "value": value, "answer": answer}),
                "tolerance": 0.0005,
            }
        )
    return rows


def rated(rows: list[Row]) -> list[Row]:
    """Toy rows as KTO takes them: right and wrong by turns."""
    return [
        {"prompt": row["prompt"], "completion": row["rejected" if index % 2 else "chosen"]}
        | {"label": index % 2 == 0}
        for index, row in enumerate(rows)
    ]


@pytest.fixture(scope="session")
def rows() -> list[Row]:
    return toy(64)


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory, rows: list[Row]) -> Path:
    """An untrained two-layer model with a tokenizer for the toy rows."""
    from caugym.train.nano import Size, create

    texts = [row["prompt"][0]["content"] + row["completion"][0]["content"] for row in rows]
    size = Size(
        hidden=32, layers=2, heads=2, kv_heads=1, head=16, feed_forward=64, vocabulary=320, context=128
    )
    return create(tmp_path_factory.mktemp("models") / "tiny", texts, size=size)


@pytest.fixture(scope="session")
def taught(tiny: Path, rows: list[Row], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny model after some supervised training: it writes answers, a few of them right."""
    from caugym.train import fit
    from caugym.train.recipe import resolve

    out = tmp_path_factory.mktemp("models") / "taught"
    scratch = ("matrix_rate=0.02", "learning_rate=0.003", "decay=0.6")
    small = ("steps=120", "batch=16", "micro=16", "processes=1")
    fit(resolve("sft", overrides=[*small, *scratch]), rows, str(tiny), out)
    return out / "model"


@pytest.fixture
def curve() -> Callable[[Path], list[dict[str, Any]]]:
    """Reads the learning curve of a run."""

    def read(out: Path) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]

    return read
