"""What is asked: own files and public benchmarks, each graded by its own rules and strictly, in any run."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from typer.testing import CliRunner

from caugym.backends import Instructed, Prompt, Reply, Sampling
from caugym.cli import app
from caugym.core.errors import InputError
from caugym.data.questions import Question
from caugym.evaluate import run as running
from caugym.evaluate.benchmarks import BENCHMARKS, Item
from caugym.evaluate.records import load
from caugym.evaluate.report import report
from caugym.evaluate.run import regrade
from caugym.evaluate.source import Source, source
from caugym.evaluate.summary import summary
from caugym.evaluate.tables import accuracy_sheet
from tests.evaluate import public
from tests.evaluate.toy import questions

ALL = pytest.mark.parametrize("name", BENCHMARKS)


class Crib:
    """Knows the right reply to every item but the first."""

    name = "crib"

    def __init__(self, asked: Sequence[Question]) -> None:
        self.asked = asked
        self.seen: list[Prompt] = []

    def generate(self, prompts: Sequence[Prompt], sampling: Sampling, keys: Sequence[str]) -> list[Reply]:
        """What it knows."""
        self.seen += prompts
        items = {item.id: item for item in self.asked if isinstance(item, Item)}
        asked = [items[key.rpartition("/")[0]] for key in keys]
        told = [BENCHMARKS[item.benchmark].right(item) for item in asked]
        return [
            Reply("nothing" if item is self.asked[0] else reply, "stop", 3)
            for item, reply in zip(asked, told, strict=True)
        ]


def evaluated(asked: Source, out: Path, monkeypatch: pytest.MonkeyPatch) -> Crib:
    crib = Crib(asked.questions)
    monkeypatch.setattr(running, "backend", lambda spec, **_: crib)
    running.evaluate("crib", asked, out, samples=1, progress=False)
    return crib


@ALL
def test_a_benchmark_is_asked_graded_and_reported(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = source(public.SAMPLES[name](tmp_path))
    assert asked.benchmark is BENCHMARKS[name]
    evaluated(asked, tmp_path / "run", monkeypatch)
    run = load(tmp_path / "run")
    assert {**run.questions} == {item.id: item for item in asked.questions}
    assert run.benchmark is BENCHMARKS[name]
    shown = summary(run)
    n = len(asked.questions)
    assert shown.strict.value == (n - 1) / n
    assert shown.verdicts == {"correct": n - 1, "unparsed": 1}
    before = (tmp_path / "run" / "records.jsonl").read_bytes()
    regrade(tmp_path / "run")
    assert (tmp_path / "run" / "records.jsonl").read_bytes() == before
    assert BENCHMARKS[name].metric in accuracy_sheet(run).markdown()
    page = report([run], tmp_path / "report.html").read_text(encoding="utf-8")
    assert BENCHMARKS[name].licence in page
    assert all(digest in page for digest in asked.files.values())


def test_the_system_message_of_a_benchmark_is_sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    crib = evaluated(source(public.SAMPLES["rlcausal"](tmp_path)), tmp_path / "run", monkeypatch)
    assert all(isinstance(prompt, Instructed) and prompt.system == "Be exact." for prompt in crib.seen)


def test_f1_is_the_official_figure_where_the_benchmark_reports_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    evaluated(source(public.SAMPLES["corr2cause"](tmp_path)), tmp_path / "run", monkeypatch)
    run = load(tmp_path / "run")
    assert summary(run).official.value == 1.0  # a No that was not said is still not a Yes
    assert "Official F1" in accuracy_sheet(run).header


def test_a_folder_of_tables_is_recognised(tmp_path: Path) -> None:
    public.SAMPLES["corr2cause"](tmp_path)
    assert source(tmp_path).benchmark is BENCHMARKS["corr2cause"]


def test_names_and_paths(tmp_path: Path) -> None:
    file = public.SAMPLES["cladder"](tmp_path)
    assert source(f"cladder:{file}").questions == source(file).questions
    with pytest.raises(InputError, match="is not bundled; get its files from https://"):
        source("cladder")
    with pytest.raises(InputError, match="is not of RLCausal"):
        source(f"rlcausal:{file}")
    with pytest.raises(InputError, match="does not exist"):
        source("nowhere.json")


def test_other_questions_are_of_no_benchmark(tmp_path: Path) -> None:
    (tmp_path / "q.txt").write_text(questions(1)[0].text)
    assert source(tmp_path / "q.txt") == Source(
        str(tmp_path / "q.txt"), (Question("q-0001", questions(1)[0].text),)
    )
    assert not source(tmp_path / "q.txt").about()


def test_the_command_says_whose_the_questions_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = public.SAMPLES["bbeh-causal"](tmp_path)
    monkeypatch.setattr(running, "backend", lambda spec, **_: Crib(source(file).questions))
    shown = CliRunner().invoke(
        app, ["eval", "--model", "crib", "--set", str(file), "--samples", "1", "-o", str(tmp_path / "run")]
    )
    assert shown.exit_code == 0, shown.output
    for words in ("Apache-2.0", "arXiv:2502.19187", "task.json: sha256 ", "| Official |"):
        assert words in shown.output


def test_both_formats_of_cladder_are_read(tmp_path: Path) -> None:
    """The generated tests, and version 1 with its own names and further fields."""
    generated = source(public.SAMPLES["cladder"](tmp_path)).questions
    folder = tmp_path / "v1"
    folder.mkdir()
    public.json_array(folder / "cladder-v1-meta-models.json", [public.DIAMOND])
    more = {"rung": 2, "graph_id": "arrowhead", "formal_form": "E[Y | do(X = 1)] - E[Y | do(X = 0)]"}
    rows = [{**public.cladder(n, "ate", 0.2, a, **more), "desc_id": "x"} for n, a in ((1, "yes"), (2, "no"))]
    first = source(public.json_array(folder / "cladder-v1-balanced.json", rows)).questions
    assert [q.text for q in first] == [q.text for q in generated]
    assert {q.level for q in first} == {"rung 2"}
