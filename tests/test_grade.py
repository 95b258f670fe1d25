r"""Grading: adversarial replies with their verdicts, and laws."""

from time import perf_counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caugym.grade import Grader, Verdict, grade
from caugym.problems.problem import Answer

EFFECT = Answer("identified", "0.3847", "Yes")
BOUND = Answer("identified", "0.3847")
ZERO = Answer("identified", "0.0000", "No")
UNKNOWN = Answer("insufficient", missing=("P(Y | X)",))
J = '{"ANSWER": "Yes", "PROB": "0.3847"}'
GRID = " ".join(f'{{"PROB": "{-1 + 2 * k / 2299:.4f}"}}' for k in range(2300))

STRICT: list[tuple[str, Answer, str]] = [
    # formats that people use
    (J, EFFECT, "correct"),
    ('{"ANSWER": "Yes", "PROB": 0.3847}', EFFECT, "correct"),
    ('{"ANSWER": "Yes", "PROB": "0.38470"}', EFFECT, "correct"),
    ('{"ANSWER": "Yes", "PROB": 3.847e-1}', EFFECT, "correct"),
    ('{"ANSWER": "Yes", "PROB": "+0.3847"}', EFFECT, "correct"),
    ('{"ANSWER": "Yes", "PROB": ".3847"}', EFFECT, "correct"),
    ('{"ANSWER": "Yes", "PROB": "38.47%"}', EFFECT, "correct"),
    ("{ANSWER: Yes, PROB: 38.47 %}", EFFECT, "correct"),
    ('{"answer": "yes", "prob": "0.3847"}', EFFECT, "correct"),
    ('{"Answer": "YES.", "Prob": "0.3847"}', EFFECT, "correct"),
    ("{'ANSWER': 'Yes', 'PROB': '0.3847'}", EFFECT, "correct"),
    ("{ANSWER: Yes, PROB: 0.3847}", EFFECT, "correct"),
    ("{\u201cANSWER\u201d: \u201cYes\u201d, \u201cPROB\u201d: \u201c0.3847\u201d}", EFFECT, "correct"),
    (r"{\"ANSWER\": \"Yes\", \"PROB\": \"0.3847\"}", EFFECT, "correct"),
    ('{"ANSWER": "Yes", "PROB": "0.3847",}', EFFECT, "correct"),
    ('{"PROB": "0.3847", "ANSWER": "Yes"}', EFFECT, "correct"),
    ('{\n  "ANSWER": "Yes",\n  "PROB": "0.3847"\n}', EFFECT, "correct"),
    (f"So the answer is:\n```json\n{J}\n```\n", EFFECT, "correct"),
    (f"**{J}** Hope that helps!", EFFECT, "correct"),
    ('{"REASON": "as {Z}, PROB: 0.9", "ANSWER": "Yes", "PROB": "0.3847"}', EFFECT, "correct"),
    ('{"STEPS": ["a, b", "c"], "ANSWER": "Yes", "PROB": "0.3847"}', EFFECT, "correct"),
    ('{"PROB": ["0.3847"]}', BOUND, "unparsed"),
    ('{"result": {"ANSWER": "Yes", "PROB": "0.3847"}}', EFFECT, "correct"),
    (rf"\boxed{{{J}}}", EFFECT, "correct"),
    (r"\boxed{\{\"ANSWER\": \"Yes\", \"PROB\": \"0.3847\"\}}".replace(r"\"", '"'), EFFECT, "correct"),
    (r"\boxed{Yes, 0.3847}", EFFECT, "correct"),
    (r"$\boxed{\text{Yes}}$ with $\boxed{38.47\%}$", EFFECT, "correct"),
    (r"\boxed{0.3847}", BOUND, "correct"),
    (r"\boxed{\mathrm{0.3847}}", BOUND, "correct"),
    ('{"PROB": "0.3847"}', BOUND, "correct"),
    ('{"ANSWER": "No", "PROB": "0.3847"}', BOUND, "correct"),  # a bound asks no yes/no
    ('{"PROB": "\u22120.3847"}', Answer("identified", "-0.3847"), "correct"),
    ('{"ANSWER": "No", "PROB": "-0.0"}', ZERO, "correct"),
    ('{"ANSWER": "No", "PROB": 0}', ZERO, "correct"),
    # tolerance
    ('{"ANSWER": "Yes", "PROB": "0.3852"}', EFFECT, "correct"),
    ('{"ANSWER": "Yes", "PROB": "0.3842"}', EFFECT, "correct"),
    ('{"ANSWER": "Yes", "PROB": "0.3853"}', EFFECT, "wrong"),
    ('{"ANSWER": "Yes", "PROB": "-0.3847"}', EFFECT, "wrong"),
    ('{"ANSWER": "Yes", "PROB": "38.47"}', EFFECT, "wrong"),
    ('{"ANSWER": "Yes", "PROB": "0.3847%"}', EFFECT, "wrong"),
    # value and yes/no apart
    ('{"ANSWER": "No", "PROB": "0.3847"}', EFFECT, "wrong"),
    ('{"PROB": "0.3847"}', EFFECT, "wrong"),
    ('{"ANSWER": "Yes"}', EFFECT, "wrong"),
    ('{"ANSWER": "Yes", "PROB": "nan"}', EFFECT, "wrong"),
    ('{"ANSWER": "Yes", "PROB": "1/3"}', EFFECT, "wrong"),
    ('{"ANSWER": "Yes", "PROB": "0.38 or 0.3847"}', EFFECT, "wrong"),
    ('{"ANSWER": "Yes or No", "PROB": "0.3847"}', EFFECT, "wrong"),
    # numbers that are none
    ('{"PROB": "nan"}', BOUND, "unparsed"),
    ('{"PROB": Infinity}', BOUND, "unparsed"),
    ('{"PROB": "-inf"}', BOUND, "unparsed"),
    ('{"PROB": 1e999}', BOUND, "unparsed"),
    ('{"PROB": "0.' + "3" * 60 + '"}', BOUND, "unparsed"),
    ('{"PROB": "\u0660.\u0663\u0668\u0664\u0667"}', BOUND, "unparsed"),
    ('{"PROB": "__import__(\'os\')"}', BOUND, "unparsed"),
    ('{"PROB": "0.5-0.1153"}', BOUND, "unparsed"),
    # no final answer
    ("", EFFECT, "unparsed"),
    (" \n\t", EFFECT, "unparsed"),
    ("The probability is 0.3847.", EFFECT, "unparsed"),
    ('{"ANSWER": "Yes", "PROB": "0.3847"', EFFECT, "unparsed"),
    ('["Yes", 0.3847]', EFFECT, "unparsed"),
    ('{"RESULT": 0.3847}', EFFECT, "unparsed"),
    ('"PROB": "0.3847"', BOUND, "unparsed"),
    # thoughts
    (f"<think>0.1?</think>{J}", EFFECT, "correct"),
    (f'<think>{{"ANSWER": "No", "PROB": "0.1"}}</think>{J}', EFFECT, "correct"),
    (f"template opened the thought, then</think>\n\n{J}", EFFECT, "correct"),
    (f"<think>a<think>b</think>c</think>{J}", EFFECT, "correct"),
    (f"<think>{J}</think>", EFFECT, "unparsed"),
    (f"<think>{J}</think>It depends.", EFFECT, "unparsed"),
    (f"<think>I think {J}", EFFECT, "unparsed"),
    (f"<think>a</think>{J}<think>wait", EFFECT, "unparsed"),
    # several answers
    (f"{J} {J}", EFFECT, "correct"),
    (f"\\boxed{{0.3847}}\n{J}", EFFECT, "correct"),
    (f'{{"PROB": 0.38475}} rounded: {J}', EFFECT, "correct"),
    (f'{{"PROB": 0.38465}} rounded: {J}', EFFECT, "correct"),
    (f'{{"PROB": 0.3848}} or {J}', EFFECT, "wrong"),
    (f'{{"ANSWER": "Yes", "PROB": "0.1234"}} {J}', EFFECT, "wrong"),
    (f'{J} or {{"ANSWER": "No", "PROB": "0.3847"}}', EFFECT, "wrong"),
    ('{"ANSWER": "Yes", "PROB": "0.1", "PROB": "0.3847"}', EFFECT, "wrong"),
    (r"\boxed{0.1} \boxed{0.3847}", BOUND, "wrong"),
    (GRID, BOUND, "wrong"),
    (f"{J}\nLACK_CONDITION", EFFECT, "wrong"),
    (f"LACK_CONDITION\n{J}", EFFECT, "wrong"),
    (f"LACK_CONDITION\n{J}", UNKNOWN, "wrong"),
    # abstentions
    ("LACK_CONDITION", UNKNOWN, "correct"),
    ("P(Y | X) is not given.\n\n**LACK_CONDITION**.", UNKNOWN, "correct"),
    ("Final answer: LACK_CONDITION", UNKNOWN, "correct"),
    ("So the answer is `LACK_CONDITION`.\nP(Y | X) is missing.", UNKNOWN, "correct"),
    ('{"ANSWER": "LACK_CONDITION"}', UNKNOWN, "correct"),
    ('{"ANSWER": "LACK_CONDITION", "PROB": null}', UNKNOWN, "correct"),
    ("{'prob': 'lack_condition'}", UNKNOWN, "correct"),
    (r"\boxed{\text{LACK\_CONDITION}}", UNKNOWN, "correct"),
    ("LACK_CONDITION", EFFECT, "abstained"),
    ("I will not say LACK_CONDITION", UNKNOWN, "unparsed"),
    ("The answer is not LACK_CONDITION.", UNKNOWN, "unparsed"),
    (f"I will not say LACK_CONDITION.\n{J}", EFFECT, "correct"),
    (f"I will not say LACK_CONDITION.\n{J}", UNKNOWN, "wrong"),
    ("<think>LACK_CONDITION</think>", UNKNOWN, "unparsed"),
    ("", UNKNOWN, "unparsed"),
]

