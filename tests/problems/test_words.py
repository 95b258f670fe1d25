"""The two directions between problems and words, and the reading of public wordings."""

import dataclasses
import json
import os
import re
import time
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caugym.core.errors import InputError
from caugym.core.query import Query, Task, Term
from caugym.problems import wording
from caugym.problems.problem import Problem, Statement, Variable
from caugym.problems.read import MAX_CHARACTERS, Unreadable, read
from caugym.problems.rewording import POOLS
from caugym.problems.stories import stories
from caugym.problems.verbalise import Style, random_style, verbalise
from caugym.problems.wording import QUESTIONS, RESERVED, TASK_NAMES, Wording

PUBLIC = (
    "Imagine a self-contained, hypothetical world with only the following conditions, and without any "
    "unmentioned factors or causal relationships: "
)
NAMES = (
    "smoking", "lung cancer", "GDP growth", "pH value", "house prices", "x", "Z", "hours of sleep",
    "distance from home", "time for work", "drop-out rate", "driver's age", "change in income",
    "hospital stays", "shares held", "naïveté", "trust in the courts", "B12 intake", "bramok", "lutevi",
    "sleep",
)  # fmt: skip
LEVELS = (
    ("low", "middling", "high"),
    ("low", "high"),
    ("not satisfied", "satisfied"),
    ("no", "yes"),
    ("few", "many"),
    ("for", "against"),
    ("0", "1"),
    ("3 in 10", "5%"),
)
EFFECT_TASKS = tuple(task for task in TASK_NAMES if task not in ("PN", "PS"))
STYLES = st.builds(
    Style,
    frame=st.integers(-1, 7),
    **{
        kind: st.integers(0, 7)
        for kind in ("edge", "levels", "marginal", "joint", "conditional", "question", "format")
    },
    instruction=st.integers(-1, 7),
    order=st.integers(0, 2),
    alternate=st.integers(0, 2**32 - 1),
    layout=st.integers(0, 3),
    pool=st.sampled_from(list(POOLS)),
    gather=st.booleans(),
    shares=st.integers(0, 3),
)


@st.composite
def _names(draw: st.DrawFn, n: int) -> list[str]:
    nonsense = st.text("abdeiklmnorstuvz", min_size=2, max_size=8).filter(lambda name: name not in RESERVED)
    return draw(st.lists(st.sampled_from(NAMES) | nonsense, min_size=n, max_size=n, unique=True))


@st.composite
def _assignment(draw: st.DrawFn, variables: list[int], least: int = 1) -> tuple[tuple[int, int], ...]:
    chosen = draw(st.lists(st.sampled_from(variables), min_size=least, max_size=len(variables), unique=True))
    return tuple((variable, draw(st.integers(0, 1))) for variable in sorted(chosen))


@st.composite
def _statement(draw: st.DrawFn, n: int) -> Statement:
    parts = draw(st.permutations(range(n)))
    cut = draw(st.integers(1, n - 1))
    event = draw(_assignment(parts[:cut]))
    given = draw(_assignment(parts[cut:])) if draw(st.booleans()) else ()
    value = draw(st.decimals(0, 1, places=draw(st.integers(1, 6))))
    return Statement(Term(event, given), f"{value:f}")


