"""The page: whole, safe, self-contained, quick, and free of overflow on a phone."""

import json
import re
import shutil
import subprocess
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caugym.backends import Prompt, Reply, Sampling
from caugym.core.errors import InputError
from caugym.core.graph import DAG
from caugym.core.streams import stream
from caugym.data.questions import Question
from caugym.evaluate.anatomy import case, fault
from caugym.evaluate.curves import metrics
from caugym.evaluate.diagram import diagram
from caugym.evaluate.plot import APART, SLOPES, nice_ticks, slopes
from caugym.evaluate.records import Run
from caugym.evaluate.report import report
from caugym.evaluate.run import run
from caugym.problems.generate import Item, generate
from caugym.problems.mistakes import mistakes
from caugym.problems.problem import Answer
from caugym.problems.read import read
from caugym.problems.solve import solve
from tests.evaluate.toy import Toy, questions

VOID = {"meta", "link", "br", "img", "input", "hr"}


class Page(HTMLParser):
    """Checks nesting while it collects tags, attributes and text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: Counter[str] = Counter()
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.marked: list[str] = []
        self.feed(text)
        self.close()
        assert not self.open, self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.attributes += attrs

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data
        if "mark" in self.open:
            self.marked.append(data)


def training(folder: Path, method: str = "grpo", steps: int = 300) -> Path:
    rows = [
        {
            "step": i,
            "seconds": i / 2,
            "method": method,
            "loss": 1 / i,
            "solved": i / steps,
            "length": 80 + i % 7,
        }
        for i in range(1, steps + 1)
    ]
    folder.mkdir()
    (folder / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


def page(runs: list[Run], out: Path, **curves: Path) -> Page:
    text = report(runs, out / "report.html", curves).read_text(encoding="utf-8")
    assert len(text) < 5_000_000
    return Page(text)


def test_the_page_needs_nothing_but_itself(pair: tuple[Run, Run], tmp_path: Path) -> None:
    read = page(list(pair), tmp_path, GRPO=training(tmp_path / "grpo"))
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert not re.search(r"(https?:)?//[a-z]|@import|url\(", text)
    assert not {"script", "link", "img", "iframe"} & set(read.tags)
    assert not {"src", "href", "srcset", "onclick", "onload"} & {key for key, _ in read.attributes}
    ids = [value for key, value in read.attributes if key == "id"]
    assert len(ids) == len(set(ids))
    assert read.tags["figure"] == 3
    for word in (
        "Accuracy by task",
        "Training",
        "Replies side by side",
        "Settings and digests",
        "a gain of",
        "From",
    ):
        assert word in read.text
    assert pair[0].info["questions"]["sha256"][:16] in read.text


def test_every_row_is_drawn_on_the_scale(pair: tuple[Run, Run], tmp_path: Path) -> None:
    read = page(list(pair), tmp_path)
    kinds = Counter(value for key, value in read.attributes if key == "class" and value)
    assert kinds["dots"] == 8
    assert kinds["interval s0"] == kinds["interval s1"] == 8
    places = [
        float(str(v).rstrip("%"))
        for k, v in read.attributes
        if k in ("cx", "x1", "x2") and str(v).endswith("%")
    ]
    assert all(0 <= place <= 100 for place in places)


@pytest.mark.parametrize("count", [1, 3, 7])
def test_one_or_many_runs(pair: tuple[Run, Run], tmp_path: Path, count: int) -> None:
    read = page((list(pair) * 4)[:count], tmp_path)
    assert read.tags["table"] == (5 if count == 1 else 6)
    assert read.text.count("where wrong replies went wrong first") == min(count, 2)


class Hostile:
    """Replies with markup, and at great length."""

    name = "<b>&amp;"

    def generate(self, prompts: Sequence[Prompt], sampling: Sampling, keys: Sequence[str]) -> list[Reply]:
        """Nothing of it may act as markup."""
        return [
            Reply('</pre><script>alert("1")</script>' + "x" * 50_000 + "\ud83d", "stop", 9) for _ in prompts
        ]


def test_nothing_a_model_writes_becomes_markup(tmp_path: Path) -> None:
    asked = [Question("<i>1</i>", "</p><img src=x>", Answer("identified", "0.1000", "Yes"), "ATE")]
    result = run(Hostile(), asked, tmp_path / "<u>run", progress=False)
    read = page([result], tmp_path)
    assert not {"script", "img", "i", "u"} & set(read.tags)
    assert "characters left out" in read.text
    assert (tmp_path / "report.html").stat().st_size < 60_000


def test_an_unfinished_run_says_so(tmp_path: Path) -> None:
    whole = run(Toy(), questions(20), tmp_path / "run", samples=2, progress=False)
    partly = replace(whole, info={**whole.info, "finished": None}, records=whole.records[:30])
    assert "unfinished: 30 of 40 replies" in page([partly], tmp_path).text


def test_sets_and_levels_have_tables_of_their_own(tmp_path: Path) -> None:
    asked = [
        Question(q.id, q.text, q.label, q.task, set="base" if i % 2 else "omitted", level="easy")
        for i, q in enumerate(questions(20))
    ]
    result = run(Toy(), asked, tmp_path / "run", samples=2, progress=False)
    text = page([result], tmp_path).text
    assert "Accuracy by set" in text
    assert "Accuracy by level" not in text


def test_runs_on_different_questions_have_chapters(pair: tuple[Run, Run], tmp_path: Path) -> None:
    asked = [replace(q, set="other") for q in questions(30, prefix="other")]
    others = [
        run(Toy(c), asked, tmp_path / "other" / n, progress=False)
        for n, c in (("before", 0.2), ("after", 0.5))
    ]
    read = page([*pair, *others], tmp_path)
    assert "30 problems: other" in read.text
    assert read.text.count("Accuracy by task") == 2
    assert read.text.count("a gain of") == 2
    assert "other/before" in read.text
    assert read.text.count("“before” in") == 2
    text = report([*pair, *others], tmp_path / "table.md").read_text(encoding="utf-8")
    assert text.count("\n## ") + text.startswith("## ") == 2


def test_markdown_and_other_endings(pair: tuple[Run, Run], tmp_path: Path) -> None:
    text = report(list(pair), tmp_path / "new" / "table.md").read_text(encoding="utf-8")
    assert text.count("| ATE |") == 5
    with pytest.raises(InputError, match=r"\.html or \.md"):
        report(list(pair), tmp_path / "report.pdf")
    with pytest.raises(InputError, match="at least one run"):
        report([], tmp_path / "report.html")


def test_logs_of_training_are_read_while_they_are_written(tmp_path: Path) -> None:
    folder = training(tmp_path / "sft", "sft", 5)
    with (folder / "metrics.jsonl").open("a") as log:
        log.write('{"step": 6, "lo')
    assert [row["step"] for row in metrics(folder)] == [1, 2, 3, 4, 5]
    (folder / "metrics.jsonl").write_text('{"st\n{"step": 2}\n')
    with pytest.raises(InputError, match="line 1, is no step"):
        metrics(folder)
    with pytest.raises(InputError, match="cannot be read"):
        metrics(tmp_path / "nothing")


def test_numbers_that_are_none_are_not_drawn(pair: tuple[Run, Run], tmp_path: Path) -> None:
    folder = training(tmp_path / "sft", "sft", 5)
    with (folder / "metrics.jsonl").open("a") as log:
        log.write('{"step": 6, "seconds": 3, "method": "sft", "loss": NaN, "solved": Infinity}\n')
    read = page([pair[0]], tmp_path, SFT=folder)
    assert read.tags["figure"] == 3
    assert not [value for _, value in read.attributes if value and "nan" in value.lower()]


def test_ten_thousand_replies_take_seconds(tmp_path: Path) -> None:
    runs = [
        run(Toy(c), questions(1000), tmp_path / f"{c}", samples=5, batch=5000, progress=False)
        for c in (0.3, 0.5)
    ]
    start = time.process_time()
    file = report([each.path for each in runs], tmp_path / "report.html")
    assert time.process_time() - start < 3
    assert file.stat().st_size < 5_000_000


dags = st.integers(1, 10).flatmap(
    lambda n: st.lists(st.tuples(st.integers(0, n - 1), st.integers(0, n - 1)), max_size=30).map(
        lambda pairs: DAG.from_edges(n, {(min(p), max(p)) for p in pairs if p[0] != p[1]})
    )
)


@given(dags)
def test_graphs_are_drawn_whole_and_apart(dag: DAG) -> None:
    drawn = diagram(
        dag, [f"some <variable> {v}" for v in range(dag.n)], {0: "treatment", dag.n - 1: "outcome"}
    )
    read = Page(drawn)
    assert read.tags["rect"] == dag.n
    assert read.tags["path"] == 2 * len(dag.edges())
    width, height = (float(x) for x in re.findall(r'viewBox="0 0 (\d+) (\d+)"', drawn)[0])
    boxes = [
        tuple(map(float, box))
        for box in re.findall(
            r'<rect [^>]*?x="([-\d.]+)" y="([-\d.]+)" width="([-\d.]+)" height="([-\d.]+)"', drawn
        )
    ]
    assert len(boxes) == dag.n
    for i, (x, y, w, h) in enumerate(boxes):
        assert x >= 0
        assert y >= 0
        assert x + w <= width + 1
        assert y + h <= height + 1
        for u, v, s, t in boxes[:i]:
            assert x >= u + s or u >= x + w or y >= v + t or v >= y + h
    for cause, effect in dag.edges():
        assert boxes[cause][1] + boxes[cause][3] < boxes[effect][1]


@given(st.floats(-1e6, 1e6), st.floats(0, 1e6))
def test_ticks_enclose_the_range_in_round_steps(low: float, width: float) -> None:
    ticks = nice_ticks(low, low + width)
    assert 2 <= len(ticks) <= 6
    assert ticks[0] <= low + 1e-6 * (1 + width)
    assert ticks[-1] >= low + width - 1e-6 * (1 + width)
    assert ticks == sorted(ticks)


SHARES = st.floats(0, 1)


@given(st.lists(st.tuples(SHARES, SHARES, SHARES), min_size=1, max_size=9))
def test_slopes_keep_their_values_and_their_labels_apart(shares: list[tuple[float, float, float]]) -> None:
    lines = {f"T{i}": each for i, each in enumerate(shares)}
    text = slopes(lines, ["base", "sft", "grpo"], "T0")
    read = Page(text)
    tops = [
        float(str(value).removeprefix("top:").removesuffix("px"))
        for key, value in read.attributes
        if key == "style"
    ]
    labels = sorted(tops[-len(shares) :])
    assert all(after - before >= APART - 1 for before, after in pairwise(labels))
    kinds = Counter(str(value).removesuffix(" all") for key, value in read.attributes if key == "class")
    gains = sum(each[2] > each[0] for each in shares)
    losses = sum(each[2] < each[0] for each in shares)
    assert (kinds["slope up"], kinds["slope down"]) == (5 * gains, 5 * losses)
    heights = [float(str(value)) for key, value in read.attributes if key in ("y1", "y2", "cy")]
    assert all(0 <= height <= SLOPES for height in heights)


def test_an_undefined_share_has_no_slope() -> None:
    assert "T1" not in slopes({"T0": (0.1, 0.2), "T1": (None, 0.2)}, ["base", "sft"], "T0")


class Clueless:
    """Always says the same."""

    name = "clueless"

    def generate(self, prompts: Sequence[Prompt], sampling: Sampling, keys: Sequence[str]) -> list[Reply]:
        """The same reply to everything."""
        return [Reply('{"ANSWER": "Yes", "PROB": "0.1"}', "stop", 9) for _ in prompts]


def real(out: Path, level: str) -> Run:
    items = [
        item for task in ("ATE", "NIE", "PN") for item in generate("base", task, level, "test", 1, range(3))
    ]
    asked = [Question(i.id, i.prompt, i.gold, i.task, i.set, i.level, i.tolerance) for i in items]
    return run(Clueless(), asked, out, samples=1, progress=False)


def test_problems_are_shown_with_graph_and_worked_solution(tmp_path: Path) -> None:
    result = real(tmp_path / "run", "easy")
    read = page([result], tmp_path)
    kinds = Counter(value for key, value in read.attributes if key == "class" and value)
    assert kinds["graph"] == 3
    assert kinds["box treatment"] == kinds["box outcome"] == 3
    assert read.text.count("Worked solution") == 3
    shown = [q for q in result.questions.values() if q.text in read.text]
    assert {q.task for q in shown} == {"ATE", "NIE", "PN"}
    assert "a solver that never looks at the graph: " in read.text
    solved = {q.task for q in shown if q.label and f'"PROB": "{q.label.value}"' in read.text}
    assert solved == {"ATE", "NIE", "PN"}


class Mistaken:
    """Answers as told: rightly with a given chance, else with a typed mistake."""

    def __init__(self, items: Sequence[Item], chance: float) -> None:
        self.items, self.chance = {item.id: item for item in items}, chance
        self.name = f"right {chance}"

    def generate(self, prompts: Sequence[Prompt], sampling: Sampling, keys: Sequence[str]) -> list[Reply]:
        """A worked solution each."""
        return [self._reply(self.items[key.rpartition("/")[0]], stream("mistaken", key)) for key in keys]

    def _reply(self, item: Item, rng: Random) -> Reply:
        wrong = mistakes(solve(read(item.prompt)), rng)
        chosen = item.solution if rng.random() < self.chance or not wrong else rng.choice(wrong).steps
        return Reply("\n".join(chosen), "stop", 60)


def test_the_first_wrong_step_is_marked(tmp_path: Path) -> None:
    items = [
        item
        for task in ("ATE", "NIE", "PN")
        for item in generate("deconfounding", task, "easy", "test", 2, range(12))
    ]
    asked = [Question(i.id, i.prompt, i.gold, i.task, i.set, i.level, i.tolerance) for i in items]
    runs = [
        run(Mistaken(items, chance), asked, tmp_path / name, samples=1, progress=False)
        for name, chance in (("base", 0.2), ("trained", 0.9))
    ]
    told = page(runs, tmp_path)
    for words in ("Where replies go wrong", "first wrong step: ", "Adjustment or mediator set", "Arithmetic"):
        assert words in told.text
    cases = {each.id: case(each.text) for each in asked}
    wrong = [r for r in runs[0].records if not r["strict"]["correct"]]
    steps = [(r, fault(r, cases[r["id"]]).step) for r in wrong]
    lines = {r["reply"].splitlines()[step] for r, step in steps if step is not None}
    assert lines >= set(told.marked)
    assert len(told.marked) >= len(wrong) / 2
    table = next(p for p in report(runs, tmp_path / "t.md").read_text().split("**") if "| Part |" in p)
    assert "Unexplained" not in table


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("chromium"), reason="needs chromium")
def test_no_overflow_on_a_phone(pair: tuple[Run, Run], tmp_path: Path) -> None:
    hard = real(tmp_path / ("a-long-name-" * 5), "hard")
    curves = {"GRPO": training(tmp_path / "grpo")}
    for number, runs in enumerate(([*pair], [hard], [hard, hard, hard, hard, hard])):
        text = report(runs, tmp_path / "report.html", curves).read_text(encoding="utf-8")
        measure = "parent.postMessage(document.documentElement.scrollWidth - innerWidth, '*')"
        text = text.replace("<details", "<details open").replace(
            "</body>", f"<script>{measure}</script></body>"
        )
        (tmp_path / "inner.html").write_text(text, encoding="utf-8")
        (tmp_path / "outer.html").write_text(
            "<script>onmessage = e => document.title = e.data > 0 ? 'overflow ' + e.data : 'fits'</script>"
            "<iframe src='inner.html' style='width:400px;height:3000px;border:0'></iframe>"
        )
        flags = "no-sandbox disable-gpu no-first-run disable-background-networking disable-component-update"
        flags += (
            f" headless disable-sync dump-dom virtual-time-budget=5000 user-data-dir={tmp_path}/p{number}"
        )
        command = ["chromium", *(f"--{flag}" for flag in flags.split()), f"file://{tmp_path}/outer.html"]
        dom = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False).stdout
        assert "<title>fits</title>" in dom, dom[:200]