OFFICIAL: list[tuple[str, Answer, bool]] = [
    (J, EFFECT, True),
    ('{"PROB": 0.3847}', EFFECT, True),
    ('{"ANSWER": "No", "PROB": "0.3847"}', EFFECT, True),  # yes/no is never graded
    (GRID, BOUND, True),
    (GRID, Answer("identified", "-0.9137"), True),
    (f'<think>{J}</think>{{"PROB": "0.9"}}', EFFECT, True),
    (f"<think>{J}", EFFECT, True),
    ('{"PROB": "0.3853"}', EFFECT, False),
    ('{"prob": "0.3847"}', EFFECT, False),
    ("{'PROB': '0.3847'}", EFFECT, False),
    ('{"PROB": "38.47%"}', EFFECT, False),
    (r"\boxed{0.3847}", EFFECT, False),
    ("LACK_CONDITION", EFFECT, False),
    ("", EFFECT, False),
    ("I will not say LACK_CONDITION", UNKNOWN, True),
    (f"LACK_CONDITION {J}", UNKNOWN, True),
    ("lack_condition", UNKNOWN, False),
    ("", UNKNOWN, False),
]


@pytest.mark.parametrize(("reply", "gold", "kind"), STRICT)
def test_strict_verdicts(reply: str, gold: Answer, kind: str) -> None:
    verdict = grade(reply, gold)
    assert verdict.kind == kind, verdict
    assert verdict.reason


