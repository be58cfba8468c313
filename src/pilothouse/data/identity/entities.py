"""Entities and who belongs to them, drawn from the ledger; identifiers that last while memberships change.

`identity.changed` entries tell, entity by entity, its members from then on, and what it came from: a merge keeps the
identifier of the larger part, a split gives a part back the identifier it had before the merge. `identity.judged` entries
are people's words about two records; a later word about the same two replaces the earlier, and nothing is overwritten.
`identity.attached` entries tell of a record that a source was asked for on account of another: the two are one from then
on, as surely as the source matched them, without anything being compared.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Float,
    Index,
    Integer,
    Table,
    Text,
    bindparam,
    case,
    delete,
    func,
    insert,
    select,
    update,
)

from pilothouse.ledger.database import metadata
from pilothouse.ledger.entries import Entry
from pilothouse.ledger.ledger import Ledger
from pilothouse.ledger.statements import Statement, given
from pilothouse.vocabulary.clock import stamp, unstamp
from pilothouse.vocabulary.records import RecordRef

entities = Table(
    "entities",
    metadata,
    Column("id", Text, primary_key=True),
    Column("object", Text, nullable=False, index=True),
    Column("into", Text, nullable=False),
    Column("size", Integer, nullable=False),
    Column("confidence", Float, nullable=False),
    Column("position", BigInteger, nullable=False),
)
entity_members = Table(
    "entity_members",
    metadata,
    Column("record", Text, primary_key=True),
    Column("entity", Text, nullable=False, index=True),
)
former_members = Table(
    "former_members",
    metadata,
    Column("entity", Text, primary_key=True),
    Column("record", Text, primary_key=True),
    Index("former_by_record", "record"),
)
judgements = Table(
    "judgements",
    metadata,
    Column("one", Text, primary_key=True),
    Column("other", Text, primary_key=True),
    Column("same", Integer, nullable=False),
    Column("by", Text, nullable=False),
    Column("at", Text, nullable=False),
    Column("why", Text, nullable=False),
)
RESOLVED = ("account", "contact", "opportunity")
"""The objects that have lasting identifiers; deals last, since which are one hangs on their accounts."""
ATTACHED = "identity.attached"
"""The kind of entry that tells of a record which a source was asked for on account of another."""
attached_records = Table(
    "attached_records",
    metadata,
    Column("record", Text, primary_key=True),
    Column("to", Text, nullable=False, index=True),
    Column("likelihood", Float, nullable=False),
)


@dataclass(frozen=True, slots=True)
class Attachment:
    """A record that a source was asked for on account of `to`, and how sure (0 to 1) the source was of the match.

    `refuted` when a person said since that the two are not the same.
    """

    record: RecordRef
    to: RecordRef
    likelihood: float
    refuted: bool


@dataclass(frozen=True, slots=True)
class Entity:
    """One account, contact or opportunity, whatever systems hold it. `into` names the entity that took it over, if one did.

    `confidence` is a probability, but of an opportunity the share of what is compared that agrees (`mirrors.py`).
    """

    id: str
    object: str
    members: tuple[RecordRef, ...]
    confidence: float
    into: str = ""


@dataclass(frozen=True, slots=True)
class Judgement:
    """A person's word that two records are the same, or are not."""

    one: RecordRef
    other: RecordRef
    same: bool
    by: str
    at: datetime
    why: str


@dataclass(frozen=True, slots=True)
class Doubt:
    """A pair that could be the same or not: what speaks for and against it, in words with bits, the heaviest first."""

    one: RecordRef
    other: RecordRef
    bits: float
    needed: float
    together: bool
    reasons: tuple[tuple[str, float], ...]


