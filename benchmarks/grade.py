"""How fast replies are graded, and how long the worst 10 MB reply takes: ``python benchmarks/grade.py``."""

from time import perf_counter

from caugym.grade import Grader, grade
from caugym.problems.problem import Answer

GOLD = Answer("identified", "0.3847", "Yes")
SIZE = 10_000_000

_STEP = "We adjust for age, a common cause: P(Y=1 | do(X=1)) = 0.31*0.62 + 0.69*0.24 = 0.3578. "
REPLY = (_STEP * 5)[:364] + '\n{"ANSWER": "Yes", "PROB": "0.3847"}'

HOSTILE = {
    "open braces": "{",
    "closed braces": "{}",
    "quotes": '"',
    "digits": "9",
    "backslashes": "\\",
    "spaces": " ",
    "newlines": "\n",
    "open thoughts": "<think>",
    "nested thoughts": "<think></think>",
    "almost closed thoughts": "</think",
    "whole answers": '{"PROB":1},',
    "open answers": '{"PROB":"',
    "braces in quotes": '{a:"{",',
    "open values": "\\{` a=",
    "open boxes": "\\boxed{",
    "nested boxes": "\\boxed{\\text{",
    "abstentions": "LACK_CONDITION\n",
    "abstentions in one line": "not LACK_CONDITION ",
    "release answers": '"PROB": "0.1", ',
    "open release answers": '"PROB": "' + "1" * 50,
}


def per_second(grader: Grader, seconds: float = 1.0) -> float:
    """Replies of 400 characters graded in a second."""
    count, start = 0, perf_counter()
    while perf_counter() - start < seconds:
        for _ in range(1000):
            grade(REPLY, GOLD, grader=grader)
        count += 1000
    return count / (perf_counter() - start)


def worst(grader: Grader) -> tuple[float, str]:
    """Seconds that the slowest hostile reply takes, and which one it is."""
    times = []
    for name, text in HOSTILE.items():
        reply = text * (SIZE // len(text))
        start = perf_counter()
        grade(reply, GOLD, grader=grader)
        times.append((perf_counter() - start, name))
    return max(times)


if __name__ == "__main__":
    graders: tuple[Grader, ...] = ("strict", "official")
    for grader in graders:
        seconds, name = worst(grader)
        print(
            f"{grader}: {per_second(grader):,.0f} replies/s of {len(REPLY)} characters on one core;", end=" "
        )
        print(f"10 MB at worst {seconds * 1000:.0f} ms ({name})")
