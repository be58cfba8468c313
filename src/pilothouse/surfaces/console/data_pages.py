"""The pages about the data itself: how good it is, and everything that is known of one account or contact."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from pilothouse.assembly import SYSTEM, App
from pilothouse.data.enrichment.status import status as enrichment_status
from pilothouse.data.quality import change
from pilothouse.data.store import Record
from pilothouse.ledger.entries import Entry
from pilothouse.surfaces.auth import Pilothouse, require
from pilothouse.surfaces.console.definition_pages import said_of
from pilothouse.surfaces.console.pages import Posted, SignedIn, go, page
from pilothouse.surfaces.reports.quality import quality_report
from pilothouse.vocabulary.actors import Actor
from pilothouse.vocabulary.errors import NotFound
from pilothouse.vocabulary.records import RecordRef

router = APIRouter(include_in_schema=False)
TIMELINE = 60


@router.get("/quality")
def quality(request: Request, session: SignedIn, pilothouse: Pilothouse, said: str = "") -> Response:
    """How good the data is, beside the baseline."""
    require(session.person, "read_ledger")
    audit, baseline = pilothouse.quality.latest(SYSTEM), pilothouse.quality.baseline(SYSTEM)
    before = baseline.measures if audit and baseline and baseline.position != audit.position else ()
    groups: dict[str, list[object]] = {}
    for measure in audit.measures if audit else ():
        groups.setdefault(measure.group, []).append((measure, change(measure, before)))
    enricher = pilothouse.enricher
    enrichment = enrichment_status(pilothouse.ledger, enricher.knowledge, enricher.providers, pilothouse.clock.now())
    return page(
        request, "quality.html", session, audit=audit, baseline=baseline, groups=groups, said=said,
        enrichment=enrichment,
    )  # fmt: skip


@router.get("/quality/report")
def report(session: SignedIn, pilothouse: Pilothouse) -> Response:
    """The audits as a page to print."""
    require(session.person, "read_ledger")
    audits = list(pilothouse.quality.audits(SYSTEM))
    if not audits:
        raise NotFound("nothing was measured yet.", hint="Measure on the page Data.")
    # It stands alone, as it does in a mail: its style is in it, and nothing else may be loaded or run.
    alone = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"}
    return HTMLResponse(quality_report(audits, pilothouse.clock.now()), headers=alone)


@router.post("/quality")
def measure_again(session: Posted, pilothouse: Pilothouse) -> Response:
    """Audit now."""
    require(session.person, "rollback")
    moment = pilothouse.newest_day(SYSTEM) or pilothouse.clock.now()
    audit = pilothouse.quality.audit(SYSTEM, moment, Actor(session.person.id))
    return go("/quality", f"Measured {len(audit.measures)} shares.")


@dataclass(frozen=True, slots=True)
class Happening:
    """Something that happened to a record."""

    at: datetime
    who: str
    record: str
    sentence: str
    action: str


@router.get("/records/{system}/{object}/{id}")
def record(request: Request, system: str, object: str, id: str, session: SignedIn, pilothouse: Pilothouse) -> Response:
    """Everything that is known of one account, contact or deal, from every source, and what happened to it."""
    require(session.person, "read_ledger")
    ref = RecordRef(system, object, id)
    entity = pilothouse.entities.of(ref)
    refs = entity.members if entity is not None else (ref,)
    records = [found for each in refs if (found := pilothouse.store.record(each)) is not None]
    if not records:
        raise NotFound(f"there is no {ref}.", hint="Look at the list of actions or reviews.")
    fields = sorted({name for each in records for name in each.fields})
    at_hand = next((each for each in records if each.ref == ref), records[0])
    terms, stage = said_of(pilothouse, at_hand)
    return page(
        request, "record.html", session, ref=ref, entity=entity, records=records, fields=fields,
        golden=pilothouse.golden.now(ref, pilothouse.clock.now()), happenings=_happenings(pilothouse, records),
        terms=terms, stage=stage,
    )  # fmt: skip


def _happenings(pilothouse: App, records: Sequence[Record]) -> list[Happening]:
    entries = chain.from_iterable(pilothouse.ledger.entries(subject=str(each.ref)) for each in records)
    told = [_told(entry) for entry in entries if entry.kind != "record.read"]
    return sorted(told, key=lambda each: each.at, reverse=True)[:TIMELINE]


def _told(entry: Entry) -> Happening:
    if entry.kind == "record.observed":
        names = ", ".join(entry.body["names"])
        return Happening(entry.at, entry.body["writer"], entry.subject, f"told of {names}", "")
    sentence = str(entry.body.get("sentence") or entry.kind.replace(".", " "))
    return Happening(entry.at, str(entry.actor), entry.subject, f"{entry.kind}: {sentence}", entry.action)
