"""A causal graph as SVG: causes above effects, arrows that bend around what they pass.

The layout is the layered one of Sugiyama, Tagawa and Toda (IEEE Trans. SMC 11, 1981): layers by longest
path, a bend in every layer that an arrow passes, order within the layers by the mean position of neighbours.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from itertools import pairwise
from textwrap import wrap

from caugym.core.graph import DAG, bits

LETTERS = 15
"""Longest line of a name, in letters."""

LETTER, LINE, PAD, GAP, LAYER = 7.4, 17, 10, 20, 46
"""Sizes in user units: a letter's width, a line's height, a box's padding, the gaps between boxes and
layers."""

BEND, TIP, PORT = 6, 9, 14
"""How near arrows may pass each other, the length of their tips, and how near they may enter a box."""


@dataclass(eq=False)
class _Place:
    """A box, or a bend of an arrow, in its layer."""

    layer: int
    lines: tuple[str, ...] = ()
    role: str = ""
    width: float = BEND
    x: float = 0.0
    top: float = 0.0
    bottom: float = 0.0
    above: list["_Place"] = field(default_factory=list)
    below: list["_Place"] = field(default_factory=list)


def diagram(dag: DAG, names: Sequence[str], roles: Mapping[int, str]) -> str:
    """The graph as an ``<svg>`` element without ids; colours come from the style sheet of the page.

    Args:
        dag: The graph.
        names: What to write into the boxes.
        roles: For some variables, the class of the box, which is also written above the name:
            ``"treatment"``, ``"outcome"``, ``"mediator"``, ``"adjusted for"``.
    """
    boxes = _boxes(dag, names, roles)
    arrows = [_route(boxes[cause], boxes[effect]) for cause, effect in dag.edges()]
    layers: list[list[_Place]] = [[] for _ in range(max(box.layer for box in boxes) + 1)]
    for place in (*boxes, *(bend for arrow in arrows for bend in arrow[1:-1])):
        layers[place.layer].append(place)
    _order(layers)
    width, height = _coordinates(layers)
    drawn = "".join(map(_arrow, arrows)) + "".join(map(_box, boxes))
    words = "; ".join(f"{names[cause]} causes {names[effect]}" for cause, effect in dag.edges())
    return (
        f'<svg class="graph" viewBox="0 0 {width:.0f} {height:.0f}" style="max-width:{width:.0f}px" '
        f'role="img" aria-label="{escape(words)}">{drawn}</svg>'
    )


def _boxes(dag: DAG, names: Sequence[str], roles: Mapping[int, str]) -> list[_Place]:
    depth = [0] * dag.n
    for v in dag.order:
        depth[v] = max((depth[p] + 1 for p in bits(dag.parents[v])), default=0)
    for v in reversed(dag.order):
        if dag.children[v]:  # as near to its effects as it can stand
            depth[v] = min(depth[c] for c in bits(dag.children[v])) - 1
    boxes = []
    for v, name in enumerate(names):
        lines = tuple(wrap(name, LETTERS, break_long_words=False)) or ("",)
        longest = max(map(len, (*lines, roles.get(v, ""))))
        boxes.append(_Place(depth[v] - min(depth), lines, roles.get(v, ""), longest * LETTER + 2 * PAD))
    return boxes


def _route(cause: _Place, effect: _Place) -> list[_Place]:
    """The places an arrow runs through, linked to each other."""
    route = [cause, *(_Place(layer) for layer in range(cause.layer + 1, effect.layer)), effect]
    for upper, lower in pairwise(route):
        upper.below.append(lower)
        lower.above.append(upper)
    for place in (cause, effect):
        place.width = max(place.width, PORT * (1 + max(len(place.above), len(place.below))))
    return route


def _order(layers: list[list[_Place]]) -> None:
    """Sort every layer so that few arrows cross; the best of some sweeps down and up."""
    best = [list(layer) for layer in layers]
    fewest = _crossings(layers)
    for sweep in range(12):
        down = sweep % 2 == 0
        for layer in layers if down else reversed(layers):
            rank = {id(place): i for other in layers for i, place in enumerate(other)}
            layer.sort(key=lambda place: _mean(place.above if down else place.below, rank, rank[id(place)]))
        if (crossings := _crossings(layers)) < fewest:
            fewest, best = crossings, [list(layer) for layer in layers]
    layers[:] = best


def _mean(neighbours: list[_Place], rank: dict[int, int], own: float) -> float:
    return sum(rank[id(place)] for place in neighbours) / len(neighbours) if neighbours else own


def _crossings(layers: list[list[_Place]]) -> int:
    total = 0
    for upper, lower in pairwise(layers):
        rank = {id(place): i for i, place in enumerate(lower)}
        ends = [sorted(rank[id(below)] for below in place.below) for place in upper]
        flat = [end for group in ends for end in group]
        total += sum(a > b for i, a in enumerate(flat) for b in flat[i + 1 :])
    return total


def _coordinates(layers: list[list[_Place]]) -> tuple[float, float]:
    """Place every layer's members near the middle of their neighbours, but apart; give width and height."""
    for layer in layers:
        x = 0.0
        for place in layer:
            place.x = x + place.width / 2
            x += place.width + GAP
        for place in layer:
            place.x -= x / 2
    for _ in range(20):
        for layer in (*layers, *reversed(layers)):
            _spread(layer)
    left = min(place.x - place.width / 2 for layer in layers for place in layer) - 1
    y = 1.0
    for layer in layers:
        tall = max(_height(place) for place in layer)
        for place in layer:
            place.x -= left
            half = (_height(place) if place.lines else tall) / 2
            place.top, place.bottom = y + tall / 2 - half, y + tall / 2 + half
        y += tall + LAYER
    return max(place.x + place.width / 2 for layer in layers for place in layer) + 1, y - LAYER + 1