@pytest.mark.parametrize(("reply", "gold", "right"), OFFICIAL)
def test_official_verdicts(reply: str, gold: Answer, right: bool) -> None:
    assert grade(reply, gold, grader="official").correct is right


def test_value_and_yes_no_are_graded_apart() -> None:
    half = grade('{"ANSWER": "No", "PROB": "0.3847"}', EFFECT)
    assert (half.value_ok, half.answer_ok, half.reason) == (True, False, "the yes/no is wrong")
    half = grade('{"ANSWER": "Yes", "PROB": "nan"}', EFFECT)
    assert (half.value_ok, half.answer_ok, half.reason) == (False, True, "no readable value")
    assert grade('{"PROB": "0.3847"}', BOUND).answer_ok is None
    assert grade("{PROB: 0.1} {PROB: 0.2}", EFFECT).reason == "several answers"


def test_a_cut_off_reply_is_never_correct() -> None:
    assert grade(J, EFFECT, truncated=True).kind == "truncated"
    assert not grade("LACK_CONDITION", UNKNOWN, truncated=True).correct


def test_an_answer_too_far_from_the_end_is_not_final() -> None:
    assert grade(J + " bla" * 4_000, EFFECT).correct
    assert grade(J + " bla" * 6_000, EFFECT).kind == "unparsed"
    cut = "I will not say " * 10 + "LACK_CONDITION" + " " * (20_000 - len("LACK_CONDITION"))
    assert grade(cut, UNKNOWN).kind == "unparsed"


