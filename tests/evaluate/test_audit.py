"""The audit finds each planted fault, says nothing against right labels, and proves what it says."""

import json
import os
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from caugym.cli import app
from caugym.core.errors import InputError
from caugym.core.exact import had_it_been, nested, probability
from caugym.core.graph import DAG, bits
from caugym.core.query import Task
from caugym.core.scm import SCM, random_scm
from caugym.data.manifest import MakeConfig
from caugym.data.questions import Question
from caugym.data.shards import make
from caugym.evaluate.audit import KINDS, Audit, audit
from caugym.evaluate.audit.page import lines, page, sheet
from caugym.evaluate.audit.rounding import Interval, hidden
from caugym.evaluate.audit.words import examine
from caugym.evaluate.audit.worlds import World, chance
from caugym.problems.generate import generate
from caugym.problems.problem import Answer
from tests.evaluate import public


def one(file: Path) -> Audit:
    """The audit of one file."""
    (found,) = audit(file)
    return found


def label(value: str | None = None, answer: str | None = None) -> str:
    """A label as the release writes it."""
    stated = {"ANSWER": answer, "PROB": value}
    return json.dumps({key: text for key, text in stated.items() if text is not None})


def of_release(tmp_path: Path, *items: dict[str, Any]) -> Audit:
    return one(public.json_array(tmp_path / "base_dataset.json", items))


def test_right_labels_stand(tmp_path: Path) -> None:
    found = of_release(
        tmp_path,
        public.release(label("-0.5", "Yes")),
        public.release(label("-0.5004", "Yes")),
        public.release(label("0.5", "Yes"), "ATE", public.CHANGE),
        public.release("LACK_CONDITION", stated=""),
    )
    assert not found.disputes
    assert found.recomputed == 4


def test_the_value_of_an_effect_on_the_treated_does_not_answer_its_question(tmp_path: Path) -> None:
    (dispute,) = of_release(tmp_path, public.release(label("-0.5", "No"))).disputes
    assert (dispute.kind, dispute.label, dispute.found) == ("inverted answer", "No", "Yes")
    proof = "\n".join(dispute.proof)
    assert "P(B=1 | A=0) = 0.2500, P(B=1 | A=1) = 0.7500" in proof
    assert "= 0.25 - 0.75 = -0.5" in proof
    assert "-0.5001 to -0.4999" in proof
    assert "The change is minus the value, above 0: Yes" in proof
    assert "confirmed: on 16 random models" in proof


def test_a_small_effect_is_an_effect(tmp_path: Path) -> None:
    near = public.STATED.replace("0.7500", "0.2508")
    (dispute,) = of_release(
        tmp_path, public.release(label("0.0008", "No"), "ATE", public.CHANGE, near)
    ).disputes
    assert (dispute.kind, dispute.found) == ("dead zone", "Yes")


def test_rounding_may_hide_a_sign(tmp_path: Path) -> None:
    """With 0.2500 and 0.2501 printed, the effect may be 0; only a label that states 0.0001 is refuted."""
    near = public.STATED.replace("0.7500", "0.2501")
    hid = of_release(tmp_path, public.release(label(None, "No"), "ATE", public.CHANGE, near))
    assert not hid.disputes
    assert hid.undecided == {"rounding hides the sign of the effect": 1}
    (dispute,) = of_release(
        tmp_path, public.release(label("0.0001", "No"), "ATE", public.CHANGE, near)
    ).disputes
    assert "the label itself gives the value as 0.0001" in "\n".join(dispute.proof)


def test_no_effect_needs_no_numbers(tmp_path: Path) -> None:
    back = "If growth is changed to be high, will watering be more likely to be high?"
    item = public.release(label("0.2", "No"), "ATE", back, "")
    item["problem"] = item["problem"].replace("of watering on growth", "of growth on watering")
    (dispute,) = of_release(tmp_path, item).disputes
    assert (dispute.kind, dispute.found) == ("impossible value", "0.0000")
    assert "the definition gives 0" in dispute.proof[-1]


@pytest.mark.parametrize(
    ("value", "kinds"),
    [("0.1500", []), ("0.1505", []), ("0.1530", ["unreachable value"]), ("0.2500", ["impossible value"])],
)
def test_hidden_decimals_are_granted(value: str, kinds: list[str], tmp_path: Path) -> None:
    """The printed numbers give 0.15; their hidden decimals allow about 0.145 to 0.155."""
    question = (
        "Given that watering was high and growth was high, what is the lower bound of the probability of "
        "growth would have been low if watering had been low?"
    )
    stated = (
        "For those with watering being low, the probability of growth being high is 0.1100. "
        "The probability of growth being high is 0.1130. "
        "The probability of watering being high and growth being high is 0.0200. "
    )
    found = of_release(tmp_path, public.release(label(value), "PN", question, stated))
    assert [dispute.kind for dispute in found.disputes] == kinds
    assert found.recomputed == 1


