"""`pilothouse notifications`: what people were told and whether it arrived; send what is due; try a channel; digests."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from pilothouse.assembly import App
from pilothouse.directory.roles import permissions_of
from pilothouse.handoff.notifying.channels import Line
from pilothouse.handoff.notifying.digests import queue_lines, shadow_lines, week_before
from pilothouse.handoff.notifying.outbox import DELIVERED, QUEUED, UNDELIVERED, Notice
from pilothouse.handoff.notifying.settings import CONSOLE
from pilothouse.surfaces.cli.context import HERE, As, Json, Where, opened, somebody
from pilothouse.surfaces.cli.output import emit, fail, guarded, say, table, told
from pilothouse.vocabulary.errors import Forbidden, InvalidInput

app = typer.Typer(no_args_is_help=True)


class Digest(StrEnum):
    """The mails that come by the clock."""

    DAILY = "daily"
    WEEKLY = "weekly"


class State(StrEnum):
    """How a notification stands."""

    QUEUED = QUEUED
    DELIVERED = DELIVERED
    UNDELIVERED = UNDELIVERED


@app.command("list")
@guarded
def list_(
    status: Annotated[State | None, typer.Option(help="Default: all.")] = None,
    channel: Annotated[str | None, typer.Option(help="Only those over one channel.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000)] = 50,
    where: Where = HERE,
    person: As = "",
    json: Json = False,
) -> None:
    """Show what was told to whom over which channel and whether it arrived, newest first."""
    with opened(where) as pilothouse:
        if person:
            pilothouse.directory.person(person)
        if channel is not None and channel not in (CONSOLE, *pilothouse.notifications.channels):
            known = ", ".join((CONSOLE, *pilothouse.notifications.channels))
            raise InvalidInput(f"there is no channel {channel!r}.", hint=f"There is: {known}.")
        found = pilothouse.notifications.inbox.all(status=status, channel=channel, limit=limit)
        titles = [pilothouse.notifications.wording.title(each) for each in found]
    if json:
        emit([{"title": title, **_shown(each)} for title, each in zip(titles, found, strict=True)])
        return
    columns = ("notification", "told (UTC)", "to", "over", "what", "how it stands", "tries")
    rows = [
        (
            each.id,
            f"{each.queued_at:%m-%d %H:%M}",
            each.person or "–",
            each.channel,
            title,
            _standing(each),
            each.attempts,
        )
        for title, each in zip(titles, found, strict=True)
    ]
    table("Notifications", columns, rows)


def _shown(notice: Notice) -> dict[str, object]:
    same = ("id", "person", "channel", "count", "status", "queued_at", "due_at", "attempts", "reason", "read_at")
    return {"event": notice.event, **{name: getattr(notice, name) for name in same}}


def _standing(notice: Notice) -> str:
    return f"{notice.status}: {notice.reason}" if notice.reason else notice.status


@app.command()
@guarded
def deliver(where: Where = HERE, json: Json = False) -> None:
    """Queue what must be told since last time, and attempt what is due; the server does this by itself."""
    with opened(where) as pilothouse:
        done = pilothouse.notifications.round()
    ways = {way: done.outcomes[way] for way in ("delivered", "failed", "undelivered")}
    told(
        json,
        {"reminded": done.reminded, "queued": done.queued, **ways},
        f"{done.queued} queued; {ways['delivered']} delivered, {ways['failed']} to be tried again, "
        f"{ways['undelivered']} given up.",
    )


@app.command()
@guarded
def test(channel: str, where: Where = HERE, person: As = "", json: Json = False) -> None:
    """Send one message over a channel now: to you, or to the place it leads to."""
    with opened(where) as pilothouse:
        found = pilothouse.notifications.test(channel, somebody(person))
    if json:
        emit(_shown(found))
    elif found.status == DELIVERED:
        say(f"Delivered over {channel}.")
    if found.status != DELIVERED:
        fail(f"Not delivered over {channel}: {found.reason}")


@app.command()
@guarded
def digest(
    which: Digest,
    send: Annotated[bool, typer.Option("--send", help="Send it now to everybody it is for.")] = False,
    where: Where = HERE,
    person: As = "",
    json: Json = False,
) -> None:
    """Show your queue of the day, or what agents in shadow would have done in the seven days before today."""
    with opened(where) as pilothouse:
        who = pilothouse.directory.person(somebody(person))
        may = permissions_of(who.role).may
        if (send or which is Digest.WEEKLY) and "read_ledger" not in may:
            raise Forbidden(f"{who.id} ({who.role}) may not do this.", hint="Ask RevOps or an admin.")
        if send:
            _send(pilothouse, which, json)
            return
        now, digests = pilothouse.clock.now(), pilothouse.notifications.digests
        if which is Digest.DAILY:
            waiting = digests.queue(who.id)
            emit(waiting) if json else _print(queue_lines(waiting, pilothouse.store, now))
            return
        begin, end = week_before(now)
        groups = digests.shadow(begin, end)
    if json:
        emit({"since": begin, "until": end, "groups": groups})
        return
    say(f"What agents in shadow would have done, {begin:%Y-%m-%d} to {end:%Y-%m-%d}")
    _print(shadow_lines(groups))


def _send(pilothouse: App, which: Digest, json: bool) -> None:
    notifications, now = pilothouse.notifications, pilothouse.clock.now()
    new = notifications.queue_daily(now) if which is Digest.DAILY else notifications.queue_weekly(now)
    found = [notifications.send_now(each) for each in new]
    lost = [each for each in found if each.status != DELIVERED]
    told(
        json,
        [_shown(each) for each in found],
        f"{len(found) - len(lost)} delivered."
        if found
        else "Nothing to send: it went out already, nobody is to get it, or no mail channel is set up for it.",
    )
    if lost:
        fail(f"{len(lost)} not delivered yet: {lost[0].reason}")


def _print(lines: list[Line]) -> None:
    for line in lines:
        say(f"- {line.words}" + (f" ({line.reason})" if line.reason else ""))
