"""The endpoints about policy: what is in force, its versions and who decides on them, and what it says of a record.

An agent may ask, too. What must never happen here: an agent told a value that its contract does not let it read.
"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Header, Request
from pydantic import BaseModel, ConfigDict, Field

from pilothouse.data.typed import RECORD
from pilothouse.decision.business.policy import Question
from pilothouse.decision.publishing.content import diff
from pilothouse.surfaces.auth import CurrentPerson, Pilothouse, person_of, require, token_of
from pilothouse.surfaces.defined import record_of
from pilothouse.surfaces.following import differs
from pilothouse.surfaces.plain import plain
from pilothouse.surfaces.rest.models import Reason
from pilothouse.surfaces.rest.routes import PROBLEMS, Id
from pilothouse.surfaces.versions import approve, roll_back, version_out
from pilothouse.vocabulary.records import RecordRef

router = APIRouter(prefix="/v1/policy", responses=PROBLEMS)


class ApproveVersion(BaseModel):
    """The hash of the text that the approver saw."""

    model_config = ConfigDict(extra="forbid")

    hash: str = Field(min_length=12, max_length=12)


@router.get("")
def show_policy(person: CurrentPerson, pilothouse: Pilothouse) -> dict[str, Any]:
    """Return which version is in force, and which files of the workspace differ from it."""
    require(person, "read_ledger")
    standing = pilothouse.versions.in_force()
    return {
        "version": pilothouse.policy.version,
        "published": version_out(standing, standing) if standing else None,
        "unpublished": differs(pilothouse.workspace, pilothouse.versions),
    }


@router.get("/versions")
def list_versions(person: CurrentPerson, pilothouse: Pilothouse) -> list[dict[str, Any]]:
    """Return every version, the newest first."""
    require(person, "read_ledger")
    standing = pilothouse.versions.in_force()
    return [version_out(each, standing) for each in pilothouse.versions.list()]


@router.get("/versions/{version}")
def show_version(version: Id, person: CurrentPerson, pilothouse: Pilothouse) -> dict[str, Any]:
    """Return a version with its text, what it changes, and as `replayed` the figures of its newest replay, if any."""
    require(person, "read_ledger")
    found = pilothouse.versions.get(version)
    changed = diff(pilothouse.versions.base_of(found), found.content)
    out = version_out(found, pilothouse.versions.in_force(), pilothouse.versions.replay_of(found))
    return {**out, "content": dict(found.content), "changed": plain(changed)}


@router.post("/versions/{version}/approve")
def approve_version(
    version: Id, given: ApproveVersion, person: CurrentPerson, pilothouse: Pilothouse
) -> dict[str, Any]:
    """Publish a version that somebody else proposed; files with unpublished edits are left as they are and named."""
    done, left = approve(pilothouse.workspace, pilothouse.versions, version, person.id, given.hash)
    out = version_out(done, pilothouse.versions.in_force(), pilothouse.versions.replay_of(done))
    return {**out, "edits_left": left}


@router.post("/versions/{version}/reject")
def reject_version(version: Id, given: Reason, person: CurrentPerson, pilothouse: Pilothouse) -> dict[str, Any]:
    """Turn a proposed version down."""
    return version_out(pilothouse.versions.reject(version, person.id, given.reason), None)


@router.post("/versions/{version}/rollback")
def rollback_version(version: Id, given: Reason, person: CurrentPerson, pilothouse: Pilothouse) -> dict[str, Any]:
    """Put an earlier version back in force; files with unpublished edits are left as they are and named."""
    done, left = roll_back(pilothouse.workspace, pilothouse.versions, version, person.id, given.reason, overwrite=False)
    return {**version_out(done, pilothouse.versions.in_force()), "edits_left": left}


@router.get("/ask/{question}/{system}/{object}/{id}")
def ask_policy(
    question: Question,
    system: Id,
    object: Id,
    id: Id,
    request: Request,
    pilothouse: Pilothouse,
    authorization: Annotated[str, Header()] = "",
) -> dict[str, Any]:
    """Return what the business policy in force says of a record, and which condition decides it.

    An agent shows its token; it is told the values that its contract lets it read, and of the others only what they came to.
    """
    ref = RecordRef(system, object, id)
    if not authorization:
        require(person_of(request), "read_ledger")
        return plain(pilothouse.ask(question, record_of(pilothouse, str(ref))))
    token = token_of(authorization)
    seen = pilothouse.gateway.read(ref, token)
    found = pilothouse.ask(question, record_of(pilothouse, str(ref)))
    if found.asked_of != str(ref):  # its account, which the contract must let the agent read as well
        seen = pilothouse.gateway.read(RecordRef.parse(found.asked_of), token)
    readable = {f"{RECORD}{name}" for name in seen.fields}
    out = plain(found)
    for each in out["findings"]:
        each["values"] = {name: value for name, value in each["values"].items() if name in readable}
        each["because"] = ""
    # The words of the policy without the values; what no clause decided is told without values anyway.
    return {**out, "reason": next((each.reason for each in found.findings if each.id == found.by), found.reason)}
