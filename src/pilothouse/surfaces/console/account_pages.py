"""Account 360: one account, or one contact, from every system that knows it, as of any moment; and the pipeline."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from fastapi import APIRouter, Request
from fastapi.responses import Response

from pilothouse.assembly import SYSTEM, App
from pilothouse.data.deals import is_closed
from pilothouse.data.golden.record import GoldenRecord
from pilothouse.data.graph.graph import Account
from pilothouse.data.graph.relations import relations_of
from pilothouse.data.graph.timeline import ItemKind
from pilothouse.data.store import Record
from pilothouse.surfaces.auth import Pilothouse, require
from pilothouse.surfaces.console.charts import weekly
from pilothouse.surfaces.console.definition_pages import said_of
from pilothouse.surfaces.console.pages import Posted, SignedIn, go, page
from pilothouse.surfaces.console.people_picture import picture
from pilothouse.surfaces.moments import when
from pilothouse.vocabulary.actors import Actor
from pilothouse.vocabulary.errors import NotFound
from pilothouse.vocabulary.records import RecordRef

router = APIRouter(include_in_schema=False)
MOST_ITEMS = 150
SHOWN_FIRST = (
    "name",
    "industry",
    "country",
    "city",
    "employee_count",
    "annual_revenue",
    "domain",
    "website",
    "phone",
    "owner",
)


@router.get("/records/{system}/{object}/{id}")
def record(
    request: Request,
    system: str,
    object: str,
    id: str,
    session: SignedIn,
    pilothouse: Pilothouse,
    as_of: str = "",
    kind: str = "",
) -> Response:
    """Everything that is known of one account, contact or deal, and what happened around it, as of a moment."""
    require(session.person, "read_ledger")
    ref = RecordRef(system, object, id)
    now = pilothouse.clock.now()
    moment = _end_of(as_of, now)
    account = _known(pilothouse, ref, moment)
    records = _records(pilothouse, ref, account)
    fields = sorted({name for each in records for name in each.fields}, key=lambda name: (_place(name), name))
    at_hand = next((each for each in records if each.ref == ref), None)
    terms, stage = said_of(pilothouse, at_hand) if at_hand is not None and moment == now else ([], None)
    items = [item for item in account.timeline if not kind or item.kind.value == kind] if account else []
    relations = relations_of(account, _open(pilothouse, account), moment) if account else None
    return page(
        request, "account.html" if object in ("account", "contact") else "record.html", session,
        ref=ref, records=records, fields=fields, account=account, kind=kind, kinds=[each.value for each in ItemKind],
        as_of=as_of[:10], moment=moment, items=items[:MOST_ITEMS], count=len(items),
        entity=pilothouse.entities.of(ref), began=pilothouse.graph.known.first(),
        chart=weekly(account.seen, moment) if account else None,
        relations=relations, picture=picture(relations, moment) if relations else None,
        catalogue=pilothouse.graph.catalogue, golden=_golden(pilothouse, ref, moment, now), terms=terms, stage=stage,
    )  # fmt: skip


def _golden(pilothouse: App, ref: RecordRef, moment: datetime, now: datetime) -> GoldenRecord | None:
    try:
        return pilothouse.golden.now(ref, now) if moment == now else pilothouse.golden.then(ref, moment)
    except NotFound:
        return None  # no source told of it by then


@router.get("/pipeline")
def pipeline(request: Request, session: SignedIn, pilothouse: Pilothouse, said: str = "") -> Response:
    """The pipeline as it was last measured: supported, doubted, derived."""
    require(session.person, "read_ledger")
    return page(request, "pipeline.html", session, measured=pilothouse.pipeline.latest(SYSTEM), said=said)


@router.post("/pipeline")
def measure_again(session: Posted, pilothouse: Pilothouse) -> Response:
    """Measure now."""
    require(session.person, "rollback")
    moment = pilothouse.newest_day(SYSTEM) or pilothouse.clock.now()
    measured = pilothouse.measure_pipeline(SYSTEM, moment, Actor(session.person.id))
    return go("/pipeline", f"Measured {len(measured.deals)} open deals.")


def _end_of(text: str, now: datetime) -> datetime:
    """Return the end of a day that was picked, now for today or none."""
    picked = when(text or None, now)
    if picked is None:
        return now
    return min(now, picked + timedelta(days=1) - timedelta(microseconds=1)) if len(text) == 10 else picked


def _known(pilothouse: App, ref: RecordRef, moment: datetime) -> Account | None:
    try:
        return pilothouse.graph.account(ref, moment)
    except NotFound:
        if pilothouse.store.record(ref) is None:
            raise NotFound(f"there is no {ref}.", hint="Look at the list of actions or reviews.") from None
        return None


def _records(pilothouse: App, ref: RecordRef, account: Account | None) -> Sequence[Record]:
    if account is None:
        return ()
    if ref.object == "account":
        return account.node.accounts
    return (
        [each for person in account.node.people for each in person.records]
        or list(account.node.deals)[:1]
        or [found for found in (pilothouse.store.record(ref),) if found is not None]
    )


def _open(pilothouse: App, account: Account) -> list[Record]:
    return [deal for deal in account.node.each_deal if not is_closed(deal, pilothouse.definitions)]


def _place(name: str) -> int:
    return SHOWN_FIRST.index(name) if name in SHOWN_FIRST else len(SHOWN_FIRST)