class EntityProjector:
    """Follows resolution, judgements and attachments."""

    name = "entities"
    kinds = frozenset({"identity.changed", "identity.judged", ATTACHED})
    tables = (entities, entity_members, former_members, judgements, attached_records)

    def apply(self, connection: Connection, entries: Sequence[Entry]) -> None:
        """Bring the tables up to date."""
        for entry in entries:
            if entry.kind == "identity.judged":
                self._judged(connection, entry)
            elif entry.kind == ATTACHED:
                self._attached(connection, entry)
            else:
                self._changed(connection, entry)

    def _judged(self, connection: Connection, entry: Entry) -> None:
        body = entry.body
        same = (judgements.c.one == body["one"], judgements.c.other == body["other"])
        connection.execute(delete(judgements).where(*same))
        row = {key: body[key] for key in ("one", "other", "by")}
        row["why"] = entry.value("why", "")
        connection.execute(insert(judgements), {**row, "same": int(body["same"]), "at": stamp(entry.at)})

    def _attached(self, connection: Connection, entry: Entry) -> None:
        """Join the record to the entity of the other, once; what resolution or people say of it later stands."""
        body = entry.body
        record, to = body["record"], body["to"]
        _ATTACH.run_many(connection, [{"record": record, "to": to, "likelihood": body["likelihood"]}])
        if _OF.first(connection, record=record) is not None:
            return
        known = _OF.first(connection, record=to)
        entity = body["entity"] if known is None else known.entity
        joined = [record] if known is not None else [to, record]
        if known is None:
            row = {"id": entity, "object": body["object"], "into": "", "size": 0, "confidence": 1.0}
            _ENTITY.run_many(connection, [{**row, "position": entry.position}])
        _JOIN.run_many(connection, [{"record": each, "entity": entity} for each in joined])
        _GROW.run(connection, more=len(joined), position=entry.position, grown=entity)

    def _changed(self, connection: Connection, entry: Entry) -> None:
        changes: list[dict[str, Any]] = entry.body["changes"]
        gone = [(change["id"], record) for change in changes for record in change["left"]]
        _REMEMBER.run_many(connection, [{"entity": entity, "record": record} for entity, record in gone])
        _LEAVE.run_many(connection, [{"gone": record, "from": entity} for entity, record in gone])
        _JOIN.run_many(
            connection,
            [{"record": record, "entity": change["id"]} for change in changes for record in change["joined"]],
        )
        _ENTITY.run_many(
            connection,
            [
                {
                    **{key: change[key] for key in ("id", "into", "size", "confidence")},
                    "object": entry.body["object"],
                    "position": entry.position,
                }
                for change in changes
            ],
        )


def _upsert(table: Table, key: str) -> Any:
    def write(dialect: str) -> Any:
        from sqlalchemy.dialects.postgresql import insert as postgres
        from sqlalchemy.dialects.sqlite import insert as sqlite

        statement = (sqlite if dialect == "sqlite" else postgres)(table)
        rest = {column.name: statement.excluded[column.name] for column in table.columns if column.name != key}
        return statement.on_conflict_do_update(index_elements=[key], set_=rest)

    return write


def _once(dialect: str) -> Any:
    from sqlalchemy.dialects.postgresql import insert as postgres
    from sqlalchemy.dialects.sqlite import insert as sqlite

    return (sqlite if dialect == "sqlite" else postgres)(former_members).on_conflict_do_nothing()


_ENTITY = Statement(_upsert(entities, "id"), entities.columns.keys())
_JOIN = Statement(_upsert(entity_members, "record"), entity_members.columns.keys())
_REMEMBER = Statement(_once, former_members.columns.keys())
_LEAVE = Statement(
    delete(entity_members).where(entity_members.c.record == given("gone"), entity_members.c.entity == given("from")),
    (),
)
_ATTACH = Statement(_upsert(attached_records, "record"), attached_records.columns.keys())
_GROW = Statement(
    update(entities)
    .where(entities.c.id == given("grown"))
    .values(size=entities.c.size + given("more"), position=given("position")),
    (),
)
_OF = Statement(select(entity_members.c.entity).where(entity_members.c.record == given("record")))