def test_what_is_called_insufficient_may_be_determined(tmp_path: Path) -> None:
    complement = public.STATED.replace(
        "being low, the probability of growth being high is 0.2500", "{}"
    ).format("being low, the probability of growth being low is 0.7500")
    (dispute,) = of_release(tmp_path, public.release("LACK_CONDITION", stated=complement)).disputes
    assert (dispute.kind, dispute.found) == ("answerable", "-0.5000")
    assert any("complement" in line for line in dispute.proof)


def test_a_text_that_cannot_be_read_may_contradict_itself(tmp_path: Path) -> None:
    item = public.release(label("0.5", "Yes")) | {"problem": "Reworded beyond recognition."}
    found = of_release(tmp_path, item, item | {"answer": label("0.5", "No")})
    assert [dispute.kind for dispute in found.disputes] == ["self-contradiction"]
    assert found.recomputed == 0


def test_yes_no_twins_are_audited(tmp_path: Path) -> None:
    file = public.json_lines(tmp_path / "ATE-B.json", [public.calm("Yes"), public.calm("No")])
    (dispute,) = one(file).disputes
    assert (dispute.id, dispute.kind) == ("ATE-B-0002", "inverted answer")


@pytest.mark.parametrize("task", ["ATE", "CDE", "ETT", "NDE", "NIE", "PN", "PS"])
def test_proved_problems_are_never_accused(task: Task) -> None:
    for item in generate("base", task, "easy", "test", 11, range(12)):
        gold = item.gold
        found = examine(Question(item.id, item.prompt, gold, task))
        assert (found.disputes, found.undecided) == ((), None)
        if gold.answer:
            other = Answer("identified", gold.value, "No" if gold.answer == "Yes" else "Yes")
            wrong = examine(Question(item.id, item.prompt, other, task))
            assert wrong.disputes or wrong.undecided == "rounding hides the sign of the effect"


# -- CLadder and RLCausal ------------------------------------------------------------------------


def of_cladder(tmp_path: Path, *items: dict[str, Any]) -> Audit:
    public.json_array(tmp_path / "test-model-meta.json", [public.DIAMOND])
    return one(public.json_array(tmp_path / "test.json", items))


def diamond() -> SCM:
    """The model of `public.DIAMOND`: V2, V3, X, Y."""
    params: Any = public.DIAMOND["params"]
    dag = DAG.from_edges(4, [(2, 1), (0, 1), (2, 3), (0, 3), (1, 3)])
    soil = np.array(params["p(V3 | X, V2)"]).T
    crop = np.array(params["p(Y | X, V2, V3)"]).transpose(1, 2, 0)
    tables = [np.array(0.3), soil, np.array(0.4), crop]
    return SCM(dag, tuple(np.stack([1 - each, each], -1)[None] for each in tables))


def exact_effect() -> float:
    """By hand: E[Y | do(X)] sums over V2 and then over V3 given X and V2."""
    params: Any = public.DIAMOND["params"]
    soil, crop = np.array(params["p(V3 | X, V2)"]), np.array(params["p(Y | X, V2, V3)"])
    rain = np.array([0.7, 0.3])
    by = (rain * (crop[:, :, 0] * (1 - soil) + crop[:, :, 1] * soil)).sum(1)
    return float(by[1] - by[0])


def loopy_effect() -> float:
    """The shortcut: V2 and V3 as if independent."""
    params: Any = public.DIAMOND["params"]
    soil, crop = np.array(params["p(V3 | X, V2)"]), np.array(params["p(Y | X, V2, V3)"])
    rain = np.array([0.7, 0.3])
    level = soil @ rain
    mixed = np.einsum("b,xbv->xv", rain, crop)
    by = mixed[:, 0] * (1 - level) + mixed[:, 1] * level
    return float(by[1] - by[0])


def test_loopy_values_are_told_from_exact_ones(tmp_path: Path) -> None:
    right = public.cladder(1, "ate", exact_effect(), "yes")
    loopy = public.cladder(2, "ate", loopy_effect(), "yes")
    wrong = public.cladder(3, "ate", 0.1, "no")
    found = of_cladder(tmp_path, right, loopy, wrong)
    assert [(d.id, d.kind) for d in found.disputes] == [
        ("test-2", "loopy value"),
        ("test-3", "wrong value"),
        ("test-3", "wrong answer"),
    ]
    assert any(f"{loopy_effect():.6f}, the record's" in line for line in found.disputes[0].proof)


