"""Models behind servers: a real server on loopback that misbehaves in every way met so far."""

import email.utils
import json
import logging
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from caugym.backends import Reply, Sampling, Streaming, backend
from caugym.backends.openai import ServedModel, read
from caugym.core.errors import InputError
from tests.backends.server import (
    Act,
    Server,
    completion,
    cuts,
    cuts_chunks,
    drips,
    fails,
    hangs,
    hangs_up,
    refuses,
    says,
    serving,
)

KEY = "sk-test-0123456789abcdef"
GREEDY = Sampling(0.0, max_tokens=100)
RIGHT = json.dumps(completion("right")).encode()


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as server:
        yield server


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    for proxy in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):  # loopback must not go through one
        monkeypatch.setenv(proxy, "http://127.0.0.1:9")


def served(server: Server, **options: Any) -> ServedModel:
    model = backend(
        "openai:m", **{"base_url": server.url, "pause": 0.01, "attempts": 3, "timeout": 5.0, **options}
    )
    assert isinstance(model, ServedModel)
    return model


def ask(model: ServedModel, prompt: str = "q", sampling: Sampling = GREEDY) -> Reply:
    return model.generate([prompt], sampling, ["k"])[0]


def refusal(model: ServedModel, prompt: str = "q") -> str:
    """The one line that a failure ends in; it never holds the key."""
    with pytest.raises(InputError) as error:
        ask(model, prompt)
    line = str(error.value)
    assert "\n" not in line
    assert KEY not in line
    assert error.value.__cause__ is None
    return line


def test_one_request_a_reply_with_its_own_seed(server: Server) -> None:
    model = served(server)
    assert isinstance(model, Streaming)
    assert model.name == "openai:m"
    replies = model.generate(["a", "a", "b"], Sampling(0.6, 0.95, 100, seed=3), ["k1", "k2", "k3"])
    bodies = [body for _, body in server.requests]
    assert [path for path, _ in server.requests] == ["/v1/chat/completions"] * 3
    assert all(
        set(body) == {"model", "messages", "temperature", "top_p", "seed", "max_tokens"} for body in bodies
    )
    assert {(body["model"], body["temperature"], body["top_p"], body["max_tokens"]) for body in bodies} == {
        ("m", 0.6, 0.95, 100)
    }
    assert len({body["seed"] for body in bodies}) == 3
    assert all(0 <= body["seed"] < 2**31 for body in bodies)
    assert [reply.text[0] for reply in replies] == ["a", "a", "b"]
    assert all(headers["Authorization"] == f"Bearer {KEY}" for headers in server.headers)
    again = model.generate(["a"], Sampling(0.6, 0.95, 100, seed=3), ["k2"])
    assert again == replies[1:2]
    assert model.generate(["a"], Sampling(0.6, 0.95, 100, seed=4), ["k2"]) != again


def test_tokens_and_costs_are_counted(server: Server) -> None:
    server.script["free"] = [says({**completion("x"), "usage": None})]
    server.script["paid"] = [says({**completion("x"), "usage": {"completion_tokens": 7, "cost": 0.25}})]
    model = served(server)
    replies = model.generate(["q", "free", "paid"], GREEDY, ["1", "2", "3"])
    assert [reply.tokens for reply in replies] == [len("q seen"), None, 7]
    usage = model.usage
    assert (usage.replies, usage.uncounted, usage.prompt_tokens) == (3, 1, 5)
    assert (usage.completion_tokens, usage.cost) == (13, 0.25)
    assert (model.endpoint.requests, model.endpoint.retries) == (3, 0)


