"""Pictures for a page of Markdown: SVG files that carry their own colours and need no style sheet."""

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from itertools import cycle

from caugym.evaluate.plot import nice_ticks
from caugym.evaluate.stats import Estimate

COLOURS = (
    *("#6b727c", "#0b62b0", "#b8460e", "#00795a", "#8a3f8f"),
    *("#806000", "#ab2f13", "#2f6f8f", "#5a6b00", "#b0206a"),
)
"""One a name, again from the first where there are more."""

WIDTH, LEFT, RIGHT, TOP, ROW = 720, 110, 24, 30, 26
"""Sizes in pixels: the picture, its margins, and a row of dots."""


def palette(names: Iterable[str]) -> dict[str, str]:
    """A colour a name, the same in every picture that is given it."""
    return dict(zip(names, cycle(COLOURS), strict=False))


def intervals(title: str, rows: Mapping[str, Estimate], colours: Mapping[str, str]) -> str:
    """A row a model: its accuracy in percent, with its interval."""
    height = TOP + ROW * len(rows) + 30
    ticks = nice_ticks(0, 100 * max(each.high or each.value or 0.01 for each in rows.values()))

    def x(share: float) -> float:
        return LEFT + 100 * share / ticks[-1] * (WIDTH - LEFT - RIGHT)

    parts = [_text(x(tick / 100), height - 8, f"{tick:g}", "middle") for tick in ticks]
    parts += [_line(x(tick / 100), TOP, x(tick / 100), height - 24, "#dcdfe4") for tick in ticks]
    for number, (name, estimate) in enumerate(rows.items()):
        y, colour = TOP + ROW * (number + 0.5), colours[name]
        parts.append(_text(LEFT - 10, y + 4, name, "end"))
        if estimate.value is None:
            continue
        if estimate.low is not None and estimate.high is not None:
            parts.append(_line(x(estimate.low), y, x(estimate.high), y, colour, 2))
        parts.append(f'<circle cx="{x(estimate.value):.1f}" cy="{y:.1f}" r="4.5" fill="{colour}"/>')
    return _picture(title, height, parts)


def lines(title: str, curves: Mapping[str, Sequence[tuple[float, float]]], colours: Mapping[str, str]) -> str:
    """A line a training, with its name at its end; values over steps."""
    height = 320
    points = [point for curve in curves.values() for point in curve]
    if not points:
        return _picture(title, TOP + 20, [])
    last = max(step for step, _ in points)
    ticks = nice_ticks(min(value for _, value in points), max(value for _, value in points))
    right = WIDTH - 100

    def x(step: float) -> float:
        return 50 + step / max(last, 1) * (right - 50)

    def y(value: float) -> float:
        return height - 30 - (value - ticks[0]) / (ticks[-1] - ticks[0]) * (height - 30 - TOP)

    parts = [_line(50, y(tick), right, y(tick), "#dcdfe4") for tick in ticks]
    parts += [_text(44, y(tick) + 4, f"{tick:g}", "end") for tick in ticks]
    parts += [_text(50, height - 8, "step 0", "start"), _text(right, height - 8, f"{last:g}", "end")]
    ends = sorted((y(curve[-1][1]), name) for name, curve in curves.items() if curve)
    at = -1e9
    for end, name in ends:
        at = max(at + 14, end)
        colour = colours[name]
        path = " ".join(f"{x(step):.1f},{y(value):.1f}" for step, value in curves[name])
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.8"/>')
        parts.append(_text(right + 8, at + 4, name, "start", colour))
    return _picture(title, height, parts)


def _picture(title: str, height: float, parts: Sequence[str]) -> str:
    head = _text(10, 18, title, "start", weight="bold")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}" width="{WIDTH}" '
        f'height="{height:.0f}" font-family="sans-serif" font-size="12" role="img" '
        f'aria-label="{escape(title)}"><rect width="100%" height="100%" fill="#fff"/>'
        f"{head}{''.join(parts)}</svg>\n"
    )


def _line(x1: float, y1: float, x2: float, y2: float, colour: str, width: float = 1) -> str:
    ends = f'x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"'
    return f'<line {ends} stroke="{colour}" stroke-width="{width}"/>'


def _text(
    x: float, y: float, words: str, anchor: str, colour: str = "#1a1d21", weight: str = "normal"
) -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"'
    return f'<text {place} fill="{colour}" font-weight="{weight}">{escape(words)}</text>'
