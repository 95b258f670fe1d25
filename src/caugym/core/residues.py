"""Arithmetic modulo the prime 2^61 - 1: exact where floating point leaves doubt whether a number is 0."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

P = (1 << 61) - 1
"""The modulus, a Mersenne prime."""

Residues = NDArray[np.uint64]
Floats = NDArray[np.float64]


def times(a: Residues, b: Residues) -> Residues:
    """Products, elementwise; 31 bits at a time, because a product of two residues has 122 bits.

    >>> a = np.array([P - 1, 1 << 60], dtype=np.uint64)
    >>> times(a, a).tolist() == [1, 2**120 % P]
    True
    """
    half = np.uint64(31)
    low = np.uint64((1 << 31) - 1)
    a1, a0, b1, b0 = a >> half, a & low, b >> half, b & low
    middle = a1 * b0 + a0 * b1
    # a1 * b1 * 2^62 is twice a1 * b1, and the upper bits of middle, times 2^61, are themselves
    total = (a1 * b1 << np.uint64(1)) + (middle >> np.uint64(30)) + a0 * b0
    product: Residues = (total + ((middle & (low >> np.uint64(1))) << half)) % P
    return product


def sums(numbers: Residues, chosen: Floats) -> Residues:
    """``numbers @ chosen`` for a matrix of zeros and ones with at most 2^20 rows.

    Exact in doubles, which hold sums of 21-bit pieces.
    """
    bits_21, once = np.uint64((1 << 21) - 1), np.uint64(21)
    limbs = np.stack([numbers & bits_21, numbers >> once & bits_21, numbers >> 2 * once])
    low, middle, high = (limbs.astype(float) @ chosen).astype(np.uint64)
    result: Residues = (low + (middle << once) + times(high, np.array(1 << 42, dtype=np.uint64))) % P
    return result


def spanned(rows: Sequence[list[int]], target: list[int]) -> bool:
    """Whether the target is a combination of the rows."""
    echelon: list[tuple[int, list[int]]] = []

    def reduced(row: list[int]) -> list[int]:
        for pivot, known in echelon:
            if factor := row[pivot]:
                row = [(a - factor * b) % P for a, b in zip(row, known, strict=True)]
        return row

    for row in map(reduced, rows):
        pivot = next((i for i, a in enumerate(row) if a), None)
        if pivot is not None:
            inverse = pow(row[pivot], -1, P)
            echelon.append((pivot, [a * inverse % P for a in row]))
    return not any(reduced(target))


class Residue:
    """A residue that remembers what it was calculated from, for derivatives backwards."""

    __slots__ = ("parts", "slope", "tape", "value")

    def __init__(
        self, tape: list["Residue"], value: int, parts: tuple[tuple["Residue", int], ...] = ()
    ) -> None:
        self.tape, self.value, self.parts, self.slope = tape, value % P, parts, 0
        tape.append(self)

    def __add__(self, other: "Residue | int") -> "Residue":
        if isinstance(other, int):
            return Residue(self.tape, self.value + other, ((self, 1),))
        return Residue(self.tape, self.value + other.value, ((self, 1), (other, 1)))

    def __neg__(self) -> "Residue":
        return Residue(self.tape, -self.value, ((self, -1),))

    def __sub__(self, other: "Residue | int") -> "Residue":
        return self + -other

    def __rsub__(self, other: int) -> "Residue":
        return -self + other

    def __mul__(self, other: "Residue | int") -> "Residue":
        if isinstance(other, int):
            return Residue(self.tape, self.value * other, ((self, other),))
        return Residue(self.tape, self.value * other.value, ((self, other.value), (other, self.value)))

    def __truediv__(self, other: "Residue | int") -> "Residue":
        if isinstance(other, int):
            return self * pow(other, -1, P)
        inverse = pow(other.value, -1, P)
        ratio = self.value * inverse % P
        return Residue(self.tape, ratio, ((self, inverse), (other, -ratio * inverse)))

    __radd__, __rmul__ = __add__, __mul__


def backward(result: Any, tape: list[Residue]) -> None:  # noqa: ANN401 (a number, or an int if it is constant)
    """Sets the slope of each number on the tape: the derivative of the result by it."""
    if isinstance(result, Residue):
        result.slope = 1
    for number in reversed(tape):
        for part, factor in number.parts:
            part.slope = (part.slope + number.slope * factor) % P
