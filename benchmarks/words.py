"""How long it takes to put a problem into words and to read it back, on one core.

    python benchmarks/words.py

Problems of level standard, each in a style of its own; the best of seven rounds.
"""

import time
from collections.abc import Callable, Sequence
from typing import Any

from caugym.core.streams import stream
from caugym.problems.generate import generate
from caugym.problems.read import read
from caugym.problems.rewording import POOLS
from caugym.problems.verbalise import random_style, verbalise
from caugym.problems.wording import TASK_NAMES

COUNT, ROUNDS = 150, 7


def microseconds(function: Callable[..., Any], calls: Sequence[tuple[Any, ...]]) -> float:
    """Mean time of a call in the fastest round."""
    rounds = []
    for _ in range(ROUNDS):
        start = time.process_time()
        for arguments in calls:
            function(*arguments)
        rounds.append((time.process_time() - start) / len(calls) * 1e6)
    return min(rounds)


def main() -> None:
    """Print the two times for each pool of wordings, and that both directions agree."""
    for pool in POOLS:
        measure(pool)


def measure(pool: str) -> None:
    """Print what one pool takes."""
    items = [
        item for task in TASK_NAMES for item in generate(pool, task, "standard", "train", 1, range(COUNT))
    ]
    told = [(item.problem, random_style(stream("words", item.id), pool)) for item in items]
    texts = [(verbalise(problem, style),) for problem, style in told]
    alike = sum(read(text) == problem for (problem, _), (text,) in zip(told, texts, strict=True))
    length = sum(len(text) for (text,) in texts) / len(texts)
    statements = sum(len(item.problem.statements) for item in items) / len(items)
    print(
        f"{pool}: {alike} of {len(items)} problems read back alike; "
        f"on average {length:.0f} characters, {statements:.1f} statements"
    )
    print(f"verbalise {microseconds(verbalise, told):6.1f} microseconds a problem")
    print(f"read      {microseconds(read, texts):6.1f} microseconds a text")


if __name__ == "__main__":
    main()
