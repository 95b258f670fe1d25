"""Every public benchmark keeps the same contract; each grader is what it says."""

import os
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caugym.core.errors import InputError
from caugym.evaluate.benchmarks import BENCHMARKS, checksum, recognise
from caugym.evaluate.benchmarks.replies import choices, distribution, word
from tests.evaluate import public

ALL = pytest.mark.parametrize("name", BENCHMARKS)


def test_every_benchmark_has_a_sample_here() -> None:
    assert public.SAMPLES.keys() == BENCHMARKS.keys()


@ALL
def test_a_file_is_recognised_by_its_fields(name: str, tmp_path: Path) -> None:
    file = public.SAMPLES[name](tmp_path)
    assert recognise(file).name == name
    others = [
        each for each in BENCHMARKS.values() if each.name != name and "corr2cause" not in (name, each.name)
    ]
    assert not any(each.recognises(file) for each in others)


@ALL
def test_a_benchmark_proves_itself_without_a_model(name: str, tmp_path: Path) -> None:
    """The right reply is right by both rules; silence, and every other item's different answer, is wrong."""
    benchmark = BENCHMARKS[name]
    items = list(benchmark.load(public.SAMPLES[name](tmp_path)))
    assert len({item.id for item in items}) == len(items) >= 2
    for item in items:
        reply = benchmark.right(item)
        assert benchmark.official(reply, item), reply
        assert benchmark.strict(reply, item).correct, reply
        assert benchmark.strict(f"<think>{benchmark.right(items[0])}</think>{reply}", item).correct
        assert benchmark.strict("", item).kind == "unparsed"
        assert not benchmark.strict(f"<think>{reply}", item).correct
        strict, official = benchmark.grade(reply, item, truncated=True)
        assert (strict.kind, strict.correct, official.correct) == ("truncated", False, True)
        assert item.text
        assert item.benchmark == name
    different = [(a, b) for a in items for b in items if a.gold != b.gold]
    assert not any(benchmark.strict(benchmark.right(a), b).correct for a, b in different)
    both = [("\n".join(map(benchmark.right, pair)), pair[0]) for pair in different]
    assert not any(benchmark.strict(reply, item).correct for reply, item in both)


@ALL
def test_a_benchmark_says_whose_it_is(name: str) -> None:
    about = BENCHMARKS[name].about()
    assert BENCHMARKS[name].citation in about
    assert BENCHMARKS[name].url.startswith("https://")
    assert BENCHMARKS[name].licence in about
    assert BENCHMARKS[name].metric.endswith(".")


@ALL
def test_no_reply_is_slow(name: str, tmp_path: Path) -> None:
    benchmark = BENCHMARKS[name]
    item = next(benchmark.load(public.SAMPLES[name](tmp_path)))
    hostile = [
        "[" * 50_000,
        "answer " * 20_000,
        "{" * 50_000,
        "[0.1, " * 20_000,
        "\\boxed{" * 20_000,
        " " * 100_000,
    ]
    hostile += ['{"prob": ' * 10_000, "ANSWER [" + "1, " * 30_000, "1" * 100_000, '"answer": ' * 20_000]
    start = time.perf_counter()
    for reply in hostile:
        benchmark.official(reply, item)
        benchmark.strict(reply, item)
    assert time.perf_counter() - start < 5


