r"""Grading: a reply and the gold answer give a verdict. The only reply parser in the project.

What is read (grader ``strict``). The text after the last ``</think>``; a ``<think>`` that is never closed
leaves nothing to read. Of that text the last 20,000 characters. In them these are answers:

- an object in braces with the keys ANSWER and PROB, one or both, in any case: JSON, or what people write
  instead of it (single, typographic, escaped or no quotes, ``=`` for ``:``, a trailing comma, code fences,
  ``\boxed{}`` around it; other keys are passed over);
- ``\boxed{}`` around a number, ``Yes``, ``No``, ``LACK_CONDITION``, or several of them with commas between;
- ``LACK_CONDITION`` alone on a line, or after "Final answer:" and the like. A mention inside a sentence,
  negated or not, is no answer.

A number is decimal or scientific, ASCII digits, at most 40 characters, with an optional sign (the Unicode
minus too); it is a percentage only where a percent sign stands. NaN, infinity, fractions and ranges are
not numbers. Yes and No count in any case, a final full stop aside.

Which answer counts. All answers found are put together. If they give two numbers more than 0.00005 apart
(more than rounding to 4 decimals explains), or both Yes and No, or an abstention beside either, the reply
gives *several answers* and is wrong; the same answer said twice is one answer, and its last number counts.
So a reply can never win by trying many.

How it counts. The value is right within the tolerance, bounds included; yes/no is right when it is the
same word; they are graded apart, and a reply is correct when everything that the gold states is right. An
abstention is correct when the gold is "insufficient" and nothing else is. A reply that was cut off at the
token limit is ``truncated`` and never correct, whatever stands in it: what would have followed is unknown.

The grader ``official`` is the rule behind the published figures of the CauGym release, kept so that numbers
can be compared: see `_official`.

Every pattern is linear in the text (possessive repeats), so no reply can stall a training run.
"""

import re
from dataclasses import dataclass, replace
from math import inf, isfinite
from typing import Literal

from caugym.problems.problem import Answer

Grader = Literal["strict", "official"]
Kind = Literal["correct", "wrong", "abstained", "truncated", "unparsed"]

TOLERANCE = 0.0005
"""Largest accepted distance from the gold value, the bound included."""

_WINDOW = 20_000  # characters of a final answer that are read; bounds the work on a hostile reply
_OFFICIAL_WINDOW = 1_000_000  # far beyond any real reply (8,192 tokens are some 35,000 characters)
_SAME = 0.00005 + 1e-9  # how far rounding to 4 decimals moves a number
_SLACK = 1e-9  # so that a distance of exactly one tolerance is inside in floating point

_EDGES = " \t\r\n\"'\u201c\u201d\u2018\u2019`$*\\"
_MINUS = str.maketrans(dict.fromkeys("\u2212\u2013\ufe63\uff0d", "-"))

