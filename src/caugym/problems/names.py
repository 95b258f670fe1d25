"""Nonsense names: pronounceable words that mean nothing, such as ``bramok`` and ``lutevi``.

They keep a solver from answering out of what it knows about the world. Names are made of two or three
syllables, each a consonant or two with a vowel; the last may close with a consonant. 5 to 8 letters.
"""

from pathlib import Path
from random import Random

from caugym.problems.problem import Variable

_ONSETS = ("b", "d", "f", "g", "k", "l", "m", "n", "p", "r", "s", "t", "v", "z")
_OPENINGS = (*_ONSETS, "bl", "br", "dr", "fl", "fr", "gl", "gr", "kl", "kr", "pl", "pr", "sl", "st", "tr")
_CODAS = ("k", "l", "m", "n", "p", "z")
_RUDE = ("fa", "fu", "ku", "ni", "pe", "ti", "zi")  # syllables that the next one can turn into an insult


def _syllables(onsets: tuple[str, ...], vowels: str) -> tuple[str, ...]:
    return tuple(onset + vowel for onset in onsets for vowel in vowels if onset + vowel not in _RUDE)


_FIRST = _syllables(_OPENINGS, "aeiou")
_INNER = _syllables(_ONSETS, "aeiou")
_OPEN = _syllables(_ONSETS, "aiou")  # a last "e" would look English
_CLOSED = tuple(syllable + coda for syllable in _INNER for coda in _CODAS)

_REAL = frozenset((Path(__file__).with_name("data") / "real_words.txt").read_text("utf-8").split())


def half(name: str) -> int:
    """Which half of all names one belongs to, 0 or 1: the parity of its letter codes.

    >>> half("bramok"), half("bramol")
    (0, 1)
    """
    return sum(name.encode()) & 1


_STEMS = (
    *tuple((stem, half(stem)) for stem in _FIRST) * len(_INNER),  # as many of two syllables as of three
    *((stem, half(stem)) for stem in (a + b for a in _FIRST for b in _INNER)),
)
_LAST = tuple(tuple(end for end in (*_OPEN * len(_CODAS), *_CLOSED) if half(end) == h) for h in (0, 1))


def nonsense(rng: Random, k: int, split: str) -> tuple[Variable, ...]:
    """Fresh variables with the levels ``low`` and ``high``.

    No two of them begin with the same four letters, so none is the beginning of another.

    Args:
        rng: Chooses the names.
        k: How many.
        split: ``"test"`` draws from one half of all names, every other split from the other half.
    """
    random, stems, parity = rng.random, len(_STEMS), int(split == "test")
    found: dict[str, Variable] = {}
    while len(found) < k:
        stem, odd = _STEMS[int(random() * stems)]
        last = _LAST[odd ^ parity]
        name = stem + last[int(random() * len(last))]
        if len(name) > 4 and name[:4] not in found and name not in _REAL:
            found[name[:4]] = Variable(name)
    return tuple(found.values())
