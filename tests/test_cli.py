"""The command line as a user meets it: a real process, its exit code, and what stands on the two streams."""

import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from typer.main import get_group

from caugym.cli import app
from caugym.estimands import TABLE

CHAIN = (
    "Suppose that these are the only causal links. Smoking directly affects tar deposits. "
    "Tar deposits directly affect lung health. "
    "Smoking is either low or high. Tar deposits are either low or high. Lung health is either low or high. "
)
GIVEN = "Given smoking being {}, the probability that tar deposits are high is {}. "
QUESTION = (
    "The quantity of interest is the ATE, or average treatment effect, of smoking on tar deposits. "
    "Suppose smoking is switched from low to high: will tar deposits be more likely to be high? "
    'Answer in the form {"ANSWER": "Yes", "PROB": "0.1234"}, rounded to four decimals. '
    "Say LACK_CONDITION if the answer does not follow."
)
SOLVABLE = CHAIN + GIVEN.format("low", "0.20") + GIVEN.format("high", "0.70") + QUESTION


def caugym(
    *arguments: str | Path, stdout: int | None = None, before: Callable[[], None] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own, without a terminal."""
    return subprocess.run(
        [sys.executable, "-m", "caugym.cli", *map(str, arguments)],
        stdout=subprocess.PIPE if stdout is None else stdout,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        text=True,
        timeout=120,
        check=False,
        preexec_fn=before,
    )


def refused(done: subprocess.CompletedProcess[str], *words: str) -> None:
    """One line on stderr that says all of ``words``, and exit code 2."""
    assert done.returncode == 2, done.stderr
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert "Traceback" not in done.stderr
    for word in words:
        assert word in done.stderr


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, str], Path]:
    """Write a text file in the test's folder."""

    def write(name: str, text: str) -> Path:
        path = tmp_path / name
        path.write_text(text)
        return path

    return write


Write = Callable[[str, str], Path]
GOLD = '{"id": "a", "gold": {"status": "identified", "value": "0.5000", "answer": "Yes"}}'
RIGHT = '{"id": "a", "reply": "{\\"ANSWER\\": \\"Yes\\", \\"PROB\\": \\"0.5\\"}"}'


def test_help_loads_nothing_heavy() -> None:
    code = "import sys, caugym.cli; print([m for m in ('torch', 'numpy', 'pyarrow') if m in sys.modules])"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert loaded.strip() == "[]"
    assert caugym("--help").returncode == 0


COMMANDS = list(get_group(app).commands)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example(command: str) -> None:
    done = caugym(command, "--help")
    assert done.returncode == 0
    assert f"Example: caugym {command}" in done.stdout


@pytest.mark.parametrize("code", TABLE)
def test_explain_prints_the_page(code: str) -> None:
    done = caugym("explain", code.lower())
    assert done.returncode == 0
    assert TABLE[code].page.strip() == done.stdout.strip()


def test_explain_suggests_the_nearest() -> None:
    refused(caugym("explain", "ATT"), "ATT", "did you mean ETT?")


def test_solve_answers_in_json_lines(write: Write) -> None:
    lacking = CHAIN + GIVEN.format("low", "0.20") + QUESTION
    done = caugym("solve", write("q.txt", f"{SOLVABLE}\n---\n{lacking}"), "--json")
    assert done.returncode == 0, done.stderr
    first, second = map(json.loads, done.stdout.splitlines())
    assert list(first) == ["id", "status", "value", "answer", "steps", "missing"]
    assert (first["status"], first["value"], first["answer"]) == ("identified", "0.5000", "Yes")
    assert first["steps"][-1] == '{"ANSWER": "Yes", "PROB": "0.5000"}'
    assert second["status"] == "insufficient"
    assert second["missing"] == ["P(tar deposits=high | smoking=high)"]
    assert "2 of 2 questions read" in done.stderr


def test_solve_counts_the_labels_that_agree(write: Write) -> None:
    gold = {"status": "identified", "value": "0.5000", "answer": "No"}
    done = caugym("solve", write("q.jsonl", json.dumps({"id": "a", "prompt": SOLVABLE, "gold": gold})))
    assert "value 1/1, yes/no 0/1" in done.stderr


def test_one_unreadable_question_does_not_stop_the_rest(write: Write) -> None:
    done = caugym("solve", write("q.txt", f"What is love?\n---\n{SOLVABLE}"))
    assert done.returncode == 0
    first, second = map(json.loads, done.stdout.splitlines())
    assert (first["status"], second["status"]) == ("unreadable", "identified")
    assert first["reason"] in done.stderr


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (SOLVABLE.replace("0.70", "1.2"), ["1.2"]),
        (SOLVABLE.replace("0.70", "nan"), ["nan"]),
        (SOLVABLE.replace("Smoking is", "Lung health directly affects smoking. Smoking is"), ["cycle"]),
        ("", ["empty"]),
        ("What is love?", ["What is love?"]),
    ],
    ids=["probability above 1", "NaN", "cyclic graph", "empty", "no question"],
)
def test_solve_refuses_nonsense(write: Write, text: str, words: Sequence[str]) -> None:
    refused(caugym("solve", write("q.txt", text)), *words)


def test_solve_refuses_missing_and_damaged_files(write: Write, tmp_path: Path) -> None:
    refused(caugym("solve", tmp_path / "none.json"), "none.json", "does not exist")
    refused(caugym("solve", write("q.jsonl", '{"txt": "hello"}')), "q.jsonl", "question", "txt")
    refused(caugym("solve", write("q.json", '{"prompt": ')), "q.json", "JSON")
    refused(caugym("solve", write("q.parquet", "not parquet")), "q.parquet")
    binary = tmp_path / "q.txt"
    binary.write_bytes(b"\xff\xfe\x00\xd8")
    refused(caugym("solve", binary), "UTF-8")


