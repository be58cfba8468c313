"""Accounts over REST: the timeline and the features, as of any moment."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from pydantic import AwareDatetime

from pilothouse.assembly import App
from pilothouse.directory.people import Person
from pilothouse.directory.roles import may_see, permissions_of
from pilothouse.surfaces.auth import CurrentPerson, Pilothouse
from pilothouse.surfaces.plain import plain
from pilothouse.surfaces.rest.routes import PROBLEMS
from pilothouse.vocabulary.errors import Forbidden
from pilothouse.vocabulary.records import RecordRef

router = APIRouter(prefix="/v1/accounts/{system}/{id}", responses=PROBLEMS)
Id = Annotated[str, Path(pattern=r"^[A-Za-z0-9_@.+-]+$", max_length=100)]
AsOf = Annotated[AwareDatetime | None, Query(description="What was known and had happened by then; now when left out.")]


@router.get("/timeline")
def timeline(
    system: Id,
    id: Id,
    person: CurrentPerson,
    pilothouse: Pilothouse,
    as_of: AsOf = None,
    limit: Annotated[int, Query(ge=1, le=5000)] = 500,
) -> list[dict[str, Any]]:
    """Return what happened around an account, newest first."""
    ref, moment = _asked(pilothouse, person, system, id, as_of)
    return plain(pilothouse.graph.timeline(ref, moment)[:limit])


@router.get("/features")
def features(system: Id, id: Id, person: CurrentPerson, pilothouse: Pilothouse, as_of: AsOf = None) -> dict[str, Any]:
    """Return the features of an account, with the ledger position and the version of the catalogue they rest on."""
    ref, moment = _asked(pilothouse, person, system, id, as_of)
    return plain(pilothouse.graph.features(ref, moment))


def _asked(pilothouse: App, person: Person, system: str, id: str, as_of: datetime | None) -> tuple[RecordRef, datetime]:
    """Return the account and the moment; raises `Forbidden` for an account that is none of the person's."""
    ref = RecordRef(system, "account", id)
    if "read_ledger" not in permissions_of(person.role).may:
        record = pilothouse.store.record(ref)
        values = {name: each.value for name, each in record.fields.items()} if record else {}
        if not may_see(person, values):
            raise Forbidden(f"{ref} is not one of {person.name}'s records.", hint="Ask its owner, or RevOps.")
    return ref, as_of or pilothouse.clock.now()