@st.composite
def problems(draw: st.DrawFn) -> Problem:
    """Any problem that can be told: every variable has an arrow and is numbered as first mentioned."""
    n = draw(st.integers(3, 10))
    raw = [(draw(st.integers(0, v - 1)), v) for v in range(1, n)]
    pairs = [(a, b) for b in range(n) for a in range(b) if (a, b) not in raw]
    raw += draw(st.lists(st.sampled_from(pairs), unique=True, max_size=6)) if pairs else []
    raw = draw(st.permutations(raw))
    number: dict[int, int] = {}
    edges = tuple(tuple(number.setdefault(v, len(number)) for v in edge) for edge in raw)
    one_pair = draw(st.booleans())
    pair = draw(st.sampled_from(LEVELS[1:]))
    x, y, *others = draw(st.permutations(range(n)))
    variables = tuple(
        Variable(
            name, pair if one_pair else draw(st.sampled_from(LEVELS[v in (x, y) :])), draw(st.booleans())
        )
        for v, name in enumerate(draw(_names(n)))
    )
    task: Any = draw(st.sampled_from(list(TASK_NAMES)))
    bounded = task in ("PN", "PS")
    query = Query(
        task, x, y, draw(st.integers(0, 1)), draw(st.integers(0, 1)),
        draw(st.sampled_from(["lower", "upper"])) if bounded else None,
        draw(_assignment(others)) if task == "CDE" else (),
        "more" if bounded else draw(st.sampled_from(["more", "less"])),
    )  # fmt: skip
    statements = tuple(draw(st.lists(_statement(n), max_size=8)))
    return Problem(variables, edges, statements, query)  # type: ignore[arg-type]


@settings(max_examples=600, deadline=None)
@given(problems(), STYLES)
def test_read_is_the_inverse_of_verbalise(problem: Problem, style: Style) -> None:
    assert read(verbalise(problem, style)) == problem


def _example(task: Task = "ATE", levels: tuple[str, str] = ("poor", "good")) -> Problem:
    variables = (
        Variable("sleep", levels),
        Variable("GDP growth"),
        Variable("house prices", plural=True),
        Variable("trust", ("low", "high")),
    )
    statements = (
        Statement(Term(((3, 1),), ((0, 0), (1, 1), (2, 0))), "0.4310"),
        Statement(Term(((3, 1),), ((0, 1),)), "0.25"),
        Statement(Term(((0, 1),)), "0.5"),
        Statement(Term(((0, 1), (2, 0))), "0.123456"),
    )
    bound: Any = "lower" if task in ("PN", "PS") else None
    query = Query(task, 0, 3, 1, 0, bound, ((1, 0), (2, 1)) if task == "CDE" else ())
    return Problem(variables, ((0, 1), (1, 2), (2, 3), (0, 3)), statements, query)


WHOLE = """\
Consider a closed world in which only the following holds. Sleep has a direct effect on GDP growth. \
GDP growth has a direct effect on house prices. House prices have a direct effect on trust. \
Sleep has a direct effect on trust.
Levels: sleep (poor or good), GDP growth (low or high), house prices (low or high), trust (low or high).
When sleep is poor, GDP growth is high and house prices are low, then trust is high with probability 0.4310. \
When sleep is good, then trust is high with probability 0.25. \
The probability of sleep being good is 0.5. \
The probability of sleep being good and house prices being low is 0.123456.
Consider the effect of treatment on the treated (ETT) of sleep on trust.
Take those with sleep being poor: would trust have been more likely to be low had sleep been good?
Reply with JSON like {"ANSWER": "Yes", "PROB": "0.1234"} (four decimals), or with LACK_CONDITION if \
the given information does not determine the answer."""


def test_a_whole_problem_reads_like_english() -> None:
    assert verbalise(_example("ETT"), Style(question=2, levels=2, conditional=2)) == WHOLE


def _kinds(pool: str) -> dict[str, tuple[Any, ...]]:
    told = POOLS[pool]
    names = (
        "frames", "edges", "shared_levels", "levels", "marginals", "joints", "conditionals", "instructions",
        "effect_formats", "probability_formats",
    )  # fmt: skip
    questions: dict[str, tuple[Any, ...]] = {str(task): table for task, table in told.questions.items()}
    return {name: getattr(told, name) for name in names} | questions


