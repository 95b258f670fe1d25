"""The sets that only change the words: rephrased, omitted, and what each must not say."""

import hashlib
import re
from collections import Counter
from contextlib import suppress
from dataclasses import replace
from random import Random
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caugym.core.errors import InputError
from caugym.core.query import Query, Term
from caugym.estimands import TABLE, yes
from caugym.problems.generate import TASKS, Item, generate
from caugym.problems.meaning import same_meaning
from caugym.problems.problem import Problem, Statement, Variable
from caugym.problems.read import read
from caugym.problems.rewording import POOLS
from caugym.problems.shares import FORMS, decimal, told
from caugym.problems.verbalise import Style, random_style, verbalise
from caugym.problems.wording import SHARE, TASK_NAMES, Unreadable

EACH_TASK = pytest.mark.parametrize("task", TASKS)


def items(set_: str, task: str, n: int, level: str = "easy") -> list[Item]:
    return list(generate(set_, task, level, "test", 1, range(n)))  # type: ignore[arg-type]


FAN = Problem(
    (Variable("sleep", ("poor", "good")), *map(Variable, ("diet", "mood", "trust", "pH value"))),
    ((0, 1), (0, 2), (0, 3), (1, 4), (2, 4), (3, 4), (0, 4)),
    (
        Statement(Term(((4, 1),), ((0, 0),)), "0.43"),
        Statement(Term(((4, 1),), ((0, 1), (1, 0))), "0.6100"),
        Statement(Term(((0, 1),)), "0.5000"),
        Statement(Term(((1, 0), (2, 1))), "0.001"),
        Statement(Term(((3, 1),)), "1.0"),
    ),
    Query("ATE", 0, 4, 1, 0, polarity="less"),
)

GATHERED = """\
Sleep exerts a direct influence on each of diet, mood and trust. \
Diet, mood, trust and sleep each exert a direct influence on pH value.
Sleep may be poor or good. Diet may be low or high. Mood may be low or high. Trust may be low or high. \
pH value may be low or high.
The probability of pH value being high is 43 in 100 for those with sleep being poor; \
and 6,100 in 10,000 for those with sleep being good and diet being low. \
The probabilities are 5,000 in 10,000 for sleep being good; 1 in 1,000 for diet being low and \
mood being high; and 10 in 10 for trust being high.
Were everyone to have sleep at good, would this make it less likely that pH value is low?
Finish with {"ANSWER": "Yes", "PROB": "0.1234"}, four decimals; if the numbers given leave the answer open, \
write LACK_CONDITION instead."""


def test_several_arrows_and_numbers_share_a_sentence() -> None:
    style = Style(frame=-1, instruction=-1, pool="rephrased", gather=True, shares=1)
    assert verbalise(FAN, style) == GATHERED
    assert read(GATHERED) == FAN


@pytest.mark.parametrize("pool", POOLS)
def test_wide_graphs_with_long_names_are_told(pool: str) -> None:
    n = 11
    variables = tuple(
        Variable(f"{'very ' * 14}long n{chr(97 + v)}", ("quite low", "quite high")) for v in range(n)
    )
    edges = tuple((0, v) for v in range(1, n)) + tuple((v, n - 1) for v in range(1, n - 1))
    given = tuple((v, v % 2) for v in range(8))
    numbers = [Statement(Term(((n - 1, k),), (*given, (8, k))), "0.1234") for k in (0, 1)]
    problem = Problem(variables, edges, (*numbers, *numbers), Query("ATE", 0, n - 1, 1, 1))
    for seed in range(40):
        assert read(verbalise(problem, random_style(Random(seed), pool))) == problem


def test_a_text_may_mix_the_pools() -> None:
    base, further = Style(layout=2, instruction=-1), Style(layout=2, instruction=-1, pool="rephrased")
    a, b = verbalise(FAN, base).split("\n"), verbalise(FAN, further).split("\n")
    assert len(a) == len(b)
    for seed in range(100):
        rng = Random(seed)
        text = "\n".join(rng.choice(pair) for pair in zip(a, b, strict=True))
        try:
            assert read(text) == FAN
        except InputError:
            assert len({line in a for line in text.split("\n")[8:13]}) == 2  # listings are of one kind


