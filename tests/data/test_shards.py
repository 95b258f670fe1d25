"""Making sets: the same rows however they are made and interrupted; nothing half-written looks whole."""

import errno
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml

from caugym.core.errors import InputError
from caugym.data import shards
from caugym.data.manifest import MakeConfig, Manifest, plan
from caugym.data.row import SCHEMA, digest, gold, problem, row
from caugym.data.shards import check, make, rows
from caugym.problems.generate import generate
from tests.data.damaged import CONFIG, damage


@pytest.fixture
def small_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files of 10 rows."""
    monkeypatch.setattr(shards, "SHARD_ROWS", 10)


def files(folder: Path) -> dict[str, bytes]:
    return {str(f.relative_to(folder)): f.read_bytes() for f in sorted(folder.rglob("*")) if f.is_file()}


def test_a_row_keeps_the_item(made: Path) -> None:
    there = list(rows(made))
    assert len(there) == 42
    for position in (0, 8, 41):
        task, index = CONFIG.item(position)
        (item,) = generate("base", task, "easy", "test", 7, [index])
        assert there[position] == row(item)
        assert problem(there[position]) == item.problem
        assert gold(there[position]) == item.gold
        assert there[position]["id"] == item.id


def test_the_tasks_share_evenly(made: Path) -> None:
    tasks = [row["task"] for row in rows(made)]
    assert {tasks.count(task) for task in CONFIG.tasks} == {6}
    assert len({row["id"] for row in rows(made)}) == 42


def test_the_layout_is_that_of_the_hub(made: Path) -> None:
    head = yaml.safe_load((made / "README.md").read_text().split("---")[1])
    (files_of_split,) = head["configs"][0]["data_files"]
    assert [f.name for f in made.glob(files_of_split["path"])] == ["test-00000-of-00001.parquet"]
    assert files_of_split["split"] == "test"
    assert pq.read_schema(made / "data/base/test-00000-of-00001.parquet").equals(SCHEMA)
    manifest = json.loads((made / "manifest.json").read_text())
    assert manifest["config"] == {
        "set": "base",
        "tasks": list(CONFIG.tasks),
        "level": "easy",
        "n": 42,
        "seed": 7,
        "split": "test",
        "curriculum": False,
        "rewriter": None,
    }
    assert manifest["complete"]
    assert manifest["canary"] in (made / "README.md").read_text()
    assert "Do not train" in (made / "README.md").read_text()
    assert not list(made.rglob("*.partial"))


def test_the_same_command_gives_the_same_bytes(made: Path, tmp_path: Path) -> None:
    make(tmp_path / "again", CONFIG, progress=False)
    assert files(tmp_path / "again") == files(made)
    make(tmp_path / "again", CONFIG, progress=False)
    assert files(tmp_path / "again") == files(made)


@pytest.mark.usefixtures("small_shards")
def test_parts_in_one_folder_or_many_hold_the_same_rows(made: Path, tmp_path: Path) -> None:
    whole = [digest(row) for row in rows(made)]
    parts = []
    for part in range(3):
        manifest = make(tmp_path / "one", CONFIG, shard=(part, 3), progress=False)
        make(tmp_path / f"part{part}", CONFIG, shard=(part, 3), progress=False)
        parts += [digest(row) for row in rows(tmp_path / f"part{part}")]
    assert parts == whole
    assert [digest(row) for row in rows(tmp_path / "one")] == whole
    assert manifest.sha256 == Manifest.read(made).sha256
    assert check(tmp_path / "one", progress=False).ok
    assert check(tmp_path / "part1", progress=False).ok


@pytest.mark.usefixtures("small_shards")
def test_an_item_does_not_depend_on_the_items_made_beside_it(tmp_path: Path) -> None:
    config = MakeConfig(tasks=("NIE",), n=90, seed=1)
    whole = make(tmp_path / "whole", config, progress=False)
    for part in range(7):
        parts = make(tmp_path / "parts", config, shard=(part, 7), progress=False)
    assert parts.sha256 == whole.sha256


def test_a_plan_covers_every_item_once() -> None:
    for n, parts in ((1, 1), (1, 5), (4_001, 1), (20_000, 3), (7, 7)):
        planned = [shard for part in plan(MakeConfig(n=n), parts, 2_000) for shard in part]
        spans = [position for shard in planned for position in range(shard.start, shard.stop)]
        assert spans == list(range(n))
        assert len({shard.file for shard in planned}) == len(planned)


@pytest.mark.usefixtures("small_shards")
def test_whole_shards_are_kept_and_damaged_ones_made_again(tmp_path: Path) -> None:
    out = tmp_path / "set"
    make(out, CONFIG, progress=False)
    before = files(out)
    kept, damaged, gone, *_ = sorted((out / "data/base").iterdir())
    stamp = kept.stat().st_mtime_ns
    damaged.write_bytes(damaged.read_bytes()[:1000])
    gone.unlink()
    (out / "data/base" / (gone.name + ".partial")).write_bytes(b"half")
    make(out, CONFIG, progress=False)
    assert files(out) == before
    assert kept.stat().st_mtime_ns == stamp


def test_a_forged_shard_is_made_again(copy: Path, made: Path) -> None:
    damage(copy, lambda content: content.reverse())
    make(copy, CONFIG, progress=False)
    assert files(copy) == files(made)


@pytest.mark.parametrize(
    ("change", "shard"),
    [
        ({"seed": 8}, (0, 1)),
        ({"n": 43}, (0, 1)),
        ({"level": "standard"}, (0, 1)),
        ({"split": "train"}, (0, 1)),
        ({"tasks": ("ATE",)}, (0, 1)),
        ({}, (0, 2)),
    ],
)
def test_another_configuration_in_the_same_folder_is_refused(
    copy: Path, made: Path, change: dict[str, int], shard: tuple[int, int]
) -> None:
    other = MakeConfig(**{"level": "easy", "n": 42, "seed": 7} | change)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="was begun with"):
        make(copy, other, shard=shard, progress=False)
    assert files(copy) == files(made)


@pytest.mark.parametrize(
    "fields",
    [
        {"n": 0},
        {"set": "nope"},
        {"level": "nope"},
        {"tasks": ()},
        {"tasks": ("ATE", "ATE")},
        {"tasks": ("XYZ",)},
        {"split": "../x"},
        {"split": ""},
    ],
)
def test_a_bad_configuration_is_one_line(fields: dict[str, object]) -> None:
    with pytest.raises(InputError):
        MakeConfig(**fields)  # type: ignore[arg-type]


def test_bad_parts_and_workers_are_one_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="the part must be"):
        make(tmp_path / "x", CONFIG, shard=(2, 2))
    with pytest.raises(InputError, match="workers"):
        make(tmp_path / "x", CONFIG, workers=0)


def test_places_that_cannot_be_written_are_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    for out in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(InputError, match="cannot make the folder"):
            make(out, CONFIG)
    with pytest.raises(InputError, match="holds other files"):
        make(tmp_path, CONFIG)


def test_a_full_disk_is_one_line_and_leaves_nothing_half_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, sync, calls = tmp_path / "set", os.fsync, 0

    def full(handle: int) -> None:
        nonlocal calls
        calls += 1
        if calls == 2:  # the manifest is written, the first shard is not
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        sync(handle)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(InputError, match="no space left on device"):
        make(out, CONFIG, progress=False)
    assert list(files(out)) == ["manifest.json"]
    with pytest.raises(InputError, match="not complete"):
        list(rows(out))
    make(out, CONFIG, progress=False)
    assert check(out, progress=False).ok


@pytest.mark.parametrize("what", ["absent", "folder"])
def test_no_set_to_read_is_one_line(tmp_path: Path, what: str) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(InputError):
        list(rows(tmp_path / what))


SCRIPT = """
import sys
from pathlib import Path
from caugym.core.errors import InputError
from caugym.data import shards
from caugym.data.manifest import MakeConfig