def test_every_kind_of_sentence_has_at_least_four_wordings() -> None:
    assert all(len(set(kind)) >= 4 for kind in _kinds("base").values())
    further = _kinds("rephrased")
    assert all(len(set(kind)) >= 8 for kind in further.values())
    assert all(not set(kind) & set(further[name]) for name, kind in _kinds("base").items())
    extra = POOLS["rephrased"]
    assert min(map(len, (extra.fans_out, extra.fans_in, extra.gathered, extra.cases))) >= 4
    assert list(QUESTIONS) == list(TASK_NAMES)


TEMPLATES: list[Wording] = list(
    {
        each.template: each
        for pool in POOLS.values()
        for table in (
            pool.edges, pool.fans_out, pool.fans_in, pool.shared_levels, pool.marginals, pool.joints,
            pool.conditionals, pool.instructions, *pool.questions.values(),
            [listing.item for listing in pool.levels],
            [gathering.whole for gathering in pool.cases + pool.gathered],
        )
        for each in table
    }.values()
)  # fmt: skip
ENDED = [each for each in TEMPLATES if each.template[-1] in ".?"]
SHARED_LEVELS = wording.SHARED_LEVELS + POOLS["rephrased"].shared_levels
GATHERINGS = {each.whole.template: each for pool in POOLS.values() for each in pool.cases + pool.gathered}


CLOSED: dict[str, list[str]] = {
    "p": ["0.1200", "1"],
    "more": ["more", "less"],
    "bound": ["lower", "upper"],
    "extreme": ["smallest", "largest"],
    "share": ["0.1200", "0.5", "12 in 100", "1,234 out of 10,000", "12.34%", "3%"],
    "code": list(TASK_NAMES),
    "task": list(TASK_NAMES.values()),
    "levels": ["for or against", "low or high"],
}


def _filled(template: Wording, rng: Random) -> str:
    """The template with names and levels that come as near to its own words as names may."""

    def field(role: str, form: str) -> str:
        verb = form.rstrip("^")
        names = rng.sample(NAMES, 3)
        if role in ("event", "given", "held"):
            told = [
                f"{name} {rng.choice(wording.VERBS[verb])} {rng.choice(['low', 'high'])}" for name in names
            ]
            text = rng.choice([told[0], f"{told[0]} and {told[1]}", f"{told[0]}, {told[1]} and {told[2]}"])
        elif role in ("causes", "effects"):
            text = rng.choice([f"{names[0]} and {names[1]}", f"{names[0]}, {names[1]} and {names[2]}"])
        elif role == "members":
            gathering = GATHERINGS[template.template]
            text = gathering.join([_filled(gathering.item, rng) for _ in range(rng.randint(2, 4))])
        elif role in wording.NAMES:
            text = rng.choice(wording.VERBS[verb]) if verb else names[0]
        else:
            text = rng.choice(CLOSED.get(role, ["low", "for", "not satisfied", "against"]))
        return wording.opened(text) if form.endswith("^") else text

    return template.format % tuple(field(role, form) for role, form in template.slots)


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda each: each.template)
def test_no_sentence_fits_two_wordings(template: Wording) -> None:
    rng = Random(template.template)
    for _ in range(30):
        sentence = _filled(template, rng)
        fits = {each.template for each in TEMPLATES if re.fullmatch(each.pattern, sentence)}
        if template in ENDED:  # nor does it begin with a sentence of another wording
            fits |= {each.template for each in ENDED if re.match(each.pattern, f"{sentence} So")}
        if template in SHARED_LEVELS:  # tried first, and no name holds "each", "every" or "any"
            fits -= {listing.item.template for pool in POOLS.values() for listing in pool.levels}
        assert fits == {template.template}, sentence


def test_words_that_shape_a_sentence_are_reserved() -> None:
    verbs = {word for numbers in wording.VERBS.values() for number in numbers for word in number.split()}
    assert {"is", "are", "being", "has", "have", "was", "were"} <= verbs & RESERVED