@given(st.decimals(0, 1, places=6), st.integers(0, 6), st.sampled_from(range(len(FORMS))))
def test_a_share_means_the_same_digits(value: object, places: int, form: int) -> None:
    digits = f"{value:.{places}f}"
    assert decimal(told(digits, form)) == digits
    assert re.fullmatch(SHARE, told(digits, form))


@pytest.mark.parametrize("share", ["43 in 200", "4 in 1", "1,2 in 100", "0.4 in 10", "5 of 10", "200 in 100"])
def test_a_share_that_is_none_is_refused(share: str) -> None:
    with pytest.raises(InputError):
        read(GATHERED.replace("43 in 100", share))


def test_the_base_wordings_never_move() -> None:
    digest = hashlib.sha256()
    for task in TASKS:
        bound: Literal["upper"] | None = None if TABLE[task].effect else "upper"
        held = ((2, 1),) if task == "CDE" else ()
        problem = replace(FAN, query=Query(task, 0, 4, 1, 0, bound, held))
        for seed in range(30):
            digest.update(verbalise(problem, random_style(Random(seed))).encode())
    assert digest.hexdigest() == "712c676f4a04004276b649bf1d86a229ac03e603bdbf1b6c2a8c36f5a8c557ad"


OPPOSITES = [
    "low high",
    "poor good",
    "more less",
    "lower upper",
    "smallest largest",
    "1 2",
    "3 4",
    "sleep diet",
]
OPPOSITE = {a: b for pair in OPPOSITES for a, b in (pair.split(), pair.split()[::-1])}
ONE_WORD = re.compile(rf"(?<!\w)(?:{'|'.join(OPPOSITE)})(?!\w)|(?<=[0-9])[1-4]|[1-4](?=[0-9])").finditer


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(TASKS), st.sampled_from(list(POOLS)), st.integers(0, 10**9))
def test_one_changed_word_or_digit_shows(task: str, pool: str, seed: int) -> None:
    rng = Random(seed)
    bound: Literal["lower", "upper"] | None = None if TABLE[task].effect else rng.choice(["lower", "upper"])
    query = Query(task, 0, 4, seed % 2, 0, bound, ((2, 1),) if task == "CDE" else ())  # type: ignore[arg-type]
    problem = replace(FAN, query=query)
    text = verbalise(problem, random_style(rng, pool))
    place = rng.choice(list(ONE_WORD(text)))
    changed = text[: place.start()] + OPPOSITE[place[0]] + text[place.end() :]
    with suppress(Unreadable):
        assert read(changed) != problem, changed


@EACH_TASK
def test_rephrased_uses_no_base_wording_and_asks_both_ways(task: str) -> None:
    batch = items("rephrased", task, 80)
    fixed = {
        template.format.split("%s")[0]
        for name in ("edges", "marginals", "joints", "conditionals", "instructions")
        for template in getattr(POOLS["base"], name)
        if not template.template.startswith("{") and len(template.format.split("%s")[0]) > 20
    }
    for item in batch:
        for sentence in (*fixed, *POOLS["base"].frames, *POOLS["base"].effect_formats):
            assert sentence not in item.prompt
    if TABLE[task].effect:
        asked = Counter((item.problem.query.polarity, item.gold.answer) for item in batch)
        assert asked == {(p, a): 20 for p in ("more", "less") for a in ("Yes", "No")}
        for item in batch:
            assert item.gold.answer == (
                "Yes" if yes(float(item.gold.value or 0), item.problem.query) else "No"
            )
            assert f"{item.problem.query.polarity} likely" in item.prompt


def test_rephrased_gathers_and_counts() -> None:
    prompts = "\n".join(item.prompt for task in TASKS for item in items("rephrased", task, 30, "standard"))
    for sign in (" out of 10,000", " in 10,000", "%", "each of ", " each ", "; with "):
        assert prompts.count(sign) > 5, sign


