"""Reading CaLM's Chinese wording; the sentences are our own."""

import os
import time
from pathlib import Path

import pytest

from caugym.core.query import Query, Term
from caugym.data.questions import questions
from caugym.problems.problem import Statement, Variable
from caugym.problems.read import Unreadable, read
from caugym.problems.solve import solve

WIDE = str.maketrans(",:?", "\uff0c\uff1a\uff1f")
WORLD = "设想一个只有以下条件,而没有其他因素或因果关系的假设世界:"
ARROWS = (
    "浇水量对土壤湿度有直接影响。Smku对收成有直接影响。浇水量对收成有直接影响。土壤湿度对收成有直接影响。"
)
STATED = (
    "在浇水量为少且smku为高的条件下, 收成为好的概率为0.2500。smku为低的概率为0.4。"
    "土壤湿度为湿, smku为低且浇水量为多的概率为0.1000。"
)
W, S, K, Y = range(4)
ASKED = [
    ("平均干预效果", "ATE", "如果浇水量被改变为多,那么收成更有可能为好吗?", Query("ATE", W, Y, 1, 1)),
    (
        "受控直接效果",
        "CDE",
        "在土壤湿度为湿且smku为低的条件下,假如浇水量为少,那么收成更不可能为好吗?",
        Query("CDE", W, Y, 0, 1, None, ((S, 1), (K, 0)), "less"),
    ),
    (
        "对被干预者的干预效果",
        "ETT",
        "对于那些浇水量为少,假如浇水量为多,那么收成更有可能为差吗?",
        Query("ETT", W, Y, 1, 0),
    ),
    (
        "自然直接效果",
        "NDE",
        "假如所有中间变量保持不变,而浇水量变化为多,那么收成更有可能为好吗?",
        Query("NDE", W, Y, 1, 1),
    ),
    (
        "自然间接效果",
        "NIE",
        "假如浇水量保持不变,而所有中间变量被改变为当它们在浇水量变化为少下的取值,那么收成更有可能为好吗?",
        Query("NIE", W, Y, 0, 1),
    ),
    (
        "必要性概率",
        "PN",
        "给定浇水量为多且收成为好, 那么假如浇水量为少,此时收成为差的概率的下界是多少?",
        Query("PN", W, Y, 0, 0, "lower"),
    ),
    (
        "充分性概率",
        "PS",
        "给定浇水量为少且收成为差, 假如浇水量为多,此时收成为好的概率的上界是多少?",
        Query("PS", W, Y, 1, 1, "upper"),
    ),
]


def told(stated: str, asks: str, arrows: str = ARROWS) -> str:
    """A whole text with the wide punctuation of the originals."""
    return (WORLD + arrows + stated + asks).translate(WIDE)


@pytest.mark.parametrize(("name", "code", "question", "query"), ASKED)
def test_chinese_wording_is_read(name: str, code: str, question: str, query: Query) -> None:
    instruction = f"考虑浇水量作用于收成的\u201c{name}\u201d(some effect, {code})。"
    problem = read(told(STATED, instruction + question))
    assert problem.variables == (
        Variable("浇水量", ("少", "多")),
        Variable("土壤湿度", ("非湿", "湿")),
        Variable("smku", ("低", "高")),
        Variable("收成", ("差" if "差" in question else "非好", "好")),
    )
    assert problem.edges == ((W, S), (K, Y), (W, Y), (S, Y))
    assert problem.statements == (
        Statement(Term(((Y, 1),), ((W, 0), (K, 1))), "0.2500"),
        Statement(Term(((K, 0),)), "0.4"),
        Statement(Term(((W, 1), (S, 1), (K, 0))), "0.1000"),
    )
    assert problem.query == query
    framed = told(
        f"\n{STATED}\n", f"Instruction: {instruction}\nQuestion: {question}\nProvide the result as JSON."
    )
    assert read(f"Input Info: {framed}") == problem
    if code != "PS":  # the two bounds ask the same thing of the same numbers
        assert read(told(STATED, question)).query == problem.query


def test_a_problem_in_chinese_is_solved() -> None:
    stated = (
        "在浇水量为多的条件下, 土壤湿度为湿的概率为0.7000。在浇水量为少的条件下, 土壤湿度为湿的概率为0.2000。"
    )
    solution = solve(read(told(stated, "如果浇水量被改变为多,那么土壤湿度更有可能为湿吗?")))
    assert (solution.answer.value, solution.answer.answer) == ("0.5000", "Yes")


def test_names_may_hold_the_word_of_an_arrow() -> None:
    arrows = "对策对结果有直接影响。天气对对策有直接影响。天气对结果有直接影响。"
    problem = read(told("", "如果天气被改变为好,那么结果更有可能为好吗?", arrows))
    assert {problem.variables[a].name + ">" + problem.variables[b].name for a, b in problem.edges} == {
        "对策>结果",
        "天气>对策",
        "天气>结果",
    }


@pytest.mark.parametrize(
    ("stated", "asks", "message"),
    [
        ("在浇水量为少的条件下, 收成为好的概率为1.5000。", ASKED[0][2], "not between 0 and 1"),
        ("在阳光为少的条件下, 收成为好的概率为0.5000。", ASKED[0][2], "which variable"),
        ("在收成为差的条件下, 收成为好的概率为0.5000。", ASKED[0][2], "told twice"),
        ("", "为什么?", "expected a statement"),
        ("", ASKED[0][2] + "再说一遍", "after the question"),
        ("收成为好的概率为0.5000。收成为差的概率为0.2。收成为中的概率为0.3。", ASKED[0][2], "more than two"),
        ("", "考虑smku作用于收成的平均干预效果(effect, ATE)。" + ASKED[0][2], "different variables"),
        ("", "考虑浇水量作用于收成的平均干预效果(effect, XYZ)。" + ASKED[0][2], "not known"),
        ("", "在浇水量为少的条件下,假如浇水量为少,那么收成更有可能为好吗?", "two roles"),
    ],
)
def test_what_cannot_be_read_is_quoted(stated: str, asks: str, message: str) -> None:
    with pytest.raises(Unreadable, match=message):
        read(told(stated, asks))


def test_no_arrows() -> None:
    with pytest.raises(Unreadable, match="direct effect"):
        read(WORLD.translate(WIDE) + "你好。")


def test_reading_is_never_slow() -> None:
    start = time.perf_counter()
    for text in ("在" * 20_000, "在a为" * 8_000, "对" * 20_000, "浇水量为少," * 5_000, "考虑" * 20_000):
        with pytest.raises(Unreadable):
            read(told(text, ASKED[0][2]))
    assert time.perf_counter() - start < 5


SHARED = os.environ.get("CAUGYM_SHARED_DATA")


@pytest.mark.skipif(not SHARED, reason="CAUGYM_SHARED_DATA names no folder of public files")
def test_chinese_calm_lite_is_read_and_solved() -> None:
    found = list(questions(Path(str(SHARED)) / "calm_lite" / "*_CN.json"))
    right = 0
    for question in found:
        answer = solve(read(question.text)).answer
        assert question.label
        right += abs(float(str(answer.value)) - float(str(question.label.value))) <= question.tolerance
    assert right >= 0.95 * len(found) > 100
