"""Plain SVG drawing of intervals and curves, in page coordinates that follow the width of the reader's
screen.

Positions along x are percentages of the element's width and lines do not scale, so that text, dots and lines
keep their size on a phone and on paper. Colours and sizes come from the style sheet of the page, by class:
``s0``, ``s1``, ... for the series.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from math import ceil, floor, log10

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
