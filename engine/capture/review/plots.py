# SPDX-License-Identifier: GPL-3.0-or-later
"""Plots as inline SVG, drawn by the page's own style: classes give colours that follow light and dark."""

from collections.abc import Sequence
from html import escape

import numpy as np

WIDTH, HEIGHT = 960, 200
LEFT, RIGHT, TOP, BOTTOM = 46, 8, 8, 24  # margins of a plot over time
MOST_POINTS = 1200
MOST_MARKS = 60  # more dots on a line only thicken it
ROW = 24  # height of a strip
NAMES = 150  # width of the strips' names


def scatter(x: np.ndarray, y: np.ndarray, wanted: tuple[float, float], limit: float) -> str:
    """Directions in degrees as points around the middle.

    Args:
        x, y: (F,) degrees, x to the right, y up.
        wanted: half the width and height of the range that should be filled.
        limit: degrees at the plot's edge, at least.
    """
    x, y = np.asarray(x), np.asarray(y)
    keep = np.unique(np.linspace(0, len(x) - 1, min(len(x), MOST_POINTS)).round().astype(int))
    limit = max(limit, float(np.ceil(max(np.abs(x).max(), np.abs(y).max()) / 10) * 10))
    side, edge = 440, 44
    middle = side / 2
    scale = (middle - edge) / limit
    out = [_svg(side, side, "Directions from which the head is seen", "square")]
    step = 10 if limit <= 40 else 30
    for angle in range(-int(limit // step) * step, int(limit) + 1, step):
        at, low = middle + scale * angle, side - edge
        out.append(f'<line class="rule" x1="{at:.1f}" y1="{edge}" x2="{at:.1f}" y2="{low}"/>')
        out.append(f'<line class="rule" x1="{edge}" y1="{at:.1f}" x2="{low}" y2="{at:.1f}"/>')
        out.append(_label("tick", at, low + 16, f"{angle}°"))
        out.append(_label("tick", edge - 6, side - at + 4, f"{angle}°", "end"))
    radii = f'rx="{scale * wanted[0]:.1f}" ry="{scale * wanted[1]:.1f}"'
    out.append(f'<ellipse class="wanted" cx="{middle}" cy="{middle}" {radii}/>')
    for k in keep:
        out.append(f'<circle class="dot" cx="{middle + scale * x[k]:.1f}" cy="{middle - scale * y[k]:.1f}" r="3"/>')
    out.append(_label("side", middle, edge - 10, "seen from above"))
    out.append(_label("side", middle, side - 8, "seen from below"))
    out.append(f'<g transform="translate(10 {middle}) rotate(-90)">{_label("side", 0, 0, "from its right")}</g>')
    out.append(f'<g transform="translate({side - 26} {middle}) rotate(90)">{_label("side", 0, 0, "from its left")}</g>')
    return "".join(out) + "</svg>"


def series(
    times: np.ndarray, values: np.ndarray, low: float, high: float, unit: str, limit=None, joined: bool = True
) -> str:
    """Values over seconds as a line, with dots where there are few.

    Args:
        times: (N,) seconds, rising.
        values: (N,); NaN is left out.
        low, high: of the value axis.
        unit: what is written behind its numbers.
        limit: a value to mark by a dashed line, or None.
        joined: whether one value leads to the next; else only dots are drawn.
    """
    start, end = float(times[0]), max(float(times[-1]), float(times[0]) + 1e-3)
    out = [_svg(WIDTH, HEIGHT, "Values over time")]

    def at_x(time):
        return LEFT + (time - start) / (end - start) * (WIDTH - LEFT - RIGHT)

    def at_y(value):
        share = (min(max(value, low), high) - low) / max(high - low, 1e-9)
        return HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)

    for value in np.linspace(low, high, 5):
        y = at_y(value)
        out.append(f'<line class="rule" x1="{LEFT}" y1="{y:.1f}" x2="{WIDTH - RIGHT}" y2="{y:.1f}"/>')
        out.append(_label("tick", LEFT - 6, y + 4, f"{value:.3g}{unit}", "end"))
    out.append(_time_axis(start, end, at_x, HEIGHT - 6))
    if limit is not None:
        y = at_y(limit)
        out.append(f'<line class="limit" x1="{LEFT}" y1="{y:.1f}" x2="{WIDTH - RIGHT}" y2="{y:.1f}"/>')
    known = np.isfinite(values)
    points = [(f"{at_x(t):.1f}", f"{at_y(v):.1f}") for t, v in zip(times[known], values[known])]
    if joined:
        out.append(f'<polyline class="line" points="{" ".join(f"{x},{y}" for x, y in points)}"/>')
    if len(points) <= MOST_MARKS:
        out += [f'<circle class="mark" cx="{x}" cy="{y}" r="2.5"/>' for x, y in points]
    return "".join(out) + "</svg>"


def strips(rows: Sequence[tuple[str, np.ndarray]], start: float, end: float) -> str:
    """Values over time as rows of darker and lighter cells.

    Args:
        rows: name and (B,) values from 0 to 1 in equal bins from `start` to `end` seconds; NaN where nothing is known.
    """
    height = ROW * len(rows) + BOTTOM
    out = [_svg(WIDTH, height, "What the face shows over time")]
    span = WIDTH - NAMES - RIGHT
    for index, (name, values) in enumerate(rows):
        y = ROW * index
        out.append(_label("name", 0, y + 16, name, "start"))
        out.append(f'<rect class="bed" x="{NAMES}" y="{y + 3}" width="{span}" height="{ROW - 6}" rx="3"/>')
        wide = span / len(values)
        for first, last, value in _runs(values):
            place = f'x="{NAMES + first * wide:.1f}" width="{(last - first) * wide + 0.3:.1f}"'
            out.append(f'<rect class="cell" {place} y="{y + 3}" height="{ROW - 6}" opacity="{value:.2f}"/>')
    out.append(_time_axis(start, end, lambda t: NAMES + (t - start) / max(end - start, 1e-6) * span, height - 6))
    return "".join(out) + "</svg>"


def bar(reach: float, often: float, usual: float) -> str:
    """One shape, 0 to 1: how far it goes, what a tenth of the pictures go beyond (darker), its median (a line)."""
    out = ['<svg class="bar" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">']
    out.append('<rect class="bed" width="100" height="8" rx="2"/>')
    if np.isfinite(reach):
        out.append(f'<rect class="reach" width="{100 * reach:.1f}" height="8" rx="2"/>')
        out.append(f'<rect class="often" width="{100 * min(often, reach):.1f}" height="8" rx="2"/>')
        out.append(f'<rect class="usual" x="{100 * min(usual, 0.99):.1f}" width="1" height="8"/>')
    return "".join(out) + "</svg>"


def _runs(values: np.ndarray) -> list[tuple[int, int, float]]:
    """(first, end, value) of runs of equal cells that are worth drawing, in steps of a tenth."""
    levels = np.nan_to_num(np.round(np.clip(values, 0, 1), 1))
    ends = [*(np.flatnonzero(np.diff(levels)) + 1), len(levels)]
    starts = [0, *ends[:-1]]
    return [(int(a), int(b), float(levels[a])) for a, b in zip(starts, ends) if levels[a] > 0]


def _time_axis(start: float, end: float, at_x, y: float) -> str:
    """Times of round numbers, about six."""
    wanted = (end - start) / 6
    steps = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200)
    step = next((s for s in steps if s >= wanted), 14400)
    out = []
    for k in range(int(np.ceil(start / step - 1e-9)), int(end / step + 1e-9) + 1):
        time = k * step
        text = f"{time:g} s" if end < 120 else f"{int(time // 60)}:{int(time % 60):02d}"
        anchor = "middle" if k and at_x(time) < WIDTH - 30 else "start" if not k else "end"
        out.append(_label("tick", at_x(time), y, text, anchor))
    return "".join(out)


def _label(style: str, x: float, y: float, text: str, anchor: str = "middle") -> str:
    return f'<text class="{style}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


def _svg(width: int, height: int, title: str, style: str = "plot") -> str:
    return f'<svg class="{style}" viewBox="0 0 {width} {height}" role="img" aria-label="{escape(title)}">'
