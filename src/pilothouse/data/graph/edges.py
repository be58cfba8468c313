"""What ties records together, with history, drawn from the ledger: references, addresses and domains, and who is who.

`graph_edges` holds, for each record and name of an edge, every value it ever had: the record a reference points at, an
email address, a domain. `entity_history` holds which entity a record was of from which entry on; `entity/ID` stands
there as a record too, for an entity that another took over.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import BigInteger, Column, Connection, Index, Table, Text, insert, select

from pilothouse.data.projection import rows_of
from pilothouse.data.schema import FieldType, field_spec
from pilothouse.data.signals.cloudevents import domain_of
from pilothouse.data.signals.model import ENTITY
from pilothouse.ledger.database import metadata
from pilothouse.ledger.entries import Entry
from pilothouse.ledger.statements import Statement
from pilothouse.vocabulary.values import parse_json

graph_edges = Table(
    "graph_edges",
    metadata,
    Column("record", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("at", Text, nullable=False),
    Column("value", Text, nullable=False),
    Index("graph_edges_by_value", "value", "name"),
)
entity_history = Table(
    "entity_history",
    metadata,
    Column("record", Text, primary_key=True),
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("entity", Text, nullable=False, index=True),
)
TIED = frozenset({"account", "contact", "opportunity"})
"""The objects that references are followed to."""
_EDGE = Statement(insert(graph_edges), graph_edges.columns.keys())
_BELONGS = Statement(insert(entity_history), entity_history.columns.keys())


class EdgeProjector:
    """Follows what sources told and what the gateway wrote."""

    name = "graph"
    kinds = frozenset({"record.observed", "action.executed"})
    tables = (graph_edges,)

    def apply(self, connection: Connection, entries: Sequence[Entry]) -> None:
        """Remember the edges that the entries tell of."""
        rows = [row for entry in entries for told in rows_of(entry) if (row := _edge(told)) is not None]
        _EDGE.run_many(connection, rows)


def _edge(told: dict[str, Any]) -> dict[str, Any] | None:
    system, object_name, name = told["system"], told["object"], told["field"]
    spec = field_spec(object_name, name)
    refers = spec is not None and spec.type is FieldType.REFERENCE and spec.to in TIED
    if not refers and (object_name, name) not in _READ:
        return None
    text = str(parse_json(told["value"]) or "").strip()
    if refers and spec is not None:
        value = f"{system}/{spec.to}/{text}" if text else ""
    else:
        value = _READ[object_name, name](text)
    return {
        "record": f"{system}/{object_name}/{told['record_id']}",
        "name": name,
        "position": told["position"],
        "at": told["since"],
        "value": value,
    }


_READ = {("account", "domain"): domain_of, ("account", "website"): domain_of, ("contact", "email"): str.casefold}


class MembershipProjector:
    """Follows resolution, and keeps what it said before."""

    name = "memberships"
    kinds = frozenset({"identity.changed"})
    tables = (entity_history,)

    def apply(self, connection: Connection, entries: Sequence[Entry]) -> None:
        """Remember who belongs to which entity from each entry on."""
        for entry in entries:
            changes: list[dict[str, Any]] = entry.body["changes"]
            now = {record: "" for change in changes for record in change["left"]}
            now |= {record: change["id"] for change in changes for record in change["joined"]}
            taken_over = {f"{ENTITY}{change['id']}": change["into"] for change in changes}
            gone = _known(connection, taken_over)
            now |= {record: into for record, into in taken_over.items() if into or record in gone}
            rows = [{"record": record, "position": entry.position, "entity": entity} for record, entity in now.items()]
            _BELONGS.run_many(connection, rows)


def _known(connection: Connection, records: Iterable[str]) -> set[str]:
    found: set[str] = set()
    wanted = sorted(records)
    for start in range(0, len(wanted), 500):
        part = entity_history.c.record.in_(wanted[start : start + 500])
        found.update(connection.execute(select(entity_history.c.record).where(part)).scalars())
    return found
