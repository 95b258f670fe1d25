import re
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from caugym.core.expr import FREE, Binary, Clip, Expr, Number, Prob, Symbols, Total, free, prob, total
from caugym.core.query import Term

NAMES = Symbols(("X", "Y", "Z", "W"))


def number(term: Term) -> Fraction:
    """An arbitrary but fixed number in (0, 1) for each term."""
    return Fraction(hash((term.event, term.given)) % 89 + 5, 100)


@st.composite
def expressions(draw: st.DrawFn, depth: int = 4) -> Expr:
    kinds = ["prob", "number"] + ["+", "-", "*", "/", "total", "clip"] * (depth > 0)
    kind = draw(st.sampled_from(kinds))
    inner = expressions(depth - 1)
    match kind:
        case "prob":
            levels = st.sampled_from([0, 1, FREE])
            return prob({1: draw(levels)}, {0: draw(levels), 2: draw(levels)})
        case "number":
            return Number(draw(st.integers(-2, 3)))
        case "total":
            return total(draw(st.integers(1, 7)), draw(inner))
        case "clip":
            return Clip(draw(st.sampled_from(["lower", "upper"])), draw(inner))
        case "/":
            return Binary("/", draw(inner), prob({1: draw(st.sampled_from([0, 1]))}))
        case _:
            return Binary(kind, draw(inner), draw(inner))  # type: ignore[arg-type]


@given(expressions())
def test_printed_arithmetic_gives_the_value(expr: Expr) -> None:
    expr = expr.bind({0: 0, 1: 1, 2: 0})
    shown = expr.numbers(lambda term: str(number(term)).join("()"))
    shown = shown.replace("[", "(").replace("]", ")").replace("{", "(").replace("}", ")")
    shown = re.sub(r"\d+", r"Fraction(\g<0>)", shown)
    assert eval(shown, {"Fraction": Fraction, "max": max, "min": min}) == expr.evaluate(number)


@given(expressions())
def test_fractions_floats_and_arrays_agree(expr: Expr) -> None:
    expr = expr.bind({0: 0, 1: 1, 2: 0})
    exact = expr.evaluate(number)
    assert expr.expand().evaluate(number) == exact
    assert expr.evaluate(lambda term: float(number(term))) == pytest.approx(float(exact), rel=1e-9, abs=1e-4)
    arrays = expr.evaluate(lambda term: np.full(3, float(number(term))))
    assert np.broadcast_to(arrays, 3) == pytest.approx(float(exact), rel=1e-9, abs=1e-4)


@given(expressions())
def test_terms_are_what_evaluation_asks_for(expr: Expr) -> None:
    expr = expr.bind({0: 0, 1: 1, 2: 0})
    asked: list[Term] = []

    def value(term: Term) -> Fraction:
        asked.append(term)
        return number(term)

    expr.evaluate(value)
    assert expr.terms() == tuple(dict.fromkeys(asked))


@given(expressions())
def test_every_bracket_closes(expr: Expr) -> None:
    for opening, closing in ("[]", "{}", "()"):
        assert expr.text().count(opening) == expr.text().count(closing)
    assert expr.latex().count("{") == expr.latex().count("}")
    assert expr.latex().count(r"\left") == expr.latex().count(r"\right")


def test_a_sum_runs_over_every_level_and_clipping_keeps_the_type() -> None:
    three = Total((2,), prob({2: FREE}), levels=(3,))
    assert [term.event for term in three.terms()] == [((2, 0),), ((2, 1),), ((2, 2),)]
    assert Clip("lower", Number(-1) * prob({0: 1})).evaluate(lambda _: Fraction(1, 3)) == Fraction(0)
    assert isinstance(Clip("upper", Number(9) * prob({0: 1})).evaluate(lambda _: Fraction(1, 3)), Fraction)
    assert total(0, prob({0: 1})) == prob({0: 1})


MEDIATION = total(
    0b100,
    prob(free(0b100))
    * total(0b1000, (prob({1: 1}, {0: 1, **free(0b1100)}) - prob({1: 1})) * prob(free(0b1000), {0: 0})),
)
BOUND = Clip("lower", (total(0b1100, prob(free(0b1100))) - prob({1: 1})) / prob({0: 1, 1: 1}))


@pytest.mark.parametrize(
    ("expr", "text", "latex"),
    [
        (
            MEDIATION,
            "sum_z P(z) * sum_w [P(Y=1 | X=1, z, w) - P(Y=1)] * P(w | X=0)",
            r"\sum_{z} P(z) \, \sum_{w} \left[P(Y=1 \mid X=1, z, w) - P(Y=1)\right] \, P(w \mid X=0)",
        ),
        (
            BOUND,
            "max{0, [[sum_{z,w} P(z, w)] - P(Y=1)] / P(X=1, Y=1)}",
            r"\max\left\{0, \frac{\left[\sum_{z,w} P(z, w)\right] - P(Y=1)}{P(X=1, Y=1)}\right\}",
        ),
        (
            Prob(Term(((1, 1),), ((2, 0),), do=((0, 1),))),
            "P(Y=1 | do(X=1), Z=0)",
            r"P(Y=1 \mid \mathrm{do}(X=1), Z=0)",
        ),
    ],
)
def test_printing(expr: Expr, text: str, latex: str) -> None:
    assert expr.text(NAMES) == text
    assert expr.latex(NAMES) == latex


def test_a_namer_may_name_everything() -> None:
    @dataclass
    class Words:
        def symbol(self, variable: int) -> str:
            return ("drug", "recovery")[variable]

        def level(self, variable: int, level: int) -> str:
            return ("no", "yes")[level]

        def index(self, variable: int) -> str:
            return "abc"[variable]

    assert prob({1: 1}, {0: FREE}).text(Words()) == "P(recovery=yes | a)"
    assert prob({1: 1}, {0: 0}).text() == "P(V1=1 | V0=0)"