@pytest.mark.parametrize("task", TASK_NAMES)
def test_the_question_alone_pins_down_the_query(task: Task) -> None:
    for question in range(4):
        problem = _example(task)
        text = verbalise(problem, Style(instruction=-1, question=question))
        assert task not in text
        assert TASK_NAMES[task] not in text
        assert read(text) == problem


def test_random_styles_are_even_and_repeatable() -> None:
    rng = Random(1)
    styles = [random_style(rng) for _ in range(2000)]
    assert styles == [random_style(again) for again in [Random(1)] for _ in range(2000)]
    for name, count in [("frame", 5), ("edge", 5), ("question", 4), ("order", 3), ("layout", 4)]:
        values = [getattr(style, name) for style in styles]
        assert len(set(values)) == count
        assert all(values.count(value) > 2000 / count * 0.8 for value in set(values))
    assert 800 < sum(style.alternate == 0 for style in styles) < 1200
    problem = _example("CDE")
    assert all(read(verbalise(problem, style)) == problem for style in styles[:300])


CHANGES = [
    ("0.4310", "0.4311"),
    ("Sleep has a direct effect on GDP growth", "GDP growth has a direct effect on sleep"),
    ("be more likely", "be less likely"),
    ("changed to be good", "changed to be poor"),
    ("sleep being good is 0.5", "sleep being poor is 0.5"),
    ("For those with sleep being good, the", "The"),
    ("Sleep is either poor or good", "Sleep is either good or poor"),
    (" Sleep has a direct effect on trust.", ""),
    (" The probability of sleep being good is 0.5.", ""),
]


@pytest.mark.parametrize(("old", "new"), CHANGES)
def test_whatever_is_changed_in_the_text_shows_in_the_problem(old: str, new: str) -> None:
    text = verbalise(_example(), Style())
    assert old in text
    assert read(text.replace(old, new)) != _example()


FAULTS = [
    ("GDP growth", "GDP (growth)", "punctuation"),
    (
        " has a direct effect on GDP growth",
        " and GDP growth are friends",
        "'Sleep and GDP growth are friends.'",
    ),
    ("Sleep is either poor or good. ", "", "levels of 'sleep'"),
    ("either poor or good", "either poor or poor", "declared twice"),
    ("sleep being good is 0.5", "sleep being great is 0.5", "sleep being great"),
    ("sleep being good is 0.5", "slep being good is 0.5", "slep being good"),
    ("is 0.25.", "is 1.25.", "1.25 is not between 0 and 1"),
    ("is 0.25.", "is 012.", "012 is not between 0 and 1"),
    ("is 0.25.", "is NaN.", "is NaN."),
    ("is 0.25.", "is 0.٢٥.", "٢٥."),
    ("is 0.25.", "is 25%.", "is 25%."),
    ("sleep being good and house", "sleep being good and sleep being poor and house", "told twice"),
    ("with sleep being good, the", "with trust being low, the", "both sides"),
    ("effect (ATE)", "effect (CDE)", "disagree"),
    ("(ATE) of sleep on trust", "(ATE) of trust on sleep", "the instruction names others"),
    ("effect (ATE) of", "effect (ATE) of the", "'the sleep'"),
    ("will trust", "will sleep", "treatment and outcome are the same"),
    ("changed to be good", "changed to be great", "'great'"),
    ("Reply with JSON", "Please reply", "Please reply"),
    ('"ANSWER": "Yes", ', "", "not how the answer"),
    ("If sleep is changed to be good, will", "Will", "expected a question about the ATE"),
]


@pytest.mark.parametrize(("old", "new", "message"), FAULTS)
def test_what_cannot_be_read_is_quoted_in_one_line(old: str, new: str, message: str) -> None:
    text = verbalise(_example(), Style())
    assert old in text
    with pytest.raises(Unreadable) as caught:
        read(text.replace(old, new))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 220
    assert issubclass(Unreadable, InputError)


