"""What the README shows is what happens: its commands and its Python are run in an empty folder.

What the scripts in `runs` and the examples of `--help` call exists.
"""

import doctest
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.main import get_group

from caugym.cli import app

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
CONSOLE = re.findall(r"```console\n(.*?)```", README, re.DOTALL)
QUESTION = re.search(r"```text\n(Suppose .*?)```", README, re.DOTALL)


@pytest.mark.parametrize("block", CONSOLE, ids=lambda block: block.splitlines()[0])
def test_commands_print_what_is_shown(block: str, tmp_path: Path) -> None:
    """Both streams together, with ``...`` for anything, as in a doctest."""
    assert QUESTION
    (tmp_path / "question.txt").write_text(QUESTION.group(1))
    beside = Path(sys.executable).parent
    environment = os.environ | {"PATH": f"{beside}{os.pathsep}{os.environ['PATH']}"}
    for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        command, _, expected = part.partition("\n")
        done = subprocess.run(
            ["bash", "-c", f"{{ {command}; }} 2>&1"],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout
        match = doctest.OutputChecker().check_output(expected, done.stdout, doctest.ELLIPSIS)
        assert match, f"{command} printed\n{done.stdout}"


def test_python_in_the_readme() -> None:
    examples = doctest.DocTestParser().get_doctest(README, {}, "README.md", "README.md", 0)
    results = doctest.DocTestRunner().run(examples)
    assert results.attempted >= 4
    assert not results.failed


def test_the_table_has_every_command_and_no_other() -> None:
    shown = re.findall(r"^\| `caugym (\w+)", README, re.MULTILINE)
    real = list(get_group(app).commands)
    assert shown == real


COMMANDS = get_group(app).commands
CALLS = [
    (source, *call)
    for source, text in (
        *((script.name, script.read_text().replace("\\\n", " ")) for script in (ROOT / "runs").glob("*.sh")),
        *((f"{name} --help", str(command.epilog)) for name, command in COMMANDS.items()),
    )
    for call in re.findall(r'(?:"\$caugym"|Example: caugym) (\w+) (.*)', text)
]


@pytest.mark.parametrize(("source", "name", "arguments"), CALLS)
def test_what_scripts_and_examples_call_exists(source: str, name: str, arguments: str) -> None:
    known = {option for parameter in COMMANDS[name].params for option in parameter.opts}
    assert set(re.findall(r"(?<!\S)--?[a-z][a-z-]*", arguments)) <= known, source