@pytest.mark.parametrize(
    "act",
    [
        fails(429, "slow down"),
        fails(500, "oops"),
        fails(503),
        says(b"<html>bad gateway</html>", 502),
        cuts,
        cuts_chunks,
        hangs_up,
        says(b'{"choices": [{"mess'),
        says(b""),
        says(b"[]"),
        says(b"\xff\xfe"),
        says({"choices": []}),
        says({"choices": [{"message": None}]}),
        says({"choices": [{"message": {"content": 7}}]}),
        says({"error": {"message": "upstream is busy", "code": 503}}),
        says({"error": "upstream is busy"}),
    ],
)
def test_what_may_pass_is_tried_again(server: Server, act: Act) -> None:
    server.script["q"] = [act, act, says(completion("right"))]
    model = served(server)
    assert ask(model) == Reply("right", "stop", 3)
    assert len(server.requests) == 3
    assert model.endpoint.retries == 2
    server.script["never"] = [act] * 9
    assert "failed 3 times" in refusal(model, "never")
    assert len(server.bodies("never")) == 3


PASSING: tuple[Act, ...] = (
    fails(429, Retry_After="0.01"),
    fails(500),
    cuts,
    cuts_chunks,
    hangs_up,
    says(b"{"),
    says({"choices": []}),
)


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    failures=st.lists(st.lists(st.sampled_from(PASSING), max_size=2), max_size=12),
    concurrency=st.integers(1, 6),
    temperature=st.sampled_from([0.0, 0.7]),
)
def test_whatever_passes_leaves_no_trace(
    failures: list[list[Act]], concurrency: int, temperature: float
) -> None:
    """Replies are those of a server without faults, each prompt is sent once more than it failed."""
    prompts, sampling = [f"q{i}" for i in range(len(failures))], Sampling(temperature, seed=1)
    with serving() as good, serving() as bad:
        bad.script = {prompt: list(acts) for prompt, acts in zip(prompts, failures, strict=True)}
        model = served(bad, concurrency=concurrency, pause=0.001)
        assert model.generate(prompts, sampling, prompts) == served(good).generate(prompts, sampling, prompts)
        assert [len(bad.bodies(prompt)) for prompt in prompts] == [len(acts) + 1 for acts in failures]
        assert model.endpoint.retries == sum(map(len, failures))


def test_each_try_is_the_same_request(server: Server) -> None:
    server.script["q"] = [fails(500), cuts]
    ask(served(server))
    first, *others = server.bodies("q")
    assert others == [first, first]


def test_pauses_grow_and_differ(server: Server) -> None:
    server.script["q"] = [fails(500)] * 4
    ask(served(server, pause=0.05, attempts=5))
    gaps = [late - early for early, late in zip(server.times, server.times[1:], strict=False)]
    assert all(gap >= 0.025 * 2**n for n, gap in enumerate(gaps))


@pytest.mark.parametrize("form", ["seconds", "date"])
def test_retry_after_is_kept_to(server: Server, form: str) -> None:
    wait = "0.6" if form == "seconds" else email.utils.formatdate(time.time() + 2, usegmt=True)
    server.script["q"] = [fails(429, Retry_After=wait)]
    assert ask(served(server)).text == "q seen"
    assert server.times[1] - server.times[0] >= 0.6


def test_a_wait_without_end_is_refused(server: Server) -> None:
    server.script["q"] = [fails(429, "come tomorrow", Retry_After="86400")]
    assert "asks to wait 86400 s" in refusal(served(server))


def test_a_hang_is_cut_and_tried_again(server: Server) -> None:
    server.script["q"] = [hangs(20), says(completion("right"))]
    start = time.monotonic()
    assert ask(served(server, timeout=1)).text == "right"
    assert time.monotonic() - start < 15
    server.script["never"] = [hangs(20)] * 3
    assert "no full reply within 0.1 s" in refusal(served(server, timeout=0.1), "never")


def test_a_drip_is_waited_for_until_the_time_is_up(server: Server) -> None:
    server.script["q"] = [drips(b"\n", 0.02, 15, RIGHT)]  # some services keep a connection alive like this
    assert ask(served(server, timeout=20)).text == "right"
    assert len(server.requests) == 1
    server.script["q"] = [drips(b"\n", 0.1, 200, RIGHT), says(completion("second"))]
    start = time.monotonic()
    assert ask(served(server, timeout=1)).text == "second"
    assert time.monotonic() - start < 15


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning"])
def test_reasoning_stands_before_the_answer(server: Server, field: str) -> None:
    server.script["q"] = [says(completion("4", "stop", 3, **{field: "2 + 2"}))]
    assert ask(served(server)).text == "<think>2 + 2</think>4"


