"""The table of policy versions, drawn from their entries.

The projector is the last guard of a version's life: proposed → published or rejected, nothing else; and a version is
published only onto the one that it was written against, so that nobody's changes are undone by somebody who never saw them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, Column, Connection, Index, Integer, Table, Text, insert, select, update

from pilothouse.decision.publishing.content import Content
from pilothouse.ledger.database import metadata
from pilothouse.ledger.entries import Entry
from pilothouse.ledger.statements import Statement, given
from pilothouse.vocabulary.clock import stamp, unstamp
from pilothouse.vocabulary.errors import Conflict
from pilothouse.vocabulary.values import canonical, parse_json

versions = Table(
    "policy_versions",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("id", Text, nullable=False, unique=True),
    Column("status", Text, nullable=False),
    Column("base", Text, nullable=False),
    Column("hash", Text, nullable=False),
    Column("git_commit", Text, nullable=False),
    Column("author", Text, nullable=False),
    Column("note", Text, nullable=False),
    Column("proposed_at", Text, nullable=False),
    Column("wanted_from", Text, nullable=False),
    Column("cases", Integer, nullable=False),
    Column("decided_by", Text, nullable=False),
    Column("decided_at", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("restores", Text, nullable=False),
    Column("bootstrap", Integer, nullable=False),
    Column("effective_from", Text),
    Column("published_position", BigInteger),
    Column("replay", BigInteger),
    Column("content", Text, nullable=False),
)
Index("policy_in_force", versions.c.published_position, versions.c.effective_from, versions.c.id)
_IN_FORCE = Statement(
    select(versions.c.id)
    .where(versions.c.published_position.is_not(None), versions.c.effective_from <= given("now"))
    .order_by(versions.c.published_position.desc())
    .limit(1)
)


class VersionStatus(StrEnum):
    """How a version stands."""

    PROPOSED = "proposed"
    PUBLISHED = "published"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class Version:
    """One version. `base` is what it was written against, `restores` the older one that a rollback brought back.

    `wanted_from` is the day that the author asked for, None for at once. A `bootstrap` is the text as it is shipped.
    `replay` is where the replay stands that was there to be seen when it was approved, None when there was none.
    """

    number: int
    id: str
    status: VersionStatus
    base: str
    hash: str
    commit: str
    author: str
    note: str
    proposed_at: datetime
    wanted_from: datetime | None
    cases: int
    decided_by: str
    decided_at: datetime | None
    reason: str
    restores: str
    bootstrap: bool
    effective_from: datetime | None
    published_position: int | None
    replay: int | None
    content: Content

    def summary(self) -> dict[str, Any]:
        """Return everything but the text."""
        return {name: getattr(self, name) for name in self.__slots__ if name != "content"}


class VersionProjector:
    """Follows every `policy.*` entry about versions."""

    name = "policy_versions"
    kinds = frozenset({"policy.proposed", "policy.published", "policy.rejected", "policy.rolled_back"})
    tables = (versions,)

    def apply(self, connection: Connection, entries: Sequence[Entry]) -> None:
        """Bring the table up to date."""
        for entry in entries:
            if entry.kind == "policy.proposed":
                connection.execute(insert(versions), _proposed(entry))
            elif entry.kind == "policy.rolled_back":
                self._rolled_back(connection, entry)
            else:
                self._decided(connection, entry)

    def _decided(self, connection: Connection, entry: Entry) -> None:
        published = entry.kind == "policy.published"
        values: dict[str, Any] = {
            "status": (VersionStatus.PUBLISHED if published else VersionStatus.REJECTED).value,
            "decided_by": entry.body["by"],
            "decided_at": stamp(entry.at),
            "reason": entry.body.get("reason", ""),
        }
        where = [versions.c.id == entry.body["version"], versions.c.status == VersionStatus.PROPOSED.value]
        if published:
            where.append(versions.c.base == last_published(connection))
            values |= {"effective_from": entry.body["effective_from"], "published_position": entry.position}
            values |= {"replay": entry.body.get("replay")}
        if connection.execute(update(versions).where(*where).values(**values)).rowcount != 1:
            raise _moved(connection, entry)

    def _rolled_back(self, connection: Connection, entry: Entry) -> None:
        body = entry.body
        old = connection.execute(select(versions).where(versions.c.id == body["restores"])).one()
        row = {
            **_proposed(entry, content=old.content),
            "status": VersionStatus.PUBLISHED.value,
            "decided_by": body["author"],
            "decided_at": stamp(entry.at),
            "reason": body["reason"],
            "restores": body["restores"],
            "effective_from": stamp(entry.at),
            "published_position": entry.position,
        }
        connection.execute(insert(versions), row)


def _moved(connection: Connection, entry: Entry) -> Conflict:
    """Return why a version cannot be decided on: who decided already and how it stands, or what came in between."""
    row = connection.execute(select(versions).where(versions.c.id == entry.body["version"])).one()
    if row.status == VersionStatus.PROPOSED.value:
        said = f"{last_published(connection)} was published since {row.id} was proposed."
        hint = "Propose it again, so that it rests on what counts now."
    elif row.status == VersionStatus.REJECTED.value:
        said = f"{row.decided_by} rejected {row.id} already: {row.reason}"
        hint = "Propose it again."
    else:
        # A rollback, and the text as it is shipped, were put in force by one act, without an approval.
        how = "put" if row.restores or row.bootstrap else "approved"
        said = f"{row.decided_by} {how} {row.id}{' in force' if how == 'put' else ''} already; {_place(connection, row, entry.at)}."
        hint = "`pilothouse policy versions` shows how each stands."
    return Conflict(said, hint=hint, code="policy_moved")


def _place(connection: Connection, row: Any, now: datetime) -> str:
    """Return how a published version stands."""
    standing = in_force(connection, now)
    if standing == row.id:
        return "it is in force"
    if row.effective_from > stamp(now):
        return f"it takes effect on {unstamp(row.effective_from):%Y-%m-%d %H:%M} UTC"
    return f"{standing} is in force now"


def _proposed(entry: Entry, content: str | None = None) -> dict[str, Any]:
    body = entry.body
    return {
        **{name: body[name] for name in ("number", "base", "hash", "author", "note", "wanted_from", "cases")},
        "id": body["version"],
        "git_commit": body["commit"],
        "status": VersionStatus.PROPOSED.value,
        "proposed_at": stamp(entry.at),
        "decided_by": "",
        "decided_at": "",
        "reason": "",
        "restores": "",
        "bootstrap": int(bool(body.get("bootstrap", False))),
        "content": canonical(body["content"]) if content is None else content,
    }


def last_published(connection: Connection) -> str:
    """Return the id of what was published last, in force already or not; the empty string when nothing ever was."""
    query = select(versions.c.id).where(versions.c.published_position.is_not(None))
    row = connection.execute(query.order_by(versions.c.published_position.desc()).limit(1)).first()
    return row.id if row is not None else ""


def in_force(connection: Connection, now: datetime) -> str:
    """Return the id of the last published version whose day has come; the empty string when nothing was published."""
    row = _IN_FORCE.first(connection, now=stamp(now))
    return row.id if row is not None else ""


def version_of_row(row: Any) -> Version:
    """Read a row of the table."""
    content: Any = parse_json(row.content)
    same = ("number", "id", "base", "hash", "author", "note", "cases", "decided_by", "reason", "restores")
    return Version(
        **{name: getattr(row, name) for name in same},
        status=VersionStatus(row.status),
        commit=row.git_commit,
        proposed_at=unstamp(row.proposed_at),
        wanted_from=unstamp(row.wanted_from) if row.wanted_from else None,
        decided_at=unstamp(row.decided_at) if row.decided_at else None,
        bootstrap=bool(row.bootstrap),
        effective_from=unstamp(row.effective_from) if row.effective_from else None,
        published_position=row.published_position,
        replay=row.replay,
        content=content,
    )
