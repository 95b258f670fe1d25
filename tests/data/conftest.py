"""A small set made once, and a copy to damage."""

import shutil
from pathlib import Path

import pytest

from caugym.data.shards import make
from tests.data.damaged import CONFIG


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A complete set of 42 easy items; not to be changed."""
    out = tmp_path_factory.mktemp("made") / "set"
    make(out, CONFIG, progress=False)
    return out


@pytest.fixture
def copy(made: Path, tmp_path: Path) -> Path:
    """The same set, to be damaged."""
    return Path(shutil.copytree(made, tmp_path / "copy"))
