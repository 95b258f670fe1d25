r"""Strict readers of replies whose answer is a word, a choice or a distribution; numbers are
`caugym.grade`'s.

What is read is the text after the last ``</think>``, of that the last 20,000 characters; a thought that is
never closed leaves nothing. An answer is what stands

- in ``\boxed{}``, or as the ANSWER of an object in braces (quotes optional, any case);
- after "answer", "final answer is:" and the like, at the end of its line or sentence;
- alone on the last line, or as the whole reply.

Several different answers in one reply are wrong, so a reply can never win by trying many. Every pattern is
linear in the text.
"""

import re
from collections.abc import Iterator

WINDOW = 20_000

_SAID = re.compile(
    r"\\boxed\{\s*+(?:\\text\s*+\{)?([^{}]{1,200})\}"
    r"|[\"'{,\s]answer[\"'*\s]{0,4}+:\s{0,4}+(?=([^\n{}]{1,200}))"
    r"|\banswer[*_`\"']{0,4}+(?:\s+is)?[\s:=*_`\"'$(]{1,8}+(?=([^\n{}]{1,200}))",
    re.IGNORECASE,
)
_DIGITS = re.compile(r"\d+")
_NUMBER = r"[+-]?(?:\d{1,9}(?:\.\d{0,20})?|\.\d{1,20})(?:e[+-]?\d{1,3})?"
_LIST = re.compile(rf"\[\s*+({_NUMBER}(?:\s*,\s*{_NUMBER}){{0,63}})\s*\]", re.IGNORECASE)
_ENDS = " \t\r\n.,;:!*_`\"'$()[]{}\\"


def final(reply: str) -> str | None:
    """The part of a reply that counts; None if its thought is never closed."""
    end = reply.rfind("</think>")
    start = 0 if end < 0 else end + len("</think>")
    if reply.find("<think>", start) >= 0:
        return None
    return reply[max(start, len(reply) - WINDOW) :].strip()


def word(reply: str, words: tuple[str, ...]) -> str | None:
    """The one of ``words`` that a reply gives as its answer; None if none or several.

    >>> word("X raises Y. Final answer: **Yes**.", ("Yes", "No"))
    'Yes'
    >>> word("The answer is yes. The answer is no.", ("Yes", "No")) is None
    True
    """
    known = {each.lower(): each for each in words}
    said = {known[text] for text in map(_first_word, _claims(reply)) if text in known}
    return said.pop() if len(said) == 1 else None


def choices(reply: str, count: int) -> frozenset[int]:
    """The choices, numbered from 1, that a reply gives as its answer; empty if unclear.

    >>> sorted(choices("Both fit. Answer: 1, 3", 4))
    [1, 3]
    """
    said = set()
    for claim in _claims(reply):
        listed = re.sub(r"\band\b|choices?|options?", " ", claim.strip(_ENDS).lower())
        if re.fullmatch(r"[\d\s,;&]{1,40}", listed):
            said.add(frozenset(map(int, _DIGITS.findall(listed))))
    if len(said) != 1:
        return frozenset()
    only = said.pop()
    return only if only <= frozenset(range(1, count + 1)) else frozenset()


def distribution(reply: str) -> tuple[float, ...] | None:
    """The list of probabilities that a reply ends with; None if there is none.

    The last list counts if nothing but punctuation follows it; it must hold probabilities that sum to 1
    within 0.02, as rounded ones do.

    >>> distribution("THOUGHT PROCESS [0.1, 0.9] ... ANSWER [0.46, 0.54]")
    (0.46, 0.54)
    """
    text = final(reply)
    found = list(_LIST.finditer(text)) if text else []
    if not found or not text or text[found[-1].end() :].strip(_ENDS):
        return None
    numbers = tuple(float(number) for number in found[-1][1].split(","))
    return numbers if min(numbers) >= 0 and abs(sum(numbers) - 1) <= 0.02 + 1e-9 else None


def _claims(reply: str) -> Iterator[str]:
    """What a reply gives as its answer, in all the forms that count."""
    text = final(reply)
    if not text:
        return
    for found in _SAID.finditer(text):
        yield next(filter(None, found.groups()), "")
    yield text.rpartition("\n")[2]


def _first_word(claim: str) -> str:
    """The claim in lower case, if it is one word, or one word and a full stop or comma before more."""
    head = re.split(r"[.,;!\n]", claim.strip(_ENDS), maxsplit=1)[0]
    return head.strip(_ENDS).lower()
