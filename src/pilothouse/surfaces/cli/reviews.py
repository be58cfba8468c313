"""`pilothouse reviews`: look, approve, edit, reject."""

from __future__ import annotations

from typing import Annotated

import typer

from pilothouse.assembly import App
from pilothouse.handoff.queue import Review
from pilothouse.surfaces.canaries import canary_said
from pilothouse.surfaces.cli import batches, oversight
from pilothouse.surfaces.cli.context import HERE, As, Json, Where, opened, somebody
from pilothouse.surfaces.cli.outcome import tell_outcome
from pilothouse.surfaces.cli.output import emit, guarded, say, table, told
from pilothouse.surfaces.cli.values import pair
from pilothouse.surfaces.merges import merge_in_words
from pilothouse.surfaces.plain import plain
from pilothouse.vocabulary.errors import InvalidInput, WrongUse
from pilothouse.vocabulary.outcomes import ReviewStatus
from pilothouse.vocabulary.records import RecordRef

app = typer.Typer(no_args_is_help=True)
app.add_typer(batches.app, name="batch", help="Reviews that are alike, decided together.")
app.add_typer(oversight.checks, name="spot-checks", help="Acts that chance chose to be looked at again.")
app.command("report")(oversight.report)


@app.command("list")
@guarded
def list_(
    asked: Annotated[str | None, typer.Option("--asked", "--owner", help="Only what this person is asked.")] = None,
    mine: Annotated[bool, typer.Option("--mine", help="Only what you are asked.")] = False,
    status: Annotated[ReviewStatus | None, typer.Option(help="Default: open.")] = ReviewStatus.OPEN,
    where: Where = HERE,
    person: As = "",
    json: Json = False,
) -> None:
    """Show what waits for a person, what is due first on top."""
    if mine and asked is not None:
        raise WrongUse("--mine and --asked say two things.", hint="Leave one of them out.")
    with opened(where) as pilothouse:
        if mine:
            asked = somebody(person)
        for named in filter(None, (asked, person)):
            pilothouse.directory.person(named)
        found = pilothouse.reviews.list(owner=asked, status=status)
        merges = [merge_in_words(pilothouse, each) for each in found]
    if json:
        emit(found)
        return
    rows = [
        (
            each.id,
            each.owner,
            each.subject,
            merged or _change(each),
            f"{each.confidence:.2f}",
            f"{each.deadline:%m-%d %H:%M}",
        )
        for each, merged in zip(found, merges, strict=True)
    ]
    table("Reviews", ("review", "asked", "record", "what would change", "sure", "due (UTC)"), rows)


def _change(review: Review) -> str:
    return "; ".join(f"{each['field']}: {each['before']!r} → {each['after']!r}" for each in review.changes)


@app.command()
@guarded
def show(review: str, where: Where = HERE, person: As = "", json: Json = False) -> None:
    """Show everything needed to decide; that you looked is written down when you say who you are."""
    with opened(where) as pilothouse:
        found = pilothouse.reviews.get(review)
        if person:
            pilothouse.directory.person(person)
            pilothouse.reviews.show([review], person)
        title = pilothouse.store.title(RecordRef.parse(found.subject))
        merged = merge_in_words(pilothouse, found)
        suspension = pilothouse.reviews.suspension(found)
    if json:
        emit({**plain(found), "suspended": f"{suspension}." if suspension else ""})
        return
    if suspension is not None:
        say(f"{suspension}. It can only be rejected meanwhile, and does not expire.")
    say(f"{found.capability} on {title} ({found.subject}), proposed by {found.actor}")
    say(f"Why a person: {found.sentence} (rule {found.rule or '–'}, policy {found.policy_version}, tier {found.tier})")
    if found.action is not None:
        say(f"Intent: {found.action.intent}")
        rows = [(fact.record, fact.field, fact.value, fact.note) for fact in found.action.evidence]
        table("Evidence", ("record", "field", "value", "what it shows"), rows)
    if merged:
        say(f"Merge: {merged}.")
    changes = [(c["field"], c["before"], c["last_writer"], c["after"]) for c in found.changes]
    if changes or not merged:
        table("Change", ("field", "now", "written by", "would become"), changes)
    if found.decided_by:
        chosen = ", ".join(f"{name} = {value!r}" for name, value in (found.edited or {}).items())
        decided = (
            "changed to " + chosen if chosen else "rejected" if found.status is ReviewStatus.REJECTED else "approved"
        )
        say(f"Decided by {found.decided_by} at {found.decided_at:%Y-%m-%d %H:%M} UTC: {decided}. {found.note}".rstrip())
    say(
        f"Confidence {found.confidence:.2f} · {found.owner} is asked ({found.asked_because or 'by name'}) · due {found.deadline:%Y-%m-%d %H:%M} UTC · {found.status}"
    )


