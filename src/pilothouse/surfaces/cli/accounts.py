"""`pilothouse account`: one account, from every system that knows it, as of any moment."""

from __future__ import annotations

from typing import Annotated

import typer

from pilothouse.data.graph.graph import Account
from pilothouse.surfaces.cli.context import HERE, Json, Where, opened, record_ref
from pilothouse.surfaces.cli.output import emit, guarded, say, table
from pilothouse.surfaces.moments import as_of as judged_at

app = typer.Typer(no_args_is_help=True)


@app.command("show")
@guarded
def show(
    record: Annotated[str, typer.Argument(help="system/account/id")],
    as_of: Annotated[
        str | None,
        typer.Option(help="What was known and had happened by then: a day (its end), as 2026-01-31, or 48h."),
    ] = None,
    limit: Annotated[int, typer.Option(min=0, help="At most so many items of the timeline.")] = 40,
    where: Where = HERE,
    json: Json = False,
) -> None:
    """Show an account's features and its timeline."""
    ref = record_ref(record, "system/account/id, as in crm/account/A0010")
    with opened(where) as pilothouse:
        now = pilothouse.clock.now()
        account = pilothouse.graph.account(ref, judged_at(as_of, now) or now)
    if json:
        emit({"features": account.features, "timeline": account.timeline[:limit]})
    else:
        _tell(account, limit)


def _tell(account: Account, limit: int) -> None:
    features, node = account.features, account.node
    title = f"{node.name}, as of {features.as_of:%Y-%m-%d %H:%M}"
    rows = [
        (kind, *(f"{windows[days].count} ({windows[days].weight:g})" for days in windows))
        for kind, windows in features.windows.items()
    ]
    table(f"{title}: signals (weight)", ("kind", "7 days", "30 days", "90 days"), rows)
    last = f"{features.last_touch:%Y-%m-%d}" if features.last_touch else "never"
    say(
        f"Last touch {last}; {features.engaged_contacts} of {features.contacts} contacts engaged, up to {features.seniority_reached}."
    )
    say(f"{features.open_deals} open deal(s) of {features.open_amount:,.0f}.")
    shown = [
        (f"{i.at:%Y-%m-%d %H:%M}", i.kind.value, i.type, i.words, i.who, i.record) for i in account.timeline[:limit]
    ]
    table("Timeline", ("when", "what", "type", "in words", "who", "record"), shown)
