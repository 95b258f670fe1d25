"""Training and test sets share no named graph, no set of names and no problem; what they share is counted."""

from pathlib import Path

import pytest

from caugym.data.check import check
from caugym.data.manifest import MakeConfig
from caugym.data.shards import make, rows
from caugym.data.variety import APART, Variety, shared
from caugym.problems.generate import generate
from tests.data.damaged import damage


@pytest.fixture(scope="module")
def sets(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("variety")
    for split in ("train", "test"):
        make(folder / split, MakeConfig(level="easy", n=140, seed=1, split=split), progress=False)
    return {split: folder / split for split in ("train", "test")}


def test_train_and_test_share_only_small_skeletons(sets: dict[str, Path]) -> None:
    report = check(*sets.values(), progress=False)
    assert report.ok, str(report)
    assert report.items == 280
    common = shared(report.splits["train"], report.splits["test"])
    assert {kind: common[kind] for kind in APART} == dict.fromkeys(APART, 0)
    assert common["skeletons"] > 0
    *each, last = report.variety().splitlines()
    assert [line.partition(":")[0] for line in each] == ["train", "test"]
    assert last.startswith("train and test share 0 named graphs, 0 name sets, 0 problems, ")


def test_what_leaks_is_found(sets: dict[str, Path], tmp_path: Path) -> None:
    leaked = list(rows(sets["test"]))[:5]
    make(tmp_path / "train", MakeConfig(level="easy", n=14, seed=2, split="train"), progress=False)
    damage(
        tmp_path / "train",
        lambda rows: rows.__setitem__(slice(0, 5), [r | {"split": "train"} for r in leaked]),
    )
    report = check(tmp_path / "train", sets["test"], progress=False)
    assert report.counts["shared"] == 1
    assert "5 named graphs, 5 name sets, 5 problems in common" in str(report)


def test_a_problem_that_stands_twice_is_found(sets: dict[str, Path], tmp_path: Path) -> None:
    make(tmp_path / "set", MakeConfig(level="easy", n=14, seed=2), progress=False)

    def repeat(rows: list[dict[str, object]]) -> None:
        rows[9] = rows[2] | {"id": rows[9]["id"]}

    damage(tmp_path / "set", repeat)
    assert check(tmp_path / "set", progress=False).counts["duplicate"] == 1


def test_two_test_sets_may_share_names(sets: dict[str, Path]) -> None:
    one, other = Variety(), Variety()
    for variety in (one, other):
        for item in generate("base", "ATE", "easy", "test", 1, range(5)):
            variety.add(item.problem)
    assert one.items == 5
    assert shared(one, other)["named graphs"] == 5
    assert "5 items, 5 named graphs" in one.text("test")