@app.command()
@guarded
def approve(
    review: str, note: Annotated[str, typer.Option()] = "", where: Where = HERE, person: As = "", json: Json = False
) -> None:
    """Approve exactly what is shown, and carry it out."""
    with opened(where) as pilothouse:
        found = pilothouse.reviews.get(review)
        done = pilothouse.reviews.approve(review, somebody(person), found.payload_hash, note)
        if _was_canary(pilothouse, done, json):
            return
        no_evidence = pilothouse.reviews.why_no_evidence(done)
        result = pilothouse.gateway.resume(review)
    tell_outcome(result, json, no_evidence)


@app.command()
@guarded
def edit(
    review: str,
    values: Annotated[list[str], typer.Option("--set", help="field=value")],
    note: Annotated[str, typer.Option()] = "",
    where: Where = HERE,
    person: As = "",
    json: Json = False,
) -> None:
    """Approve with other values; both yours and the agent's are kept."""
    with opened(where) as pilothouse:
        found = pilothouse.reviews.get(review)
        target = RecordRef.parse(found.subject).object
        proposed, given = found.approved_action().arguments, dict(pair(each, target) for each in values)
        other = [name for name in given if name not in proposed]
        if other:
            raise InvalidInput(
                f"{', '.join(other)} is not under review here; {', '.join(proposed)} is.",
                hint=f"Change it by itself: `pilothouse set {found.subject} FIELD=VALUE`.",
            )
        arguments = {**proposed, **given}
        done = pilothouse.gateway.edit(review, somebody(person), found.payload_hash, arguments, note)
        if _was_canary(pilothouse, done, json):
            return
        no_evidence = pilothouse.reviews.why_no_evidence(done)
        result = pilothouse.gateway.resume(review)
    tell_outcome(result, json, no_evidence)


@app.command()
@guarded
def reject(
    review: str, reason: Annotated[str, typer.Option()], where: Where = HERE, person: As = "", json: Json = False
) -> None:
    """Reject, with a reason."""
    with opened(where) as pilothouse:
        done = pilothouse.reviews.reject(review, somebody(person), reason)
        if _was_canary(pilothouse, done, json):
            return
    told(json, {"review": done.id, "action": done.action_id, "status": done.status}, f"{review} is rejected.")


@app.command()
@guarded
def reassign(
    review: str,
    to: Annotated[str, typer.Option(help="Who is asked from now on.")],
    reason: Annotated[str, typer.Option()],
    where: Where = HERE,
    person: As = "",
    json: Json = False,
) -> None:
    """Hand an open review to somebody else who may decide it, with a reason."""
    with opened(where) as pilothouse:
        done = pilothouse.gateway.keeper.reassign(review, to, somebody(person), reason)
    told(json, {"review": done.id, "owner": done.owner, "because": done.asked_because}, f"{to} is asked now.")


def _was_canary(pilothouse: App, done: Review, json: bool) -> bool:
    """Tell the reviewer, after the decision, that the proposal was a planted one; True when it was."""
    said = canary_said(pilothouse, done)
    if said:
        told(json, {"review": done.id, "status": done.status, "canary": said}, said)
    return bool(said)
