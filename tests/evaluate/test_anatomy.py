"""Error anatomy: what was done wrong is what is found, at the line where it was done."""

from collections.abc import Iterator
from dataclasses import asdict
from random import Random

import pytest

from caugym.evaluate.anatomy import PARTS, Fault, case, fault, faults
from caugym.evaluate.anatomy.case import OF_KIND, uniform
from caugym.evaluate.records import Record, Run
from caugym.grade import grade
from caugym.problems.generate import TASKS, Item, generate
from caugym.problems.mistakes import KINDS, Mistake, mistakes
from caugym.problems.problem import Answer
from caugym.problems.prose import EXPLANATIONS, Explanation, explained
from caugym.problems.read import read
from caugym.problems.solve import solve


def record(reply: str, gold: Answer, finish: str = "stop") -> Record:
    verdict = grade(reply, gold, truncated=finish == "length")
    return {"id": "q", "sample": 0, "reply": reply, "finish": finish, "strict": asdict(verdict)}


def items(set_: str = "base", level: str = "easy", n: int = 4) -> Iterator[Item]:
    for task in TASKS:
        yield from generate(set_, task, level, "test", 4, range(n))


def wrong(item: Item) -> list[Mistake]:
    return mistakes(solve(read(item.prompt)), Random(1))


def test_every_kind_of_mistake_has_a_part() -> None:
    assert OF_KIND.keys() == set(KINDS)
    assert {part for part, _ in OF_KIND.values()} < set(PARTS)


@pytest.mark.parametrize("style", EXPLANATIONS)
@pytest.mark.parametrize("level", ["easy", "standard"])
def test_a_typed_mistake_is_found_where_it_was_made(style: Explanation, level: str) -> None:
    """A prefix of right lines, then a wrong one: that line is found, and the part that the mistake is of."""
    seen = set()
    for item in items(level=level):
        asked = case(item.prompt)
        assert asked
        for mistake in wrong(item):
            lines = uniform(explained(mistake.steps, style))
            found = fault(record("\n".join(explained(mistake.steps, style)), item.gold), asked)
            zero = asked.solution.zero and found.part == "graph"
            assert zero or found.part == OF_KIND[mistake.kind][0], (mistake.kind, found, lines)
            right = [account.lines for account in (asked.right(style), *asked.others(style))]
            assert found.step is not None
            assert not any(lines[: found.step + 1] == one[: found.step + 1] for one in right)
            assert any(lines[: found.step] == one[: found.step] for one in right)
            seen.add(mistake.kind)
    assert len(seen) > 10


def test_blank_lines_and_thoughts_before_do_not_matter() -> None:
    item = next(iter(items()))
    asked, mistake = case(item.prompt), wrong(item)[0]
    plain = fault(record("\n".join(mistake.steps), item.gold), asked)
    spaced = fault(record("Let me see.\n\n" + "\n\n".join(mistake.steps), item.gold), asked)
    assert plain.step is not None
    assert (spaced.part, spaced.step) == (plain.part, 2 + 2 * plain.step)


@pytest.mark.parametrize("style", EXPLANATIONS)
def test_a_question_misread_in_the_first_line(style: Explanation) -> None:
    item = next(iter(items()))
    first, *rest = explained(item.solution, style)
    name = item.problem.variables[item.problem.query.treatment].name
    reply = [first.replace(name, "nonsense"), *rest[:-1], '{"ANSWER": "Yes", "PROB": "0.9876"}']
    found = fault(record("\n".join(reply), item.gold), case(item.prompt))
    assert (found.part, found.step) == ("lookup", 0)


def test_unanswerable_questions() -> None:
    for item in items("insufficient", n=2):
        asked = case(item.prompt)
        for mistake in wrong(item):
            found = fault(record("\n".join(mistake.steps), item.gold), asked)
            assert found.part == ("answered" if item.gold.status == "insufficient" else found.part)


@pytest.mark.parametrize(
    ("reply", "finish", "part"),
    [
        ("The answer is 0.3", "stop", "form"),
        ("", "stop", "form"),
        ('{"PROB": "0.1"} or {"PROB": "0.2"}', "stop", "form"),
        ("X = ", "length", "truncated"),
        ("Final answer: LACK_CONDITION", "stop", "abstained"),
        ('0.7 - 0.2 = 0.4, so {"ANSWER": "Yes", "PROB": "0.4"}', "stop", "arithmetic"),
        ('0.9123 - 0.2 = 0.7123\n{"ANSWER": "Yes", "PROB": "0.7123"}', "stop", "lookup"),
        ('{"ANSWER": "No", "PROB": "-0.5"}', "stop", "sign"),
        ('{"ANSWER": "No", "PROB": "0.5"}', "stop", "sign"),
        ('It must be so: {"ANSWER": "Yes", "PROB": "0.77"}', "stop", "unexplained"),
    ],
)
@pytest.mark.parametrize("readable", [True, False])
def test_replies_in_other_words(reply: str, finish: str, part: str, readable: bool) -> None:
    text = (
        "Suppose that these are the only causal links. Rain directly affects yield. "
        "Rain is either low or high. Yield is either low or high. "
        "Given rain being low, the probability that yield is high is 0.20. "
        "Given rain being high, the probability that yield is high is 0.70. "
        "The quantity of interest is the ATE, or average treatment effect, of rain on yield. "
        "Suppose rain is switched from low to high: will yield be more likely to be high? "
        'Answer in the form {"ANSWER": "Yes", "PROB": "0.1234"}, rounded to four decimals. '
        "Say LACK_CONDITION if the answer does not follow."
    )
    asked = case(text) if readable else None
    assert (asked is not None) == readable
    found = fault(record(reply, Answer("identified", "0.5000", "Yes"), finish), asked)
    if readable or part not in ("lookup", "sign"):
        assert found.part == part
    assert found.step is None or found.step < max(1, len(reply.splitlines()))


def test_wrong_replies_are_drawn_evenly(pair: tuple[Run, Run]) -> None:
    found = list(faults(pair[0], {}, most=50))
    assert len(found) == 50
    assert len({question.id for question, _, _ in found}) == 50
    assert all(isinstance(each, Fault) for _, _, each in found)
    everything = list(faults(pair[0], {}, most=10**6))
    assert len(everything) == sum(not record["strict"]["correct"] for record in pair[0].records)
