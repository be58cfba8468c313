"""The data audit as a report: where the data stands, how it has moved since the baseline, and which records to mend."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from jinja2 import Environment, PackageLoader
from markupsafe import Markup

from pilothouse.data.quality import Audit, Measure, change
from pilothouse.surfaces.charts import shares, trend

KEY_GROUPS = ("complete", "unique", "definition", "pipeline")
OTHERS = (
    ("reference", "References lead somewhere"),
    ("agreement", "Sources agree"),
    ("integration", "Other systems are covered"),
    ("fresh", "Told of within a year"),
)
_pages = Environment(loader=PackageLoader("pilothouse.surfaces.reports"), autoescape=True)


def quality_report(audits: Sequence[Audit], made: datetime) -> str:
    """Return an HTML page about the last of some audits of one system, the first of which is the baseline.

    Raises `ValueError` when there is none.
    """
    if not audits:
        raise ValueError("a report needs an audit")
    audit, baseline = audits[-1], audits[0]
    before = baseline.measures if len(audits) > 1 else ()
    return _pages.get_template("quality.html").render(
        audit=audit,
        baseline=baseline if len(audits) > 1 else None,
        made=made,
        rows=[(each, change(each, before)) for each in audit.measures],
        missed=[each for each in audit.measures if each.met is False],
        key=_bars(audit, KEY_GROUPS, "What has a threshold, and its neighbours"),
        fields={name: _fields(audit, name) for name in ("account", "contact", "opportunity")},
        others=[(title, chart) for group, title in OTHERS if (chart := _bars(audit, (group,), title))],
        moved=_moved(audits) if len(audits) > 1 else None,
    )


def _bars(audit: Audit, groups: Sequence[str], title: str) -> Markup | None:
    rows = [_row(each, f"{each.object}: {each.name}") for each in audit.measures if each.group in groups]
    return shares(rows, _said(title, rows)) if rows else None


def _fields(audit: Audit, name: str) -> Markup | None:
    rows = [_row(each, each.name) for each in audit.measures if each.group == "filled" and each.object == name]
    return shares(rows, _said(f"Fields of {name}", rows)) if rows else None


def _row(measure: Measure, name: str) -> Mapping[str, Any]:
    told = "not measured" if measure.share is None else f"{measure.share:.1%}"
    return {"name": name, "share": measure.share or 0, "needed": measure.needed, "told": told}


def _said(title: str, rows: Sequence[Mapping[str, Any]]) -> str:
    return f"{title}. " + "; ".join(f"{row['name']} {row['told']}" for row in rows)


def _moved(audits: Sequence[Audit]) -> Markup:
    rows = list(_points(audits))
    return trend(rows, f"The shares that have a threshold, in {len(audits)} audits")


def _points(audits: Sequence[Audit]) -> Iterator[Mapping[str, Any]]:
    """Yield the shares with a threshold over the moments the audits were made at."""
    for audit in audits:
        for each in audit.measures:
            if each.needed is not None and each.share is not None and audit.made is not None:
                yield {"name": f"{each.object}: {each.name}", "at": audit.made.isoformat(), "share": each.share}
