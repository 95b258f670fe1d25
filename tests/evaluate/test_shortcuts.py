"""Scores of shortcuts: a cue that is there is found, a coin stays a coin, each verdict is in words."""

import os
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from caugym.data.manifest import MakeConfig
from caugym.data.questions import questions
from caugym.data.shards import make
from caugym.evaluate.audit.shortcuts import Shortcuts, shortcuts
from caugym.evaluate.audit.surface import FEWEST, regression
from caugym.problems.shortcuts import best_constant

WORDS = ["age", "diet", "mood", "trust", "sleep", "light", "noise", "heat", "rain", "wind"]


def texts(rng: Random, labels: list[bool], cue: str) -> list[str]:
    """Sentences of random words and numbers, with a cue in nine of ten of those labelled true."""
    told = []
    for label in labels:
        body = " ".join(rng.choice(WORDS) for _ in range(rng.randint(20, 40)))
        numbers = " ".join(f"{rng.random():.4f}" for _ in range(rng.randint(3, 8)))
        told.append(f"{body} {numbers}{cue if label and rng.random() < 0.9 else '.'}")
    return told


@pytest.mark.parametrize("cue", ["", " 0.9999.", ". indeed.", "\n\n."])
def test_a_cue_on_the_surface_is_found(cue: str) -> None:
    rng = Random(4)
    labels = [rng.random() < 0.5 for _ in range(600)]
    share = regression(texts(rng, labels, cue), labels)
    assert share
    assert share > 0.85


@pytest.mark.parametrize("seed", range(5))
def test_without_a_cue_it_is_a_coin_however_uneven_the_labels(seed: int) -> None:
    rng = Random(seed)
    labels = [rng.random() < 0.25 for _ in range(1200)]
    share = regression(texts(rng, labels, "."), labels)
    assert share
    assert abs(share - 0.5) < 0.05


def test_too_few_questions_have_no_score() -> None:
    labels = [True] * 500 + [False] * (FEWEST - 1)
    assert regression(texts(Random(1), labels, "."), labels) is None


SCORES = Shortcuts(
    constants={"ATE": "0.0000"},
    constant=0.05,
    majority=0.51,
    blind={0: 0.30, 1: 0.29, 2: 0.305, 3: 0.1},
    cautious=0.28,
    lacking=0.0,
    surface={"yes/no": 0.54},
    read=1.0,
)


def test_a_sound_set_beats_every_shortcut() -> None:
    lines = list(SCORES.verdicts())
    assert len(lines) == 5
    assert all(line.endswith(": fails") for line in lines)


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"constant": 0.11}, "the best constant a task: 11.0 %: WINS"),
        ({"majority": 0.6}, "always Yes or always No: 60.0 %: WINS"),
        (
            {"blind": {0: 0.9, 1: 0.1}},
            "a solver that never looks at the graph: 90.0 % (most stated numbers): WINS",
        ),
        (
            {"blind": {0: 0.1, 1: 0.2, 2: 0.3}},
            "the same after dropping the last 2: 30.0 % (+20.0 points): WINS",
        ),
        ({"lacking": 1.0, "constant": 1.0}, "saying LACK_CONDITION to everything: 100.0 %: WINS"),
        (
            {"surface": {"status": 0.44}},
            "a regression on how the text looks, for the status: 44.0 % (a coin: 50 %): WINS",
        ),
    ],
)
def test_a_shortcut_that_wins_is_named(change: dict[str, object], line: str) -> None:
    lines = list(replace(SCORES, **change).verdicts())  # type: ignore[arg-type]
    assert line in lines
    assert sum(each.endswith("WINS") for each in lines) == 1


def test_half_a_set_without_answers_is_half_right_by_abstaining(tmp_path: Path) -> None:
    config = MakeConfig("insufficient", level="easy", n=140, seed=5)
    make(tmp_path / "set", config, progress=False)
    found = shortcuts(tmp_path / "set")
    assert found
    assert found.lacking == 0.5
    assert found.read == 1.0
    assert "saying LACK_CONDITION to everything: 50.0 %: fails" in found.verdicts()


SHARED = Path(os.environ.get("CAUGYM_SHARED_DATA", "absent"))
public = pytest.mark.skipif(
    not (SHARED / "caugym_release").is_dir(), reason="CAUGYM_SHARED_DATA names no folder of public files"
)


@pytest.mark.slow
@public
@pytest.mark.parametrize(
    ("file", "dropped", "share"),
    [("base", 0, 0.996), ("deconfounding", 0, 0.981), ("redundant", 2, 0.983)],
)
def test_the_release_is_won_without_its_graph(file: str, dropped: int, share: float) -> None:
    found = shortcuts(SHARED / "caugym_release" / f"{file}_dataset.json")
    assert found
    assert found.blind[dropped] == pytest.approx(share, abs=0.01)


@pytest.mark.slow
@public
def test_constants_win_the_release() -> None:
    """Half of the release is at hand; the other half of its base set stands in CaLM Lite."""
    insufficient = shortcuts(SHARED / "caugym_release" / "insufficient_dataset.json")
    assert insufficient
    assert insufficient.lacking == 1.0
    shares = []
    for file in sorted((SHARED / "calm_lite").glob("*-basic_EN.json")):
        labels = [question.label for question in questions(file) if question.label]
        assert len(labels) == 100
        shares.append(best_constant(labels, 0.0005)[1])
    assert sum(shares) / 7 == pytest.approx(0.314, abs=0.001)
