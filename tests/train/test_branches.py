"""Rows joined by prompt: every token of a reply keeps its log-probability, whatever shares its row."""

from typing import Any

import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import Qwen3Config, Qwen3ForCausalLM

from caugym.train.branches import PAD, STEM, branches

CONFIG = Qwen3Config(
    vocab_size=50,
    hidden_size=32,
    intermediate_size=48,
    num_hidden_layers=2,
    num_attention_heads=2,
    num_key_value_heads=1,
    head_dim=16,
)
TOKENS = st.integers(3, 49)
ROWS = st.lists(
    st.tuples(st.sampled_from([(5,), (7, 9, 4), (7, 9), (3, 3, 8, 8, 6)]), st.lists(TOKENS, max_size=6)),
    min_size=1,
    max_size=7,
)


def model() -> Any:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return Qwen3ForCausalLM(CONFIG).eval()


MODEL = model()


def padded(rows: list[tuple[tuple[int, ...], list[int]]]) -> tuple[torch.Tensor, torch.Tensor, int]:
    left = max(len(prompt) for prompt, _ in rows)
    right = max(1, *(len(reply) for _, reply in rows))
    ids, seen = torch.zeros(len(rows), left + right, dtype=torch.long), torch.zeros(len(rows), left + right)
    for i, (prompt, reply) in enumerate(rows):
        ids[i, left - len(prompt) : left + len(reply)] = torch.tensor([*prompt, *reply])
        seen[i, left - len(prompt) : left + len(reply)] = 1
    return ids, seen, right


@given(ROWS)
def test_tokens_keep_their_log_probabilities(rows: list[tuple[tuple[int, ...], list[int]]]) -> None:
    joined = branches(*padded(rows))
    with torch.no_grad():
        logits = MODEL(
            input_ids=joined.ids, position_ids=joined.positions, attention_mask=joined.mask()
        ).logits[:, :-1]
        labels = joined.labels[:, 1:]
        found = logits.log_softmax(-1).gather(-1, labels.clamp(min=0)[..., None])[..., 0]
        told = joined.back(found)
        for row, (prompt, reply) in zip(told, rows, strict=True):
            alone = MODEL(torch.tensor([[*prompt, *reply]])).logits[0, len(prompt) - 1 : -1].log_softmax(-1)
            expected = alone[torch.arange(len(reply)), torch.tensor(reply, dtype=torch.long)]
            torch.testing.assert_close(row[: len(reply)], expected, atol=1e-5, rtol=1e-4)
            assert not row[len(reply) :].any()


@given(ROWS)
def test_a_prompt_is_there_once(rows: list[tuple[tuple[int, ...], list[int]]]) -> None:
    joined = branches(*padded(rows))
    prompts = {prompt for prompt, _ in rows}
    assert len(joined.ids) == len(prompts)
    assert int((joined.owners == STEM).sum()) == sum(len(prompt) - 1 for prompt in prompts)
    assert int((joined.owners > STEM).sum()) == sum(len(reply) + 1 for _, reply in rows)
    assert int((joined.labels != -100).sum()) == sum(len(reply) for _, reply in rows)
    assert not joined.ids[joined.owners == PAD].any()
