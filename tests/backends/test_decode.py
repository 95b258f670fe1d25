"""The decoder computes what transformers computes."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from caugym.backends import Sampling, decode, draws
from caugym.backends.decode import Decoder, supports
from caugym.backends.draws import choose, uniforms
from caugym.backends.local import load


@pytest.fixture(scope="module")
def model(tiny: Path) -> Any:
    return load(str(tiny))[0].eval()


def prompts(count: int, seed: int = 0) -> list[list[int]]:
    numbers = np.random.default_rng(seed)
    return [numbers.integers(3, 320, size).tolist() for size in numbers.integers(1, 60, count)]


def reference(model: Any, prompt: list[int], tokens: int, ends: list[int]) -> list[int]:
    output = model.generate(
        input_ids=torch.tensor([prompt]),
        attention_mask=torch.ones(1, len(prompt), dtype=torch.long),
        max_new_tokens=tokens,
        do_sample=False,
        eos_token_id=ends,
        pad_token_id=0,
    )
    written: list[int] = output[0, len(prompt) :].tolist()
    return written


@pytest.mark.parametrize("rows", [3, 64])
def test_greedy_equals_transformers_token_for_token(model: Any, rows: int) -> None:
    asked, ends = prompts(24), list(range(12))
    decoded = Decoder(model).decode(asked, Sampling(max_tokens=40), [""] * 24, ends, rows=rows)
    assert [reply.tokens for reply in decoded] == [reference(model, prompt, 40, ends) for prompt in asked]
    assert len({len(reply.tokens) for reply in decoded}) > 3, "rows must end at different times"


def test_log_probabilities_are_the_models(model: Any) -> None:
    (reply,) = Decoder(model).decode([[5, 9, 200]], Sampling(0.7, max_tokens=20), ["k"], [1])
    ids = torch.tensor([[5, 9, 200, *reply.tokens]])
    logits = model(ids).logits[0, 2:-1] / 0.7
    expected = logits.log_softmax(-1).gather(1, ids[0, 3:, None])[:, 0]
    torch.testing.assert_close(torch.tensor(reply.logprobs), expected, atol=1e-4, rtol=1e-4)


def test_equal_prompts_share_their_reading_and_not_their_draws(model: Any) -> None:
    asked = [prompt for prompt in prompts(6) for _ in range(5)]
    keys = [str(index) for index in range(30)]
    sampling, ends = Sampling(1.0, max_tokens=30), list(range(20))
    together = Decoder(model).decode(asked, sampling, keys, ends, rows=20)
    alone = [Decoder(model).decode([p], sampling, [k], ends)[0] for p, k in zip(asked, keys, strict=True)]
    assert [reply.tokens for reply in together] == [reply.tokens for reply in alone]
    assert len({tuple(reply.tokens) for reply in together}) > 24


def test_only_models_it_computes_exactly_are_decoded(model: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert supports(model, "cpu")
    assert supports(model, "cuda")
    assert not supports(model, "mps")
    monkeypatch.setattr(decode, "MOST_ON_GPU", model.num_parameters())
    assert supports(model, "cpu")
    assert not supports(model, "cuda")
    rope = {"rope_type": "yarn", "rope_theta": 1e4, "factor": 2.0}
    monkeypatch.setattr(model.config, "rope_parameters", rope)
    assert not supports(model, "cpu")


@given(st.integers(0, 2**32), st.text(max_size=20), st.integers(1, 50))
def test_streams_depend_on_seed_and_key_alone(seed: int, key: str, count: int) -> None:
    draws = uniforms(seed, key, count)
    assert np.array_equal(uniforms(seed, key, count + 7)[:count], draws)
    assert ((draws >= 0) & (draws < 1)).all()
    assert not np.array_equal(uniforms(seed + 1, key, 8), uniforms(seed, key, 8))


@pytest.mark.parametrize("equals", [False, True])
def test_top_p_is_the_same_whether_all_tokens_are_sorted_or_the_likeliest(
    monkeypatch: pytest.MonkeyPatch, equals: bool
) -> None:
    generator = torch.Generator().manual_seed(0)
    logits = 3 * torch.randn(200, 500, generator=generator)
    if equals:
        logits = logits.round()
    uniform = torch.rand(200, generator=generator)
    found = []
    for head in (4, 64, 500):
        monkeypatch.setattr(draws, "HEAD", head)
        each = [choose(logits[i : i + 1], uniform[i : i + 1], 0.6, 0.95)[0].item() for i in range(200)]
        found += [choose(logits, uniform, 0.6, 0.95)[0].tolist(), each]
    assert all(tokens == found[0] for tokens in found)
    assert len(set(found[0])) > 20


@given(st.lists(st.floats(-8, 8), min_size=2, max_size=12), st.floats(0.05, 1.0), st.integers(0, 2**31))
def test_top_p_draws_from_the_nucleus(logits: list[float], top_p: float, seed: int) -> None:
    rows = torch.tensor([logits]).repeat(64, 1)
    draws = torch.rand(64, generator=torch.Generator().manual_seed(seed))
    tokens, logprobs = choose(rows, draws, 1.0, top_p)
    mass, order = rows[0].softmax(-1).sort(descending=True)
    nucleus = set(order[: int((mass.cumsum(-1) - mass < top_p).sum())].tolist())
    # Equal masses may be ordered either way, so a token as probable as the last of the nucleus counts.
    floor = min(float(rows[0].softmax(-1)[token]) for token in nucleus)
    assert all(float(rows[0].softmax(-1)[token]) >= floor - 1e-6 for token in tokens.tolist())
    torch.testing.assert_close(logprobs, rows.log_softmax(-1).gather(1, tokens[:, None])[:, 0])


def test_draws_follow_the_distribution() -> None:
    logits = torch.tensor([[0.0, 1.0, 2.0, -1.0]])
    draws = (torch.arange(10_000) + 0.5) / 10_000
    tokens, _ = choose(logits.repeat(10_000, 1), draws, 2.0)
    shares = tokens.bincount(minlength=4) / 10_000
    torch.testing.assert_close(shares, (logits[0] / 2).softmax(-1), atol=2e-4, rtol=0)
