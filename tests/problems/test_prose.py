"""Solutions in sentences say what the symbols say."""

import pytest

from caugym.core.streams import stream
from caugym.grade import grade
from caugym.problems.arithmetic import equations
from caugym.problems.generate import TASKS, generate
from caugym.problems.mistakes import mistakes
from caugym.problems.prose import EXPLANATIONS, THEOREMS, explained
from caugym.problems.solution import check_steps
from caugym.problems.solve import solve


def reckoned(steps: tuple[str, ...]) -> list[str]:
    return [equation for step in steps for equation, _ in equations(step) if equation != "0.0000 = 0"]


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("set_", ["base", "deconfounding", "insufficient"])
def test_every_step_is_told_with_its_numbers(task: str, set_: str) -> None:
    for item in generate(set_, task, "easy", "train", 2, range(8)):  # type: ignore[arg-type]
        wrong = mistakes(solve(item.problem), stream("any"))
        for steps in (item.solution, *(mistake.steps for mistake in wrong)):
            told = explained(steps, "named")
            assert len(told) == len(steps)
            assert told[-1] == steps[-1]
            assert reckoned(told) == reckoned(steps)
            assert check_steps(told) == check_steps(steps)
            assert all(line[0].isupper() and line.endswith(".") for line in told[:-1])
        assert grade("\n".join(explained(item.solution, "prose")), item.gold).correct


def test_symbols_are_told_by_name() -> None:
    steps = (
        "X = rain: low = x', high = x",
        "Y = yield: low = y', high = y",
        "path X -> soil -> Y",
        "open X <- slope -> Y",
        "Z = slope: flat = z', steep = z",
        "P(Z = flat = z' | X = low = x') = 30",
        "P(Z = z | X = x') = 100 - 30 = 70",
    )
    told = explained((*steps, "LACK_CONDITION"), "prose")
    assert told[2:] == (
        "A directed path leads from cause to effect: rain -> soil -> yield.",
        "This path is open without adjustment: rain <- slope -> yield.",
        "Adjust for slope (flat: z', steep: z).",
        "We read that the probability of slope being flat given rain being low is 30.",
        "The probability of slope being steep given rain being low is 100 - 30 = 70.",
        "LACK_CONDITION",
    )


def test_only_one_style_names_theorems() -> None:
    assert set(THEOREMS) == set(TASKS)
    for task in TASKS:
        item = next(generate("deconfounding", task, "easy", "train", 2, [1]))
        shown = {style: "\n".join(explained(item.solution, style)) for style in EXPLANATIONS}
        assert shown["symbolic"] == "\n".join(item.solution)
        assert THEOREMS[task] not in shown["prose"]
        assert len(set(shown.values())) == 3 or "There is no" in shown["prose"]
