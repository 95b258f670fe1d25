"""A small deterministic backend, and a run of it as a process that tests can kill.

Each reply depends on its own key and the seed only, as the protocol of backends demands.
"""

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from caugym.backends import Prompt, Reply, Sampling
from caugym.core.streams import stream
from caugym.data.questions import Question
from caugym.evaluate.run import run
from caugym.problems.problem import Answer

TASKS = ("ATE", "CDE", "ETT", "NDE", "NIE", "PN", "PS")


def label(number: int) -> Answer:
    """The right answer to question ``number``."""
    task = TASKS[number % 7]
    if number % 10 == 9:
        return Answer("insufficient", missing=("P(Y)",))
    return Answer("identified", f"0.{number + 1000:04d}", "Yes" if task not in ("PN", "PS") else None)


def questions(n: int, prefix: str = "toy") -> list[Question]:
    """``n`` labelled questions over all tasks."""
    return [
        Question(
            id=f"{prefix}-{i:04d}",
            text=f"Question {i}: what is the effect?",
            label=label(i),
            task=TASKS[i % 7],
        )
        for i in range(n)
    ]


@dataclass
class Toy:
    """Answers rightly with a given chance; now and then rambles, is cut off, or answers wrongly.

    Attributes:
        chance: Chance of a right reply.
        name: Its spec.
        delay: Seconds that a batch takes.
        asked: How many replies were given.
    """

    chance: float = 0.6
    name: str = "toy"
    delay: float = 0.0
    asked: int = 0

    def generate(self, prompts: Sequence[Prompt], sampling: Sampling, keys: Sequence[str]) -> list[Reply]:
        """One reply a prompt."""
        time.sleep(self.delay)
        self.asked += len(prompts)
        return [self._reply(str(p), sampling, key) for p, key in zip(prompts, keys, strict=True)]

    def _reply(self, prompt: str, sampling: Sampling, key: str) -> Reply:
        rng = stream("toy", key, sampling.seed, round(100 * sampling.temperature))
        gold = label(int(prompt.split(":")[0].split()[1]))
        draw = rng.random()
        if draw > 0.97:
            return Reply("I would have to think about that … " * 3, "length", 40)
        if draw > 0.95:
            return Reply("It depends.\nOn many things, «naïve» ones, too.", "stop", 9)
        if draw < self.chance:
            value, answer = gold.value, gold.answer
        else:
            value, answer = f"{rng.random():.4f}", "No" if gold.answer else None
        if value is None:
            return Reply("Final answer: LACK_CONDITION", "stop", 12)
        parts = ([f'"ANSWER": "{answer}"'] if answer else []) + [f'"PROB": "{value}"']
        return Reply(f"By the formula,\n{{{', '.join(parts)}}}", "stop", 20)


if __name__ == "__main__":
    folder, number, delay = sys.argv[1:]
    run(Toy(delay=float(delay)), questions(int(number)), Path(folder), samples=3, batch=7, progress=False)
