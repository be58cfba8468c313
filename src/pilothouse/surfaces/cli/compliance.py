"""`pilothouse compliance`: who may not be written to, what was signed off, and whether a message may go out as it is."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from pilothouse.decision.outgoing import complete, quiet_in
from pilothouse.directory.roles import permissions_of
from pilothouse.surfaces.cli.context import HERE, As, Json, Where, opened, somebody
from pilothouse.surfaces.cli.output import emit, guarded, say, table, told
from pilothouse.vocabulary.actors import Role
from pilothouse.vocabulary.clock import unstamp
from pilothouse.vocabulary.errors import Forbidden, InvalidInput
from pilothouse.vocabulary.values import parse_json

app = typer.Typer(no_args_is_help=True)
Reason = Annotated[str, typer.Option("--reason", help="Why, in a sentence; it stands in the ledger.")]


@app.command("status")
@guarded
def status(where: Where = HERE, json: Json = False) -> None:
    """Show what reaches people outside, who signed it off until when, and what the hours say now."""
    with opened(where) as pilothouse:
        signed = {each.capability: each for each in pilothouse.compliance.sign_offs()}
        now, rules = pilothouse.clock.now(), pilothouse.policy.messages
        rows: list[dict[str, Any]] = []
        for name in pilothouse.compliance.outward():
            found = signed.get(name)
            state = "not signed off" if found is None else "signed off" if found.until > now else "over"
            rows.append({
                "capability": name, "state": state, "by": found.by if found else "",
                "until": f"{found.until:%Y-%m-%d}" if found else "", "statement": found.statement if found else "",
            })  # fmt: skip
        regions = {} if rules is None else {**rules.regions, "others": rules.others}
        hours = [
            {
                "region": name,
                "consent": each.consent.replace("_", " "),
                "now": quiet_in(each, now) or "may be written to",
            }
            for name, each in regions.items()
        ]
        count = len(pilothouse.compliance.suppressions())
    if json:
        emit({"capabilities": rows, "regions": hours, "suppressions": count, "sender": rules is not None})
        return
    table("What reaches people outside", ("capability", "state", "by", "until"),
          [(r["capability"], r["state"], r["by"], r["until"]) for r in rows])  # fmt: skip
    if rules is None:
        say(
            "Nothing goes out: policy/messages.yaml is not there. policy/messages.yaml.example shows how it is written."
        )
    else:
        table("Regions", ("region", "consent", "now"), [(h["region"], h["consent"], h["now"]) for h in hours])
    say(f"{count} address(es) and domains asked to be left alone.")


@app.command("sign-off")
@guarded
def sign_off(
    capability: str,
    statement: Annotated[str, typer.Option(help="What was reviewed, in a sentence.")],
    until: Annotated[str, typer.Option(help="The day until which it holds, as 2027-03-31.")],
    where: Where = HERE,
    person: As = "",
    json: Json = False,
) -> None:
    """Record that somebody answerable (legal or an admin) reviewed what a capability sends to people outside."""
    with opened(where) as pilothouse:
        by = somebody(person)
        pilothouse.compliance.sign_off(capability, statement, _day(until), by)
    told(json, {"capability": capability, "by": by, "until": until}, f"{capability} is signed off until {until}.")


@app.command("withdraw")
@guarded
def withdraw(capability: str, reason: Reason, where: Where = HERE, person: As = "", json: Json = False) -> None:
    """Take a sign-off back: nothing goes out by this capability from now on, approved or not."""
    with opened(where) as pilothouse:
        pilothouse.compliance.withdraw(capability, reason, somebody(person))
    told(json, {"capability": capability, "signed_off": False}, f"{capability} reaches nobody outside any longer.")


@app.command("suppress")
@guarded
def suppress(
    address: str, reason: Reason = "asked for it", where: Where = HERE, person: As = "", json: Json = False
) -> None:
    """Never write to an address again, or to anybody of a domain (`@example.com`)."""
    with opened(where) as pilothouse:
        by = somebody(person)
        _allowed(pilothouse.directory.person(by).role, by)
        new = pilothouse.compliance.suppress(address, reason, by)
    told(json, {"address": address, "new": new}, f"{address} is not written to{'' if new else ', as before'}.")


@app.command("lift")
@guarded
def lift(address: str, reason: Reason, where: Where = HERE, person: As = "", json: Json = False) -> None:
    """Let an address be written to again."""
    with opened(where) as pilothouse:
        pilothouse.compliance.lift(address, reason, somebody(person))
    told(json, {"address": address, "suppressed": False}, f"{address} may be written to again.")


@app.command("check")
@guarded
def check(address: str, where: Where = HERE, json: Json = False) -> None:
    """Tell whether an address asked to be left alone."""
    with opened(where) as pilothouse:
        found = pilothouse.compliance.is_suppressed(address)
    told(
        json,
        {"address": address, "suppressed": found},
        f"{address} {'asked' if found else 'did not ask'} to be left alone.",
    )


@app.command("complete")
@guarded
def completed(
    message: Annotated[Path, typer.Argument(help="A JSON file with recipients, subject and body.")],
    where: Where = HERE,
    json: Json = False,
) -> None:
    """Print a message with sender, postal address and the way to unsubscribe added where they are missing."""
    with opened(where) as pilothouse:
        rules = pilothouse.policy.messages
    if rules is None:
        raise InvalidInput(
            "policy/messages.yaml is not there.", hint="policy/messages.yaml.example shows how it is written."
        )
    try:
        raw = parse_json(message.read_text())
    except (OSError, ValueError) as error:
        raise InvalidInput(f"{message} cannot be read: {error}.", hint="Write a JSON object.") from None
    if not isinstance(raw, dict):
        raise InvalidInput(
            f"{message} holds no JSON object.", hint='Write {"recipients": [...], "subject": …, "body": …}.'
        )
    whole = complete(raw, rules)
    note = f"(Going out, each recipient's copy has a List-Unsubscribe header: {rules.in_the_header}.)"
    told(json, whole, f"Subject: {whole.get('subject', '')}", "", str(whole["body"]), "", note)


def _allowed(role: Role, by: str) -> None:
    if "suppress" not in permissions_of(role).may:
        raise Forbidden(f"{by} ({role}) may not do this.", hint="RevOps, legal or an admin may.")


def _day(text: str) -> datetime:
    try:
        day = unstamp(text)
    except ValueError:
        raise InvalidInput(f"{text!r} is no day.", hint="Write it as 2027-03-31.") from None
    return day if day.tzinfo else day.replace(tzinfo=UTC)
