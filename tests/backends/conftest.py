"""A tiny model on disk, so that backends are tested for real."""

import warnings
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="needs the train extra")
pytest.importorskip("transformers", reason="needs the train extra")

PROMPTS = (
    "Rain has a direct effect on mud. The probability of mud being high is 0.41. Will mud be more likely?",
    "Rain has a direct effect on mud.",
    "The probability of rain being low is 0.12. The probability of mud being high is 0.77.",
    "Will mud be more likely to be high if rain is changed to be low?",
    "7",
)


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random two-layer Qwen3 with grouped queries, sharp enough that greedy replies differ."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        from caugym.train.nano import Size, create
    size = Size(
        hidden=48, layers=2, heads=4, kv_heads=2, head=16, feed_forward=96, vocabulary=320, context=256
    )
    out = create(tmp_path_factory.mktemp("models") / "tiny", PROMPTS * 4, seed=1, size=size)
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(out)
    for parameter in model.parameters():
        parameter.data.mul_(6.0 if parameter.ndim == 2 else 1.0)
    model.save_pretrained(out)
    return out