def test_every_type_of_query(tmp_path: Path) -> None:
    scm = diamond()
    y, x1, x0 = ((3, 1),), ((2, 1),), ((2, 0),)
    low = float(nested(scm, 2, (3, 1), 0, 0)[0])
    values = {
        "ett": float((probability(scm, y, x1) - had_it_been(scm, y, x0, x1))[0]),
        "nde": float(nested(scm, 2, (3, 1), 1, 0)[0]) - low,
        "nie": float(nested(scm, 2, (3, 1), 0, 1)[0]) - low,
        "marginal": float(probability(scm, y)[0]),
        "correlation": float((probability(scm, y, x1) - probability(scm, y, x0))[0]),
        "exp_away": float((probability(scm, y, ((1, 1), (2, 1))) - probability(scm, y, ((1, 1),)))[0]),
    }
    items = []
    for number, (task, value) in enumerate(values.items()):
        yes = {"marginal": value > 0.5, "ett": value < 0}.get(task, value > 0)
        more = {"collider": "V3"} if task == "exp_away" else {"mediators": ["V3"]}
        items.append(public.cladder(number, task, value, "yes" if yes else "no", **more))
    items.append(public.cladder(90, "backadj", [], "no", given_info=[["V3"], []]))
    items.append(public.cladder(91, "backadj", [], "yes", given_info=[[], ["V3"]]))
    items.append(public.cladder(92, "collider_bias", "no", "yes"))
    items.append(public.cladder(93, "ate", exact_effect(), "no", polarity=False))
    found = of_cladder(tmp_path, *items)
    assert not found.disputes
    assert found.recomputed == len(items)
    turned = [item | {"answer": "no" if item["answer"] == "yes" else "yes"} for item in items]
    wrong = of_cladder(tmp_path, *turned)
    disputed = {each.id for each in wrong.examined if each.disputes}
    small = {each.id for each in wrong.examined if each.undecided}
    assert disputed | small == {f"test-{item['question_id']}" for item in items}
    assert {d.kind for d in wrong.disputes} == {"wrong answer"}


def test_displayed_tables_are_the_model(tmp_path: Path) -> None:
    seen = [0.33 * 0.9, 0.67 * 0.4]
    posterior = round(seen[0] / sum(seen), 2)
    items = [
        public.rlcausal(public.SET, [0.6, 0.4]),
        public.rlcausal(public.SEEN, [posterior, 1 - posterior]),
        public.rlcausal(public.BOTH, [0.6, 0.4]),
        public.rlcausal(public.SET, [0.62, 0.38]),
        public.rlcausal("What is the meaning of v0?", [0.6, 0.4]),
    ]
    found = one(public.json_array(tmp_path / "counterfactual_distribution.json", items))
    (dispute,) = found.disputes
    assert (dispute.id[-1], dispute.kind, dispute.found) == ("4", "right answer rejected", "[0.6, 0.4]")
    assert found.undecided == {"the wording is not one that is read": 1}


# -- the second opinion, and rounding ------------------------------------------------------------


@st.composite
def models(draw: st.DrawFn) -> SCM:
    n = draw(st.integers(2, 4))
    pairs = [(a, b) for b in range(n) for a in range(b)]
    edges = draw(st.lists(st.sampled_from(pairs), unique=True))
    seed = draw(st.integers(0, 2**32))
    return random_scm(DAG.from_edges(n, edges), np.random.default_rng(seed), low=0.01)


@given(models())
@settings(max_examples=60)
def test_brute_force_agrees_with_the_oracle(scm: SCM) -> None:
    last = scm.dag.n - 1
    y, x1, x0 = ((last, 1),), ((0, 1),), ((0, 0),)
    worlds = (World(), World({0: 0}))
    assert chance(scm, worlds, [(1, last, 1)]) == pytest.approx(probability(scm, y, do=x0)[0])
    both = chance(scm, worlds, [(0, 0, 1), (1, last, 1)]) / chance(scm, worlds, [(0, 0, 1)])
    assert both == pytest.approx(had_it_been(scm, y, x0, x1)[0])
    borrowed = {(p, last): 0 for p in bits(scm.dag.parents[last]) if p}
    split = (World({0: 0}), World({0: 1}, borrowed))
    assert chance(scm, split, [(1, last, 1)]) == pytest.approx(nested(scm, 0, (last, 1), 1, 0)[0])


def test_worlds_that_agree_share_their_chances() -> None:
    scm = SCM(DAG.from_edges(2, [(0, 1)]), (np.array([[0.5, 0.5]]), np.array([[[0.7, 0.3], [0.2, 0.8]]])))
    same = (World({0: 1}), World({0: 1}))
    assert chance(scm, same, [(0, 1, 1), (1, 1, 0)]) == 0
    other = (World({0: 1}), World({0: 0}))
    assert chance(scm, other, [(0, 1, 1), (1, 1, 1)]) == pytest.approx(0.24)


