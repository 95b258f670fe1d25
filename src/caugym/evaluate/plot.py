"""Plain SVG drawing of intervals and curves, in page coordinates that follow the width of the reader's
screen.

Positions along x are percentages of the element's width and lines do not scale, so that text, dots and lines
keep their size on a phone and on paper. Colours and sizes come from the style sheet of the page, by class:
``s0``, ``s1``, ... for the series.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise
from math import ceil, floor, log10
from statistics import fmean

import numpy as np
from numpy.typing import NDArray

from caugym.evaluate.stats import Estimate
from caugym.evaluate.tables import percent

Floats = NDArray[np.float64]

SERIES = 6
"""How many series have a colour and a mark of their own."""

TICKS = (0, 25, 50, 75, 100)
"""Percentages that have a grid line."""

ROW, GAP = 42, 9
"""Pixels of a row at least, and between its series."""

SLOPES, APART = 300, 17
"""Pixels of a slope chart from 0 to 100 percent, and between the labels beside it."""

POINTS = 240
"""The most points of a drawn curve; a longer one is averaged piecewise."""


@dataclass(frozen=True)
class Curve:
    """A measured quantity over training steps.

    Attributes:
        title: What was measured.
        steps: Training steps, ascending.
        values: One value a step.
        share: Whether the values are shares, so that the axis runs from 0 to 1.
    """

    title: str
    steps: Sequence[float]
    values: Sequence[float]
    share: bool = False


def mark(series: int) -> str:
    """The mark of a series as a small inline drawing, for use beside its name."""
    return f'<svg class="mark" width="12" height="12" aria-hidden="true">{_dot("50%", 6, series)}</svg>'


def dots(estimates: Sequence[Estimate | None], label: str) -> str:
    """One row of a dot plot on a scale of 0 to 100 percent: an estimate with its interval for each series.

    Args:
        estimates: One a series; what is undefined is not drawn.
        label: What the row shows, for readers who hear the page.
    """
    height = max(ROW, 24 + GAP * len(estimates))
    parts = [f'<line class="grid" x1="{t}%" x2="{t}%" y1="0" y2="{height}"/>' for t in TICKS]
    for series, estimate in enumerate(estimates):
        if estimate is None or estimate.value is None:
            continue
        y = height / 2 + GAP * (series - (len(estimates) - 1) / 2)
        if estimate.low is not None and estimate.high is not None:
            ends = f'x1="{100 * estimate.low:.2f}%" x2="{100 * estimate.high:.2f}%"'
            parts.append(f'<line class="interval s{series % SERIES}" {ends} y1="{y}" y2="{y}"/>')
        parts.append(_dot(f"{100 * estimate.value:.2f}%", y, series))
    said = ", ".join(percent(estimate.value if estimate else None) for estimate in estimates)
    return (
        f'<svg class="dots" width="100%" height="{height}" role="img" '
        f'aria-label="{escape(f"{label}: {said} percent")}">{"".join(parts)}</svg>'
    )


def axis() -> str:
    """The scale that belongs under rows of `dots`."""
    labels = "".join(f'<span style="left:{tick}%">{tick}</span>' for tick in TICKS)
    return f'<div class="axis" aria-hidden="true">{labels}</div>'


def slopes(lines: Mapping[str, Sequence[float | None]], stations: Sequence[str], whole: str) -> str:
    """A slope chart: a line for each name, from station to station, on a scale of 0 to 100 percent.

    The name and the last value stand at its right end; lines that end above their beginning are drawn as
    gains, and those below it as losses.

    Args:
        lines: By name the shares at the stations; lines with an undefined share are not drawn.
        stations: What is below the chart; at least two.
        whole: The name of the line that stands for all, drawn strong.
    """
    drawn = {name: [v for v in each if v is not None] for name, each in lines.items()}
    drawn = {name: each for name, each in drawn.items() if len(each) == len(stations)}
    top = max((v for each in drawn.values() for v in each), default=1.0)
    high = next(tick / 100 for tick in TICKS[1:] if tick / 100 >= top)
    at = [f"{100 * i / (len(stations) - 1):.2f}%" for i in range(len(stations))]
    ends = sorted(drawn, key=lambda name: -drawn[name][-1])
    places = _spread([_down(drawn[name][-1], high) for name in ends])
    ticks = {tick: _down(tick / 100, high) for tick in TICKS if tick <= 100 * high}
    parts = [f'<line class="grid" x1="0" x2="100%" y1="{y:.1f}" y2="{y:.1f}"/>' for y in ticks.values()]
    for name in sorted(ends, key=lambda name: name == whole):
        each = drawn[name]
        change = "up" if each[-1] > each[0] else "down" if each[-1] < each[0] else "level"
        kind = f"slope {change}{' all' if name == whole else ''}"
        heights = [_down(share, high) for share in each]
        for (x1, y1), (x2, y2) in pairwise(zip(at, heights, strict=True)):
            parts.append(f'<line class="{kind}" x1="{x1}" x2="{x2}" y1="{y1:.1f}" y2="{y2:.1f}"/>')
        parts += [
            f'<circle class="{kind}" cx="{x}" cy="{y:.1f}" r="3"/>' for x, y in zip(at, heights, strict=True)
        ]
    labels = "".join(
        f'<span{" class=all" if name == whole else ""} style="top:{y:.0f}px">{escape(name)} '
        f"{percent(drawn[name][-1])}</span>"
        for name, y in zip(ends, places, strict=True)
    )
    scale = "".join(f'<span style="top:{y:.0f}px">{tick}</span>' for tick, y in ticks.items())
    said = "; ".join(f"{name} {' to '.join(map(percent, drawn[name]))}" for name in ends)
    below = "".join(f"<span>{escape(station)}</span>" for station in stations)
    return (
        f'<div class="slopes"><div class="rise" aria-hidden="true">{scale}</div>'
        f'<svg width="100%" height="{SLOPES}" role="img" aria-label="{escape(f"{said} percent")}">'
        f'{"".join(parts)}</svg><div class="ends" aria-hidden="true">{labels}</div>'
        f'<div class="stations">{below}</div></div>'
    )


def _down(share: float, high: float) -> float:
    """Pixels from the top of a slope chart."""
    return SLOPES * (1 - share / high)


def _spread(heights: Sequence[float]) -> list[float]:
    """The heights, ascending, moved apart as labels need and no further: an isotonic regression."""
    blocks: list[list[float]] = []
    for i, height in enumerate(heights):
        blocks.append([height - APART * i])
        while len(blocks) > 1 and fmean(blocks[-2]) > fmean(blocks[-1]):
            blocks[-2:] = [blocks[-2] + blocks[-1]]
    means = [fmean(block) for block in blocks for _ in block]
    return [mean + APART * i for i, mean in enumerate(means)]


def panel(curve: Curve, series: int = 1) -> str:
    """A curve with its scales: every step pale, the running mean strong, first and last level in words."""
    steps, values = _thinned(curve)
    smooth = _running_mean(values)
    ticks = [0.0, 0.5, 1.0] if curve.share else nice_ticks(float(values.min()), float(values.max()))
    low, high = ticks[0], ticks[-1]
    across = 100 * (steps - steps[0]) / max(float(steps[-1] - steps[0]), 1e-12)

    def height(y: Floats) -> Floats:
        return 100 * (high - y) / (high - low)

    grid = "".join(
        f'<line class="grid" x1="0" x2="100" y1="{y:.1f}" y2="{y:.1f}"/>' for y in height(np.array(ticks))
    )
    lines = "".join(
        f'<polyline class="{kind} s{series % SERIES}" points="{_points(across, y)}"/>'
        for kind, y in (("raw", height(values)), ("smooth", height(smooth)))
    )
    digits = max(0, -floor(log10(ticks[1] - ticks[0]) + 1e-9))
    scale = "".join(f"<span>{tick:.{digits}f}</span>" for tick in reversed(ticks))
    words = f"{_plain(float(smooth[0]))} to {_plain(float(smooth[-1]))}"
    return (
        f'<figure class="panel"><figcaption><b>{escape(curve.title)}</b> <span>{words}</span></figcaption>'
        f'<div class="frame"><div class="scale" aria-hidden="true">{scale}</div>'
        f'<svg viewBox="0 0 100 100" preserveAspectRatio="none" role="img" '
        f'aria-label="{escape(f"{curve.title}: from {words}")}">{grid}{lines}</svg>'
        f'<div class="steps"><span>step {curve.steps[0]:.0f}</span><span>{curve.steps[-1]:.0f}</span></div>'
        "</div></figure>"
    )


def nice_ticks(low: float, high: float) -> list[float]:
    """Three to five round numbers, evenly apart, that enclose a range.

    >>> nice_ticks(0.13, 2.7)
    [0.0, 1.0, 2.0, 3.0]
    """
    if high - low < 1e-9 * max(1.0, abs(high)):
        low, high = low - 0.5, high + 0.5
    rough = (high - low) / 3
    power = 10.0 ** floor(log10(rough))
    step = next(power * m for m in (1, 2, 2.5, 5, 10) if power * m >= rough * 0.999)
    first, last = floor(low / step + 1e-9), ceil(high / step - 1e-9)
    return [round(i * step, 12) for i in range(first, last + 1)]


def _dot(x: str, y: float, series: int) -> str:
    kind = f'class="dot s{series % SERIES}"'
    shape = series % 3
    if shape == 1:
        return f'<circle {kind} cx="{x}" cy="{y}" r="4.5"/>'
    if shape == 0:
        return f'<circle {kind} cx="{x}" cy="{y}" r="4"/>'
    return f'<svg x="{x}" y="{y}" overflow="visible"><rect {kind} x="-4" y="-4" width="8" height="8"/></svg>'


def _thinned(curve: Curve) -> tuple[Floats, Floats]:
    pieces = min(POINTS, len(curve.steps))

    def thin(each: Sequence[float]) -> Floats:
        return np.array([part.mean() for part in np.array_split(np.asarray(each, float), pieces)])

    return thin(curve.steps), thin(curve.values)


def _running_mean(values: Floats) -> Floats:
    """The mean of a window around each point, a fifteenth of the curve wide, narrower at the ends."""
    half = max(1, len(values) // 30)
    total = np.concatenate([[0.0], np.cumsum(values)])
    first = np.maximum(np.arange(len(values)) - half, 0)
    last = np.minimum(np.arange(len(values)) + half + 1, len(values))
    smooth: Floats = (total[last] - total[first]) / (last - first)
    return smooth


def _points(x: Floats, y: Floats) -> str:
    return " ".join(f"{a:.2f},{b:.2f}" for a, b in zip(x, y, strict=True))


def _plain(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"
