"""Exercises hold, are of every kind, and say of each pair of variables just what the graph says."""

import re
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from caugym.core.graph import DAG
from caugym.core.streams import stream
from caugym.problems.arithmetic import evaluate
from caugym.problems.problem import Variable
from caugym.problems.solution import check_steps
from caugym.train.exercises import PAIRS, sums, ways


@given(st.integers(0, 10**6))
def test_sums_are_worked_to_their_result(seed: int) -> None:
    """Every equation holds, and lines end with the results, in order."""
    asked, worked = sums(stream("sums", seed))
    lines = worked.split("\n")
    assert not check_steps(lines)
    reached = (evaluate(re.split("[=≈:] ", line)[-1]) for line in lines)
    for expression in asked.removeprefix("Calculate ").removesuffix(".").split("; "):
        quotient = re.fullmatch(r"min\(1, (.+)\)", expression)
        value = min(Fraction(1), evaluate(quotient[1])) if quotient else evaluate(expression)
        allowed = Fraction(1, 20_000) if quotient else 0
        assert any(abs(value - result) <= allowed for result in reached), expression


def test_every_kind_of_sum_is_drawn() -> None:
    asked = " ".join(sums(stream("kinds", i))[0] for i in range(50))
    for kind in (
        r"\(\d+ - \d+\) \* \d+",
        r"[ ;]-?\d+ \* \d+",
        r"\d+ [-+] \d+ [-+] \d+",
        r"min\(1, \d+ / \d+\)",
    ):
        assert re.search(kind, asked)


@given(st.integers(3, 6), st.integers(0, 10**6))
def test_ways_are_those_of_the_graph(n: int, seed: int) -> None:
    rng = stream("ways", n, seed)
    drawn = [(a, b) for b in range(n) for a in range(b) if b == a + 1 or rng.random() < 0.4]
    dag = DAG.from_edges(n, drawn)
    names = [f"{letter * 3}" for letter in "pqrstu"[:n]]
    asked, reply = ways([Variable(name) for name in names], dag, rng)
    lines = reply.split("\n")
    assert len(lines) == 4 * PAIRS
    for i in range(0, len(lines), 4):
        told = re.fullmatch(r"X = (\w+), Y = (\w+)", lines[i])
        assert told
        assert f"from {told[1]} to {told[2]}" in asked
        a, b = map(names.index, told.groups())
        meaning = {**{name: k for k, name in enumerate(names)}, "X": a, "Y": b}
        assert (lines[i + 1] == "edge X -> Y") == ((a, b) in drawn)
        assert (lines[i + 2] == "no directed path from X to Y") == (not dag.descendants(1 << a) >> b & 1)
        behind = dag.without_arrows_out_of(1 << a)
        assert (lines[i + 3] == "no open path") == behind.separated(1 << a, 1 << b)
        for line in lines[i + 2 : i + 4]:
            steps = re.findall(r"(?=(\b\w+) (->|<-) (\w+))", line)
            for left, arrow, right in steps:
                edge = (meaning[left], meaning[right])
                assert (edge if arrow == "->" else edge[::-1]) in drawn