ARROWS = (
    "Whether a tenant pays on time has a direct effect on the rent. "
    "appetite has a direct effect on weight. The rent has a direct effect on weight."
)
TREATED = (
    "For those with the rent being low and appetite being big, "
    "the probability of weight being light is 0.4000."
)
STATED = TREATED + (
    " The probability of weight being heavy is 0.7. The probability of the rent being high, appetite "
    "being big and whether a tenant pays on time being no is 0.0500. "
)
T, R, A, W = range(4)
ASKED = [
    (
        "average treatment effect (ATE)",
        "If the rent is changed to be low, will weight be more likely to be light?",
        Query("ATE", R, W, 0, 0),
    ),
    (
        "controlled direct effect (CDE)",
        "Conditioned on appetite being big and whether a tenant pays on time being yes, "
        "if the rent had been high, would the weight have been less likely to be heavy?",
        Query("CDE", R, W, 1, 1, None, ((T, 1), (A, 1)), "less"),
    ),
    (
        "effect of treatment on the treated (ETT)",
        "For those with the rent being low, if their the rent had been high, "
        "would the weight have been more likely to be light?",
        Query("ETT", R, W, 1, 0),
    ),
    (
        "natural direct effect (NDE)",
        "Suppose the mediator keeps constant when the rent is changed to be high, "
        "would the weight have been more likely to be light?",
        Query("NDE", R, W, 1, 0),
    ),
    (
        "natural indirect effect (NIE)",
        "Suppose the rent is held constant and the mediator changes to whatever value it would have attained "
        "under the rent changing to be low, would weight have been more likely to be heavy?",
        Query("NIE", R, W, 0, 1),
    ),
    (
        "probability of necessity (PN)",
        "Given that the rent was high and weight was heavy, what is the lower bound of "
        "the probability of the weight would have been light if the the rent had been low?",
        Query("PN", R, W, 0, 0, "lower"),
    ),
    (
        "probability of sufficiency (PS)",
        "Given that the rent was low and weight was light, what is the upper bound "
        "of the probability that weight would have been heavy if the rent had been high?",
        Query("PS", R, W, 1, 1, "upper"),
    ),
]


def _public(statements: str, asks: str) -> str:
    return f"{PUBLIC}{ARROWS}\n{statements}\n{asks}"


@pytest.mark.parametrize(("name", "question", "query"), ASKED)
def test_calm_wording_is_read(name: str, question: str, query: Query) -> None:
    problem = read(_public(STATED, f"Consider the {name} of the rent on weight.\n{question}"))
    assert problem.variables == (
        Variable("whether a tenant pays on time", ("no", "yes" if query.task == "CDE" else "not no")),
        Variable("the rent", ("low", "high")),
        Variable("appetite", ("not big", "big")),
        Variable("weight", ("light", "heavy")),
    )
    assert problem.edges == ((T, R), (A, W), (R, W))
    assert problem.statements == (
        Statement(Term(((W, 0),), ((R, 0), (A, 1))), "0.4000"),
        Statement(Term(((W, 1),)), "0.7"),
        Statement(Term(((T, 0), (R, 1), (A, 1))), "0.0500"),
    )
    assert problem.query == query


RELEASE = f"""\
Input Info: {PUBLIC.rstrip()}Shade (e.g. trees, roofs) has a direct effect on heat.Heat has a direct \
effect on the mood.
For those with shade (e.g. trees and roofs) being much (A=1) and heat being cool (B=1), the probability of \
the mood being fine (C=0) is 0.5000. The probability of shade (e.g. trees, roofs) being sparse (A=0) is 0.3
Instruction: Consider the average treatment effect (ATE) of heat on the mood.
Question: If heat is changed to be warm, will the mood be more likely to be fine?
Provide the calculation result to four decimal places, like {{"PROB": "0.1234"}}:"""


