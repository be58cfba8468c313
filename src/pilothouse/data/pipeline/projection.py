"""The table of derived opportunities that stand, drawn from `opportunity.derived` and `opportunity.lapsed` entries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import BigInteger, Column, Connection, Float, Table, Text, delete, insert, select

from pilothouse.ledger.database import metadata
from pilothouse.ledger.entries import Entry
from pilothouse.ledger.ledger import Ledger
from pilothouse.vocabulary.values import canonical, parse_json

DERIVED, LAPSED = "opportunity.derived", "opportunity.lapsed"
derived_opportunities = Table(
    "derived_opportunities",
    metadata,
    Column("id", Text, primary_key=True),
    Column("definition", Text, nullable=False),
    Column("account", Text, nullable=False, index=True),
    Column("entity", Text, nullable=False),
    Column("confidence", Float, nullable=False),
    Column("since", Text, nullable=False),
    Column("evidence", Text, nullable=False),
    Column("conditions", Text, nullable=False),
    Column("position", BigInteger, nullable=False),
)


@dataclass(frozen=True, slots=True)
class Derived:
    """An opportunity that signals make: by which definition, how far beyond its thresholds, on which ledger entries."""

    id: str
    definition: str
    account: str
    entity: str
    confidence: float
    since: str
    evidence: tuple[int, ...]
    conditions: tuple[dict[str, Any], ...]


class DerivedProjector:
    """Follows what was derived and what lapsed."""

    name = "derived opportunities"
    kinds = frozenset({DERIVED, LAPSED})
    tables = (derived_opportunities,)

    def apply(self, connection: Connection, entries: Sequence[Entry]) -> None:
        """Replace or remove."""
        for entry in entries:
            body = entry.body
            connection.execute(delete(derived_opportunities).where(derived_opportunities.c.id == body["id"]))
            if entry.kind == DERIVED:
                row = {key: body[key] for key in ("id", "definition", "account", "entity", "confidence", "since")}
                lists = {key: canonical(body[key]) for key in ("evidence", "conditions")}
                connection.execute(insert(derived_opportunities), {**row, **lists, "position": entry.position})


def derived_of(body: Mapping[str, Any]) -> Derived:
    """Return the derived opportunity that an entry's body tells of."""
    return Derived(
        body["id"], body["definition"], body["account"], body["entity"], body["confidence"], body["since"],
        tuple(body["evidence"]), tuple(body["conditions"]),
    )  # fmt: skip


def standing(ledger: Ledger) -> list[Derived]:
    """Return the derived opportunities that stand, the surest first."""
    columns = derived_opportunities.c
    with ledger.engine.connect() as connection:
        rows = connection.execute(select(derived_opportunities).order_by(columns.confidence.desc(), columns.id)).all()
    return [
        Derived(
            row.id, row.definition, row.account, row.entity, row.confidence, row.since,
            tuple(cast("list[int]", parse_json(row.evidence))),
            tuple(cast("list[dict[str, Any]]", parse_json(row.conditions))),
        )
        for row in rows
    ]  # fmt: skip