def _spread(layer: list[_Place]) -> None:
    wished = []
    for place in layer:
        near = place.above + place.below
        wished.append(sum(other.x for other in near) / len(near) if near else place.x)
    room = [(a.width + b.width) / 2 + (GAP if a.lines or b.lines else BEND) for a, b in pairwise(layer)]
    right, left = list(wished), list(wished)
    for i in range(1, len(layer)):
        right[i] = max(right[i], right[i - 1] + room[i - 1])
    for i in range(len(layer) - 2, -1, -1):
        left[i] = min(left[i], left[i + 1] - room[i])
    for place, a, b in zip(layer, right, left, strict=True):
        place.x = (a + b) / 2


def _height(place: _Place) -> float:
    return (len(place.lines) + bool(place.role)) * LINE + 2 * PAD - 4 if place.lines else 0


def _port(place: _Place, neighbours: list[_Place], other: _Place) -> float:
    """Where on the edge of a box an arrow starts or ends, so that arrows do not meet in one point."""
    if not place.lines:
        return place.x
    ranked = sorted(neighbours, key=lambda neighbour: neighbour.x)
    share = (next(i for i, each in enumerate(ranked) if each is other) + 1) / (len(ranked) + 1) - 0.5
    return place.x + share * place.width


def _arrow(route: list[_Place]) -> str:
    path = f"M{_port(route[0], route[0].below, route[1]):.1f} {route[0].bottom:.1f}"
    for upper, lower in pairwise(route):
        x0, x1 = _port(upper, upper.below, lower), _port(lower, lower.above, upper)
        end = lower.top - (TIP if lower.lines else 0)
        middle = (upper.bottom + end) / 2
        path += f"C{x0:.1f} {middle:.1f} {x1:.1f} {middle:.1f} {x1:.1f} {end:.1f}"
        if not lower.lines:
            path += f"V{lower.bottom:.1f}"
    return (
        f'<path class="arrow" d="{path}"/>'
        f'<path class="tip" d="M{x1:.1f} {route[-1].top:.1f}l-{TIP / 2} -{TIP}h{TIP}z"/>'
    )


def _box(place: _Place) -> str:
    left, height = place.x - place.width / 2, place.bottom - place.top
    kind = place.role.split()[0] if place.role else "other"
    texts = ([(place.role, "role")] if place.role else []) + [(line, "name") for line in place.lines]
    y = place.top + PAD + LINE - 7
    drawn = [
        f'<text class="{kind_}" x="{place.x:.1f}" y="{y + i * LINE:.1f}">{escape(text)}</text>'
        for i, (text, kind_) in enumerate(texts)
    ]
    return (
        f'<rect class="box {kind}" x="{left:.1f}" y="{place.top:.1f}" width="{place.width:.1f}" '
        f'height="{height:.1f}" rx="6"/>' + "".join(drawn)
    )
