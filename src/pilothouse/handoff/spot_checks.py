"""Acts that were carried out are looked at again, by chance and afterwards (R-056, R-092).

Which acts is worked out from their identifiers, so that nobody chooses them and anybody can check the choice. What must
never happen here: an act judged by who approved it, proposed it, or owns the agent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Column, Connection, Integer, Table, Text, insert, select, update

from pilothouse.decision.handing import SpotChecksFile
from pilothouse.directory.people import read_person
from pilothouse.directory.roles import permissions_of
from pilothouse.handoff.deciding import need_a_person
from pilothouse.handoff.sla import deadline
from pilothouse.ledger.database import metadata
from pilothouse.ledger.entries import Draft, Entry
from pilothouse.ledger.ledger import Ledger
from pilothouse.vocabulary.actors import SYSTEM_PERSON, Actor
from pilothouse.vocabulary.clock import new_id, stamp, unstamp
from pilothouse.vocabulary.errors import Conflict, Forbidden, InvalidInput, NotFound
from pilothouse.vocabulary.values import JsonObject, canonical, digest, parse_json

DUE_BUSINESS_DAYS = 5
AUTO, APPROVED = "auto", "approved"
checks = Table(
    "spot_checks",
    metadata,
    Column("id", Text, primary_key=True),
    Column("action", Text, nullable=False, unique=True),
    Column("agent", Text, nullable=False),
    Column("action_type", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("origin", Text, nullable=False),
    Column("barred", Text, nullable=False),
    Column("opened_at", Text, nullable=False),
    Column("due", Text, nullable=False),
    Column("passed", Integer),
    Column("decided_at", Text),
    Column("decided_by", Text, nullable=False),
    Column("note", Text, nullable=False),
)


@dataclass(frozen=True, slots=True)
class SpotCheck:
    """One act to be looked at again. `origin` is "auto" or "approved"; `passed` is None until somebody looked."""

    id: str
    action: str
    agent: str
    action_type: str
    subject: str
    origin: str
    barred: frozenset[str]
    opened_at: datetime
    due: datetime
    passed: bool | None
    decided_at: datetime | None
    decided_by: str
    note: str


@dataclass(frozen=True, slots=True)
class ErrorRate:
    """Of the acts of one agent and action type that were looked at again, the share found wrong, with its n."""

    agent: str
    action_type: str
    origin: str
    n: int
    failed: int
    open: int

    @property
    def rate(self) -> float | None:
        """The share found wrong; None when nothing was looked at."""
        return self.failed / self.n if self.n else None


class SpotCheckProjector:
    """Follows spot checks."""

    name = "spot_checks"
    kinds = frozenset({"spotcheck.opened", "spotcheck.decided"})
    tables = (checks,)

    def apply(self, connection: Connection, entries: Sequence[Entry]) -> None:
        """Bring the table up to date; a second verdict on one act is refused."""
        for entry in entries:
            body = entry.body
            if entry.kind == "spotcheck.opened":
                same = {key: body[key] for key in ("action", "agent", "action_type", "origin", "due")}
                row = {**same, "id": body["check"], "subject": entry.subject, "barred": canonical(body["barred"])}
                connection.execute(insert(checks), {**row, "opened_at": stamp(entry.at), "decided_by": "", "note": ""})
                continue
            mine = update(checks).where(checks.c.id == body["check"], checks.c.passed.is_(None))
            values = {"passed": int(body["passed"]), "decided_at": stamp(entry.at), "decided_by": body["by"]}
            if connection.execute(mine.values(**values, note=entry.value("note", ""))).rowcount != 1:
                raise Conflict(f"{body['check']} was looked at already.", code="decided_already")


def sampled(action: str, share: float) -> bool:
    """True for a share of the acts, by the digest of their identifiers."""
    return int(digest(action)[:8], 16) < share * 2**32


def opened(
    action: str,
    actor: Actor,
    *,
    action_type: str,
    subject: str,
    approved_by: str,
    agent_owner: str,
    now: datetime,
    shares: SpotChecksFile,
) -> list[Draft]:
    """Return the entry that opens a spot check of an executed act, or none when it is not in the sample."""
    if actor.agent is None or not sampled(action, shares.approved if approved_by else shares.auto):
        return []
    body: JsonObject = {
        "check": new_id("chk"),
        "action": action,
        "agent": str(actor.agent),
        "action_type": action_type,
        "origin": APPROVED if approved_by else AUTO,
        "barred": sorted({actor.person, agent_owner, approved_by} - {""}),
        "due": stamp(deadline(now, DUE_BUSINESS_DAYS)),
    }
    return [Draft("spotcheck.opened", Actor(SYSTEM_PERSON), body, action=action, subject=subject)]


class SpotChecks:
    """The queue of acts to be looked at again."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def list(self, *, waiting: bool = True) -> list[SpotCheck]:
        """Return spot checks, those due first on top; without `waiting`, all there ever were."""
        query = select(checks).order_by(checks.c.due, checks.c.id)
        if waiting:
            query = query.where(checks.c.passed.is_(None))
        with self._ledger.engine.connect() as connection:
            return [_check(row) for row in connection.execute(query)]

    def get(self, check_id: str) -> SpotCheck:
        """Return one; raises `NotFound`."""
        with self._ledger.engine.connect() as connection:
            return _read(connection, check_id)

    def decide(self, check_id: str, by: str, *, passed: bool, note: str = "") -> SpotCheck:
        """Say whether the act was right; whoever finds it wrong says why.

        Raises `NotFound`, `Forbidden` for who stands behind the act or may not review, `Conflict` when it was decided,
        `InvalidInput` without a note where one is needed.
        """
        need_a_person(by)
        if not passed and not note.strip():
            raise InvalidInput("say what was wrong.", hint="One sentence is enough.")
        check = self.get(check_id)

        def may(connection: Connection) -> None:
            person = read_person(connection, by)
            if not person.active or "review" not in permissions_of(person.role).may:
                raise Forbidden(f"{by} may not judge acts.", hint="Ask a reviewer.")
            if by in check.barred:
                raise Forbidden(
                    f"{by} stands behind this act.", hint="Somebody else looks at it.", code="stands_behind"
                )

        body: JsonObject = {
            "check": check_id, "action": check.action, "agent": check.agent, "action_type": check.action_type,
            "origin": check.origin, "passed": passed, "by": by,
        }  # fmt: skip
        draft = Draft("spotcheck.decided", Actor(by), body, {"note": note}, check.subject, check.action, check.subject)
        self._ledger.append([draft], guard=may)
        return self.get(check_id)


