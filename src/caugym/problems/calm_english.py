"""CaLM's wording in English, as the CauGym release has it, too."""

import re

from caugym.problems.calm import Language
from caugym.problems.wording import unreadable

_GRAPH_END = re.compile(r"(?:\n|$|(?=For those with |The probability of |Instruction:|Consider the ))\s*")
_ARROW = re.compile(r" ha(?:s|ve) a direct effect on ")
_ARTICLE = "(?:(?:the|their) )*?"
_END = r"[.?]*[ ]*(?:\n\s*|$)"
_LIKELY = "(?:be|have been) (?P<more>more|less) likely to be <level>"
_BOUND = (
    "Given that <x> (?:was|were) <original> and <y> (?:was|were) <other>, what is the (?P<bound>lower|upper) "
    "bound of the probability %s <y> would have been <level> if <x> had been <to>"
)
_LOW = "absent bad cold few light limited little low no none poor scarce short slow small weak"
_LOW_WORDS = frozenset(_LOW.split())
_LOW_STARTS = ("in", "ir", "lack", "low ", "non", "not ", "un")


def _arrows(text: str, start: int) -> tuple[list[tuple[str, str]], int]:
    """A full stop inside brackets ("e.g.") does not end a sentence."""
    end = next(_GRAPH_END.finditer(text, start))
    graph = text[start : end.start()]
    cause, *rest = _ARROW.split(graph.strip().removesuffix("."))
    if not rest:
        raise unreadable("expected sentences that say what has a direct effect on what, found", graph)
    arrows = []
    for piece in rest[:-1]:
        breaks = [m for m in re.finditer(r"\.\s*", piece) if _balanced(piece[: m.start()])]
        if len(breaks) != 1:
            raise unreadable("cannot tell where one arrow ends and the next begins in", piece)
        arrows.append((cause, piece[: breaks[0].start()]))
        cause = piece[breaks[0].end() :]
    return [*arrows, (cause, rest[-1])], end.end()


def _balanced(text: str) -> bool:
    return text.count("(") == text.count(")")


def _key(name: str) -> str:
    """Texts vary the capitals, and "and" for a comma."""
    return name.casefold().replace(", ", " and ")


def _spelt(name: str) -> str:
    return re.escape(name).replace(r",\ ", "(?:, | and )")


def _sounds_low(level: str) -> bool:
    return level in _LOW_WORDS or level.startswith(_LOW_STARTS)


ENGLISH = Language(
    opening=re.compile(
        r"\s*(?:Input Info:\s*)?Imagine a self-contained, hypothetical world with only the following "
        r"conditions[^:\n]{0,200}:[ ]*"
    ),
    punctuation={},
    arrows=_arrows,
    statement=re.compile(
        r"(?:For those with (?P<given>.{1,2000}?), the probability of|The probability of) "
        r"(?P<event>.{1,2000}?) is (?P<p>[0-9]{1,3}(?:\.[0-9]{1,12})?)(?:\.(?!\d)|(?=\s*(?:\n|$)))\s*"
    ),
    assignment=rf"{_ARTICLE}(?P<name><x>) being (?P<level>(?:(?! being ).){{1,80}}?)"
    rf"(?: \([A-Z]=(?P<code>[01])\))?(?:(?:, | and )(?={_ARTICLE}(?:<x>) being )|$)",
    instruction=r"(?:Instruction:\s*)?Consider the [a-z ]{1,80} \((?P<task>[A-Z]{2,3})\)"
    rf" of <x> on <y>{_END}",
    questions={
        "ATE": f"If <x> (?:is|are) changed to be <to>, will <y> {_LIKELY}",
        "CDE": f"Conditioned on <held>, if <x> had been <to>, would <y> {_LIKELY}",
        "ETT": f"For those with <x> being <original>, if <x> had been <to>, would <y> {_LIKELY}",
        "NDE": "Suppose the mediator keeps constant when <x> (?:is|are) changed to be <to>, "
        f"would <y> {_LIKELY}",
        "NIE": "Suppose <x> (?:is|are) held constant and the mediator changes to whatever value it would "
        f"have attained under <x> changing to be <to>, would <y> {_LIKELY}",
        "PN": _BOUND % "of",
        "PS": _BOUND % "that",
    },
    end=_END,
    closing=re.compile(r"(?:Provide the calculation result [^\n]{1,300})?"),
    article=_ARTICLE,
    level=".{1,80}?",
    key=_key,
    spelt=_spelt,
    polarity={"more": "more", "less": "less"},
    bounds={"lower": "lower", "upper": "upper"},
    unnamed=("low", "high"),
    negated="not %s",
    sounds_low=_sounds_low,
)
