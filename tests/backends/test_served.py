"""A model gives the same verdicts behind a server as on this machine: our own stand-in, and a real one."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from caugym.backends import Sampling, backend, model_path
from caugym.backends.local import tokenise
from caugym.core.errors import InputError
from caugym.data.manifest import MakeConfig
from caugym.data.shards import make
from caugym.evaluate.records import Run, load
from caugym.evaluate.run import evaluate
from caugym.train.nano import Size, create
from tests.backends.server import Body, Handler, completion, fails, serving

KEY = "sk-test-0123456789abcdef"
GREEDY = Sampling(0.0, max_tokens=60)
REPLIES = (
    '{"ANSWER": "Yes", "PROB": "0.25"}',
    '{"ANSWER": "No", "PROB": "0.25"}',
    "LACK_CONDITION",
    "It depends.",
    "So it is 0.25. " * 40,
)


@pytest.fixture(scope="module")
def parrot(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A small model that knows its questions by heart, and the questions: each kind of verdict occurs."""
    folder = tmp_path_factory.mktemp("parrot")
    asked = [f"Question {n}?" for n in range(20)]
    told = [REPLIES[n % len(REPLIES)] for n in range(20)]
    size = Size(
        hidden=64, layers=2, heads=4, kv_heads=2, head=16, feed_forward=128, vocabulary=320, context=160
    )
    path = create(folder / "model", [*asked, *REPLIES] * 4, seed=1, size=size)
    tokenizer, model = AutoTokenizer.from_pretrained(path), AutoModelForCausalLM.from_pretrained(path)
    pairs = []
    for question, reply in zip(asked, told, strict=True):
        prompt = tokenise(tokenizer, [{"role": "user", "content": question}])
        answer = [*tokenizer(reply, add_special_tokens=False)["input_ids"], tokenizer.eos_token_id]
        pairs.append((prompt, answer[:80]))
    longest = max(len(prompt) + len(answer) for prompt, answer in pairs)
    ids = torch.full((20, longest), tokenizer.pad_token_id)
    labels = torch.full((20, longest), -100)
    for row, (prompt, answer) in enumerate(pairs):
        ids[row, : len(prompt) + len(answer)] = torch.tensor(prompt + answer)
        labels[row, len(prompt) : len(prompt) + len(answer)] = torch.tensor(answer)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    for _ in range(400):
        loss = model(input_ids=ids, labels=labels, attention_mask=torch.ones_like(ids)).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        if loss.item() < 0.01:
            break
    model.save_pretrained(path)
    questions = folder / "questions.jsonl"
    gold = {"status": "identified", "value": "0.2500", "answer": "Yes"}
    lines = [json.dumps({"id": f"q{n}", "prompt": text, "gold": gold}) for n, text in enumerate(asked)]
    questions.write_text("\n".join(lines))
    return path, questions


@pytest.fixture(scope="module")
def local(parrot: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Run:
    """What the model says on this machine."""
    model, questions = parrot
    out = tmp_path_factory.mktemp("local")
    return evaluate(
        str(model), questions, out, samples=1, sampling=GREEDY, progress=False, options={"device": "cpu"}
    )


def outcomes(run: Run) -> list[tuple[Any, ...]]:
    """All of a record but the white space around the reply, which servers may drop."""
    names = ("id", "sample", "finish", "tokens", "strict", "official")
    return [(record["reply"].strip(), *(record[name] for name in names)) for record in run.records]


def kinds(run: Run) -> Counter[str]:
    return Counter(record["strict"]["kind"] for record in run.records)


def test_the_parrot_shows_every_verdict(local: Run) -> None:
    assert set(kinds(local)) == {"correct", "wrong", "abstained", "unparsed", "truncated"}


def test_a_served_model_gives_the_same_verdicts(
    parrot: tuple[Path, Path], local: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    path, questions = parrot
    model = backend(str(path), device="cpu")

    def act(handler: Handler, body: Body) -> None:
        sampling = Sampling(body["temperature"], body["top_p"], body["max_tokens"])
        (reply,) = model.generate([body["messages"][-1]["content"]], sampling, ["k"])
        handler.send(200, completion(reply.text, reply.finish, reply.tokens or 0))

    with serving() as server:
        server.default = act
        server.script["Question 7?"] = [fails(404, f"no more for {KEY}")]
        options = {"base_url": server.url, "concurrency": 3}
        asking: dict[str, Any] = {
            "samples": 1,
            "sampling": GREEDY,
            "progress": False,
            "options": options,
        }
        with pytest.raises(InputError, match="no more"):
            evaluate("openai:parrot", questions, tmp_path / "run", **asking)
        kept = load(tmp_path / "run")
        assert 0 < len(kept.records) < 20
        assert len(server.requests) == len(kept.records) + 1  # whatever was asked for was kept
        run = evaluate("openai:parrot", questions, tmp_path / "run", **asking)
        assert len(server.requests) == 21
    assert outcomes(run) == outcomes(local)
    first, second = (start["served"] for start in run.info["starts"])
    assert first["requests"] + second["requests"] == 21
    assert first["replies"] + second["replies"] == 20
    assert first["completion_tokens"] + second["completion_tokens"] == sum(r["tokens"] for r in run.records)
    for file in (tmp_path / "run").iterdir():
        assert KEY not in file.read_text()


@contextmanager
def transformers_serve(model: Path, log: Path) -> Iterator[str]:
    """The address of ``transformers serve`` with a model, under the name of its folder."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-P", "-m", "transformers.cli.transformers", "serve", model.name]
    command += ["--host", "127.0.0.1", "--port", str(port), "--device", "cpu", "--dtype", "float32"]
    with log.open("w") as output:
        process = subprocess.Popen(command, cwd=model.parent, stdout=output, stderr=subprocess.STDOUT)
    try:
        for _ in range(3000):  # five minutes: importing everything takes long on a busy machine
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5).close()
                break
            except OSError:
                assert process.poll() is None, log.read_text()
                time.sleep(0.1)
        else:
            pytest.fail(f"the server does not start: {log.read_text()}")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(30)


def evaluated(model: str, problems: Path, out: Path, *options: str) -> Run:
    """What ``caugym eval`` leaves, without a key in its environment."""
    command = [sys.executable, "-m", "caugym.cli", "eval", "--model", model, "--set", str(problems)]
    command += ["--samples", "1", "--temperature", "0", "--max-tokens", "240", "-o", str(out), *options]
    environment = {name: value for name, value in os.environ.items() if name != "OPENAI_API_KEY"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    return load(out)


@pytest.mark.slow
def test_the_bundled_model_behind_a_real_server_gives_the_same_verdicts(tmp_path: Path) -> None:
    problems = tmp_path / "set"
    make(problems, MakeConfig(level="easy", n=21, seed=5), progress=False)
    here = evaluated("nano", problems, tmp_path / "here")
    with transformers_serve(Path(model_path("nano")), tmp_path / "log") as url:
        there = evaluated(
            "openai:nano", problems, tmp_path / "there", "--base-url", url, "--concurrency", "2"
        )
    assert len({record["reply"] for record in here.records}) == 21
    assert outcomes(there) == outcomes(here)
