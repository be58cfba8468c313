"""Taking signals in: checked against the catalogue, once each, answered only when durable.

A signal that does not fit goes into quarantine with its reason and its text; so does one whose identity was told
before with other content. What must never happen here: one identity standing twice; an answer before the commit.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from itertools import groupby, islice
from typing import Any, NamedTuple

from sqlalchemy import Text, any_, bindparam, func, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.sql.base import Executable

from pilothouse.data.quarantine import BadRow, set_aside
from pilothouse.data.signals.catalogue import Catalogue, SignalType
from pilothouse.data.signals.cloudevents import channelled, signal_of
from pilothouse.data.signals.model import Signal
from pilothouse.data.signals.projection import KIND, signals
from pilothouse.ledger.entries import Draft
from pilothouse.ledger.ledger import Ledger
from pilothouse.ledger.statements import Statement, given
from pilothouse.vocabulary.actors import Actor
from pilothouse.vocabulary.errors import Conflict
from pilothouse.vocabulary.values import Json, canonical

EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
AHEAD = timedelta(hours=24)
"""How far a sender's clock may run ahead before a date counts as one of the future."""
LARGEST = 20_000
"""Characters of an event's JSON text; a longer one is set aside whole."""
MOST_OF_A_NAME = 400
"""Characters of a source or an identifier that are given back to whom sent something that is no signal."""
BATCH = 2000
TRIES = 3
Key = tuple[str, str]
"""A signal's identity: its source, and its identifier there."""
SYSTEM = "signals"
"""Under which bad signals stand in quarantine: whose they are is part of what may be wrong with them."""


class Fate(StrEnum):
    """What became of a signal that was handed in."""

    ACCEPTED = "accepted"
    KNOWN = "known"
    REFUSED = "refused"
    QUARANTINED = "quarantined"


class Receipt(NamedTuple):
    """The answer to one signal. `position` is its entry's, the first one's when it was known; None where it has none."""

    source: str
    id: str
    fate: Fate
    position: int | None = None
    reason: str = ""


class Handed(NamedTuple):
    """What somebody handed in: a signal, or why it is none; `text` is how it was told, `file` and `line` where.

    `claims` is the identity that something which is no signal gives itself, as far as that can be read.
    """

    text: str
    signal: Signal | None = None
    reason: str = ""
    file: str = ""
    line: int = 0
    claims: Key = ("", "")


class _Good(NamedTuple):
    """A signal that fits, with its place in the page, the digest of its content and its identity."""

    place: int
    signal: Signal
    kind: SignalType
    content: str
    key: Key


class Signals:
    """Receives signals."""

    def __init__(self, ledger: Ledger, catalogue: Catalogue) -> None:
        self._ledger, self.catalogue = ledger, catalogue

    def receive_events(self, events: Iterable[Mapping[str, Any]], actor: Actor, channel: str = "") -> list[Receipt]:
        """Take in CloudEvents of one request; the receipts stand in the same order."""
        handed = (self.handed_event(event, channel) for event in events)
        return [receipt for part in self.receive(handed, actor) for receipt in part]

    def handed_event(
        self, event: Mapping[str, Any], channel: str = "", file: str = "", line: int = 0, text: str = ""
    ) -> Handed:
        """Read one event. A bad one still has its text and its reason."""
        text = text or canonical(event)
        try:
            if len(text) > LARGEST:
                raise ValueError(f"the event is longer than {LARGEST} characters")
            return Handed(text, signal_of(event, channel), file=file, line=line)
        except ValueError as error:
            where = file or f"source/{channel or event.get('source', '')}"
            source = channelled(channel, _readable(event.get("source")) or channel)
            claims = source, _readable(event.get("id"))
            return Handed(text, None, str(error), where, line, claims)

    def receive(self, handed: Iterable[Handed], actor: Actor, batch: int = BATCH) -> Iterator[list[Receipt]]:
        """Take in any number of signals in flat memory; yields the receipts of each batch once it is durable."""
        queue = iter(handed)
        while page := list(islice(queue, batch)):
            yield self._page(page, actor)

    def _page(self, page: Sequence[Handed], actor: Actor) -> list[Receipt]:
        now = self._ledger.clock.now()
        latest = now + AHEAD
        receipts: list[Receipt | None] = [None] * len(page)
        bad: list[BadRow] = []
        good: list[_Good] = []
        for index, each in enumerate(page):
            signal, reason = each.signal, each.reason
            known = self.catalogue.types.get(signal.type) if signal else None
            if signal is not None:
                reason = self._problem(signal, known, latest)
            if signal is None or known is None or reason:
                bad.append(_bad(each, reason))
                told = each.claims if signal is None else (signal.source, signal.id)
                receipts[index] = Receipt(*told, Fate.QUARANTINED, None, reason)
            else:
                good.append(_Good(index, signal, known, signal.digest, (signal.source, signal.id)))
        for index, receipt in self._store(good, actor):
            receipts[index] = receipt
            if receipt.fate is Fate.REFUSED:
                bad.append(_bad(page[index], receipt.reason))
        if bad:
            set_aside(self._ledger, SYSTEM, bad, actor)
        return [receipt for receipt in receipts if receipt is not None]

    def _problem(self, signal: Signal, known: SignalType | None, latest: datetime) -> str:
        if known is None:
            return f"there is no signal type {signal.type!r} in the catalogue (signals/*.yaml)"
        if signal.occurred_at < EARLIEST:
            return f"it is said to have happened in {signal.occurred_at.year}, before 1990"
        if signal.occurred_at > latest:
            return f"it is said to have happened at {signal.stamp}, which is still to come"
        if signal.about.nobody:
            return "whom it is about cannot be told: the domain of a free mail service names no account"
        return known.problem(signal.attributes)

    def _store(self, good: Sequence[_Good], actor: Actor) -> Iterator[tuple[int, Receipt]]:
        """Append what is new. Who loses a race for an identity finds it known at the second try."""
        for attempt in range(TRIES):
            known = self._known(good)
            fresh: dict[Key, _Good] = {}
            for each in good:
                if each.key not in known:
                    fresh.setdefault(each.key, each)
            try:
                drafts = [_draft(each.signal, each.kind, each.content, actor) for each in fresh.values()]
                entries = self._ledger.append(drafts) if drafts else []
            except Conflict:
                if attempt == TRIES - 1:
                    raise
                continue
            for (key, each), entry in zip(fresh.items(), entries, strict=True):
                known[key] = entry.position, each.content
                yield each.place, Receipt(*key, Fate.ACCEPTED, entry.position)
            for each in good:
                if fresh.get(each.key) is not each:
                    yield each.place, _told_before(each, *known[each.key])
            return

    def _known(self, wanted: Sequence[_Good]) -> dict[Key, tuple[int, str]]:
        """Return position and digest of those of these identities that stand already."""
        found: dict[Key, tuple[int, str]] = {}
        keys = sorted({each.key for each in wanted})
        with self._ledger.reading() as connection:
            database = connection.dialect.name
            for source, group in groupby(keys, key=lambda key: key[0]):
                ids = [ident for _, ident in group]
                told = canonical(ids) if database == "sqlite" else ids
                rows = _STANDING.all(connection, source=source, ids=told)
                found.update({(source, row.id): (row.position, row.digest) for row in rows})
        return found


