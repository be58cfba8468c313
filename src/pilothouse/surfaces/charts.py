"""Charts as SVG, for pages, reports and mails: Vega-Lite specifications, drawn by vl-convert without a browser.

Text and lines take the colour of the page around them, so that one drawing serves light, dark and paper. What must never
happen here: a chart without a text that says the same; data fetched from anywhere.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup, escape

INK = "currentColor"
NAMES = 220
"""Pixels for the names of bars."""
MET, MISSED, PLAIN, SOFT = "#1a7f4b", "#b3261e", "#0b5cab", "#8a97a5"
CONFIG: Mapping[str, Any] = {
    "background": "transparent",
    "font": "sans-serif",
    "view": {"stroke": None},
    "axis": {
        "labelColor": INK, "titleColor": INK, "domainColor": SOFT, "tickColor": SOFT, "gridColor": SOFT,
        "gridOpacity": 0.25, "labelFontSize": 12, "titleFontSize": 12, "titleFontWeight": "normal", "labelLimit": NAMES,
    },
    "legend": {"labelColor": INK, "titleColor": INK, "labelFontSize": 12, "labelLimit": 0},
    "text": {"color": INK, "fontSize": 12},
}  # fmt: skip
_SIZE = re.compile(r'<svg ([^>]*?)width="([\d.]+)" height="([\d.]+)"')


def shares(rows: Sequence[Mapping[str, Any]], says: str) -> Markup:
    """Draw bars of shares with their thresholds as ticks. Rows: `name`, `share` (0 to 1), `needed` (or None), `told`."""
    # What has no threshold is neither met nor missed, and has another colour.
    colour: dict[str, Any] = {"field": "met", "type": "nominal", "legend": None}
    colour["scale"] = {"domain": ["yes", "no", "none set"], "range": [MET, MISSED, PLAIN]}
    values = [{**row, "met": _met(row["share"], row["needed"])} for row in rows]
    # One width for the names, so that charts under one another line up whatever font the reader has.
    names: dict[str, Any] = {
        "field": "name",
        "type": "nominal",
        "sort": None,
        "title": None,
        "axis": {"minExtent": NAMES},
    }
    spec: dict[str, Any] = {
        "data": {"values": values},
        "width": 420,
        "height": {"step": 26},
        "encoding": {"y": names},
        "layer": [
            {
                "mark": {"type": "bar", "height": 14, "cornerRadiusEnd": 3},
                "encoding": {"x": _percent("share"), "color": colour},
            },
            {
                "mark": {"type": "tick", "thickness": 2.5, "size": 22, "color": INK},
                "transform": [{"filter": "isValid(datum.needed)"}],
                "encoding": {"x": _percent("needed")},
            },
            {
                "mark": {"type": "text", "align": "left", "dx": 6},
                "encoding": {"x": {"datum": 1}, "text": {"field": "told", "type": "nominal"}},
            },
        ],
    }
    return draw(spec, says)


def trend(rows: Sequence[Mapping[str, Any]], says: str) -> Markup:
    """Draw shares over time, a line for each name. Rows: `name`, `at` (ISO 8601), `share` (0 to 1)."""
    time = {"field": "at", "type": "temporal", "title": None, "axis": {"format": "%d %b %H:%M", "labelAngle": -30}}
    spec: dict[str, Any] = {
        "data": {"values": list(rows)},
        "width": 420,
        "height": 200,
        "mark": {"type": "line", "point": True, "interpolate": "step-after"},
        "encoding": {
            "x": time,
            "y": _percent("share"),
            "color": {"field": "name", "type": "nominal", "sort": None, "title": None},
        },
    }
    return draw(spec, says)


def reliability(rows: Sequence[Mapping[str, Any]], says: str) -> Markup:
    """Draw stated confidence against the share right, dots as large as their n, beside the line where both agree.

    Rows: `stated`, `right` (0 to 1), `n`.
    """
    stated = {**_percent("stated"), "title": "confidence as stated"}
    right = {**_percent("right"), "title": "share found right"}
    size: dict[str, Any] = {"field": "n", "type": "quantitative", "title": "n", "scale": {"range": [40, 400]}}
    agree: dict[str, Any] = {"values": [{"stated": 0, "right": 0}, {"stated": 1, "right": 1}]}
    line = {"mark": {"type": "line", "strokeDash": [4, 4], "color": SOFT}, "data": agree}
    spec: dict[str, Any] = {
        "data": {"values": list(rows)},
        "width": 260,
        "height": 260,
        "layer": [
            {**line, "encoding": {"x": stated, "y": right}},
            {
                "mark": {"type": "circle", "color": PLAIN, "opacity": 0.9},
                "encoding": {"x": stated, "y": right, "size": size},
            },
        ],
    }
    return draw(spec, says)


def draw(spec: Mapping[str, Any], says: str) -> Markup:
    """Draw a Vega-Lite specification; `says` tells in words what the drawing shows, for who does not see it."""
    import vl_convert  # it loads a drawing engine, which commands that draw nothing should not wait for

    svg: str = vl_convert.vegalite_to_svg({**spec, "config": CONFIG})
    named = f'<svg role="img" aria-label="{escape(says)}" class="chart" '
    return Markup(_SIZE.sub(lambda found: f'{named}{found[1]}width="{found[2]}" height="{found[3]}"', svg, count=1))  # noqa: S704


def _percent(field: str) -> dict[str, Any]:
    axis = {"format": ".0%", "values": [0, 0.25, 0.5, 0.75, 1]}
    return {"field": field, "type": "quantitative", "scale": {"domain": [0, 1]}, "title": None, "axis": axis}


def _met(share: float | None, needed: float | None) -> str:
    if needed is None:
        return "none set"
    return "yes" if share is not None and share >= needed else "no"
