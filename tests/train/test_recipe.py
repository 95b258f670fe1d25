"""Recipes: typed, layered, and helpful about slips."""

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from caugym.core.errors import InputError
from caugym.train import METHODS
from caugym.train.recipe import Recipe, resolve


@pytest.mark.parametrize("method", METHODS)
def test_packaged_recipes_are_short_and_resolve(method: str) -> None:
    import caugym.train

    text = (Path(caugym.train.__file__).parent / f"recipes/{method}.yaml").read_text()
    assert len(text.splitlines()) <= 20
    assert resolve(method).method == method


@pytest.mark.parametrize("method", METHODS)
def test_a_written_recipe_reads_back(method: str, tmp_path: Path) -> None:
    recipe = resolve(method, overrides=["steps=7", "trl.max_grad_norm=0.5", "learning_rate=1e-3"])
    path = tmp_path / "recipe.yaml"
    path.write_text(yaml.safe_dump(recipe.record()))
    assert resolve(method, path) == recipe


def test_layers_win_in_order(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("steps: 5\nrollout:\n  group: 4\n")
    recipe = resolve("grpo", path, ["rollout.group=16", "trl.epsilon=0.1"])
    assert recipe.steps == 5
    assert recipe.rollout is not None
    assert recipe.rollout.group == 16
    assert recipe.rollout.max_tokens == resolve("grpo").rollout.max_tokens  # type: ignore[union-attr]
    assert recipe.trl["epsilon"] == 0.1
    assert "epsilon_high" in recipe.trl


@pytest.mark.parametrize(
    ("method", "override", "says"),
    [
        ("sft", "step=3", "did you mean steps?"),
        ("grpo", "rollout.grup=3", "did you mean rollout.group?"),
        ("sft", "rollout.group=8", "no field 'rollout.group'"),
        ("sft", "steps", "key=value"),
        ("sft", "steps=many", "steps is 'many'; give int or null"),
        ("sft", "steps=0", "steps is 0"),
        ("sft", "steps=1.5", "steps is 1.5"),
        ("sft", "steps=true", "steps is True"),
        ("sft", "batch=[1", "cannot read"),
        ("sft", "warmup=2", "warmup is 2.0"),
        ("sft", "learning_rate=-1", "rates"),
        ("sft", "learning_rate=.nan", "rates"),
        ("sft", "precision=int8", "auto, bf16, fp32"),
        ("grpo", "batch=12", "multiple of rollout.group"),
        ("grpo", "rollout.vllm=7", "rollout.vllm is 7; give bool"),
        ("grpo", "reward.value=-1", "reward"),
        ("grpo", "seed=-1", "seed is -1"),
    ],
)
def test_slips_are_one_helpful_line(method: str, override: str, says: str) -> None:
    with pytest.raises(InputError) as error:
        resolve(method, overrides=[override])
    assert says in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("text", ["- 1", "a: [", "", "methd: sft", "method: grpo", "trl: 7"])
def test_bad_files_are_one_line(text: str, tmp_path: Path) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_text(text)
    with pytest.raises(InputError):
        resolve("sft", path)


def test_unknown_method_and_missing_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=", ".join(sorted(METHODS))):
        resolve("sfd")
    with pytest.raises(InputError, match="cannot read the recipe"):
        resolve("sft", tmp_path / "none.yaml")


@given(st.text(max_size=30), st.text(max_size=30))
def test_no_override_escapes_as_anything_but_an_input_error(key: str, value: str) -> None:
    try:
        recipe = resolve("grpo", overrides=[f"{key}={value}"])
    except InputError as error:
        message = str(error)
        assert "\n" not in message
    else:
        assert isinstance(recipe, Recipe)
