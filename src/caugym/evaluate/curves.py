"""Learning curves: what ``caugym train`` logged, read and drawn."""

import json
from collections.abc import Iterator
from html import escape
from math import isfinite
from pathlib import Path
from typing import Any

from caugym.core.errors import InputError
from caugym.evaluate.plot import Curve, panel

CURVES = {
    "solved": ("Solved", True),
    "reward": ("Mean reward", False),
    "loss": ("Loss", False),
    "entropy": ("Entropy, nats a token", False),
    "length": ("Reply length, tokens", False),
    "preferred": ("Right reply preferred", True),
    "margin": ("Margin of the right reply", False),
    "kl": ("Divergence from the start", False),
    "explained_variance": ("Reward that the values foresee", False),
}
"""What is drawn of a log: title, and whether it is a share."""


def metrics(path: Path) -> list[dict[str, Any]]:
    """The logged steps of a training.

    Args:
        path: The folder of a training, or its ``metrics.jsonl``.

    Raises:
        InputError: If there is none, or a line of it (other than one in the writing) is damaged.
    """
    path = path / "metrics.jsonl" if path.is_dir() else path
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError:
        raise InputError(f"{path} cannot be read; give a folder that `caugym train` wrote") from None
    logged = []
    for number, text in enumerate(lines, 1):
        try:
            row = json.loads(text)
            logged.append({**row, "step": row["step"], "seconds": row["seconds"]})
        except (ValueError, TypeError, KeyError):
            if number < len(lines):
                raise InputError(f"{path}, line {number}, is no step of a training; remove it") from None
    return logged


def section(name: str, logged: list[dict[str, Any]]) -> str:
    """One training as HTML: its name, its length, and a panel for everything that was logged twice or
    more."""
    panels = "".join(panel(curve) for curve in _drawable(logged))
    if not panels:
        return ""
    last = logged[-1]
    method = str(last.get("method", name)).upper()
    spent = f"{last['step']} steps, {_duration(last['seconds'])}"
    spent = spent if method == name.upper() else f"{method}, {spent}"
    heading = f'<h3>{escape(name)} <span class="note">{escape(spent)}</span></h3>'
    return f'{heading}<div class="panels">{panels}</div>'


def _drawable(logged: list[dict[str, Any]]) -> Iterator[Curve]:
    for key, (title, share) in CURVES.items():
        rows = [row for row in logged if isinstance(row.get(key), int | float) and isfinite(row[key])]
        if len(rows) > 1:
            yield Curve(title, [row["step"] for row in rows], [row[key] for row in rows], share)


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.1f} min"