def test_finish_reasons(server: Server) -> None:
    server.script["cut"] = [says(completion(None, "length", 100, reasoning_content="hm"))]
    server.script["held"] = [says(completion("", "content_filter"))]
    server.script["no"] = [says(completion(None, refusal="I will not."))]
    server.script["odd"] = [says(completion("x", "eos_token"))]
    replies = served(server).generate(["cut", "held", "no", "odd"], GREEDY, list("abcd"))
    assert [reply.finish for reply in replies] == ["length", "filter", "stop", "stop"]
    assert [reply.text for reply in replies] == ["<think>hm</think>", "", "I will not.", "x"]


def test_content_in_parts_is_joined() -> None:
    parts = [
        {"type": "thinking", "thinking": []},
        {"type": "text", "text": "a"},
        {"type": "text", "text": "b"},
    ]
    assert read({"choices": [{"message": {"content": parts}}]}) == Reply("ab", "stop", None)


@pytest.mark.parametrize(
    ("field", "act"),
    [
        (
            "max_tokens",
            refuses("max_tokens", "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens'."),
        ),
        ("max_tokens", refuses("max_tokens", "no", param="max_tokens", code="unsupported_parameter")),
        (
            "temperature",
            refuses("temperature", "'temperature' does not support 0. Only the default (1) works."),
        ),
        ("top_p", refuses("top_p", "Unknown field", param="top_p")),
        ("seed", refuses("seed", "seed: Extra inputs are not permitted", 422)),
    ],
)
def test_a_field_that_is_refused_is_left_out_once(
    server: Server, field: str, act: Act, caplog: pytest.LogCaptureFixture
) -> None:
    server.default = act
    model = served(server, concurrency=1)
    with caplog.at_level(logging.WARNING):
        replies = model.generate(["a", "b"], GREEDY, ["1", "2"])
    assert [reply.text for reply in replies] == ["a seen", "b seen"]
    assert [field in body for _, body in server.requests] == [True, False, False]
    assert all({"max_tokens", "max_completion_tokens"} & set(body) for _, body in server.requests)
    assert model.refused == {field}
    warned = [record.getMessage() for record in caplog.records]
    assert len(warned) == (field != "max_tokens")
    assert all(field in line for line in warned)


def test_fastapi_names_the_field_in_its_own_way(server: Server) -> None:
    detail = {"detail": [{"loc": ["body", "seed"], "msg": "Extra inputs are not permitted"}]}
    server.script["q"] = [says(detail, 422)]
    model = served(server)
    assert ask(model).text == "q seen"
    assert model.refused == {"seed"}


def test_many_at_once_learn_what_is_refused(server: Server) -> None:
    server.default = refuses("max_tokens", "unsupported", param="max_tokens")
    model = served(server, concurrency=8)
    prompts = [f"q{i}" for i in range(40)]
    replies = model.generate(prompts, GREEDY, prompts)
    assert [reply.text for reply in replies] == [f"{prompt} seen" for prompt in prompts]
    assert 40 < len(server.requests) <= 48


@pytest.mark.parametrize(
    ("act", "says_what"),
    [
        (fails(401, f"Incorrect API key provided: {KEY}"), "refuses the key in OPENAI_API_KEY"),
        (fails(403), "refuses the key"),
        (fails(404, "The model `m` does not exist"), "check openai:ID and --base-url"),
        (fails(405), "check --base-url"),
        (fails(307, Location="http://127.0.0.1:9/"), "HTTP 307"),
        (
            fails(400, f"maximum context length is 4096,\nnot 9000 {KEY}", "messages"),
            "maximum context length",
        ),
        (fails(400, "temperature must be at most 2", "temperature"), "at most 2"),
        (fails(400), "no reason given"),
        (says(b"<html>Welcome</html>", Content_Type="text/html"), "check --base-url"),
        (fails(429, "You exceeded your quota", code="insufficient_quota"), "add credit"),
    ],
)
def test_what_will_not_pass_stops_at_once(server: Server, act: Act, says_what: str) -> None:
    server.default = act
    assert says_what in refusal(served(server))
    assert len(server.requests) == 1


