"""The tokenizer of models made from scratch, and the models."""

from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedTokenizerFast

from caugym.train.nano import Size, create, weights_hash
from caugym.train.tokenizer import END, OPENED, PAD, SPACED, START, build, phrases

NAMES = [
    f"{a}{b} {c}"
    for a in ("tri", "zar", "ke", "blo", "mu", "fa", "wi", "gro", "ne", "pla", "shu", "or", "ve", "ki", "dra")
    for b in ("vap", "sil", "ton", "rik", "dup", "mel", "gos", "nat", "ruf", "lem", "pid", "wok")
    for c in ("rate", "level")
]
TEXTS = [
    f"{a.capitalize()} has a direct effect on {b}. The probability of {b} being high is 0.{i % 90:02d}.\n"
    f"X = {a}\n{i} - 7 = {i - 7}"
    for i, (a, b) in enumerate(zip(NAMES, NAMES[1:] + NAMES[:1], strict=True))
]
APART = ("high", "rate", "level")
TOKENIZER = build(TEXTS, vocabulary=500, apart=APART)


def pieces(text: str) -> list[str]:
    return [str(TOKENIZER.decode([token])) for token in TOKENIZER(text)["input_ids"]]


@given(st.text(max_size=60))
def test_any_text_comes_back(text: str) -> None:
    if not any(mark in text for mark in (PAD, START, END, SPACED, OPENED)):
        assert TOKENIZER.decode(TOKENIZER(text)["input_ids"]) == text


@given(st.integers(0, 10**12))
def test_digits_stand_alone(number: int) -> None:
    assert pieces(f"{number}") == list(str(number))
    assert pieces(f"is 0.{number}")[-len(str(number)) :] == list(str(number))


def test_phrases_are_tokens_and_names_are_not() -> None:
    found = phrases(TEXTS, 50)
    assert any("has a direct effect on" in phrase for phrase in found)
    assert not any(name in phrase for phrase in found for name in NAMES)
    assert len(pieces(TEXTS[0])) < len(TEXTS[0]) / 4


def test_a_name_inside_a_sentence_is_always_the_same_tokens() -> None:
    for name in NAMES:
        runs = [
            pieces(f"{before} {name}{after}")
            for before, after in (("X =", "\n"), ("on", "."), ("of", " being"))
        ]
        name_pieces = pieces(f" {name}")
        for run in runs:
            assert any(run[i : i + len(name_pieces)] == name_pieces for i in range(len(run))), (name, run)


@pytest.mark.parametrize("name", NAMES[:20])
def test_a_name_with_a_capital_or_at_the_start_of_a_line_is_the_same_tokens(name: str) -> None:
    plain = TOKENIZER(f" {name}")["input_ids"]
    for opened in (name.capitalize(), f" {name.capitalize()}", f"\n{name.capitalize()}"):
        ids = TOKENIZER(opened)["input_ids"]
        assert ids[-len(plain) :] == plain
        assert TOKENIZER.decode(ids) == opened


@given(st.text("aBcD E\n.", max_size=40))
def test_capitals_come_back(text: str) -> None:
    assert TOKENIZER.decode(TOKENIZER(text)["input_ids"]) == text


def test_words_apart_are_in_no_phrase() -> None:
    assert any("high" in phrase for phrase in phrases(TEXTS, 50))
    assert not any("high" in phrase for phrase in phrases(TEXTS, 50, apart=("high",)))
    assert " high" in pieces("The probability of trivap rate being high is 0.41.")


def test_the_letter_of_a_level_is_one_token() -> None:
    """However few tokens there are beside the bytes."""
    letters = [
        f"X = {name}: low = x', high = x\nP(Y = low = y | X = low = x', M = high = m, Z = low = z') = 31"
        for name in NAMES
    ]
    tokenizer = build(letters, vocabulary=262, apart=APART)
    told = [str(tokenizer.decode([token])) for token in tokenizer(letters[0])["input_ids"]]
    assert [piece for piece in told if "=" in piece and piece[-1] in "xymz'"] == [
        *(" = x'", " = x"),
        *(" = y", " = x'", " = m", " = z'"),
    ]


def test_same_texts_same_tokenizer() -> None:
    assert build(TEXTS, vocabulary=500, apart=APART).get_vocab() == TOKENIZER.get_vocab()


def test_it_saves_loads_and_marks_the_assistant(tmp_path: Path) -> None:
    TOKENIZER.save_pretrained(tmp_path)
    loaded: Any = AutoTokenizer.from_pretrained(tmp_path)
    messages = [{"role": "user", "content": "Rain?"}, {"role": "assistant", "content": "is 0.41"}]
    encoded = loaded.apply_chat_template(messages, return_dict=True, return_assistant_tokens_mask=True)
    ids = [
        token for token, ours in zip(encoded["input_ids"], encoded["assistant_masks"], strict=True) if ours
    ]
    assert loaded.decode(ids) == f"is 0.41{END}"
    opened = loaded.apply_chat_template(messages[:1], add_generation_prompt=True, return_dict=True)[
        "input_ids"
    ]
    assert encoded["input_ids"][: len(opened)] == opened
    assert (loaded.pad_token, loaded.eos_token) == (PAD, END)


SMALL = Size(hidden=32, layers=1, heads=2, kv_heads=1, head=16, feed_forward=64, vocabulary=400, context=64)


def test_a_model_is_its_seed(tmp_path: Path) -> None:
    before = torch.random.get_rng_state()
    hashes = []
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        model = AutoModelForCausalLM.from_pretrained(create(tmp_path / name, TEXTS, seed=seed, size=SMALL))
        hashes.append(weights_hash(model))
    assert hashes[0] == hashes[1] != hashes[2]
    assert torch.equal(torch.random.get_rng_state(), before)


def test_a_model_is_there_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError("no space left")

    with monkeypatch.context() as broken:
        broken.setattr(PreTrainedTokenizerFast, "save_pretrained", full)
        with pytest.raises(OSError, match="no space"):
            create(tmp_path / "model", TEXTS, size=SMALL)
    assert not (tmp_path / "model").exists()
    assert AutoModelForCausalLM.from_pretrained(create(tmp_path / "model", TEXTS, size=SMALL))
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_the_default_size_is_three_million() -> None:
    from transformers import Qwen3Config, Qwen3ForCausalLM

    size = Size()
    with torch.device("meta"):
        model = Qwen3ForCausalLM(
            Qwen3Config(
                vocab_size=size.vocabulary,
                hidden_size=size.hidden,
                intermediate_size=size.feed_forward,
                num_hidden_layers=size.layers,
                num_attention_heads=size.heads,
                num_key_value_heads=size.kv_heads,
                head_dim=size.head,
                tie_word_embeddings=True,
            )
        )
    assert sum(p.numel() for p in model.parameters()) == pytest.approx(3e6, rel=0.1)