@pytest.mark.parametrize(("name", "question", "query"), ASKED)
def test_calm_wording_is_read_without_an_instruction(name: str, question: str, query: Query) -> None:
    assert read(_public(STATED, f"\nQuestion: {question}").replace("\n", "\r\n")).query == query


def test_capitals_do_not_change_what_calm_asks() -> None:
    (name, question, query), (_, bound, of_bound) = ASKED[0], ASKED[-1]
    asks = f"Consider the {name.lower()} of the rent on weight.\n"
    assert (
        read(_public(STATED, asks + question.replace("more", "MORE").replace("less", "Less"))).query == query
    )
    assert read(_public(STATED, bound.replace("upper", "Upper"))).query == of_bound


def test_release_wording_is_read() -> None:
    problem = read(RELEASE)
    assert problem.variables == (
        Variable("shade (e.g. trees, roofs)", ("sparse", "much")),
        Variable("heat", ("warm", "cool")),
        Variable("the mood", ("fine", "not fine")),
    )
    assert problem.edges == ((0, 1), (1, 2))
    assert problem.statements == (
        Statement(Term(((2, 0),), ((0, 1), (1, 1))), "0.5000"),
        Statement(Term(((0, 0),)), "0.3"),
    )
    assert problem.query == Query("ATE", 1, 2, 0, 0)


ATE = "Consider the average treatment effect (ATE) of the rent on weight.\n"
PUBLIC_FAULTS = [
    ("nonsense", ATE + ASKED[0][1], "'nonsense"),
    (TREATED, ATE, "expected a statement, the instruction or its question"),
    (TREATED, ATE + ASKED[1][1], "expected a statement, the instruction or its question"),
    (TREATED, ATE + ASKED[0][1].replace("weight", "the rent"), "different variables"),
    (TREATED, ASKED[0][1].replace("weight", "the rent"), "two roles"),
    (TREATED, ASKED[1][1].replace("appetite", "weight"), "two roles"),
    (TREATED, ATE + ASKED[0][1].replace("weight", "appetite"), "different variables"),
    (TREATED, ATE + ASKED[0][1] + "\nNo idea.", "stands after the question"),
    (TREATED.replace("appetite", "hunger"), ATE + ASKED[0][1], "and hunger being big'"),
    (
        TREATED + TREATED.replace("light", "dear") + TREATED.replace("light", "odd"),
        ATE + ASKED[0][1],
        "more than two",
    ),
    (
        TREATED.replace("big", "big (A=0)") + TREATED.replace("big", "wee (A=0)"),
        ATE + ASKED[0][1],
        "the same code",
    ),
    (TREATED.replace("0.4000", "1.4"), ATE + ASKED[0][1], "1.4 is not between 0 and 1"),
    (TREATED.replace("appetite", "weight"), ATE + ASKED[0][1], "told twice"),
]


@pytest.mark.parametrize(("statements", "asks", "message"), PUBLIC_FAULTS)
def test_what_cannot_be_read_in_calm_wording_is_quoted(statements: str, asks: str, message: str) -> None:
    with pytest.raises(Unreadable, match=message):
        read(_public(statements, asks))


