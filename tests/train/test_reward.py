"""The reward: between 0 and 1, all of it for a right reply and only for that."""

import json
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caugym.core.errors import InputError
from caugym.grade import grade
from caugym.problems.problem import Answer
from caugym.train.recipe import Reward
from caugym.train.reward import answer_of, reward_function, reward_functions, score

EFFECT = Answer("identified", "0.3847", "Yes")
BOUND = Answer("identified", "0.3847", None)
LACKING = Answer("insufficient")


@pytest.mark.parametrize(
    ("reply", "gold", "earned"),
    [
        ('{"ANSWER": "Yes", "PROB": "0.3847"}', EFFECT, 1.0),
        ('{"ANSWER": "No", "PROB": "0.3847"}', EFFECT, 0.8),
        ('{"ANSWER": "Yes", "PROB": "0.1"}', EFFECT, 0.3),
        ('{"ANSWER": "No", "PROB": "0.1"}', EFFECT, 0.1),
        ("LACK_CONDITION", EFFECT, 0.1),
        ('{"PROB": "0.3847"}', BOUND, 1.0),
        ('{"PROB": "0.1"}', BOUND, 0.1),
        ("LACK_CONDITION", LACKING, 1.0),
        ('{"PROB": "0.1"}', LACKING, 0.1),
        ("I do not know", EFFECT, 0.0),
        ("", EFFECT, 0.0),
    ],
)
def test_parts(reply: str, gold: Answer, earned: float) -> None:
    assert score(grade(reply, gold), gold, Reward()) == pytest.approx(earned)


@given(
    st.sampled_from([EFFECT, BOUND, LACKING]),
    st.text(max_size=30) | st.floats(-1, 1).map(lambda p: f'{{"ANSWER": "Yes", "PROB": "{p:.4f}"}}'),
    st.tuples(*[st.floats(0, 2)] * 3).filter(lambda parts: sum(parts) > 0.01),
)
def test_bounds(gold: Answer, reply: str, parts: tuple[float, float, float]) -> None:
    verdict = grade(reply, gold)
    earned = score(verdict, gold, Reward("answer", *parts))
    assert 0 <= earned <= 1
    assert earned == 1 if verdict.correct else True


def test_trl_gets_rewards_and_shares_by_task() -> None:
    logged: list[tuple[str, float]] = []
    gold = json.dumps({"status": "identified", "value": "0.3847", "answer": None})
    right = '{"PROB": "0.3847"}'
    rewards = reward_function(Reward(), longest=3, ends=[2])(
        prompts=["p"] * 3,
        completions=[[{"role": "assistant", "content": right}], right, right],
        completion_ids=[[5, 2], [5, 6, 7], [5, 6, 2]],
        gold=[gold] * 3,
        tolerance=[0.0005] * 3,
        task=["PN", "PS", "PS"],
        id=["a", "b", "c"],
        log_metric=lambda name, value: logged.append((name, value)),
    )
    assert rewards == [1.0, 0.0, 1.0], "a reply cut off at the limit earns nothing"
    assert [value for name, value in logged if name == "solved/PS"] == [0.0, 1.0]
    assert [value for name, value in logged if name == "solved"] == [1.0, 0.0, 1.0]


def drawn(kind: str, seed: int = 0, step: int = 0, reply: str = '{"PROB": "0.1"}') -> list[float]:
    reward = reward_function(Reward(kind), longest=3, ends=[2], seed=seed)  # type: ignore[arg-type]
    gold = json.dumps({"status": "identified", "value": "0.3847", "answer": None})
    return reward(
        completions=[reply] * 200,
        completion_ids=[[5, 2]] * 200,
        gold=[gold] * 200,
        tolerance=[0.0005] * 200,
        task=["PN"] * 200,
        id=["a"] * 200,
        trainer_state=SimpleNamespace(global_step=step),
    )


def test_controls_know_no_answers() -> None:
    assert set(drawn("format")) == {1.0}
    assert set(drawn("format", reply="well")) == {0.0}
    coins = drawn("random")
    assert set(coins) == {0.0, 1.0}
    assert 70 < sum(coins) < 130
    assert coins == drawn("random", reply="well"), "whatever is said"
    assert coins == drawn("random"), "and the same again"
    assert coins != drawn("random", seed=1)
    assert coins != drawn("random", step=1)


def test_a_recipe_may_punish_length_and_repetition() -> None:
    assert len(reward_functions(Reward(), 8, [2], 0)) == 1
    _, overlong, repetition = reward_functions(Reward(overlong=4, repetition=0.5), 8, [2], 0)
    replies = [[3, 4], [3, 4, 5, 6, 7, 8], [3] * 8]
    assert overlong(completion_ids=replies) == [0.0, -0.5, -1.0]
    assert repetition(completion_ids=replies)[:2] == [0.0, 0.0]
    assert -0.5 < repetition(completion_ids=replies)[2] < -0.3
    with pytest.raises(InputError):
        Reward(repetition=-1.0)


def test_gold_reads_back() -> None:
    assert answer_of(
        '{"status": "insufficient", "value": null, "answer": null, "missing": ["P(a)"]}'
    ) == Answer("insufficient", missing=("P(a)",))