NAMED = re.compile(
    rf"\b(?:{'|'.join(TASK_NAMES)}|{'|'.join(TASK_NAMES.values())}|indirect|direct effect (?!on|of)"
    r"|average|controlled|natural|treat\w*|necess\w+|suffic\w+|mediat\w+|adjust\w*|confound\w*|back-?door"
    r"|front-?door|counterfactual\w*|formula\w*|estimand\w*|do-calculus|marginali\w+|standardi\w+)\b",
    re.IGNORECASE,
)


@EACH_TASK
@pytest.mark.parametrize("level", ["easy", "standard"])
def test_omitted_names_no_task_and_no_formula(task: str, level: str) -> None:
    questions = set()
    for item in items("omitted", task, 120, level):
        text = item.prompt
        for variable in sorted(item.problem.variables, key=lambda each: -len(each.name)):
            text = re.sub(
                re.escape(variable.name), "V", text, flags=re.IGNORECASE
            )  # "treatment cost" may stay
        assert not NAMED.search(text), text
        assert read(item.prompt).query == item.problem.query
        questions.add(text.split("?")[0][-40:])
    assert len(questions) > 1


def test_no_hint_stands_in_any_omitted_sentence() -> None:
    for questions in POOLS["omitted"].questions.values():
        for each in questions:
            assert not NAMED.search(each.template)
    assert not POOLS["omitted"].instructions


REWRITTEN = verbalise(replace(FAN, edges=FAN.edges[::-1]), Style())
MEANT = read(REWRITTEN)
ASKED = "If sleep is changed to be good, will pH value"
CORRUPTIONS = {
    "a digit": ("is 0.43.", "is 0.44.", "numbers"),
    "a digit lost": ("0.6100", "0.610", "numbers"),
    "an arrow turned": (
        "Trust has a direct effect on pH value",
        "pH value has a direct effect on trust",
        "arrows",
    ),
    "an arrow lost": (" Sleep has a direct effect on mood.", "", "arrows"),
    "an arrow more": (" on mood.", " on mood. Diet has a direct effect on mood.", "arrows"),
    "an arrow told twice": (" on mood.", " on mood. Sleep has a direct effect on mood.", "arrows"),
    "a level turned": ("sleep being good is 0.5000", "sleep being poor is 0.5000", "numbers"),
    "a condition lost": ("sleep being good and diet being low, the", "sleep being good, the", "numbers"),
    "a condition turned": ("those with sleep being poor", "those with sleep being good", "numbers"),
    "event and condition swapped": (
        "sleep being poor, the probability of pH value being high",
        "pH value being high, the probability of sleep being poor",
        "numbers",
    ),
    "a number lost": (" The probability of sleep being good is 0.5000.", "", "numbers"),
    "a number more": ("is 0.5000.", "is 0.5000. The probability of mood being low is 0.2.", "numbers"),
    "a name": ("pH value", "pH level", "variables"),
    "a level's name": ("good", "fine", "variables"),
    "the polarity": ("less likely", "more likely", "polarity"),
    "the level asked for": ("likely to be low", "likely to be high", "levels"),
    "the change asked for": ("changed to be good", "changed to be poor", "levels"),
    "the roles": (ASKED, "If mood is changed to be high, will pH value", "roles"),
    "the task": (ASKED, f"With diet held at low, {ASKED.replace('If', 'if')}", "task"),
    "the question lost": (f"{ASKED} be less likely to be low?", "", "text"),
    "a remark": ("Trust has", "By the way, trust has", "text"),
}


@pytest.mark.parametrize(("old", "new", "kind"), CORRUPTIONS.values(), ids=CORRUPTIONS)
def test_a_corrupted_rewrite_is_refused(old: str, new: str, kind: str) -> None:
    text = verbalise(MEANT, Style(instruction=-1))
    assert same_meaning(MEANT, text) == []
    assert old in text
    reasons = same_meaning(MEANT, text.replace(old, new))
    assert kind in {reason.partition(":")[0] for reason in reasons}
    assert all("\n" not in reason and len(reason) < 300 for reason in reasons)


def test_another_order_has_the_same_meaning() -> None:
    assert MEANT != FAN
    assert same_meaning(FAN, REWRITTEN) == []
    assert same_meaning(replace(FAN, statements=FAN.statements[::-1]), GATHERED) == []
