"""Values that nobody confirmed for longer than the workspace lets them stand: told of, for enrichment or a person to renew."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from pilothouse.data.golden.record import GoldenValue
from pilothouse.data.view import DataView
from pilothouse.vocabulary.findings import Finding

LOOKED_AT = ("account", "contact")


def outdated_values(view: DataView, as_of: datetime) -> Iterator[Finding]:
    """Yield a finding, without a proposal, for each record that shows stale values: nobody here knows newer ones."""
    schedule = view.definitions.survivorship.schedule
    for object_name in LOOKED_AT:
        for record in view.records(object_name) if schedule.get(object_name) else ():
            known = view.golden(record.ref)
            stale = [known.fields[name] for name in known.stale if name in record.fields] if known is not None else []
            if stale:
                yield Finding("outdated", record.ref, "; ".join(map(_sentence, stale)) + ".", stale[0].field)


def _sentence(value: GoldenValue) -> str:
    days, most = value.freshness.age_days, value.freshness.max_age_days
    return f"{value.field} was last told of {days} days ago, by {value.source.ref.system}, and is good for {most}"