def test_refusing_both_limits_stops(server: Server) -> None:
    server.default = fails(400, "unsupported parameter: max_tokens or max_completion_tokens")
    assert "unsupported parameter" in refusal(served(server))
    assert len(server.requests) == 2


def test_a_failure_keeps_the_replies_under_way(server: Server) -> None:
    server.script["bad"] = [hangs(0.5, fails(404, "gone"))]
    server.default = hangs(1)
    model = served(server, concurrency=4)
    prompts = ["a", "b", "bad", "c", *"defghijkl"]
    replies = model.stream(prompts, GREEDY, prompts)
    arrived = [next(replies) for _ in range(3)]
    assert sorted((index, reply.text) for index, reply in arrived) == [
        (0, "a seen"),
        (1, "b seen"),
        (3, "c seen"),
    ]
    with pytest.raises(InputError, match="gone"):
        next(replies)
    assert len(server.requests) == 4


def test_a_failure_ends_the_pauses_of_the_others(server: Server) -> None:
    server.script["busy"] = [fails(429, Retry_After="60")]
    server.script["bad"] = [hangs_up, fails(404)]
    start = time.monotonic()
    with pytest.raises(InputError, match="404"):
        served(server).generate(["busy", "bad"], GREEDY, ["1", "2"])
    assert time.monotonic() - start < 30


def test_requests_run_side_by_side_up_to_the_limit(server: Server) -> None:
    server.default = hangs(0.2)
    prompts = [f"q{i}" for i in range(24)]
    served(server, concurrency=6).generate(prompts, GREEDY, prompts)
    assert server.busiest == 6


def test_replies_come_as_they_are_ready(server: Server) -> None:
    server.script["slow"] = [hangs(1)]
    order = [index for index, _ in served(server).stream(["slow", "a", "b"], GREEDY, ["1", "2", "3"])]
    assert order[-1] == 0


def test_an_abandoned_stream_sends_nothing_more(server: Server) -> None:
    server.default = hangs(0.1)
    prompts = [f"q{i}" for i in range(200)]
    replies = served(server, concurrency=2).stream(prompts, GREEDY, prompts)
    next(replies)
    replies.close()  # type: ignore[attr-defined]
    time.sleep(0.5)
    sent = len(server.requests)
    time.sleep(0.3)
    assert len(server.requests) == sent < 100


def test_nobody_there_is_said_at_once() -> None:
    with serving() as gone:
        url = gone.url
    with pytest.raises(InputError, match="nothing answers"):
        ask(backend("openai:m", base_url=url))  # type: ignore[arg-type]


def test_a_server_without_tls_is_said_at_once(server: Server) -> None:
    model = served(server, base_url=server.url.replace("http", "https"))
    assert "begins with http or https" in refusal(model)
    assert model.endpoint.requests == 1


def test_a_server_that_goes_away_is_waited_for(server: Server) -> None:
    model = served(server, pause=0.05, attempts=2)
    ask(model)
    server.shutdown()
    server.server_close()
    assert "cut connection" in refusal(model)