_FURTHER = verbalise(_example(), Style(pool="rephrased", levels=0)).partition("Provided that")[0]
_START = verbalise(_example(), Style(layout=3)).partition("The probability of sleep")[0]
HOSTILE = [
    "",
    " ",
    "\x00",
    "\ud800",
    "?" * 500,
    "a" * 10_000_000,
    "Sleep has a direct effect on " * 300_000,
    "Sleep has a direct effect on " * 3_000,
    "being and " * 9_000,
    _START + "The probability of " + " given sleep being low is 0 is" * 3000,
    _START + "For those with " + ", the probability of " * 4000,
    _START
    + "Given that "
    + " was low and sleep was low, what is the lower bound of the probability that " * 900,
    _START + "With " + "sleep held at low and " * 3000,
    _START + "If " + "sleep is changed to be " * 3000,
    _START + " " * 90_000 + "x",
    "Sleep has a direct effect on x. " + "Levels: " + "sleep (low or " * 5000,
    "Sleep exerts a direct influence on each of " + "b, " * 30_000,
    "Each of " + "sleep, " * 13_000,
    "Direct arrows run from " * 4_000,
    "Sleep and " * 9_000 + " each exert a direct influence on trust.",
    "From sleep, direct arrows run to " + "a and b. From sleep, direct arrows run to " * 2_400,
    _FURTHER + "The probability of sleep being good is " + "0.1 for those with " * 5_000,
    _FURTHER
    + "The probability of sleep being good is "
    + "1 in 10 for those with " * 4_000
    + "sleep being poor.",
    _FURTHER + "The probabilities are " + "1 in 10 for sleep being good and " * 2_900 + "1 in 10 for sleep.",
    _FURTHER + "The probabilities are " + "0.1 for sleep being good, " * 3_800,
    _FURTHER + "One finds, overall, " + "1,000,000 out of " * 5_500,
    _FURTHER + "The likelihood of " + "1" * 90_000,
    _FURTHER + "The likelihood of sleep being good is 1" + ",000" * 20_000 + " in 1" + "0" * 9_000 + ".",
    _FURTHER + "Were everyone to have sleep at " * 3_000,
    _FURTHER + "Hold the go-betweens of sleep and trust and " * 2_200,
    _FURTHER + "Keeping " + "sleep fixed at low and " * 4_000,
    _FURTHER + "sleep was sleep and " * 4_900,
    PUBLIC,
    PUBLIC + "A has a direct effect on " * 3500,
    PUBLIC + "A has a direct effect on B. " * 3000,
    PUBLIC + "(a has a direct effect on b. (" * 3000,
    PUBLIC + " ".join(f"A{i} has a direct effect on b{i}." for i in range(2700)),
    PUBLIC + " ".join(f"A{i} has a direct effect on b{i}." for i in range(2700)) + "\n" + STATED,
    " ".join(f"A{i} has a direct effect on b{i}." for i in range(2700))
    + " Each factor is either low or high.",
    PUBLIC + "A has a direct effect on b.\n" + "For those with a being low, the probability of " * 1500,
    PUBLIC + "A has a direct effect on b.\n" + "The probability of " + "a being low and " * 4000 + "is 0.1.",
    PUBLIC
    + "A has a direct effect on b.\nConsider the effect (PN) of a on b.\n"
    + "Given that the the a was " * 900,
]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_texts_are_refused_without_a_stall(text: str) -> None:
    start = time.perf_counter()
    with pytest.raises(Unreadable):
        read(text)
    assert time.perf_counter() - start < 10  # a stall lasts minutes; benchmarks/words.py measures the speed


def test_a_text_that_is_too_long_is_refused_unread() -> None:
    with pytest.raises(Unreadable, match=f"{MAX_CHARACTERS + 1} characters"):
        read(verbalise(_example(), Style()).ljust(MAX_CHARACTERS + 1))


@st.composite
def _mangled(draw: st.DrawFn) -> str:
    """A text that was a problem before pieces of it were cut, doubled or put elsewhere."""
    own = verbalise(_example(draw(st.sampled_from(list(TASK_NAMES)))), draw(STYLES))
    name, question, _ = draw(st.sampled_from(ASKED))
    public = _public(STATED, f"Consider the {name} of the rent on weight.\n{question}")
    text = draw(st.sampled_from([own, RELEASE, public]))
    for _ in range(draw(st.integers(1, 3))):
        a, b, c = sorted(draw(st.integers(0, len(text))) for _ in range(3))
        moved = text[:a] + text[b:c] + text[a:b] + text[c:]
        text = draw(st.sampled_from([text[:a] + text[b:], text[:b] + text[a:], moved]))
    return text


