"""DPO and KTO: what we lean on in TRL, the rows, the reference, and that they learn."""

import inspect
import math
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from trl import DPOTrainer, KTOTrainer

from caugym.backends.local import load
from caugym.core.errors import InputError
from caugym.train import fit
from caugym.train.prepare import paired, rated
from caugym.train.recipe import resolve
from tests.train.conftest import rated as toy_rated

Curve = Callable[[Path], list[dict[str, Any]]]
FAST = ("batch=8", "micro=8", "processes=1", "log_every=1", "precision=fp32", "learning_rate=1e-3")


@pytest.mark.parametrize("kind", [DPOTrainer, KTOTrainer])
def test_the_private_parts_of_trl_that_we_use_are_there(kind: type[Any]) -> None:
    assert metadata.version("trl").startswith("1.16."), "read DPO and KTO again before moving the pin"
    prepared = inspect.signature(kind._prepare_dataset).parameters
    assert list(prepared) == ["self", "dataset", "processing_class", "args", "dataset_name"]
    assert list(inspect.signature(kind._precompute_ref_logps).parameters)[:2] == ["self", "dataset"]
    assert "hash_module(self.ref_model or self.model)" in inspect.getsource(kind.__init__)


def test_pairs_share_their_prompt_and_end_with_the_end_token(rows: list[Any], tiny: Path) -> None:
    _, tokenizer = load(str(tiny))
    for row, prepared in zip(rows, paired(rows, tokenizer, 128), strict=True):
        for side in ("chosen", "rejected"):
            ids = prepared["prompt_ids"] + prepared[f"{side}_ids"]
            whole = tokenizer.apply_chat_template([*row["prompt"], *row[side]], tokenize=False)
            assert f"{tokenizer.decode(ids)}\n" == whole
            assert ids[-1] == tokenizer.eos_token_id


def test_rated_rows_meet_a_neighbour_of_their_pass(rows: list[Any], tiny: Path) -> None:
    _, tokenizer = load(str(tiny))
    given = toy_rated(rows)
    prepared = rated(given, tokenizer, 128, chunk=4, seed=0)
    assert [row["label"] for row in prepared] == [True, False] * (len(rows) // 2), "still by turns"
    for start in range(0, len(prepared), 4):
        passed = prepared[start : start + 4]
        for index, row in enumerate(passed):
            assert row["KL_completion_ids"] == passed[index - 1]["completion_ids"]
    other = rated(given, tokenizer, 128, chunk=4, seed=1)

    def contents(some: list[dict[str, Any]]) -> list[list[int]]:
        return [row["prompt_ids"] + row["completion_ids"] for row in some]

    assert contents(prepared) != contents(other)
    assert sorted(contents(prepared)) == sorted(contents(other))


@pytest.mark.parametrize("method", ["dpo", "kto"])
@pytest.mark.parametrize("precomputed", ["true", "false"])
def test_training_starts_at_the_reference_and_leaves_it_for_the_right(
    method: str, precomputed: str, rows: list[Any], taught: Path, tmp_path: Path, curve: Curve
) -> None:
    overrides = [*FAST, "steps=24", f"trl.precompute_ref_log_probs={precomputed}"]
    given = toy_rated(rows) if method == "kto" else rows
    fit(resolve(method, overrides=overrides), given, str(taught), tmp_path / "run")
    lines = curve(tmp_path / "run")
    assert lines[0]["loss"] == pytest.approx(math.log(2) if method == "dpo" else 0.5, abs=1e-4)
    assert lines[0]["margin"] == pytest.approx(0, abs=1e-4)
    assert lines[-1]["margin"] > 0.2
    assert lines[-1]["loss"] < lines[0]["loss"] - 0.02


@pytest.mark.parametrize(
    ("method", "override", "says"),
    [
        ("kto", "micro=1", "at least 2 rows"),
        ("kto", "trl.train_sampling_strategy=random", "TRL refuses this recipe: Loss type"),
        ("dpo", "trl.loss_type=exo_pair", "TRL refuses this recipe: Label smoothing"),
    ],
)
def test_recipes_that_cannot_be_are_one_line(
    method: str, override: str, says: str, rows: list[Any], tiny: Path, tmp_path: Path
) -> None:
    given = toy_rated(rows) if method == "kto" else rows
    with pytest.raises(InputError, match=says):
        fit(resolve(method, overrides=[*FAST, "steps=1", override]), given, str(tiny), tmp_path / "run")


@pytest.mark.parametrize(
    "override",
    [
        "trl.loss_type=[sigmoid, sft]",
        "trl.loss_type=ipo",
        "trl.ld_alpha=0.5",
        "trl.f_divergence_type=js_divergence",
        "trl.use_weighting=true",
    ],
)
def test_the_knobs_of_dpo_work(
    override: str, rows: list[Any], tiny: Path, tmp_path: Path, curve: Curve
) -> None:
    fit(resolve("dpo", overrides=[*FAST, "steps=1", override]), rows[:8], str(tiny), tmp_path / "run")
    assert math.isfinite(curve(tmp_path / "run")[0]["loss"])
