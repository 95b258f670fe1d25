"""vLLM without vLLM: what it would be asked for, and what is made of its replies."""

from pathlib import Path

import pytest

from caugym.backends import Sampling, backend
from caugym.backends.vllm import engine_arguments, sampling_arguments
from caugym.core.errors import InputError
from tests.backends.engine import LLM, install


def test_engine_arguments() -> None:
    assert engine_arguments("org/model") == {
        "model": "org/model",
        "dtype": "auto",
        "tensor_parallel_size": 1,
        "gpu_memory_utilization": 0.9,
        "seed": 0,
        "trust_remote_code": False,
    }
    arguments = engine_arguments("m", dtype="bfloat16", context=8192, gpus=4, memory=0.5)
    assert (arguments["max_model_len"], arguments["tensor_parallel_size"]) == (8192, 4)
    assert (arguments["dtype"], arguments["gpu_memory_utilization"]) == ("bfloat16", 0.5)


@pytest.mark.parametrize(
    "wrong", [{"dtype": "int3"}, {"gpus": 0}, {"memory": 0.0}, {"memory": 1.5}, {"context": 1}]
)
def test_engine_arguments_that_cannot_be_meant(wrong: dict[str, object]) -> None:
    with pytest.raises(InputError):
        engine_arguments("m", **wrong)  # type: ignore[arg-type]


def test_sampling_arguments() -> None:
    sampling = Sampling(0.6, 0.95, max_tokens=8192, seed=3)
    arguments = sampling_arguments(sampling, "q/0", room=100_000)
    assert {name: arguments[name] for name in ("n", "temperature", "top_p", "max_tokens")} == {
        "n": 1,
        "temperature": 0.6,
        "top_p": 0.95,
        "max_tokens": 8192,
    }
    assert sampling_arguments(sampling, "q/0", room=50)["max_tokens"] == 50
    seeds = {sampling_arguments(sampling, f"q/{i}", 50)["seed"] for i in range(100)}
    assert len(seeds) == 100
    assert all(0 <= seed < 2**31 for seed in seeds)
    assert sampling_arguments(Sampling(0.6, 0.95, 8192, seed=4), "q/0", 50)["seed"] not in seeds


def test_without_vllm_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "vllm", None)
    with pytest.raises(InputError, match=r"caugym\[vllm\]") as error:
        backend("vllm:org/model")
    assert "\n" not in str(error.value)


def test_one_call_with_one_set_of_parameters_a_prompt(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch)
    model = backend(f"vllm:{tiny}", context=200)
    assert model.name == f"vllm:{tiny}"
    assert LLM.made["max_model_len"] == 200
    model.generate(["7", "7 " * 200, "8"], Sampling(0.5, 0.9, 10), ["a", "b", "c"])
    prompts, parameters = LLM.asked
    assert len(prompts) == 2  # the long one does not fit
    assert [set(prompt) for prompt in prompts] == [{"prompt_token_ids"}] * 2
    assert parameters[0].seed != parameters[1].seed


def test_what_vllm_cannot_load_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch)
    with pytest.raises(InputError, match=r"vLLM cannot load the model '\./nowhere'") as error:
        backend("vllm:./nowhere")
    assert "\n" not in str(error.value)


def test_an_aborted_reply_is_no_reply(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch)
    model = backend(f"vllm:{tiny}")
    monkeypatch.setattr(LLM, "finish", "abort")
    with pytest.raises(RuntimeError, match="abort"):
        model.generate(["7"], Sampling(max_tokens=4), ["a"])