def test_grade_prints_verdicts_and_accuracy(write: Write) -> None:
    items, replies = write("items.jsonl", GOLD), write("replies.jsonl", RIGHT)
    done = caugym("grade", "--items", items, "--replies", replies, "--json")
    expected = {"id": "a", "correct": True, "value_ok": True, "answer_ok": True, "verdict": "correct"}
    assert json.loads(done.stdout) == expected
    assert "100.0% right of 1" in caugym("grade", "--items", items, "--replies", replies).stdout


def test_an_empty_reply_is_graded_not_refused(write: Write) -> None:
    items, replies = write("items.jsonl", GOLD), write("replies.jsonl", '{"id": "a", "reply": ""}')
    done = caugym("grade", "--items", items, "--replies", replies, "--json")
    assert done.returncode == 0
    assert json.loads(done.stdout)["verdict"] == "unparsed"


@pytest.mark.parametrize(
    ("items", "replies", "words"),
    [
        (GOLD, '{"id": "a", "text": "0.5"}', ["replies.jsonl", "reply", "text"]),
        (GOLD, '{"id": "a", "reply": null}', ["replies.jsonl", "reply"]),
        (GOLD, '{"id": "b", "reply": "x"}', ["'b'"]),
        (GOLD, "", ["replies.jsonl", "empty"]),
        (GOLD.replace("0.5000", "NaN"), RIGHT, ["items.jsonl", "NaN"]),
        (GOLD.replace('"0.5000"', "NaN"), RIGHT, ["items.jsonl", "nan"]),
        ('{"id": "a"}', RIGHT, ["items.jsonl", "gold"]),
    ],
    ids=["wrong column", "null reply", "unknown id", "no reply", "NaN text", "NaN", "no gold"],
)
def test_grade_refuses_nonsense(write: Write, items: str, replies: str, words: Sequence[str]) -> None:
    files = write("items.jsonl", items), write("replies.jsonl", replies)
    refused(caugym("grade", "--items", files[0], "--replies", files[1]), *words)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nonsense"], ["nonsense"]),
        (["make"], ["out"]),
        (["make", "OUT", "--n", "many"], ["--n"]),
        (["make", "OUT", "--n", "0"], ["n"]),
        (["make", "OUT", "--task", "ATE,ATX"], ["ATX"]),
        (["make", "OUT", "--level", "trivial"], ["trivial", "easy"]),
        (["make", "OUT", "--set", "bass"], ["bass", "base"]),
        (["make", "OUT", "--shard", "4/4"], ["4/4"]),
        (["make", "OUT", "--workers", "0"], ["workers"]),
        (["check", "OUT"], ["OUT"]),
        (["eval", "--model", "./none", "--set", "none.json", "-o", "OUT"], ["none"]),
        (["compare", "none", "none"], ["none"]),
        (["report", "none", "-o", "none.html"], ["none"]),
        (["data", "sft", "none", "-o", "rows.jsonl"], ["none"]),
        (["train", "dqn", "--model", "m", "--data", "none", "-o", "OUT"], ["dqn"]),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_bad_arguments(arguments: list[str], words: Sequence[str], tmp_path: Path) -> None:
    out = tmp_path / "out"
    refused(caugym(*(str(out) if a == "OUT" else a for a in arguments)), *(w for w in words if w != "OUT"))
    assert not out.exists() or not any(out.iterdir())


def test_make_check_data_solve_agree(tmp_path: Path) -> None:
    out, rows = tmp_path / "out", tmp_path / "rows.jsonl"
    assert caugym("make", out, "--level", "easy", "--n", "14", "--seed", "5").returncode == 0
    assert caugym("check", out).returncode == 0
    assert caugym("data", "sft", out, "-o", rows).returncode == 0
    assert len(rows.read_text().splitlines()) == 14
    done = caugym("solve", out)
    assert "status 14/14, value 14/14, yes/no 10/10" in done.stderr


def test_full_disk(write: Write, tmp_path: Path) -> None:
    if Path("/dev/full").exists():
        with Path("/dev/full").open("w") as full:
            refused(caugym("solve", write("q.txt", SOLVABLE), stdout=full.fileno()), "space")

    def quota() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))

    out = tmp_path / "out"
    refused(caugym("make", out, "--level", "easy", "--n", "70", before=quota), "too large")
    assert caugym("check", out).returncode != 0  # nothing there looks complete
    assert caugym("make", out, "--level", "easy", "--n", "70").returncode == 0
    assert caugym("check", out).returncode == 0


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_no_permission(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    refused(caugym("make", tmp_path / "out", "--n", "7"), "permission")


@pytest.mark.parametrize("workers", [1, 2])
def test_ctrl_c_says_how_to_go_on(tmp_path: Path, workers: int) -> None:
    out = tmp_path / "out"
    command = [sys.executable, "-m", "caugym.cli", "make", str(out), "--level", "hard", "--n", "200000"]
    with subprocess.Popen(
        [*command, "--workers", str(workers)],
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        while not out.exists():  # imports take their time on a busy machine
            assert process.poll() is None
            time.sleep(0.05)
        time.sleep(0.5)
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to the whole group
        _, stderr = process.communicate(timeout=60)
    refused(subprocess.CompletedProcess(command, process.returncode, "", stderr), "stopped", "go on")


def test_a_reader_that_goes_away_is_no_error(write: Write) -> None:
    many = write("q.txt", "\n---\n".join([SOLVABLE] * 300))
    command = f"'{sys.executable}' -m caugym.cli solve '{many}' | head -1"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert json.loads(done.stdout)["value"] == "0.5000"
    assert done.stderr == ""