_NUMBER = re.compile(r"([+-]?(?:[0-9]++(?:\.[0-9]*+)?|\.[0-9]++)(?:[eE][+-]?[0-9]{1,3})?)(?:\s?(\\?%))?")
_OPEN, _CLOSE = r"""["'`\u201c\u2018]""", r"""["'`\u201d\u2019]"""
_KEY = rf"(?:\\?{_OPEN}|\*\*)?\s*+([^\W\d][\w-]{{0,40}}+)\s*+(?:\\?{_CLOSE}|\*\*)?"
_VALUE = (
    r""" ("(?:[^"\\]|\\.)*+" | '(?:[^'\\]|\\.)*+' | \\"[^"\\]*+\\" | \[[^\[\]{}]*+\] """
    r""" | \u201c[^\u201c\u201d]*+\u201d | \u2018[^\u2018\u2019]*+\u2019 """
    r""" | (?:[^,{}\[\]"'\u201c\u201d\u2018\u2019\\\n]|\\[^{}"]){1,200}+) """
)
_PAIR = rf"\s*+{_KEY}\s*+[:=]\s*+(?x:{_VALUE})\s*+"
_OBJECT = re.compile(rf"\{{{_PAIR}(?:,{_PAIR}){{0,30}}+,?\s*+\\?\}}")
_PAIRS = re.compile(rf"[{{,]{_PAIR}")
_BOXED = re.compile(r"\{\s*+(?:\\(?:text|texttt|textbf|mathrm|mathbf|mathtt)\s*+\{)?([^{}]{1,80})\}")
_ABSTENTION = re.compile(r"lack(?:\\?_|[ -])condition", re.IGNORECASE)
_ABSTAINING_LINE = re.compile(
    r"[\s>#*_`\"'$(-]*+(?:(?:so|thus|hence|therefore),?\s)?(?:the\s)?(?:final\s|correct\s)?"
    r"(?:(?:answer|output|result|conclusion)[\s*_]*+(?:is)?[\s:=*_`\"']*+)?"
    r"lack(?:\\?_|[ -])condition[\s*_`\"'$).]*+",
    re.IGNORECASE,
)
_OFFICIAL_VALUE = re.compile(r'"PROB"\s*+:\s*+"?\s*+(-?[0-9]{1,40}+(?:\.[0-9]{0,40}+)?)\s*+"?\s*+[,}]')


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a reply is worth, and why.

    Attributes:
        kind: ``correct``; ``wrong``; ``abstained`` (LACK_CONDITION where the gold has an answer);
            ``truncated`` (cut off at the token limit); ``unparsed`` (no answer found).
        correct: Whether everything that the gold states is right.
        value_ok: Whether the value is right; None where the gold states none.
        answer_ok: Whether the yes/no is right; None where the gold states none or the grader ignores it.
        value: The value read from the reply, None if none.
        answer: The yes/no read, ``"Yes"``, ``"No"`` or ``"LACK_CONDITION"``, None if none.
        reason: The verdict in a few words.
    """

    kind: Kind
    correct: bool
    value_ok: bool | None
    answer_ok: bool | None
    value: float | None
    answer: str | None
    reason: str


def grade(
    reply: str,
    gold: Answer,
    tolerance: float = TOLERANCE,
    *,
    truncated: bool = False,
    grader: Grader = "strict",
) -> Verdict:
    """Grade one reply.

    Args:
        reply: What the model wrote, thoughts included.
        gold: The right answer.
        tolerance: Largest accepted distance from the gold value.
        truncated: Whether the model was stopped at the token limit.
        grader: ``"strict"`` or ``"official"``.

    >>> gold = Answer("identified", "0.3847", "Yes")
    >>> grade('<think>hm</think> {"ANSWER": "Yes", "PROB": "0.3847"}', gold).kind
    'correct'
    >>> grade("{'answer': 'yes', 'prob': 38.47%}", gold).correct
    True
    >>> grade('{"ANSWER": "No", "PROB": "0.3847"}', gold).reason
    'the yes/no is wrong'
    """
    if grader == "official":
        return _official(reply, gold, tolerance, truncated)
    if truncated:
        return _nothing("truncated", gold, "cut off at the token limit")
    end_of_thought = reply.rfind("</think>")
    start = 0 if end_of_thought < 0 else end_of_thought + len("</think>")
    if reply.find("<think>", start) >= 0:
        return _nothing("unparsed", gold, "the thought is never closed")
    claims = _Claims()
    claims.read(reply, max(start, len(reply) - _WINDOW), start)
    if claims.several():
        return _nothing("wrong", gold, "several answers")
    if claims.abstained:
        return _abstained(gold)
    if claims.empty():
        return _nothing("unparsed", gold, "no answer found" if reply.strip() else "empty reply")
    return _answered(claims, gold, tolerance)


class _Claims:
    """Everything that a reply gives as its answer.

    Attributes:
        value: The last number; None if there is none.
        low, high: The smallest and the largest.
        answers: ``"Yes"`` and ``"No"``.
        abstained: Whether it says LACK_CONDITION.
    """

    __slots__ = ("abstained", "answers", "high", "low", "value")

    def __init__(self) -> None:
        self.value: float | None = None
        self.low, self.high = inf, -inf
        self.answers: set[str] = set()
        self.abstained = False

    def several(self) -> bool:
        """Whether it answers in more than one way."""
        given = self.value is not None or bool(self.answers)
        return self.high - self.low > _SAME or len(self.answers) > 1 or (self.abstained and given)

    def empty(self) -> bool:
        """Whether nothing was found."""
        return self.value is None and not self.answers and not self.abstained

    def read(self, text: str, start: int, whole: int) -> None:
        """Collect the answers in ``text[start:]``; the final answer begins at ``whole`` <= ``start``."""
        brace = text.find("{", start)
        while brace >= 0 and not self.several():
            found = _OBJECT.match(text, brace)
            if found:
                for key, value in _PAIRS.findall(found.group()):
                    self._keyed(key.upper(), value.strip(_EDGES))
            elif text.endswith("boxed", 0, brace) and (boxed := _BOXED.match(text, brace)):
                self._boxed(boxed.group(1))
            brace = text.find("{", found.end() if found else brace + 1)
        tail = text[start:]
        if "lack" in tail.lower():
            lines = tail.split("\n")[start > whole :]  # a line cut by the window is not a line
            self.abstained |= any(map(_ABSTAINING_LINE.fullmatch, lines))

    def _keyed(self, key: str, value: str) -> None:
        if key not in ("ANSWER", "PROB"):
            return
        if _ABSTENTION.fullmatch(value):
            self.abstained = True
        elif key == "PROB":
            self._value(value)
        else:
            self._yes_no(value)

    def _boxed(self, content: str) -> None:
        for part in content.split(","):
            stripped = part.strip(_EDGES)
            if _ABSTENTION.fullmatch(stripped):
                self.abstained = True
            else:
                self._value(stripped)
                self._yes_no(stripped)

    def _value(self, text: str) -> None:
        number = _number(text)
        if number is not None:
            self.value = number
            self.low, self.high = min(self.low, number), max(self.high, number)

    def _yes_no(self, text: str) -> None:
        word = text.rstrip(".").lower()
        if word in ("yes", "no"):
            self.answers.add(word.capitalize())


def _number(text: str) -> float | None:
    """The number that a text is, percent signs taken into account; None if it is none."""
    found = _NUMBER.fullmatch(text.translate(_MINUS)) if len(text) <= 40 else None
    if not found:
        return None
    number = float(found.group(1))
    if not isfinite(number):
        return None
    return number / 100 if found.group(2) else number


def _near(value: float, gold: str, tolerance: float) -> bool:
    return abs(value - float(gold)) <= tolerance + _SLACK


def _nothing(kind: Kind, gold: Answer, reason: str) -> Verdict:
    """A verdict on a reply that gives no single answer: all that the gold states is missed."""
    value_ok = None if gold.value is None else False
    return Verdict(kind, False, value_ok, None if gold.answer is None else False, None, None, reason)


def _abstained(gold: Answer) -> Verdict:
    if gold.status == "insufficient":
        return Verdict("correct", True, None, None, None, "LACK_CONDITION", "rightly abstained")
    missed = _nothing("abstained", gold, "abstained, but the answer is identified")
    return replace(missed, answer="LACK_CONDITION")


def _answered(claims: _Claims, gold: Answer, tolerance: float) -> Verdict:
    value = claims.value
    answer = next(iter(claims.answers), None)
    if gold.status == "insufficient":
        return Verdict("wrong", False, None, None, value, answer, "answered what cannot be identified")
    value_ok = None if gold.value is None else value is not None and _near(value, gold.value, tolerance)
    answer_ok = None if gold.answer is None else answer == gold.answer
    correct = value_ok is not False and answer_ok is not False
    if correct:
        reason = "right"
    elif value_ok is False:
        reason = "no readable value" if value is None else "the value is wrong"
        if answer_ok is False:
            reason += ", no yes/no" if answer is None else ", the yes/no is wrong"
    else:
        reason = "no yes/no" if answer is None else "the yes/no is wrong"
    return Verdict("correct" if correct else "wrong", correct, value_ok, answer_ok, value, answer, reason)


def _official(reply: str, gold: Answer, tolerance: float, truncated: bool) -> Verdict:
    """The release's rule: any matching PROB anywhere counts, thoughts and truncated replies included.

    ``"PROB"`` must stand in upper case and double quotes and a plain decimal must follow, quoted or not;
    percent, single quotes and ``\\boxed{}`` around a bare number find nothing. Yes/no is never graded.
    Where the gold is insufficient, a reply that contains ``LACK_CONDITION`` anywhere is correct. The
    release sets no limit on length; the last million characters are read here. Its script is not published;
    the rule is put together from how it scores replies (a grid of 2,300 values wins within 0.0005).
    """
    if gold.status == "insufficient":
        right = "LACK_CONDITION" in reply
        reason = "LACK_CONDITION stands in it" if right else "LACK_CONDITION is missing"
        said = "LACK_CONDITION" if right else None
        return Verdict("correct" if right else "wrong", right, None, None, None, said, reason)
    window = max(0, len(reply) - _OFFICIAL_WINDOW)
    texts = dict.fromkeys(_OFFICIAL_VALUE.findall(reply, window))
    if not texts:
        return _nothing("truncated" if truncated else "unparsed", gold, "no PROB found")
    values = [float(text) for text in texts]
    if gold.value is None:
        return Verdict("wrong", False, None, None, values[-1], None, "the gold states no value")
    for value in values:
        if _near(value, gold.value, tolerance):
            return Verdict("correct", True, True, None, value, None, "a PROB in it is right")
    return Verdict("wrong", False, False, None, values[-1], None, "no PROB in it is right")
