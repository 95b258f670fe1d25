"""The reward of a reply, between 0 and 1: strict value, yes/no, and a small part for a readable answer.

Two controls stand beside it, a coin and the readable answer alone: whatever they improve was not learnt from
the answers.
"""

import json
from collections.abc import Callable, Sequence
from typing import Any

from caugym.core.streams import stream
from caugym.grade import Verdict, grade
from caugym.problems.problem import Answer
from caugym.train.recipe import Reward

UNREADABLE = ("truncated", "unparsed")
"""Verdicts on replies from which no answer can be read."""


def score(verdict: Verdict, gold: Answer, parts: Reward) -> float:
    """The reward of a graded reply, in [0, 1]; 1 exactly when the verdict is `correct`."""
    if verdict.correct:
        return 1.0
    if verdict.kind in UNREADABLE:
        return 0.0
    earned = parts.format
    if verdict.kind == "wrong" and gold.status == "identified":
        earned += parts.value * bool(verdict.value_ok)
        earned += parts.answer * bool(verdict.answer_ok and gold.answer)
    return earned / (parts.value + parts.answer + parts.format)


def answer_of(gold: str) -> Answer:
    """The gold answer of a training row, from its JSON."""
    fields = json.loads(gold)
    return Answer(
        fields["status"], fields.get("value"), fields.get("answer"), tuple(fields.get("missing") or ())
    )


def text_of(completion: Any) -> str:
    """The assistant's words, from a string or a list of messages."""
    return completion if isinstance(completion, str) else str(completion[-1]["content"])


def reward_functions(parts: Reward, longest: int, ends: Sequence[int], seed: int) -> list[Callable[..., Any]]:
    """All that a recipe rewards and punishes; TRL adds it up. Arguments as `reward_function`."""
    from trl.rewards import get_repetition_penalty_reward, get_soft_overlong_punishment

    functions: list[Callable[..., Any]] = [reward_function(parts, longest, ends, seed)]
    if parts.overlong:
        functions.append(get_soft_overlong_punishment(longest, min(parts.overlong, longest)))
    if parts.repetition:
        functions.append(get_repetition_penalty_reward(max_penalty=-parts.repetition))
    return functions


def reward_function(
    parts: Reward, longest: int, ends: Sequence[int], seed: int = 0
) -> Callable[..., list[float]]:
    """The reward in the form that TRL calls; it also logs the share solved, overall and by task.

    Args:
        parts: Kind and weights.
        longest: Replies of this many tokens that do not close with an end token were cut off.
        ends: End tokens.
        seed: Of the coins of the kind ``random``.
    """

    def earned(verdict: Verdict, answer: Answer, *coordinates: str | int) -> float:
        if parts.kind == "random":
            return float(stream("reward", seed, *coordinates).random() < 0.5)
        return (
            float(verdict.kind not in UNREADABLE) if parts.kind == "format" else score(verdict, answer, parts)
        )

    def reward(
        completions: Sequence[Any],
        completion_ids: Sequence[Sequence[int]],
        gold: Sequence[str],
        tolerance: Sequence[float],
        task: Sequence[str],
        id: Sequence[str],  # noqa: A002 (the column's name)
        trainer_state: Any = None,
        log_metric: Callable[[str, float], None] | None = None,
        **_: Any,
    ) -> list[float]:
        rewards = []
        step = trainer_state.global_step if trainer_state else 0
        columns = zip(completions, completion_ids, gold, tolerance, task, id, strict=True)
        for place, (completion, ids, right, near, code, name) in enumerate(columns):
            answer = answer_of(right)
            cut = len(ids) >= longest and ids[-1] not in ends
            verdict = grade(text_of(completion), answer, float(near), truncated=cut)
            rewards.append(earned(verdict, answer, step, name, place))
            if log_metric is not None:
                log_metric("solved", float(verdict.correct))
                log_metric(f"solved/{code}", float(verdict.correct))
        return rewards

    return reward
