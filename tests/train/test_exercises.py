"""Exercises hold, are of every kind, and say of each pair of variables just what the graph says."""

import re
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from caugym.core.graph import DAG
from caugym.core.query import Query
from caugym.core.streams import stream
from caugym.problems.arithmetic import evaluate
from caugym.problems.problem import Problem, Variable
from caugym.problems.read import read
from caugym.problems.solution import check_steps
from caugym.problems.verbalise import Style, numbers, verbalise
from caugym.train.exercises import MOST_LISTED, PAIRS, contrasts, lists, sums, ways


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


def named(n: int, alike: bool) -> tuple[Variable, ...]:
    """Variables with the same levels, or each with its own."""
    return tuple(
        Variable(letter * 3, ("low", "high") if alike else (f"{letter}a", f"{letter}b"))
        for letter in "pqrstu"[:n]
    )


def levels(stratum: str) -> frozenset[str]:
    """The letters of the levels in ``Z = z, M = m'``, however the variables are written."""
    return frozenset(setting.rpartition(" = ")[2] for setting in stratum.split(", "))


@given(st.integers(3, 6), st.booleans(), st.integers(0, 10**6))
def test_contrasts_are_of_the_numbers_listed(n: int, alike: bool, seed: int) -> None:
    """In every stratum that two numbers are listed for, the change of P(y) from x' to x; nothing else."""
    asked, reply = contrasts(named(n, alike), stream("contrasts", n, seed))
    assert not check_steps(reply.split("\n"))
    numbers: dict[frozenset[str], dict[str, int]] = {}
    for y, x, stratum, value in re.findall(r"= (y'?) \| \w+ = \w+ = (x'?), (.+)\) = (\d+)", asked):
        found = numbers.setdefault(levels(stratum), {})
        found[x] = int(value) if y == "y" else 100 - int(value)
    told = [line.split(": ") for line in reply.split("\n") if not line.startswith("P(")]
    assert len(told) == len(numbers)
    for stratum, line in told:
        found = numbers[levels(stratum)]
        after, before = found["x"], found["x'"]
        assert line == f"{after} - {before} = {after - before}"


@given(st.integers(3, 6), st.booleans(), st.integers(0, 10**6))
def test_lists_say_what_the_sentences_say(n: int, alike: bool, seed: int) -> None:
    """Put into a problem, the sentences are read as the numbers that the reply lists."""
    variables = named(n, alike)
    asked, reply = lists(variables, stream("lists", n, seed))
    told, _, roles = asked.rpartition("\nList with ")
    lines = reply.split("\n")
    listed = [line for line in lines if line.startswith("P(")]
    assert roles == "; ".join(lines[: -len(listed)]) + "."
    assert 1 <= len(listed) <= MOST_LISTED

    short = {
        (name, level): symbol
        for line in lines[: -len(listed)]
        for name, introduced in re.findall(r"[XYMZ]\d? = (\w+): ([^;]+)", line)
        for level, symbol in re.findall(r"(\w+) = ([xymz]\d?'?)", introduced)
    }

    def said(part: str) -> set[tuple[str, str]]:
        """Names and levels of one side of a condition, once letters and levels agree."""
        found = set()
        for setting in filter(None, part.split(", ")):
            name, level, *symbol = setting.split(" = ")
            assert symbol == ([short[name, level]] if (name, level) in short else [])
            found.add((name, level))
        return found

    chain = tuple((i, i + 1) for i in range(n - 1))
    bare = Problem(variables, chain, (), Query("ATE", 0, n - 1, to=1, level=1))
    whole = verbalise(bare, Style()).replace(numbers(variables, (), Style()), told)
    heard = [
        (
            *({(variables[v].name, variables[v].levels[level]) for v, level in part} for part in term[:2]),
            Fraction(value),
        )
        for term, value in read(whole).statements
    ]
    for line, (event, condition, value) in zip(listed, heard, strict=True):
        found = re.fullmatch(r"P\(([^|]+?)(?: \| (.+))?\) = (\d+)", line)
        assert found
        assert (said(found[1]), said(found[2] or ""), Fraction(int(found[3]), 100)) == (
            event,
            condition,
            value,
        )
