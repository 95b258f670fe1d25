"""The gallery shows problems with their proofs and needs nothing but itself; v1 is made and described."""

import re
from pathlib import Path

import pytest
import yaml

from caugym.core.errors import InputError
from caugym.data.manifest import MakeConfig
from caugym.data.shards import make
from caugym.evaluate.gallery import gallery
from caugym.problems.generate import SETS, TASKS
from runs import v1


def test_each_task_has_a_problem_with_its_proof(tmp_path: Path) -> None:
    for set_ in ("base", "insufficient"):
        make(tmp_path / set_, MakeConfig(set_, level="easy", n=56, seed=2), progress=False)
    page = gallery(
        [tmp_path / "base", tmp_path / "insufficient"], tmp_path / "out" / "gallery.html"
    ).read_text()
    assert page.count("<details") == page.count("</details>") == 2 * len(TASKS)
    for task in TASKS:
        assert page.count(f"<summary>{task}: ") == 2
    assert page.count("cannot be answered <span>") == len(TASKS)
    for one, other in re.findall(r"the answer is (-?[\d.]+) on the first and (-?[\d.]+) on the second", page):
        assert abs(float(one) - float(other)) >= 0.0099
    for value, answer in re.findall(r"by its definition is (-?[\d.]+); to four decimals (-?[\d.]+)", page):
        assert float(value) == pytest.approx(float(answer), abs=0.00005001)
    for printed, *models in re.findall(r'<td class="n">([\d.]+)</td>' * 3, page):
        assert {float(printed)} == {round(float(number), 8) for number in models}
    assert not re.search(r"<script|https?://|src=|@import|url\(", page)


def test_what_is_no_set_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="manifest"):
        gallery([tmp_path], tmp_path / "gallery.html")


@pytest.mark.slow
def test_the_published_sets_are_made_proved_and_described(tmp_path: Path) -> None:
    folders = v1.made(tmp_path, "easy", 1, 0.001)
    assert [folder.name for folder in folders] == ["train", *SETS]
    report = v1.checked(folders)
    assert report.ok, str(report)
    assert (tmp_path / "easy" / "gallery.html").stat().st_size > 10_000
    head = yaml.safe_load(v1.card({"easy": folders}).split("---")[1])
    for config in head["configs"]:
        (files,) = config["data_files"]
        assert list(tmp_path.glob(files["path"])), config
    text = "\n".join(v1.page({"easy": folders}, {"easy": report}, {}))
    for table in ("SHA-256", "lower bounds"):  # one with the digests, one on balance
        rows = text.partition(table)[2].partition("\n\n")[0]
        assert re.findall(r"^\| easy/(\w+) ", rows, re.MULTILINE) == ["train", *SETS]
    assert "train and test share 0 named graphs, 0 name sets, 0 problems" in text