def test_without_a_key(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY")
    assert ask(served(server)).text == "q seen"
    assert "Authorization" not in server.headers[0]
    server.default = fails(401)
    assert "set the environment variable OPENAI_API_KEY" in refusal(served(server))
    with pytest.raises(InputError, match="OPENAI_API_KEY is not set"):
        backend("openai:m")
    with pytest.raises(InputError, match="name of an environment variable") as error:
        served(server, api_key_env=KEY)
    assert KEY not in str(error.value)


def test_a_key_by_another_name(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", "other")
    server.default = fails(401)
    assert "refuses the key in MY_KEY" in refusal(served(server, api_key_env="MY_KEY"))
    assert server.headers[0]["Authorization"] == "Bearer other"


def test_a_key_that_no_header_takes(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", f" {KEY}\n")
    ask(served(server))
    assert server.headers[0]["Authorization"] == f"Bearer {KEY}"
    monkeypatch.setenv("OPENAI_API_KEY", f"{KEY}\n{KEY}")
    with pytest.raises(InputError, match="set it again") as error:
        served(server)
    assert KEY not in str(error.value)


def test_the_key_is_cut_out_of_replies(server: Server) -> None:
    server.default = says(completion(f"your key is {KEY}", reasoning=KEY))
    assert KEY not in ask(served(server)).text


def test_the_key_is_nowhere_to_be_printed(server: Server) -> None:
    model = served(server)
    assert KEY not in repr(model) + str(vars(model)) + repr(model.endpoint)


@pytest.mark.parametrize(
    "url",
    ["", "nowhere", "ftp://a.example", "http://", "http://a.example:x", "http://a b.example", "http://[::1"],
)
def test_addresses_that_are_none(url: str) -> None:
    with pytest.raises(InputError, match="no address of a server"):
        backend("openai:m", base_url=url)


@pytest.mark.parametrize("url", ["http://me:pass@a.example/v1", "http://a.example/v1?key=pass"])
def test_addresses_hold_no_secret(url: str) -> None:
    with pytest.raises(InputError) as error:
        backend("openai:m", base_url=url)
    assert "a.example" not in str(error.value)
    assert "pass@" not in str(error.value)


@pytest.mark.parametrize("path", ["", "/", "/v1", "/v1/"])
def test_addresses_with_and_without_path(server: Server, path: str) -> None:
    ask(served(server, base_url=server.url + path))
    assert server.requests[0][0] == "/v1/chat/completions"


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ({"concurrency": 0}, "concurrency"),
        ({"timeout": 0}, "timeout"),
        ({"device": "cpu"}, "takes no device"),
    ],
)
def test_bad_options_are_one_line(options: dict[str, Any], what: str) -> None:
    with pytest.raises(InputError, match=what):
        backend("openai:m", **options)


def test_a_model_must_be_named() -> None:
    with pytest.raises(InputError, match="openai:ID"):
        backend("openai:")


def asking(server: Server, folder: Path, *options: str) -> "subprocess.Popen[str]":
    """The command that asks a server two questions."""
    questions = folder / "questions.jsonl"
    questions.write_text('{"prompt": "q1"}\n{"prompt": "q2"}\n')
    command = [sys.executable, "-m", "caugym.cli", "eval", "--model", "openai:m", "--base-url", server.url]
    command += ["--set", str(questions), "--samples", "1", "-o", str(folder / "run"), *options]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def written(folder: Path) -> str:
    """All that stands in the run."""
    return "".join(file.read_text() for file in (folder / "run").iterdir())


def test_the_command_line_stops_in_one_line_without_the_key(server: Server, tmp_path: Path) -> None:
    server.script["q1"] = server.script["q2"] = [fails(401, f"wrong key {KEY}")]
    stdout, stderr = (process := asking(server, tmp_path, "--concurrency", "1")).communicate(timeout=60)
    assert process.returncode == 2
    assert stderr.splitlines()[-1].startswith(f"caugym: {server.url}/v1/chat/completions refuses the key")
    assert KEY not in stdout + stderr + written(tmp_path)
    assert len(server.requests) == 1


def test_ctrl_c_does_not_wait_for_the_server(server: Server, tmp_path: Path) -> None:
    server.script["q1"] = [hangs(60)]
    process = asking(server, tmp_path)
    while not (tmp_path / "run" / "records.jsonl").exists() or "q2 seen" not in written(tmp_path):
        assert process.poll() is None
        time.sleep(0.02)
    start = time.monotonic()
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=60)
    assert time.monotonic() - start < 30
    assert process.returncode == 2
    assert stderr.splitlines()[-1] == "caugym: stopped; run the same command to go on"
    process = asking(server, tmp_path)
    process.communicate(timeout=60)
    assert process.returncode == 0
    assert written(tmp_path).count("q2 seen") == len(server.bodies("q2")) == 1
    assert "q1 seen" in written(tmp_path)
    assert KEY not in written(tmp_path)