@settings(max_examples=400, deadline=None)
@given(_mangled())
def test_a_mangled_text_is_a_problem_or_unreadable(text: str) -> None:
    try:
        stated = read(text).statements
    except Unreadable:
        return
    assert all(0 <= float(statement.value) <= 1 for statement in stated)


@settings(max_examples=200, deadline=None)
@given(problems(), STYLES, st.data())
def test_no_sentence_of_a_problem_is_idle(problem: Problem, style: Style, data: st.DataObject) -> None:
    """Without one of its arrows or statements, or its question, a text never tells the same problem."""
    sentences = verbalise(problem, dataclasses.replace(style, frame=-1, levels=0, layout=2)).split("\n")
    first = data.draw(st.integers(0, len(sentences) - 1))
    pool = POOLS[style.pool]
    if sentences[first] in pool.effect_formats + pool.probability_formats:
        return
    if first == len(sentences) - 3 and style.instruction >= 0 and pool.instructions:
        return
    try:
        changed = read("\n".join(sentences[:first] + sentences[first + 1 :]))
    except Unreadable:
        return
    assert changed != problem


def _shared(*parts: str) -> Path:
    root = os.environ.get("CAUGYM_SHARED_DATA")
    if not root or not Path(root, *parts).exists():
        pytest.skip("CAUGYM_SHARED_DATA does not point at the public benchmarks")
    return Path(root, *parts)


@pytest.mark.slow
def test_all_of_calm_lite_reads_as_its_machine_fields_say() -> None:
    files = sorted(_shared("calm_lite").glob("*-basic_EN.json"))
    records = [json.loads(line) for file in files for line in file.read_text().splitlines()]
    assert len(records) == 700
    for record in records:
        background = record["Background"]
        parts = (record["given_info"], background["data_info"], record["Instruction"], record["Question"])
        problem = read("\n".join(parts))
        number = {variable.name.casefold(): i for i, variable in enumerate(problem.variables)}
        meanings = background["real_world_meaning"].split(": ", 1)[1].strip().rstrip(".")
        letter = {
            code: number[name.casefold()]
            for code, name in re.findall(
                r"([A-Z]) represents (.+?)(?=, [A-Z] rep| and [A-Z] rep|$)", meanings
            )
        }
        arrows = re.findall(r"(\w)->(\w)", background["graph"])
        assert sorted(problem.edges) == sorted((letter[a], letter[b]) for a, b in arrows)
        assert problem.query.task == record["Type"]
        stated = re.findall(r"P\(([^()]*)\)=([\d.]+)", background["data_info_math"])
        assert [value for _, value in stated] == [statement.value for statement in problem.statements]
        flips: dict[int, int] = {}
        for (terms, _), statement in zip(stated, problem.statements, strict=True):
            sides = (statement.term.event, statement.term.given)
            for side, told in zip(sides, [*terms.split("|"), ""], strict=False):
                coded = sorted((letter[a], int(level)) for a, level in re.findall(r"(\w)=(\d)", told))
                assert [variable for variable, _ in side] == [variable for variable, _ in coded]
                for (variable, level), (_, code) in zip(side, coded, strict=True):
                    assert flips.setdefault(variable, level ^ code) == level ^ code


@pytest.mark.slow
@pytest.mark.parametrize("half", ["base", "deconfounding", "redundant", "insufficient"])
def test_the_caugym_release_is_read(half: str) -> None:
    records = json.loads(_shared("caugym_release", f"{half}_dataset.json").read_text())
    unread = 0
    for record in records:
        try:
            read(record["problem"])
        except Unreadable:
            unread += 1
    assert unread <= len(records) // 100


def test_every_story_can_be_told() -> None:
    for story in stories():
        for variable in story.variables:
            for text in (variable.name, *variable.levels):
                assert not RESERVED & set(text.split()), text
                assert not re.search(r"[.,:;?()\n]", text), text
            assert wording.unopened(wording.opened(variable.name)) == variable.name