shards.SHARD_ROWS = 20
if __name__ == "__main__":
    if len(sys.argv) > 3:
        import resource, signal
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]), resource.RLIM_INFINITY))
    try:
        config = MakeConfig(level="easy", n=160, seed=7)
        shards.make(Path(sys.argv[1]), config, workers=int(sys.argv[2]), progress=False)
    except InputError as error:
        sys.exit(str(error))
"""


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "script.py"
    path.write_text(SCRIPT)
    return path


def test_a_file_too_large_for_the_disk_is_one_line(script: Path, tmp_path: Path) -> None:
    command = [sys.executable, str(script), str(tmp_path / "set"), "1", "5000"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert ended.stderr.startswith("cannot write ")
    assert ended.stderr.count("\n") == 1
    assert list(files(tmp_path / "set")) == ["manifest.json"]


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
def test_killed_at_any_moment_it_completes_with_the_same_bytes(
    script: Path, tmp_path: Path, workers: int
) -> None:
    def begin(out: Path) -> subprocess.Popen[bytes]:
        return subprocess.Popen([sys.executable, str(script), str(out), str(workers)], start_new_session=True)

    start = time.monotonic()
    assert begin(tmp_path / "whole").wait() == 0
    shard = (time.monotonic() - start) / 8
    rng, kills = random.Random(workers), 0
    for done in (0, 0, 1, 2, 4, 5):  # of the eight
        process = begin(tmp_path / "killed")
        while process.poll() is None and len(list((tmp_path / "killed").glob("data/base/*.parquet"))) < done:
            time.sleep(0.01)
        time.sleep(rng.random() * shard)
        process.kill()
        kills += process.wait() == -signal.SIGKILL
        for file in (tmp_path / "killed").glob("data/base/*.parquet"):
            assert pq.read_metadata(file).num_rows == 20  # what has the name is whole
    assert begin(tmp_path / "killed").wait() == 0
    assert kills
    assert files(tmp_path / "killed") == files(tmp_path / "whole")
    assert check(tmp_path / "killed", progress=False).ok