@ALL
@given(reply=st.text(max_size=200))
def test_no_reply_breaks_a_grader(name: str, reply: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    benchmark = BENCHMARKS[name]
    folder = tmp_path_factory.getbasetemp() / name
    folder.mkdir(exist_ok=True)
    for item in benchmark.load(public.SAMPLES[name](folder)):
        benchmark.official(reply, item)
        benchmark.strict(reply, item)


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        ("Yes", "Yes"),
        ("yes.", "Yes"),
        ("**Yes**", "Yes"),
        ('{"answer": "no"}', "No"),
        ("{ANSWER: No, why: 'x'}", "No"),
        (r"so \boxed{\text{No}}", "No"),
        ("The final answer is: Yes, because it rains.", "Yes"),
        ("No effect is left, so I think twice.\nAnswer: Yes", "Yes"),
        ("Yes and no", None),
        ("Answer: yes. Answer: no.", None),
        ("I do not say yes", None),
        ("Yes\nNo", "No"),
        ("", None),
        ("<think>Yes", None),
    ],
)
def test_a_word_is_read_only_as_an_answer(reply: str, said: str | None) -> None:
    assert word(reply, ("Yes", "No")) == said


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        ("2", {2}),
        ("Answer: 1, 3", {1, 3}),
        ("The answer is choices 1 and 4.", {1, 4}),
        ("Answer: 5", set()),
        ("Choice 2 is wrong and 3 too", set()),
        ("Answer: 1\nAnswer: 2", set()),
    ],
)
def test_choices_are_read_only_as_an_answer(reply: str, said: set[int]) -> None:
    assert choices(reply, 4) == said


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        ("ANSWER [0.25, 0.75]", (0.25, 0.75)),
        ("first [0.5, 0.5], no: [0.3, 0.7].", (0.3, 0.7)),
        ("[0.3, 0.7] or so", None),
        ("[0.3, 0.3]", None),
        ("[-0.3, 1.3]", None),
        ("[nan, 1]", None),
        ("0.3, 0.7", None),
    ],
)
def test_a_distribution_ends_its_reply(reply: str, said: tuple[float, ...] | None) -> None:
    assert distribution(reply) == said


def test_official_rules_keep_their_laxity(tmp_path: Path) -> None:
    calm, item = BENCHMARKS["calm"], next(BENCHMARKS["calm"].load(public.SAMPLES["calm"](tmp_path)))
    lax = '{"prob": 0.5} or rather {"prob": 0.9}'
    assert calm.official(lax, item)
    assert not calm.strict(lax, item).correct
    assert not calm.official('{"prob": 0.5004}', item), "CaLM asks for four equal places"
    assert calm.strict('{"prob": 0.5004}', item).correct
    causal, question = BENCHMARKS["corr2cause"], None
    question = next(causal.load(public.SAMPLES["corr2cause"](tmp_path)))
    assert causal.official("I refuse.", question)
    assert not causal.strict("I refuse.", question).correct


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("x.json", '[{"a": 1}]', "known are calm"),
        ("x.csv", "a,b\n1,2\n", "known are calm"),
        ("x.zip", "", "cannot tell what it holds"),
    ],
)
def test_other_files_are_refused_in_one_line(name: str, text: str, message: str, tmp_path: Path) -> None:
    file = tmp_path / name
    file.write_text(text)
    with pytest.raises(InputError, match=message):
        recognise(file)


def test_damage_is_named(tmp_path: Path) -> None:
    file = public.json_array(tmp_path / "q.json", [public.cladder(1, "ate", 0.2, "yes")])
    with pytest.raises(InputError, match="put the file of models"):
        list(BENCHMARKS["cladder"].load(file))
    twice = [public.cladder(1, "ate", 0.2, "yes")] * 2
    public.json_array(tmp_path / "test-model-meta.json", [public.DIAMOND])
    with pytest.raises(InputError, match="stands twice"):
        list(BENCHMARKS["cladder"].load(public.json_array(file, twice)))
    item = public.rlcausal(public.SET, [1])
    item["example"]["reference"] = "[0.5"
    with pytest.raises(InputError, match="is damaged"):
        list(BENCHMARKS["rlcausal"].load(public.json_array(tmp_path / "r.json", [item])))


def test_checksum(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"abc")
    assert checksum(tmp_path / "x") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


SHARED = os.environ.get("CAUGYM_SHARED_DATA")


@pytest.mark.skipif(not SHARED, reason="CAUGYM_SHARED_DATA names no folder of public files")
@pytest.mark.parametrize(
    ("pattern", "name"),
    [
        ("calm_lite/*-hard_EN.json", "calm"),
        ("caugym_release/*_dataset.json", "release"),
        ("cladder/test-generate-*.json", "cladder"),
        ("rlcausal/*.parquet", "rlcausal"),
        ("bbeh_causal/task.json", "bbeh-causal"),
    ],
)
def test_public_files_prove_themselves(pattern: str, name: str) -> None:
    files = sorted(Path(str(SHARED)).glob(pattern))
    assert files
    for file in files:
        benchmark = recognise(file)
        assert benchmark.name == name
        for item in benchmark.load(file):
            assert benchmark.official(benchmark.right(item), item)
            assert benchmark.strict(benchmark.right(item), item).correct
