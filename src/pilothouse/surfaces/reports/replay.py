"""A replay as a report: what would have been decided otherwise, by what rule, and what people had said about it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from jinja2 import Environment, PackageLoader
from markupsafe import Markup

from pilothouse.surfaces.charts import shares

_pages = Environment(loader=PackageLoader("pilothouse.surfaces.reports"), autoescape=True)


def replay_report(told: Mapping[str, Any], digest: str, made: datetime) -> str:
    """Return an HTML page about a replay (`Report.as_json`), which stands alone."""
    return _pages.get_template("replay.html").render(told=told, digest=digest, made=made, chart=flips_chart(told))


def flips_chart(told: Mapping[str, Any]) -> Markup | None:
    """Draw the share of the decisions made again that flip, by treatments; None when none does."""
    of = told["replayed"]
    rows = [
        {
            "name": f"{each['before']} → {each['after']}",
            "share": each["count"] / of,
            "needed": None,
            "told": f"{each['count']:,} ({each['count'] / of:.1%})",
        }
        for each in told["flips"]["pairs"]
    ]
    says = "Flips of all decisions made again. " + "; ".join(f"{row['name']} {row['told']}" for row in rows)
    return shares(rows, says) if rows else None
