"""Finished runs that several tests look at."""

from pathlib import Path

import pytest

from caugym.backends import Sampling
from caugym.evaluate.records import Run
from caugym.evaluate.run import run
from tests.evaluate.toy import Toy, questions


@pytest.fixture(scope="session")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, Run]:
    """A weak and a strong run on the same 140 toy problems, 3 replies each."""
    folder = tmp_path_factory.mktemp("runs")
    return (_made(folder / "before", 0.3), _made(folder / "after", 0.6))


def _made(out: Path, chance: float) -> Run:
    model = Toy(chance, name=f"models/{out.name}")
    return run(model, questions(140), out, samples=3, sampling=Sampling(0.6, seed=1), progress=False)
