"""The contract that every backend keeps, and how specs are read."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from caugym.backends import Backend, Sampling, backend, model_path
from caugym.core.errors import InputError
from tests.backends.engine import install
from tests.backends.server import Body, Handler, completion, serving

pytest.importorskip("torch", reason="needs the train extra")

PROMPTS = ["Rain has a direct effect on mud.", "7", "Will mud be more likely to be high?", "7"]
KEYS = ["a", "b", "c", "d"]


def decoder(path: Path) -> Backend:
    return backend(str(path), device="cpu")


def plain(path: Path) -> Backend:
    model = backend(str(path), device="cpu")
    model.decoder = None  # type: ignore[attr-defined]
    return model


@contextmanager
def served(path: Path) -> Iterator[Backend]:
    """The model behind a server that keeps to seeds."""
    behind = decoder(path)

    def act(handler: Handler, body: Body) -> None:
        sampling = Sampling(body["temperature"], body["top_p"], body["max_tokens"], body["seed"])
        (reply,) = behind.generate([body["messages"][-1]["content"]], sampling, [""])
        handler.send(200, completion(reply.text, reply.finish, reply.tokens or 0))

    with serving() as server:
        server.default = act
        yield backend("openai:tiny", base_url=server.url)


@pytest.fixture(params=["decoder", "generate", "openai", "vllm"])
def model(request: pytest.FixtureRequest, tiny: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Backend]:
    if request.param == "decoder":
        yield decoder(tiny)
    elif request.param == "generate":
        yield plain(tiny)
    elif request.param == "vllm":
        install(monkeypatch)
        yield backend(f"vllm:{tiny}")
    else:
        with served(tiny) as behind:
            yield behind


@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_a_reply_depends_on_its_own_key_alone(model: Backend, temperature: float) -> None:
    sampling = Sampling(temperature, top_p=0.9 if temperature else 1.0, max_tokens=24)
    together = model.generate(PROMPTS, sampling, KEYS)
    alone = [model.generate([p], sampling, [k])[0] for p, k in zip(PROMPTS, KEYS, strict=True)]
    assert together == alone
    assert model.generate(PROMPTS[::-1], sampling, KEYS[::-1]) == together[::-1]


def test_keys_and_seeds_change_samples(model: Backend) -> None:
    first, second = model.generate(["7", "7"], Sampling(1.0, max_tokens=24), ["a", "b"])
    assert first.text != second.text
    (other,) = model.generate(["7"], Sampling(1.0, max_tokens=24, seed=1), ["a"])
    assert other.text != first.text


def test_finish_and_length(model: Backend) -> None:
    replies = model.generate(PROMPTS * 8, Sampling(1.0, max_tokens=40), [str(i) for i in range(32)])
    assert all(reply.tokens in range(1, 41) for reply in replies)
    assert all(reply.tokens == 40 for reply in replies if reply.finish == "length")
    assert {reply.finish for reply in replies} == {"stop", "length"}
    assert not any("<|" in reply.text for reply in replies)


def test_no_prompts_no_replies(model: Backend) -> None:
    assert model.generate([], Sampling(), []) == []


def test_the_context_ends_replies(model: Backend) -> None:
    fits, fills = model.generate(["7", "7 " * 200], Sampling(1.0, max_tokens=10_000), ["k", "k"])
    assert fits.tokens in range(1, 256)
    assert (fills.text, fills.finish, fills.tokens) == ("", "length", 0)


def test_both_paths_write_the_same(tiny: Path) -> None:
    for temperature in (0.0, 0.8):
        sampling = Sampling(temperature, max_tokens=32)
        assert decoder(tiny).generate(PROMPTS, sampling, KEYS) == plain(tiny).generate(
            PROMPTS, sampling, KEYS
        )


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ("./nowhere", "config.json"),
        ("gopher:model", "no backend is called 'gopher'"),
        ("no-such-organisation/no-such-model", "cannot load"),
        ("openai:", "write openai:ID"),
    ],
)
def test_bad_specs_are_one_line(spec: str, says: str) -> None:
    with pytest.raises(InputError) as error:
        backend(spec)
    assert says in str(error.value)
    assert "\n" not in str(error.value)


def test_the_bundled_model_replies() -> None:
    """It is small, of a standard architecture, spells numbers digit by digit, and calculates."""
    folder = Path(model_path("nano"))
    assert sum(file.stat().st_size for file in folder.iterdir()) < 12_000_000
    model: Any = backend("nano", device="cpu")
    assert model.model.config.model_type == "qwen3"
    assert sum(p.numel() for p in model.model.parameters()) < 5_000_000
    assert model.tokenizer.tokenize("0.4821")[-4:] == list("4821")
    (reply,) = model.generate(["Calculate 20 + 30."], Sampling(temperature=0.0, max_tokens=60), ["key"])
    assert reply.finish == "stop"
    assert "=" in reply.text


def test_damaged_weights_are_one_line(tiny: Path, tmp_path: Path) -> None:
    for file in tiny.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    weights = tmp_path / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:100])
    with pytest.raises(InputError, match="cannot load"):
        backend(str(tmp_path))


@pytest.mark.parametrize(
    "wrong",
    [{"temperature": -1.0}, {"temperature": float("nan")}, {"top_p": 0.0}, {"top_p": 1.5}, {"max_tokens": 0}],
)
def test_bad_sampling_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(InputError):
        Sampling(**wrong)  # type: ignore[arg-type]


def test_without_torch_the_extra_is_named() -> None:
    code = """
import sys
sys.modules["torch"] = None
from caugym.backends import backend
from caugym.core.errors import InputError
try:
    backend("somewhere")
except InputError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "caugym[train]" in done.stdout
    assert done.stdout.count("\n") == 1
