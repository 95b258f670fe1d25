"""What sets promise is found broken where it is, and items keep it."""

from dataclasses import replace

import pytest

from caugym.problems.generate import TASKS, generate
from caugym.problems.levels import LEVELS
from caugym.problems.promises import broken, needless
from caugym.problems.read import read
from caugym.problems.rivals import OPEN, card
from caugym.problems.solve import solve
from caugym.problems.transforms import TRANSFORMS

REDUNDANT = TRANSFORMS["redundant"]

CONFOUNDED = """Suppose that these are the only causal links.
Age directly affects smoking. Age directly affects lung health. Smoking directly affects lung health.
Age is either low or high. Smoking is either low or high. Lung health is either low or high.
With probability 0.50, age is high.
Given smoking being low and age being low, the probability that lung health is high is 0.30.
Given smoking being low and age being high, the probability that lung health is high is 0.50.
Given smoking being high and age being low, the probability that lung health is high is 0.60.
Given smoking being high and age being high, the probability that lung health is high is 0.80.
Given smoking being low, the probability that lung health is high is 0.41.
Given smoking being high, the probability that lung health is high is {naive}.
The quantity of interest is the ATE, or average treatment effect, of smoking on lung health.
Suppose smoking is switched from low to high: will lung health be more likely to be high?
Give the result to four decimals as {{"ANSWER": "Yes", "PROB": "0.1234"}}; \
if what is given does not determine it, reply LACK_CONDITION."""


@pytest.mark.parametrize(("naive", "near"), [("0.70", 1), ("0.72", 1), ("0.73", 0), ("0.79", 0)])
def test_a_wrong_formula_near_the_answer_is_found(naive: str, near: int) -> None:
    """Adjusted for age the effect is 0.3; without, the difference of the last two numbers."""
    faults = list(broken(TRANSFORMS["deconfounding"], solve(read(CONFOUNDED.format(naive=naive)))))
    said = f"adjustment for {{}} is wrong, but gives {float(naive) - 0.41:.4f}"
    assert faults == ([("route", said)] if near else [])


def test_statements_that_are_not_needed_are_counted() -> None:
    """Two of the seven numbers are those of the contrast without adjustment."""
    solution = solve(read(CONFOUNDED.format(naive="0.79")))
    assert needless(solution) == 2
    assert list(broken(REDUNDANT, solution)) == []
    for allowed in ((0, 1), (3, 12)):
        said = f"2 statements are not needed, where {allowed[0]} to {allowed[1]} are allowed"
        assert list(broken(replace(REDUNDANT, needless=allowed), solution)) == [("needless", said)]


@pytest.mark.parametrize("task", TASKS)
def test_one_to_twelve_statements_are_not_needed_and_stand_anywhere(task: str) -> None:
    last = 0
    for item in generate("redundant", task, "standard", "test", 4, range(24)):  # type: ignore[arg-type]
        solution = solve(read(item.prompt))
        if solution.zero:
            continue
        assert 1 <= needless(solution) <= 12
        shorter = replace(solution.problem, statements=solution.problem.statements[:-1])
        last += solve(shorter).answer == solution.answer
    assert 0 < last < 24


@pytest.mark.slow
@pytest.mark.parametrize("task", TASKS)
def test_every_family_of_redundant_can_keep_its_promise(task: str) -> None:
    """A family whose formulas need too many numbers beside the one that holds would be drawn in vain."""
    level = LEVELS["standard"]
    deck = {card(task, level, False, ("deck",), i): i for i in range(12 * len(OPEN[task]))}  # type: ignore[arg-type,index]
    items = list(generate("redundant", task, "standard", "test", 5, deck.values()))  # type: ignore[arg-type]
    assert len(items) == len(deck)
