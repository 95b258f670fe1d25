"""Rules of the house that no linter checks: sizes, names, a true picture, nothing foreign."""

import ast
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

import caugym

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "caugym"
MODULES = sorted(SOURCE.rglob("*.py"))
LONGEST_MODULE, LONGEST_FUNCTION = 400, 60


def tracked() -> list[Path]:
    """The files in git, less those that are deleted in the working tree."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout")
    files = [ROOT / name for name in listed.stdout.decode().split("\0") if name]
    return [file for file in files if file.is_file()]


@pytest.mark.parametrize("module", MODULES, ids=lambda module: str(module.relative_to(SOURCE)))
def test_a_module_can_be_read_in_one_sitting(module: Path) -> None:
    text = module.read_text()
    assert text.count("\n") <= LONGEST_MODULE
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno is not None
            assert node.end_lineno - node.lineno < LONGEST_FUNCTION, f"{node.name} is too long"


def test_modules_are_named_for_what_they_hold() -> None:
    assert not {"utils", "util", "common", "helpers", "misc"} & {module.stem for module in MODULES}


def test_the_picture_in_the_readme_is_true() -> None:
    """Every room, and every module and folder in it, has its line in the README; nothing else has one."""
    picture = re.search(r"```text\nsrc/caugym/\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert picture, "the README has no picture of the house"
    drawn, room = [], ""
    for line in picture.group(1).splitlines():
        indent, name, words = re.fullmatch(r"( +)(\S+)  +(\S.*)", line).groups()  # type: ignore[union-attr]
        assert words
        room = "" if len(indent) == 2 else room
        drawn.append(room + name)
        room = name if len(indent) == 2 and name.endswith("/") else room
    rooms = [init.parent for init in SOURCE.glob("*/__init__.py")]
    folders = [*rooms, *(init.parent for init in SOURCE.glob("*/*/__init__.py"))]
    modules = [module for place in (SOURCE, *rooms) for module in place.glob("*.py")]
    real = [f"{folder.relative_to(SOURCE)}/" for folder in folders]
    real += [str(module.relative_to(SOURCE)) for module in modules if module.name != "__init__.py"]
    assert sorted(drawn) == sorted(real)


def test_nothing_names_a_machine_or_a_package_host() -> None:
    words = ["/wor" + "k/", "/op" + "t/", "/tm" + "p/w/", "pypi" + ".org", "pythonhosted" + ".org"]
    words += ["index" + "-url", "find" + "-links", "whl/" + "cpu"]
    for file in tracked():
        text = file.read_bytes().decode("utf-8", errors="replace")
        assert not [word for word in words if word in text], file


def test_constraints_pin_every_direct_dependency() -> None:
    pins = dict(
        line.split("==") for line in (ROOT / "constraints.txt").read_text().splitlines() if line[0] != "#"
    )
    assert pins["torch"] == "2.13.0"
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    wanted = [*project["dependencies"], *extras["train"], *extras["dev"]]
    names = {re.split(r"[<>=~!;\[ ]", requirement)[0].lower() for requirement in wanted}
    assert names <= {name.lower() for name in pins}


def test_change_log_and_citation_name_this_version() -> None:
    assert f"## [{caugym.__version__}]" in (ROOT / "CHANGELOG.md").read_text()
    assert f"version: {caugym.__version__}" in (ROOT / "CITATION.cff").read_text()
