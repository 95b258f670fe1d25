"""The experiment on a tiny model: every arm runs, stops and goes on, and the page is made from its files."""

import json
import os
import subprocess
import sys
import xml.dom.minidom
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from caugym import experiment
from caugym.core.errors import InputError
from caugym.data.manifest import MakeConfig
from caugym.data.shards import make, rows
from caugym.evaluate.stats import Estimate
from caugym.experiment import ABLATIONS, ARMS, BASE, SETS, TRAININGS, Scale
from caugym.experiment import results as pages
from caugym.experiment.figure import intervals, lines, palette
from caugym.train.recipe import Recipe, resolve

TINY = Scale(
    problems=2,
    tokens=9_000,
    seeds=2,
    tests=7,
    samples=2,
    longest=16,
    overrides=("processes=1", "batch=8", "micro=4", "precision=fp32"),
)


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An untrained model of two thin layers that can read real problems."""
    from caugym.train.nano import Size, create

    folder = tmp_path_factory.mktemp("base")
    make(folder / "set", MakeConfig(level="easy", n=70, split="train"), progress=False)
    texts = [text for row in rows(folder / "set") for text in (row["prompt"], "\n".join(row["solution"]))]
    size = Size(hidden=32, layers=2, heads=2, kv_heads=1, head=16, feed_forward=64, vocabulary=512)
    return create(folder / "model", texts, size=size)


def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Short rollouts, and evaluation in this process: starting others takes longer than the work."""

    class Here:
        def __init__(self, *_: object, **__: object) -> None: ...

        def __enter__(self) -> "Here":
            return self

        def __exit__(self, *_: object) -> None: ...

        map = staticmethod(map)

    monkeypatch.setattr(experiment, "Pool", Here)

    def short(method: str, overrides: Sequence[str] = ()) -> Recipe:
        online = ("rollout.max_tokens=8", "rollout.group=4") if method in ("ppo", "grpo") else ()
        return resolve(method, overrides=(*overrides, *online))

    monkeypatch.setattr("caugym.experiment.resolve", short)


def done(out: Path) -> dict[str, float]:
    """When every run was last written to."""
    return {str(path): path.stat().st_mtime for path in out.glob("*/**/run.json")}


def test_it_runs_goes_on_and_writes_its_page(
    start: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone(monkeypatch)
    arms = ("sft", "random")
    out = tmp_path / "out"
    with pytest.raises(InputError, match="no arm 'rlhf'"):
        experiment.run(out, str(start), TINY, ("rlhf",))
    asked = experiment._ask

    def cut(job: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(experiment, "_ask", cut)
    with pytest.raises(KeyboardInterrupt):
        experiment.run(out, str(start), TINY, arms)
    monkeypatch.setattr(experiment, "_ask", asked)
    trained = done(out / "train")
    assert len(trained) == len(arms) * TINY.seeds
    experiment.run(out, str(start), TINY, arms, parallel=2)
    assert done(out / "train") == trained, "what was finished is not done again"
    finished = done(out)
    experiment.run(out, str(start), TINY, arms)
    assert done(out) == finished
    experiment.run(out, str(start), replace(TINY, seeds=1), arms)
    assert done(out) == finished, "fewer seeds are there already, and lose nothing"
    assert json.loads((out / "experiment.json").read_text())["scale"]["seeds"] == TINY.seeds
    experiment.run(out, str(start), replace(TINY, seeds=TINY.seeds + 1), arms)
    added = done(out)
    assert finished.items() < added.items(), "a further seed is added"
    with pytest.raises(InputError, match="other scale"):
        experiment.run(out, str(start), replace(TINY, tests=14), arms)

    pages.page(out, tmp_path / "docs/results.md")
    page = (tmp_path / "docs/results.md").read_text()
    for name in (BASE, *arms, *SETS, "Holm", "Controls against the base", "| The paper | Here |"):
        assert name in page
    for picture in ("greedy", "sampled", "solved"):
        assert f"(results-{picture}.svg)" in page
        xml.dom.minidom.parse(str(tmp_path / f"docs/results-{picture}.svg"))
    seeds = [json.loads((out / f"train/random-{seed}/run.json").read_text())["weights"] for seed in (0, 1)]
    assert seeds[0] != seeds[1]


@pytest.mark.slow
def test_every_arm_runs(start: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    alone(monkeypatch)
    scale = replace(TINY, seeds=1)
    for arms in (ARMS, ABLATIONS):
        experiment.run(tmp_path / "out", str(start), scale, tuple(arms))
    pages.page(tmp_path / "out", tmp_path / "results.md")
    page = (tmp_path / "results.md").read_text()
    assert all(f"| {name} |" in page for name in TRAININGS)
    for claim in ("Online methods", "makes a reasoner", "as a cold start", "the problem changes"):
        assert claim in page
    assert "Ablations of GRPO" in page


@pytest.mark.slow
def test_the_script_runs_from_end_to_end(tmp_path: Path) -> None:
    """The bundled model, every arm, one step each."""
    script = Path(__file__).parents[2] / "runs" / "five_methods.sh"
    sizes = "--problems 2 --tokens 4500 --tests 7 --samples 2 --set processes=1 --set batch=16"
    found = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    subprocess.run(
        ["sh", str(script), "--quick", str(tmp_path / "out"), *sizes.split()],
        env=os.environ | {"PATH": found, "OMP_NUM_THREADS": "1"},
        check=True,
    )
    page = (tmp_path / "out" / "results.md").read_text()
    assert all(f"| {name} |" in page for name in (BASE, *ARMS))


def test_budgets_are_equal(start: Path, tmp_path: Path) -> None:
    from caugym.data.rows import training_rows
    from caugym.experiment import Stage, _recipe

    make(tmp_path / "set", MakeConfig(level="easy", n=70, split="train"), progress=False)
    kinds = {kind: training_rows(kind, tmp_path / "set") for kind in ("sft", "dpo", "kto", "rl")}
    scale = Scale(tokens=1_000_000)
    recipes = {
        name: _recipe(Stage(name), kinds[kind], kinds["sft"], str(start), scale, 0)
        for name, kind in (("sft", "sft"), ("dpo", "dpo"), ("kto", "kto"), ("ppo", "rl"), ("grpo", "rl"))
    }
    read = {name: (recipe.steps or 0) * recipe.batch for name, recipe in recipes.items()}
    assert read["ppo"] == read["grpo"] == pytest.approx(read["sft"], rel=0.05)
    assert read["dpo"] == pytest.approx(read["sft"] / 2, rel=0.1), "a pair is two replies"
    assert read["kto"] == pytest.approx(read["sft"], rel=0.1)


def test_pictures_stand_by_themselves() -> None:
    sure, unknown = Estimate(0.5, 0.4, 0.6, 10, 10), Estimate(None, None, None, 0, 0, "nothing")
    colours = palette(("base", "<x>", *ARMS))
    drawn = intervals("A & B", {"base": sure, "<x>": unknown}, colours)
    assert xml.dom.minidom.parseString(drawn).getElementsByTagName("circle").length == 1
    drawn = lines("Solved", {"grpo": [(1, 0.1), (2, 0.2)], "ppo": [(1, 0.1), (3, 0.1)]}, colours)
    assert xml.dom.minidom.parseString(drawn).getElementsByTagName("polyline").length == 2
    xml.dom.minidom.parseString(lines("Nothing", {}, {}))
    assert len(set(palette((BASE, *ARMS)).values())) == 1 + len(ARMS)