numbers = st.fractions(-2, 2, max_denominator=50)


@given(st.lists(st.tuples(numbers, numbers, numbers), min_size=2, max_size=2))
def test_intervals_hold_every_result(drawn: Sequence[tuple[Fraction, Fraction, Fraction]]) -> None:
    (a, b, c), (d, e, f) = (sorted(each) for each in drawn)
    x, y = Interval(a, c), Interval(d, f)
    assert b + e in x + y
    assert b - e in x - y
    assert b * e in x * y
    assert 1 - b in 1 - x
    if not d <= 0 <= f:
        assert b / e in x / y
    assert max(Fraction(0), b) in x.clipped("lower")
    assert b in x.wider(y)


@given(st.integers(0, 10**7))
def test_what_rounds_to_a_decimal_is_hidden_in_it(number: int) -> None:
    value = Fraction(number, 10**7)
    assert value in hidden(f"{float(value):.4f}")


# -- files and pages -----------------------------------------------------------------------------


def test_a_folder_is_audited_file_by_file(tmp_path: Path) -> None:
    for name in ("calm", "release", "cladder", "rlcausal", "bbeh-causal"):
        public.SAMPLES[name](tmp_path)
    audits = audit(tmp_path)
    assert [each.benchmark for each in audits] == ["calm", "release", "rlcausal", "cladder"]
    text = page(audits, "caugym audit FOLDER")
    for each in audits:
        assert each.sha256 in text or not each.disputes
        assert each.file in sheet(audits).markdown()
    found = list(map(json.loads, lines(audits)))
    assert len(found) == sum(len(each.disputes) for each in audits)
    assert {dispute["kind"] for dispute in found} <= KINDS.keys()
    for told in (text, json.dumps(found), sheet(audits).markdown()):
        assert "watering" not in told.lower(), "no sentence of a file is repeated"


def test_our_own_sets_are_audited_and_meet_the_shortcuts(tmp_path: Path) -> None:
    config = MakeConfig(set="base", tasks=("ATE", "PN"), level="easy", n=12, seed=3, split="test")
    make(tmp_path / "set", config, progress=False)
    (found,) = audit(tmp_path / "set")
    assert (found.benchmark, found.recomputed, found.disputed) == ("caugym", 12, 0)
    assert found.shortcuts
    assert found.shortcuts.read == 1
    assert 0 < found.shortcuts.constant < 1
    assert set(found.shortcuts.constants) == {"ATE", "PN"}
    assert "## Shortcuts" in page([found], "caugym audit set")


def test_the_command_prints_a_table_or_lines_and_writes_the_page(tmp_path: Path) -> None:
    file = public.json_array(tmp_path / "base_dataset.json", [public.release(label("-0.5", "No"))])
    shown = CliRunner().invoke(app, ["audit", str(file), "-o", str(tmp_path / "audit.md")])
    assert shown.exit_code == 0
    assert "1 inverted answer" in shown.output
    assert "never looks at the graph" in shown.output
    assert "Licence: none stated" in shown.output
    assert "base_dataset-0001" in (tmp_path / "audit.md").read_text()
    listed = CliRunner().invoke(app, ["audit", str(file), "--json"])
    (line,) = listed.output.splitlines()
    assert json.loads(line)["id"] == "base_dataset-0001"


def test_what_cannot_be_audited_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be recomputed"):
        audit(public.SAMPLES["bbeh-causal"](tmp_path))
    with pytest.raises(InputError, match="holds no file"):
        audit(tmp_path)


SHARED = os.environ.get("CAUGYM_SHARED_DATA")


@pytest.mark.slow
@pytest.mark.skipif(not SHARED, reason="CAUGYM_SHARED_DATA names no folder of public files")
def test_known_faults_of_public_files_are_found() -> None:
    shared = Path(str(SHARED))
    base = one(shared / "caugym_release" / "base_dataset.json").kinds
    assert base == {"inverted answer": 37, "unreachable value": 1}
    cladder = audit(shared / "cladder")
    for each in cladder:
        loopy = {d.id for d in each.disputes if d.kind == "loopy value"}
        named = {"ate", "ett", "nde", "nie", "marginal"}
        records = json.loads((shared / "cladder" / each.file).read_text())
        arrowhead = {
            f"{each.file.removesuffix('.json')}-{record['question_id']}"
            for record in records
            if record["meta"]["graph_id"] == "arrowhead" and record["meta"]["query_type"] in named
        }
        assert arrowhead <= loopy
        assert each.kinds.keys() <= {"loopy value"}
