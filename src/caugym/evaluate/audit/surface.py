"""Whether how a text looks gives its answer away: logistic regression on features of its surface.

The features know nothing of causes: lengths, counts of numbers and of the most frequent words, sizes of the
numbers, how the text ends. The regression is scored on questions that it was not fitted to; on a good set it
is right as often as a coin.
"""

import re
from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

WORDS = 60
"""How many of the most frequent words are counted."""
FOLDS = 10
FEWEST = 40
"""The least number of questions, and of either answer among them, for which a score means anything."""
RIDGE = 1.0
STEPS = 12

_WORD = re.compile(r"[a-z_]+")
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*%?")


def regression(texts: Sequence[str], labels: Sequence[bool]) -> float | None:
    """The share of labels that are predicted from texts like theirs, in cross-validation.

    Folds are stretches of the file, so that two questions made as a pair seldom part. Where one label is
    more frequent, either counts half: 0.5 is a coin.

    Args:
        texts: What is asked, in the order of the file.
        labels: One of two answers to each.

    Returns:
        Balanced accuracy, or None where there are too few questions or all have one answer.
    """
    truth = np.array(labels, dtype=float)
    if min(truth.sum(), len(truth) - truth.sum()) < FEWEST:
        return None
    features = _features(texts)
    fold = np.arange(len(texts)) * FOLDS // len(texts)
    guess = np.empty(len(texts), dtype=bool)
    for k in range(FOLDS):
        mine = fold == k
        guess[mine] = _fitted(features[~mine], truth[~mine], features[mine])
    right = guess == (truth == 1)
    return float((right[truth == 1].mean() + right[truth == 0].mean()) / 2)


def _features(texts: Sequence[str]) -> Floats:
    """(texts, features): each feature with mean 0 and deviation 1; constant ones are left out."""
    words = [Counter(_WORD.findall(text.lower())) for text in texts]
    often = [word for word, _ in sum(words, Counter[str]()).most_common(WORDS)]
    rows = []
    for text, counts in zip(texts, words, strict=True):
        numbers = [float(found.rstrip("%").replace(",", "")) for found in _numbers(text)] or [0.0]
        body = text.rstrip()
        rows.append(
            [
                len(text),
                counts.total(),
                len(counts),
                text.count("\n"),
                text.count("."),
                text.count(","),
                text.count(";"),
                text.count("?"),
                len(numbers),
                float(np.mean(numbers)),
                min(numbers),
                max(numbers),
                numbers[0],
                numbers[-1],
                body.endswith("."),
                *(counts[word] for word in often),
            ]
        )
    table = np.array(rows, dtype=float)
    spread = table.std(axis=0)
    kept = spread > 1e-9
    scaled: Floats = (table[:, kept] - table[:, kept].mean(axis=0)) / spread[kept]
    return scaled


def _numbers(text: str) -> list[str]:
    return [found for found in _NUMBER.findall(text) if found.count(".") <= 1]


def _fitted(features: Floats, labels: Floats, asked: Floats) -> NDArray[np.bool_]:
    """What a ridge logistic regression, fitted by Newton steps, says of ``asked``."""
    known = np.column_stack([np.ones(len(features)), features])
    weights = np.zeros(known.shape[1])
    penalty = np.full(known.shape[1], RIDGE)
    penalty[0] = 0.0
    for _ in range(STEPS):
        chance = 1 / (1 + np.exp(-np.clip(known @ weights, -30, 30)))
        slope = known.T @ (labels - chance) - penalty * weights
        bend = (known * (chance * (1 - chance))[:, None]).T @ known + np.diag(penalty + 1e-9)
        weights = weights + np.linalg.solve(bend, slope)
    said: NDArray[np.bool_] = asked @ weights[1:] + weights[0] > 0
    return said
