"""The pages about policy: what is in force in readable form, its versions, one version with what it changes."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from pilothouse.assembly import App
from pilothouse.decision.business.policy import BusinessPolicy
from pilothouse.decision.policy import Policy
from pilothouse.decision.publishing.content import diff
from pilothouse.decision.publishing.versions import Version, VersionStatus
from pilothouse.directory.roles import permissions_of
from pilothouse.surfaces.auth import Pilothouse, require
from pilothouse.surfaces.console.pages import Posted, SignedIn, Text, go, page
from pilothouse.surfaces.following import differs, pull
from pilothouse.surfaces.proposing import propose_files
from pilothouse.surfaces.versions import approve, roll_back, state_of
from pilothouse.vocabulary.errors import InvalidInput
from pilothouse.vocabulary.verdicts import Treatment

router = APIRouter(include_in_schema=False)
WORDS = {
    Treatment.AUTO: ("runs", "green"),
    Treatment.REVIEW: ("is reviewed", "amber"),
    Treatment.PERSON: ("a person decides", "amber"),
    Treatment.REFUSE: ("is refused", "red"),
}


@router.get("/policy")
def policy(request: Request, session: SignedIn, pilothouse: Pilothouse, said: str = "") -> Response:
    """What is in force, who decided it, and what waits."""
    require(session.person, "read_ledger")
    rules = pilothouse.gateway.door.rules()
    standing = pilothouse.versions.in_force()
    every = pilothouse.versions.list()
    return page(
        request, "policy.html", session, policy=rules.policy, business=rules.business, groups=_groups(rules.policy),
        clauses=_clauses(rules.business), WORDS=WORDS, standing=standing, unpublished=differs(pilothouse.workspace, pilothouse.versions),
        every=[(each, state_of(each, standing, pilothouse.clock)) for each in every],
        waiting=[each for each in every if each.status is VersionStatus.PROPOSED], approvers=_approvers(pilothouse), said=said,
    )  # fmt: skip


@router.get("/policy/{version}")
def policy_version(
    request: Request, version: str, session: SignedIn, pilothouse: Pilothouse, against: str = "", said: str = ""
) -> Response:
    """One version: who and when, what it changes against its base or any other, and the buttons of those who decide."""
    require(session.person, "read_ledger")
    found, standing = pilothouse.versions.get(version), pilothouse.versions.in_force()
    other = pilothouse.versions.get(against) if against else None
    old = other.content if other else pilothouse.versions.base_of(found)
    replay = pilothouse.versions.replay_of(found)
    return page(
        request, "policy_version.html", session, version=found, state=state_of(found, standing, pilothouse.clock),
        changed=diff(old, found.content), against=other.id if other else found.base, line_class=_line_class,
        others=[each for each in pilothouse.versions.list() if each.id != found.id], approvers=_approvers(pilothouse, found),
        mine=found.author == session.person.id, standing=standing, said=said,
        replay=replay, figures=replay.figures() if replay else None, before=_before(pilothouse, found),
    )  # fmt: skip


@router.post("/policy/{version}")
def decide_version(
    version: str, session: Posted, pilothouse: Pilothouse, decision: Text = "", hash: Text = "", reason: Text = ""
) -> Response:
    """Approve or reject a proposed version, or roll back to a published one."""
    person = session.person.id
    match decision:
        case "approve":
            done, left = approve(pilothouse.workspace, pilothouse.versions, version, person, hash)
            return go("/policy", f"{done.id} is published.{_kept(left)}")
        case "reject":
            return go("/policy", f"{pilothouse.versions.reject(version, person, reason).id} is rejected.")
        case "rollback":
            done, left = roll_back(pilothouse.workspace, pilothouse.versions, version, person, reason, overwrite=False)
            return go("/policy", f"{done.id} is in force.{_kept(left)}")
        case _:
            raise InvalidInput("the form says nothing to do.", hint="Use one of the buttons.")


@router.post("/policy")
def propose(
    session: Posted, pilothouse: Pilothouse, what: Text = "", note: Text = "", take_back: Text = ""
) -> Response:
    """Propose the workspace's files as they are, or bring those up to date that lag behind."""
    require(session.person, "propose_policy")
    match what:
        case "propose":
            done = propose_files(pilothouse.desk, session.person.id, note, take_back=bool(take_back))
            return go(f"/policy/{done.id}", f"{done.id} is proposed; somebody else of RevOps approves it.")
        case "pull":
            _, pulled = pull(pilothouse.workspace, pilothouse.versions, overwrite=False)
            return go("/policy", f"Written: {', '.join(pulled.written) or 'nothing'}.{_kept(pulled.left)}")
        case _:
            raise InvalidInput("the form says nothing to do.", hint="Use one of the buttons.")


def _kept(left: list[str]) -> str:
    return f" Unpublished edits were left as they are: {', '.join(left)}." if left else ""


def _before(pilothouse: App, version: Version) -> Version | None:
    """Return what was in force before a version, to go back to."""
    return pilothouse.versions.get(version.base) if version.base else None


def _groups(policy: Policy) -> list[tuple[str, list[Any]]]:
    return [(name, list(policy.rules[name])) for name in sorted(policy.rules)]


def _clauses(business: BusinessPolicy) -> list[tuple[str, list[tuple[str, str, str, str]]]]:
    """Return each part of business policy as rows: what it gives, when, why, where it is written."""

    def row(term: str, gives: str, reason: str, where: str) -> tuple[str, str, str, str]:
        criteria = business.definitions.term(term)
        every = " and ".join(each.text.removeprefix("defined.") for each in criteria.all)
        some = " or ".join(each.text.removeprefix("defined.") for each in criteria.any)
        return gives, "; and one of: ".join(each for each in (every, some) if each), reason, where

    fit = business.fit
    levels = [
        row(each.term, f"{each.gives} ({each.confidence:.0%})", each.reason, each.where)
        for each in (fit.levels if fit else ())
    ]
    if fit:
        levels.append((fit.otherwise, "none of the above holds", fit.otherwise_reason, ""))
    return [
        ("Ideal customer: the first that holds", levels),
        (
            "What starts something",
            [row(e.term, e.gives.replace("_", " "), e.reason, e.where) for e in business.triggers],
        ),
        ("What puts a record out", [row(e.term, e.id, e.reason, e.where) for e in business.disqualifiers]),
        ("What comes first", [row(e.term, f"{e.points:+d}", e.reason, e.where) for e in business.priority]),
    ]


def _approvers(pilothouse: App, version: Version | None = None) -> list[str]:
    """Return who may approve: everybody of RevOps, but for the author of the version."""
    people = [each for each in pilothouse.directory.people() if each.active]
    return [
        each.name
        for each in people
        if "approve_policy" in permissions_of(each.role).may and (version is None or each.id != version.author)
    ]


def _line_class(line: str) -> str:
    if line.startswith(("+++", "---", "@@")):
        return "at"
    return {"+": "new", "-": "old"}.get(line[:1], "")