class Entities:
    """Reads entities."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def of(self, ref: RecordRef) -> Entity | None:
        """Return the entity a record belongs to, None when it was never resolved."""
        with self._ledger.reading() as connection:
            row = _OF.first(connection, record=str(ref))
        return None if row is None else self.entity(row.entity)

    def entity(self, entity_id: str) -> Entity | None:
        """Return an entity, also one that was taken over by another (it then has no members)."""
        with self._ledger.engine.connect() as connection:
            row = connection.execute(select(entities).where(entities.c.id == entity_id)).first()
            if row is None:
                return None
            found = select(entity_members.c.record).where(entity_members.c.entity == entity_id)
            members = sorted(RecordRef.parse(each) for each in connection.execute(found).scalars())
        return Entity(row.id, row.object, tuple(members), row.confidence, row.into)

    def current(self, object_name: str) -> dict[str, list[str]]:
        """Return the records of every entity of an object that has any, by entity."""
        query = (
            select(entity_members.c.entity, entity_members.c.record)
            .join(entities, entities.c.id == entity_members.c.entity)
            .where(entities.c.object == object_name)
        )
        found: dict[str, list[str]] = {}
        with self._ledger.engine.connect() as connection:
            for row in connection.execute(query).yield_per(10_000):
                found.setdefault(row.entity, []).append(row.record)
        return found

    def holding(self, records: Iterable[str]) -> dict[str, list[str]]:
        """Return all records of every entity that holds any of these, by entity."""
        found: dict[str, list[str]] = {}
        held = select(entity_members.c.entity).where(entity_members.c.record.in_(bindparam("part", expanding=True)))
        query = select(entity_members).where(entity_members.c.entity.in_(held)).order_by(entity_members.c.record)
        wanted = sorted(set(records))
        with self._ledger.engine.connect() as connection:
            for start in range(0, len(wanted), 500):
                seen: dict[str, list[str]] = {}
                for row in connection.execute(query, {"part": wanted[start : start + 500]}):
                    seen.setdefault(row.entity, []).append(row.record)
                found |= seen
        return found

    def totals(self, object_name: str) -> tuple[int, int]:
        """Return how many entities of an object there are, and how many records share theirs with another."""
        shared = case((entities.c.size > 1, entities.c.size), else_=0)
        query = select(func.count(), func.coalesce(func.sum(shared), 0)).where(
            entities.c.object == object_name, entities.c.size > 0
        )
        with self._ledger.engine.connect() as connection:
            count, joined = connection.execute(query).one()
        return int(count), int(joined)

    def former(self, records: Iterable[str]) -> dict[str, set[str]]:
        """Return, by entity that no longer has them, which of these records it had."""
        found: dict[str, set[str]] = {}
        wanted = sorted(set(records))
        with self._ledger.engine.connect() as connection:
            for start in range(0, len(wanted), 500):
                part = former_members.c.record.in_(wanted[start : start + 500])
                for row in connection.execute(select(former_members).where(part)):
                    found.setdefault(row.entity, set()).add(row.record)
        return found

    def attached(self, object_name: str) -> dict[str, Attachment]:
        """Return, by record, every record of an object that was asked for on account of another."""
        apart = {frozenset((each.one, each.other)) for each in self.judgements(object_name) if not each.same}
        found: dict[str, Attachment] = {}
        with self._ledger.engine.connect() as connection:
            for row in connection.execute(select(attached_records)).yield_per(10_000):
                record, to = RecordRef.parse(row.record), RecordRef.parse(row.to)
                if record.object == object_name:
                    refuted = frozenset((record, to)) in apart
                    found[row.record] = Attachment(record, to, row.likelihood, refuted)
        return found

    def judgements(self, object_name: str | None = None) -> list[Judgement]:
        """Return what people said that still stands."""
        with self._ledger.engine.connect() as connection:
            return [
                each for each in read_judgements(connection) if object_name is None or each.one.object == object_name
            ]


def read_judgements(connection: Connection) -> list[Judgement]:
    """Return what people said that still stands, as this transaction sees it."""
    rows = connection.execute(select(judgements).order_by(judgements.c.at)).all()
    return [
        Judgement(RecordRef.parse(r.one), RecordRef.parse(r.other), bool(r.same), r.by, unstamp(r.at), r.why)
        for r in rows
    ]