def _readable(value: Any) -> str:
    return value if isinstance(value, str) and len(value) <= MOST_OF_A_NAME else ""


def _standing(database: str) -> Executable:
    """Return the query for signals of one source by their identifiers: a JSON array of them on SQLite, else an array."""
    query = select(signals.c.id, signals.c.position, signals.c.digest).where(signals.c.source == given("source"))
    if database == "sqlite":
        return query.where(signals.c.id.in_(select(func.json_each(given("ids")).table_valued("value").c.value)))
    return query.where(signals.c.id == any_(bindparam("ids", type_=ARRAY(Text), required=False)))


_STANDING = Statement(_standing)


def _told_before(each: _Good, position: int, content: str) -> Receipt:
    if content in ("", each.content):  # of an erased one nothing is left to compare, and nothing comes back
        return Receipt(*each.key, Fate.KNOWN, position)
    source, ident = each.key
    reason = f"{ident!r} of {source!r} was told before with other content (entry {position})"
    return Receipt(source, ident, Fate.REFUSED, position, reason)


def _draft(signal: Signal, kind: SignalType, content: str, actor: Actor) -> Draft:
    about = signal.about
    handles = about.handles
    body: dict[str, Json] = {
        "source": signal.source,
        "id": signal.id,
        "type": signal.type,
        "occurred_at": signal.stamp,
        "account": about.account,
        "contact": about.contact,
        "handles": handles,
    }
    if signal.extensions:
        body["extensions"] = dict(signal.extensions)
    private: dict[str, Json] = {"email": about.email} if about.email else {}
    (private if kind.personal else body)["attributes"] = dict(signal.attributes)
    # A digest of personal content could be guessed from, so it goes where the content goes.
    (private or body)["digest"] = content
    subject = about.contact or about.account or (handles[0] if handles else "")
    if not private:
        return Draft(KIND, actor, body, subject=subject)
    return Draft(KIND, actor, body, private, data_subject(signal), subject=subject)


def data_subject(signal: Signal) -> str:
    """Return the name under which what is personal about a signal can be erased: the contact, else its address's digest."""
    about = signal.about
    if about.contact:
        return about.contact
    if about.email:
        return address_subject(about.email)
    return about.account or f"source/{signal.source}"


def address_subject(email: str) -> str:
    """Return the name under which what is kept of an address can be erased."""
    return f"email/{hashlib.sha256(email.strip().casefold().encode()).hexdigest()}"


def _bad(handed: Handed, reason: str) -> BadRow:
    where = handed.file or (f"source/{handed.signal.source}" if handed.signal else "source/")
    return BadRow(where, handed.line, reason, handed.text)


__all__ = ["Fate", "Handed", "Receipt", "Signals", "address_subject"]