def checked(
    connection: Connection, agents: Sequence[str], action_type: str, since: datetime, until: datetime
) -> list[SpotCheck]:
    """Return the acts of agents and one action type that were looked at again in a time."""
    query = select(checks).where(
        checks.c.agent.in_(agents),
        checks.c.action_type == action_type,
        checks.c.decided_at >= stamp(since),
        checks.c.decided_at <= stamp(until),
    )
    return [_check(row) for row in connection.execute(query.order_by(checks.c.id))]


def error_rates(found: Sequence[SpotCheck]) -> list[ErrorRate]:
    """Return the error rate by agent, action type and origin, in that order."""
    keys = sorted({(each.agent, each.action_type, each.origin) for each in found})
    rates: list[ErrorRate] = []
    for key in keys:
        mine = [each for each in found if (each.agent, each.action_type, each.origin) == key]
        looked = [each for each in mine if each.passed is not None]
        failed = sum(not each.passed for each in looked)
        rates.append(ErrorRate(*key, n=len(looked), failed=failed, open=len(mine) - len(looked)))
    return rates


def _read(connection: Connection, check_id: str) -> SpotCheck:
    row = connection.execute(select(checks).where(checks.c.id == check_id)).first()
    if row is None:
        raise NotFound(
            f"there is no spot check {check_id!r}.", hint="`pilothouse reviews spot-checks list` shows them."
        )
    return _check(row)


def _check(row: Any) -> SpotCheck:
    values = dict(row._mapping)
    barred: Any = parse_json(row.barred)
    return SpotCheck(
        **{
            key: values[key]
            for key in ("id", "action", "agent", "action_type", "subject", "origin", "decided_by", "note")
        },
        barred=frozenset(barred),
        opened_at=unstamp(row.opened_at),
        due=unstamp(row.due),
        passed=None if row.passed is None else bool(row.passed),
        decided_at=unstamp(row.decided_at) if row.decided_at else None,
    )
