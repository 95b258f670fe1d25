"""Checking: a sound set passes, and each kind of damage is found and named."""

import json
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from caugym.core.errors import InputError
from caugym.data.check import check
from caugym.data.manifest import Manifest
from caugym.data.row import Row
from tests.data.damaged import damage


def effect(rows: list[Row]) -> Row:
    """A row with a yes/no whose effect is not 0."""
    return next(r for r in rows if r["gold"]["answer"] and r["gold"]["value"] != "0.0000" and r["edges"])


def gold_changed(rows: list[Row]) -> None:
    gold = effect(rows)["gold"]
    gold["value"] = f"{float(gold['value']) + 0.01:.4f}"


def yes_no_flipped(rows: list[Row]) -> None:
    gold = effect(rows)["gold"]
    gold["answer"] = "No" if gold["answer"] == "Yes" else "Yes"


def number_changed_in_the_text(rows: list[Row]) -> None:
    row = effect(rows)
    number = row["statements"][0]["value"]
    row["prompt"] = row["prompt"].replace(number, f"{(float(number) + 0.37) % 1:.{len(number) - 2}f}", 1)


def number_changed_in_the_record(rows: list[Row]) -> None:
    statement = effect(rows)["statements"][0]
    statement["value"] = f"{(float(statement['value']) + 0.37) % 1:.2f}"


def edge_reversed(rows: list[Row]) -> None:
    edge = effect(rows)["edges"][0]
    edge["cause"], edge["effect"] = edge["effect"], edge["cause"]


def polarity_flipped_in_the_text(rows: list[Row]) -> None:
    row = effect(rows)
    swap = {"more": "less", "less": "more"}
    row["prompt"] = re.sub(r"\b(more|less)(?= likely)", lambda found: swap[found.group()], row["prompt"])


def polarity_flipped_in_the_record(rows: list[Row]) -> None:
    query = effect(rows)["query"]
    query["polarity"] = "less" if query["polarity"] == "more" else "more"


def certificate_swapped(rows: list[Row]) -> None:
    rows[0]["certificate"], rows[1]["certificate"] = rows[1]["certificate"], rows[0]["certificate"]


def certificate_damaged(rows: list[Row]) -> None:
    rows[0]["certificate"] = '{"adjust": [], "tables": [["x"]]}'


def id_repeated(rows: list[Row]) -> None:
    rows[1]["id"] = rows[0]["id"]


def row_repeated(rows: list[Row]) -> None:
    rows[1] = rows[0]


def statement_removed_from_the_record(rows: list[Row]) -> None:
    effect(rows)["statements"].pop()


def statement_removed_from_the_text(rows: list[Row]) -> None:
    row = next(r for r in rows if r["prompt"].count("\n") > 12)  # told line by line
    told = row["prompt"].split("\n")
    found = next(i for i, line in enumerate(told) if re.search(r" 0?\.\d+\b", line) and "LACK" not in line)
    row["prompt"] = "\n".join(told[:found] + told[found + 1 :])


def task_renamed(rows: list[Row]) -> None:
    rows[0]["task"] = "PS" if rows[0]["task"] != "PS" else "PN"


def step_wrong(rows: list[Row]) -> None:
    row = next(r for r in rows if any(re.search(r"= -?\d+(\.\d+)?$", step) for step in r["solution"]))
    row["solution"] = [re.sub(r"= (-?\d+(\.\d+)?)$", "= 0.987654", step) for step in row["solution"]]


def conclusion_wrong(rows: list[Row]) -> None:
    rows[0]["solution"][-1] = rows[0]["solution"][-1].replace("PROB", "P")


def tolerance_too_wide(rows: list[Row]) -> None:
    rows[0]["tolerance"] = -1.0


def text_garbled(rows: list[Row]) -> None:
    rows[0]["prompt"] = "What is the effect?"


def value_lost(rows: list[Row]) -> None:
    rows[0]["query"]["treatment"] = None
    rows[1]["provenance"] = None


def rows_swapped(rows: list[Row]) -> None:
    rows[0], rows[1] = rows[1], rows[0]


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        (gold_changed, "gold"),
        (yes_no_flipped, "yes/no"),
        (number_changed_in_the_text, "number"),
        (number_changed_in_the_record, "number"),
        (edge_reversed, "edge"),
        (polarity_flipped_in_the_text, "polarity"),
        (polarity_flipped_in_the_record, "polarity"),
        (certificate_swapped, "certificate"),
        (certificate_damaged, "certificate"),
        (id_repeated, "duplicate id"),
        (row_repeated, "duplicate id"),
        (statement_removed_from_the_record, "statement"),
        (statement_removed_from_the_text, "statement"),
        (task_renamed, "coordinates"),
        (step_wrong, "solution"),
        (conclusion_wrong, "solution"),
        (tolerance_too_wide, "grading"),
        (text_garbled, "unreadable"),
        (value_lost, "column"),
        (rows_swapped, "coordinates"),
        (lambda rows: rows.pop(3), "row count"),
    ],
)
@pytest.mark.parametrize("sealed", [True, False])
def test_damage_is_found_and_named(
    copy: Path, change: Callable[[list[Row]], object], kind: str, sealed: bool
) -> None:
    damage(copy, change, sealed=sealed)
    report = check(copy, progress=False)
    assert not report.ok
    assert kind in report.counts, str(report)
    assert ("digest" in report.counts) is not sealed
    assert f" {kind}: " in str(report)


def test_a_sound_set_passes(made: Path) -> None:
    report = check(made, progress=False)
    assert report.ok, str(report)
    assert report.items == 42
    assert str(report) == "42 items checked from their text: all proved"
    file = made / Manifest.read(made).shards[0]["file"]
    assert check(file, progress=False).ok


def test_a_wrong_digest_in_the_manifest_is_found(copy: Path) -> None:
    manifest = Manifest.read(copy)
    (entry,) = manifest.shards
    replace(manifest, shards=({**entry, "sha256": "0" * 64},)).write(copy)
    assert check(copy, progress=False).counts == {"digest": 1}
    replace(manifest, sha256="0" * 64).write(copy)
    assert check(copy, progress=False).counts == {"digest": 1}


def test_a_damaged_or_missing_file_is_a_fault_and_not_a_crash(copy: Path) -> None:
    file = copy / Manifest.read(copy).shards[0]["file"]
    file.write_bytes(file.read_bytes()[:-100])
    assert check(copy, progress=False).counts["file"] == 1
    file.unlink()
    assert check(copy, progress=False).counts["file"] == 1


def test_an_unfinished_set_is_named_so(copy: Path) -> None:
    manifest = Manifest.read(copy)
    replace(manifest, complete=False, shards=(), rows=0, sha256=None).write(copy)
    assert check(copy, progress=False).counts == {"incomplete": 1}


def test_a_file_that_is_no_part_of_the_set_is_found(copy: Path) -> None:
    file = copy / Manifest.read(copy).shards[0]["file"]
    shutil.copy(file, file.with_name("test-00001-of-00001.parquet"))
    assert check(copy, progress=False).counts == {"file": 1}


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "{}", '{"config": {"n": "x"}}', json.dumps({"config": {"set": "nope"}})]
)
def test_a_damaged_manifest_is_one_line(copy: Path, content: str) -> None:
    (copy / "manifest.json").write_text(content)
    with pytest.raises(InputError, match=r"manifest.json is damaged"):
        check(copy, progress=False)


def test_nothing_to_check_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        check(tmp_path / "absent")
    with pytest.raises(InputError, match=r"no manifest.json"):
        check(tmp_path)
