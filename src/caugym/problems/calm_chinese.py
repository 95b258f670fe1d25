"""CaLM's wording in Chinese; the patterns are for narrow punctuation."""

import re

from caugym.problems.calm import Language
from caugym.problems.wording import unreadable

_ARROW = re.compile(r"([^。\n]{1,200}?)有直接影响。\s*")
_LIKELY = "那么<y>更(?P<more>有|不)可能为<level>吗"
_BOUND = (
    r"给定<x>为<original>且<y>为<other>,\s*(?:那么)?假如<x>为<to>,"
    "此时<y>为<level>的概率的(?P<bound>上|下)界是多少"
)
_LOW_STARTS = (*"不非无没未低差少小弱轻否冷短坏贫", "有限", "缺乏")


def _arrows(text: str, start: int) -> tuple[list[tuple[str, str]], int]:
    """Where a name itself holds the word between cause and effect, other sentences tell."""
    sentences, ways = [], []
    while arrow := _ARROW.match(text, start):
        parts = arrow[1].split("对")
        ways.append([("对".join(parts[:i]), "对".join(parts[i:])) for i in range(1, len(parts))])
        sentences.append(arrow[1])
        start = arrow.end()
    if not ways:
        raise unreadable("expected sentences that say what has a direct effect on what, found", text[start:])
    sure = {name.casefold() for options in ways if len(options) == 1 for name in options[0]}
    arrows = []
    for sentence, options in zip(sentences, ways, strict=True):
        known = [pair for pair in options if any(name.casefold() in sure for name in pair)]
        chosen = options if len(options) == 1 else known
        if len(chosen) != 1 or not all(chosen[0]):
            raise unreadable("cannot tell the cause from the effect in", sentence)
        arrows.append(chosen[0])
    return arrows, start


def _sounds_low(level: str) -> bool:
    return level.startswith(_LOW_STARTS)


CHINESE = Language(
    opening=re.compile(
        "\\s*(?:Input Info[:\uff1a]\\s*)?设想一个只有以下条件[^\\n:\uff1a]{0,60}?世界[:\uff1a]\\s*"
    ),
    punctuation=str.maketrans("\uff0c\uff1a\uff1f\uff08\uff09\u201c\u201d", ',:?()""'),
    arrows=_arrows,
    statement=re.compile(
        r"(?:在(?P<given>[^。\n]{1,600}?)的条件下,\s*)?(?P<event>[^。\n]{1,300}?)的概率为"
        r"(?P<p>[0-9]{1,3}(?:\.[0-9]{1,12})?)。\s*"
    ),
    assignment=r"(?P<name><x>)为(?P<level>[^,。\n]{1,40}?)(?:(?:,\s*|且)(?=(?:<x>)为)|$)",
    instruction=r"(?:Instruction:\s*)?考虑<x>作用于<y>的[^()\n]{2,30}"
    r"\([a-z ]{3,60},\s*(?P<task>[A-Z]{2,3})\)。\s*",
    questions={
        "ATE": f"如果<x>被改变为<to>,{_LIKELY}",
        "CDE": f"在<held>的条件下,假如<x>为<to>,{_LIKELY}",
        "ETT": f"对于那些<x>为<original>,假如<x>为<to>,{_LIKELY}",
        "NDE": f"假如所有中间变量保持不变,而<x>变化为<to>,{_LIKELY}",
        "NIE": f"假如<x>保持不变,而所有中间变量被改变为当它们在<x>变化为<to>下的取值,{_LIKELY}",
        "PN": _BOUND,
        "PS": _BOUND,
    },
    end=r"[?]\s*",
    closing=re.compile(r"(?:(?:Provide|请)[^\n]{1,300})?"),
    article="",
    level=r"[^,。\n]{1,40}?",
    key=str.casefold,
    spelt=re.escape,
    polarity={"有": "more", "不": "less"},
    bounds={"上": "upper", "下": "lower"},
    unnamed=("低", "高"),
    negated="非%s",
    sounds_low=_sounds_low,
)
