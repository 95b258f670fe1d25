"""Rewrites by a model behind a real server: kept if they mean the same, refused if anything changed."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from caugym.cli import app
from caugym.core.errors import InputError
from caugym.core.query import Term
from caugym.core.streams import stream
from caugym.data.check import check
from caugym.data.manifest import MakeConfig
from caugym.data.rewriting import Rewriter, request, rewritten
from caugym.data.row import row
from caugym.data.shards import make, rows
from caugym.problems.certificate import faults
from caugym.problems.generate import SETS, TASKS, Item, generate
from caugym.problems.problem import Problem, Statement, Variable
from caugym.problems.verbalise import random_style, verbalise
from tests.backends.server import Body, Handler, Server, completion, serving

N = 28


def items(set_: str = "rephrased", n: int = N, level: str = "easy") -> list[Item]:
    config = MakeConfig(set_, level=level, n=n, seed=5)
    return [next(generate(set_, task, level, "test", 5, [k])) for task, k in map(config.item, range(n))]


def shuffled(problem: Problem, seed: object) -> Problem:
    """The same problem, told in another order."""
    rng = stream("shuffled", repr(seed))
    edges, statements = list(problem.edges), list(problem.statements)
    rng.shuffle(edges)
    rng.shuffle(statements)
    return replace(problem, edges=tuple(edges), statements=tuple(statements))


def retold(problem: Problem, seed: object) -> str:
    """A text of a problem."""
    return verbalise(problem, random_style(stream("retold", repr(seed)), "rephrased"))


def digit(problem: Problem) -> Problem:
    first, *others = problem.statements
    value = first.value[:-1] + str((int(first.value[-1]) + 1) % 10)
    return replace(problem, statements=(Statement(first.term, value), *others))


def number_lost(problem: Problem) -> Problem:
    return replace(problem, statements=problem.statements[1:])


def number_added(problem: Problem) -> Problem:
    more = Statement(Term(((problem.query.outcome, 1),)), "0.51")
    return replace(problem, statements=(*problem.statements, more))


def level_turned(problem: Problem) -> Problem:
    first, *others = problem.statements
    (variable, level), *event = first.term.event
    term = first.term._replace(event=((variable, 1 - level), *event))
    return replace(problem, statements=(Statement(term, first.value), *others))


def arrow_turned(problem: Problem) -> Problem:
    (cause, effect), *others = problem.edges
    return replace(problem, edges=((effect, cause), *others))


def arrow_lost(problem: Problem) -> Problem:
    touched = [v for edge in problem.edges for v in edge]
    spare = next((e for e in problem.edges if touched.count(e[0]) > 1 and touched.count(e[1]) > 1), None)
    return replace(problem, edges=tuple(e for e in problem.edges if e != spare)) if spare else digit(problem)


def polarity_turned(problem: Problem) -> Problem:
    query = problem.query
    if query.bound:
        return replace(problem, query=query._replace(bound="upper" if query.bound == "lower" else "lower"))
    return replace(problem, query=query._replace(polarity="less" if query.polarity == "more" else "more"))


def question_turned(problem: Problem) -> Problem:
    return replace(problem, query=problem.query._replace(to=1 - problem.query.to))


def outcome_turned(problem: Problem) -> Problem:
    return replace(problem, query=problem.query._replace(level=1 - problem.query.level))


def name_changed(problem: Problem) -> Problem:
    first, *others = problem.variables
    return replace(problem, variables=(Variable(f"{first.name} index", first.levels, first.plural), *others))


def end_lost(text: str) -> str:
    """Without the question and what comes after it."""
    return text[: text.rindex("?") if "?" in text else len(text) // 2].rpartition(".")[0] + "."


def remark_added(text: str) -> str:
    return f"Sure, here is the problem in other words.\n{text}"


CORRUPTIONS: dict[str, Callable[[Problem], Problem]] = {
    "a digit": digit,
    "a number lost": number_lost,
    "a number added": number_added,
    "a level turned": level_turned,
    "an arrow turned": arrow_turned,
    "an arrow lost": arrow_lost,
    "more for less, upper for lower": polarity_turned,
    "the change asked about": question_turned,
    "the outcome asked about": outcome_turned,
    "a name": name_changed,
}
SPOILT: dict[str, Callable[[str], str]] = {"the question lost": end_lost, "a remark": remark_added}


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    for proxy in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(proxy, "http://127.0.0.1:9")
    with serving() as server:
        yield server


def answers(server: Server, reply: Callable[[Item], str]) -> None:
    """Let the server answer the request of each item."""
    said = {request(item): reply(item) for item in items()}

    def act(handler: Handler, body: Body) -> None:
        handler.send(200, completion(said[body["messages"][-1]["content"]]))

    server.default = act


def rewritten_by(server: Server, out: Path) -> str:
    """What the command prints."""
    given_ = ["--set", "rephrased", "--level", "easy", "--n", str(N), "--seed", "5"]
    done = CliRunner().invoke(
        app, ["make", str(out), *given_, "--rewriter", "openai:writer", "--base-url", server.url]
    )
    assert done.exit_code == 0, done.output
    return done.output


def test_faithful_rewrites_are_kept_and_proved(server: Server, tmp_path: Path) -> None:
    answers(server, lambda item: f"<think>hm</think>{retold(shuffled(item.problem, item.id), item.id)}\n")
    assert f"{N} of {N} rewrites kept" in rewritten_by(server, tmp_path / "set")
    report = check(tmp_path / "set", progress=False)
    assert report.ok, str(report)
    for made, item in zip(rows(tmp_path / "set"), items(), strict=True):
        assert made["prompt"] != item.prompt
        assert made["gold"]["value"] == item.gold.value
        assert made["gold"]["answer"] == item.gold.answer
        assert made["provenance"]["rewriter"] == "openai:writer"
    assert "--rewriter openai:writer" in (tmp_path / "set" / "README.md").read_text()


@pytest.mark.parametrize("kind", [*CORRUPTIONS, *SPOILT])
def test_a_corrupted_rewrite_is_refused(server: Server, tmp_path: Path, kind: str) -> None:
    def spoilt(item: Item) -> str:
        if kind in SPOILT:
            return SPOILT[kind](retold(item.problem, item.id))
        return retold(CORRUPTIONS[kind](item.problem), item.id)

    answers(server, spoilt)
    said = rewritten_by(server, tmp_path / "set")
    assert f"0 of {N} rewrites kept; refused: " in said
    assert check(tmp_path / "set", progress=False).ok
    for made, item in zip(rows(tmp_path / "set"), items(), strict=True):
        assert made["prompt"] == item.prompt
        assert made["provenance"]["refused"]


def test_yield_and_reasons_are_counted(server: Server, tmp_path: Path) -> None:
    kinds = [lambda p: p, digit, arrow_turned, question_turned]
    order = {item.id: kinds[i % 4] for i, item in enumerate(items())}
    answers(server, lambda item: retold(shuffled(order[item.id](item.problem), 1), item.id))
    said = rewritten_by(server, tmp_path / "set")
    assert f"7 of {N} rewrites kept" in said
    assert "7 numbers" in said
    assert "levels" in said


@given(st.sampled_from(SETS), st.sampled_from(TASKS), st.integers(0, 7), st.integers(0, 10**6))
def test_a_certificate_follows_the_order_of_the_text(set_: str, task: str, index: int, seed: int) -> None:
    item = next(generate(set_, task, "easy", "test", 5, [index]))  # type: ignore[arg-type]
    new = rewritten(item, retold(shuffled(item.problem, seed), seed))
    assert new.refused in ("", "unchanged")
    assert faults(new.problem, new.gold, new.certificate) == []


@pytest.mark.parametrize("reply", ["", "```\n```", "I cannot do that.", '{"text": 1}'])
def test_what_is_no_problem_is_refused(reply: str) -> None:
    item = items(n=1)[0]
    assert rewritten(item, reply) == replace(item, refused="text")
    assert rewritten(item, item.prompt) == replace(item, refused="unchanged")
    assert row(item)["provenance"]["rewriter"] == ""


def test_a_rewriter_is_part_of_the_set(tmp_path: Path) -> None:
    echo = Rewriter("openai:writer", lambda prompts, keys: prompts)
    with pytest.raises(InputError, match="rewriter"):
        make(tmp_path / "set", MakeConfig(n=7), rewriter=echo, progress=False)
    with pytest.raises(InputError, match="one worker"):
        make(
            tmp_path / "set",
            MakeConfig(n=7, rewriter="openai:writer"),
            rewriter=echo,
            workers=2,
            progress=False,
        )
    done = CliRunner().invoke(app, ["make", str(tmp_path / "set"), "--base-url", "http://127.0.0.1:1"])
    assert isinstance(done.exception, InputError)
