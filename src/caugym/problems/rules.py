"""The laws by which one probability follows from others, and how they apply to a wanted term.

In the laws ``a, b`` are events, ``g`` is what is conditioned on, and ``b'`` is the other level of a single
binary variable ``b``.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from caugym.core.graph import bits

Key = tuple[int, int, int, int]
"""A term as bitmasks: event variables, their levels, given variables, their levels.

With n variables, bit n + v among the given stands for do(v).
"""


@dataclass(frozen=True, slots=True)
class Rule:
    """A law that gives one probability from others.

    Attributes:
        law: The law in symbols.
        pattern: Its right-hand side, with ``{}`` for each part, in order.
        apply: The same on numbers of any type.
    """

    law: str
    pattern: str
    apply: Callable[..., Any]


RULES: dict[str, Rule] = {
    "stated": Rule("P(a|g) is stated", "", lambda: None),
    "independent": Rule("P(a|b,g) = P(a|g), as b is d-separated from a given g", "{}", lambda p: p),
    "complement": Rule("P(a|g) = 1 - P(a'|g)", "1 - {}", lambda p: 1 - p),
    "rest": Rule("P(a,b|g) = P(a|g) - P(a,b'|g)", "{} - {}", lambda p, q: p - q),
    "chain": Rule("P(a,b|g) = P(a|b,g) P(b|g)", "{} * {}", lambda p, q: p * q),
    "sum": Rule("P(a|g) = P(a,b|g) + P(a,b'|g)", "{} + {}", lambda p, q: p + q),
    "ratio": Rule("P(a|b,g) = P(a,b|g) / P(b|g)", "{} / {}", lambda p, q: p / q),
    "total": Rule(
        "P(a|g) = P(a|b,g) P(b|g) + P(a|b',g) P(b'|g)",
        "{} * {} + {} * {}",
        lambda p, q, r, s: p * q + r * s,
    ),
    "weight": Rule(
        "P(b|g) = [P(a|g) - P(a|b',g)] / [P(a|b,g) - P(a|b',g)]",
        "({0} - {2}) / ({1} - {2})",
        lambda p, q, r: (p - r) / (q - r),
    ),
}


CELLS = {1: "complement", 3: "cells of 4", 7: "cells of 8", 15: "cells of 16"}
"""The rule that gives one cell of a joint distribution from this many others, all the others."""

RULES |= {
    name: Rule(
        "P(a|g) = 1 - the sum of all other cells of the joint distribution given g",
        "1" + " - {}" * count,
        lambda *cells: 1 - sum(cells),
    )
    for count, name in CELLS.items()
    if count > 1
}


def other_cells(key: Key) -> tuple[Key, ...]:
    """The term with the event at every other combination of levels."""
    event, levels, given, given_levels = key
    if not event & event - 1:
        return ((event, event ^ levels, given, given_levels),)
    cells = (*_submasks(event), 0)
    return tuple((event, cell, given, given_levels) for cell in cells[::-1] if cell != levels)


def instances(key: Key, seen: int, others: int, deep: bool) -> Iterator[tuple[str, tuple[Key, ...]]]:
    """The instances of the rules that yield ``key``, cheap ones first; parts are not canonical yet.

    ``seen`` are the given variables that may be moved to the event, ``others`` the ones to bring in.
    """
    event, levels, given, given_levels = key
    if event & event - 1:
        for a in _submasks(event):
            if a != event:
                yield "chain", _factors(key, a)
        for b in bits(event):
            bit = 1 << b
            yield (
                "rest",
                (
                    (event ^ bit, levels & ~bit, given, given_levels),
                    (event, levels ^ bit, given, given_levels),
                ),
            )
    for b in _submasks(seen):
        kept, kept_levels, b_levels = given & ~b, given_levels & ~b, given_levels & b
        yield "ratio", ((event | b, levels | b_levels, kept, kept_levels), (b, b_levels, kept, kept_levels))
    for b in bits(others):
        bit = 1 << b
        wide = given | bit
        yield (
            "total",
            (
                (event, levels, wide, given_levels | bit),
                (bit, bit, given, given_levels),
                (event, levels, wide, given_levels),
                (bit, 0, given, given_levels),
            ),
        )
        joint = event | bit
        yield "sum", ((joint, levels | bit, given, given_levels), (joint, levels, given, given_levels))
    cells = other_cells(key)
    if len(cells) in CELLS:
        yield CELLS[len(cells)], cells
    if deep:
        yield from _backward(key, others)


def _backward(key: Key, others: int) -> Iterator[tuple[str, tuple[Key, ...]]]:
    """The instances in which an event outside the key tells about the key's own event."""
    event, levels, given, given_levels = key
    for a in bits(others):
        bit = 1 << a
        for level in (bit, 0):
            joint = event | bit, levels | level, given, given_levels
            yield "ratio", (joint, (bit, level, given | event, given_levels | levels))
        if not event & event - 1:
            wide, other = given | event, given_levels | event ^ levels
            yield (
                "weight",
                (
                    (bit, bit, given, given_levels),
                    (bit, bit, wide, given_levels | levels),
                    (bit, bit, wide, other),
                ),
            )


def _factors(key: Key, a: int) -> tuple[Key, Key]:
    event, levels, given, given_levels = key
    b = event & ~a
    return (a, levels & a, given | b, given_levels | levels & b), (b, levels & b, given, given_levels)


def _submasks(members: int) -> Iterator[int]:
    """The nonempty subsets of a bitmask, largest first."""
    subset = members
    while subset:
        yield subset
        subset = subset - 1 & members