@pytest.mark.parametrize(
    "piece",
    [
        '{"PROB":1},',
        '{"',
        "{",
        '{a:"{",',
        "9",
        "\\",
        "<think>",
        "</think",
        "}",
        "lack",
        "\\{` a=",
        "{a:\u201c",
    ],
)
@pytest.mark.parametrize("grader", ["strict", "official"])
def test_a_hostile_reply_of_10_MB_stalls_nobody(piece: str, grader: Grader) -> None:
    reply = piece * (10_000_000 // len(piece))
    start = perf_counter()
    grade(reply, EFFECT, grader=grader)
    assert perf_counter() - start < 5  # a stall lasts minutes; benchmarks/grade.py measures the speed


golds = st.builds(
    lambda k, answer: Answer("identified", f"{k / 10_000:.4f}", answer),
    st.integers(-10_000, 10_000),
    st.sampled_from(["Yes", "No", None]),
)
noise = st.text(
    st.sampled_from("{}\"'\\:=,.%+-e019 \nANSWERPROBYesNoLACK_CONDITION<think>/boxed") | st.characters()
)


def reply_of(gold: Answer, value: str | None = None) -> str:
    number = value if value is not None else gold.value
    return f'{{"ANSWER": "{gold.answer}", "PROB": "{number}"}}' if gold.answer else f'{{"PROB": "{number}"}}'


def consistent(verdict: Verdict, gold: Answer) -> None:
    assert verdict.correct == (verdict.kind == "correct")
    assert (verdict.value_ok is None) == (gold.value is None)
    assert verdict.correct <= (verdict.value_ok is not False and verdict.answer_ok is not False)


@given(golds, noise)
def test_the_gold_reply_is_correct_after_any_thought(gold: Answer, thought: str) -> None:
    assert grade(reply_of(gold), gold).correct
    assert grade(f"<think>{thought}</think>\n" + reply_of(gold), gold).correct
    assert grade(reply_of(gold), gold, grader="official").correct


@given(golds, st.sampled_from([-3, 3]), st.sampled_from(["strict", "official"]))
def test_a_near_miss_is_wrong(gold: Answer, step: int, grader: Grader) -> None:
    miss = f"{float(str(gold.value)) + step * 0.0005:.4f}"
    verdict = grade(reply_of(gold, miss), gold, grader=grader)
    assert not verdict.correct
    assert verdict.value_ok is False


@given(golds, golds)
def test_two_different_answers_are_wrong(one: Answer, other: Answer) -> None:
    if (one.value, one.answer) != (other.value, other.answer) and None not in (one.answer, other.answer):
        for gold in (one, other):
            assert not grade(reply_of(one) + "\n" + reply_of(other), gold).correct


@settings(max_examples=300)
@given(noise, golds | st.just(UNKNOWN), st.booleans(), st.sampled_from(["strict", "official"]))
def test_grading_never_raises(reply: str, gold: Answer, truncated: bool, grader: Grader) -> None:
    for text in (reply, "{" + reply + "}", '{"PROB": "' + reply + '"}', "\\boxed{" + reply + "}"):
        consistent(grade(text, gold, truncated=truncated, grader=grader), gold)
