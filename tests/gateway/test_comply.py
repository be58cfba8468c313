"""What goes out: signed off, to nobody who asked to be left alone, with sender and way out, in the hours allowed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st
from tests.world import MESSAGES, World, letter

from pilothouse.decision.outgoing import Addressee, MessagesFile, Region, Sender, complete, objections, quiet_in
from pilothouse.gateway.passage import Result
from pilothouse.orchestration.continuing import Patience, carry_on
from pilothouse.surfaces.server import build
from pilothouse.vocabulary.actors import Role
from pilothouse.vocabulary.errors import Forbidden, InvalidInput, NotFound
from pilothouse.vocabulary.outcomes import ActionStatus
from pilothouse.vocabulary.records import RecordRef

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
RULES = MessagesFile(
    sender=Sender(name="Alder Sales", address="1 Alder Street, 10115 Berlin"),
    unsubscribe="https://alder.example/unsubscribe",
    regions={
        "europe": Region(countries=("Germany", "France"), consent="first_message", timezones=("Europe/Berlin",)),
        "america": Region(countries=("USA",), consent="none", timezones=("America/New_York", "America/Los_Angeles")),
    },
)


@pytest.fixture
def sending(world: World) -> World:
    world.promote("crm.message.send")
    return world


def send(world: World, arguments: dict[str, Any] | None = None) -> Result:
    there = RecordRef("crm", "message", "")
    given = arguments if arguments is not None else letter("c1")
    return world.submit(world.action(capability="crm.message.send", target=there, arguments=given, expects=None))


def approved(world: World) -> str:
    held = send(world)
    assert held.status is ActionStatus.HELD
    world.app.reviews.approve(held.review, "ravi", world.app.reviews.get(held.review).payload_hash)
    return held.review


def sent(world: World) -> int:
    return len([row for row in world.app.twin.records("message") if row["status"] == "sent"])


def test_nothing_goes_out_that_nobody_signed_off(sending: World) -> None:
    review = approved(sending)
    sending.app.compliance.withdraw("crm.message.send", "the texts changed", "ada")
    assert send(sending).code == "not_signed_off"
    assert sending.gateway.resume(review).code == "not_signed_off" and sent(sending) == 0


def test_a_sign_off_ends_on_its_day(sending: World) -> None:
    until = sending.clock.now() + timedelta(days=1)
    sending.app.compliance.sign_off("crm.message.send", "Reviewed again for a day.", until, "ada")
    assert send(sending).status is ActionStatus.HELD
    sending.clock.advance(timedelta(days=2))
    assert send(sending, letter("c2")).code == "not_signed_off"


def test_only_somebody_answerable_signs_off_and_only_what_goes_out(world: World) -> None:
    until, say = world.clock.now() + timedelta(days=9), world.app.compliance.sign_off
    for person in ("gita", "ravi", "rosa"):
        with pytest.raises(Forbidden):
            say("crm.message.send", "I read all of it.", until, person)
    world.app.directory.change_role("ravi", Role.LEGAL, by="ada")
    say("crm.message.send", "I read all of it.", until, "ravi")
    with pytest.raises(InvalidInput, match="reaches nobody outside"):
        say("crm.account.update", "I read all of it.", until, "ada")
    with pytest.raises(InvalidInput, match="is over"):
        say("crm.message.send", "I read all of it.", world.clock.now(), "ada")


@pytest.mark.parametrize("asked", ["c1@alder.example", "C1@Alder.Example ", "@alder.example"])
def test_who_asked_to_be_left_alone_is_after_an_approval_too(sending: World, asked: str) -> None:
    review = approved(sending)
    assert sending.app.compliance.suppress(asked, "asked on the phone") is True
    assert sending.app.compliance.suppress(asked, "asked again") is False
    assert sending.gateway.resume(review).code == "suppressed"
    assert send(sending).code == "suppressed" and sent(sending) == 0
    sending.app.compliance.lift(asked, "they asked to hear from us again", "ada")
    assert send(sending).status is ActionStatus.HELD


def test_a_wish_that_comes_at_the_last_moment_counts(sending: World, monkeypatch: pytest.MonkeyPatch) -> None:
    review, ledger = approved(sending), sending.app.ledger
    append = ledger.append

    def late(drafts: Any, guard: Any = None) -> Any:
        if guard is not None and drafts[0].kind == "action.intended":
            monkeypatch.setattr(ledger, "append", append)
            sending.app.compliance.suppress("c1@alder.example", "just now")
        return append(drafts, guard=guard)

    monkeypatch.setattr(ledger, "append", late)
    assert sending.gateway.resume(review).code == "suppressed" and sent(sending) == 0


def test_a_sign_off_taken_back_at_the_last_moment_stops_it(sending: World, monkeypatch: pytest.MonkeyPatch) -> None:
    review, ledger = approved(sending), sending.app.ledger
    append = ledger.append

    def late(drafts: Any, guard: Any = None) -> Any:
        if guard is not None and drafts[0].kind == "action.intended":
            monkeypatch.setattr(ledger, "append", append)
            sending.app.compliance.withdraw("crm.message.send", "just now", "ada")
        return append(drafts, guard=guard)

    monkeypatch.setattr(ledger, "append", late)
    assert sending.gateway.resume(review).code == "not_signed_off" and sent(sending) == 0


def test_a_suppression_names_nobody_and_outlives_erasure(sending: World) -> None:
    sending.app.compliance.suppress("c1@alder.example", "asked")
    entry = next(each for each in sending.app.ledger.entries() if each.kind == "suppression.added")
    assert "alder" not in str(entry.body) and entry.value("address") == "c1@alder.example"
    sending.app.ledger.rebuild()
    assert sending.app.compliance.is_suppressed("c1@alder.example")
    with pytest.raises(NotFound):
        sending.app.compliance.lift("c2@alder.example", "because", "ada")
    with pytest.raises(InvalidInput):
        sending.app.compliance.suppress("nobody", "because")


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"body": "Hello"}, "no_postal_address"),
        ({"body": "Hello Alder Sales, 1 Alder Street, 10115 Berlin"}, "no_unsubscribe"),
        ({"unsubscribe": "https://evil.example/"}, "no_unsubscribe"),
    ],
)
def test_a_message_names_its_sender_and_the_way_out(sending: World, changed: dict[str, Any], code: str) -> None:
    refused = send(sending, {**letter("c1"), **changed})
    assert refused.code == code and refused.status is ActionStatus.REFUSED
    assert sending.app.policy.messages is not None
    assert send(sending, complete({**letter("c1"), **changed}, sending.app.policy.messages)).status is ActionStatus.HELD


def test_without_rules_for_messages_nothing_goes_out() -> None:
    assert [each.code for each in objections({}, [], None, NOON)] == ["no_message_rules"]


@pytest.mark.parametrize(
    ("who", "codes"),
    [
        (Addressee("Germany", False, first=True), ["no_consent"]),
        (Addressee("germany", True, first=True), []),
        (Addressee("Germany", False, first=False), []),
        (Addressee("Atlantis", False, first=False), ["no_consent"]),
        (Addressee("", False, first=False), ["no_consent"]),
    ],
)
def test_consent_is_by_region_and_who_is_nowhere_gets_the_strictest(who: Addressee, codes: list[str]) -> None:
    assert [each.code for each in objections(None, [who], RULES, NOON)] == codes


def test_the_hours_are_those_of_every_clock_of_the_region() -> None:
    america = RULES.regions["america"]
    assert "Los_Angeles" in quiet_in(america, datetime(2026, 3, 4, 13, 30, tzinfo=UTC))
    assert quiet_in(america, datetime(2026, 3, 4, 18, tzinfo=UTC)) == ""
    assert "Saturday" in quiet_in(america, datetime(2026, 3, 7, 18, tzinfo=UTC))


@given(minutes=st.integers(0, 60 * 24 * 14), start=st.times(), end=st.times())
def test_quiet_hours_hold_over_midnight(minutes: int, start: Any, end: Any) -> None:
    now = NOON + timedelta(minutes=minutes)
    region = Region(quiet_from=start, quiet_until=end, weekends=True)
    assert bool(quiet_in(region, now)) == any(
        start <= clock < end if start <= end else (clock >= start or clock < end) for clock in [now.time()]
    )


def test_what_is_approved_at_night_goes_out_in_the_morning(new_world: Callable[..., World]) -> None:
    world = new_world()
    night = MESSAGES.replace('quiet_from: "03:00", quiet_until: "03:00"', 'quiet_from: "20:00", quiet_until: "08:00"')
    (world.root / "policy" / "messages.yaml").write_text(night)
    world = world.reopened()
    world.clock.advance((NOON.replace(hour=21) - world.clock.now()) % timedelta(days=1))
    world.promote("crm.message.send")
    review, patience = approved(world), Patience()
    for _ in range(40):
        carry_on(world.gateway, patience)
        world.clock.advance(timedelta(minutes=5))
    refusals = [each for each in world.app.ledger.entries() if each.body.get("code") == "quiet_hours"]
    assert sent(world) == 0 and 0 < len(refusals) < 25, "it waits ever longer between two attempts"
    world.clock.advance(timedelta(hours=9))
    assert [each.status for each in carry_on(world.gateway, patience).resumed] == [ActionStatus.EXECUTED]
    assert sent(world) == 1 and world.app.reviews.get(review).status == "used"


def test_an_opt_out_in_any_system_holds_for_the_person(sending: World) -> None:
    from pilothouse.data.store import Observation
    from pilothouse.vocabulary.actors import SYSTEM_PERSON, Actor
    from pilothouse.vocabulary.records import WriterKind

    other = RecordRef("hubspot", "contact", "h1")
    said = {"email": "c1@alder.example", "opted_out": True}
    now = sending.clock.now()
    sending.app.store.observe([Observation(other, said, now, WriterKind.IMPORT, "hubspot")], Actor(SYSTEM_PERSON))
    assert send(sending).status is ActionStatus.HELD
    one = RecordRef("crm", "contact", "c1")
    sending.app.resolver.judge(one, other, same=True, by="gita", why="the same person")
    sending.app.resolver.resolve("contact")
    refused = send(sending, letter("c1", body="Hello again"))
    assert refused.code == "suppressed" and "hubspot/contact/h1" in refused.sentence


def test_anybody_outside_can_ask_to_be_left_alone(world: World) -> None:
    compliance = world.app.compliance
    with TestClient(build(world.app)) as client:
        assert "Do not write to me" in client.get("/unsubscribe").text
        shown = client.get("/unsubscribe?a=c1@alder.example").text
        assert "c1@alder" not in shown, "no address is taken from an address line"
        assert client.post("/unsubscribe?address=c1@alder.example").status_code == 400
        typed = client.post("/unsubscribe", data={"address": "c2@alder.example"})
        assert "not written to any longer" in typed.text and compliance.is_suppressed("c2@alder.example")
        for wrong in ("@alder.example", "nobody", ""):
            assert client.post("/unsubscribe", data={"address": wrong}).status_code == 400
        assert not compliance.is_suppressed("c1@alder.example")


@pytest.mark.parametrize(
    ("rule", "shown", "fits"),
    [
        ("https://alder.example/unsubscribe", "https://alder.example/unsubscribe?from=letter", True),
        ("https://alder.example/unsubscribe", "https://alder.example/unsubscribe/spring", True),
        ("https://alder.example/unsubscribe", "https://alder.example/unsubscribe.evil.example", False),
        ("https://alder.example", "https://alder.example.evil.example/", False),
        ("mailto:stop@alder.example", "mailto:stop@alder.example?subject=stop", True),
        ("mailto:stop@alder.example", "mailto:stop@alder.example.evil.example", False),
    ],
)
def test_a_way_out_that_only_begins_like_ours_is_none(rule: str, shown: str, fits: bool) -> None:
    rules = RULES.model_copy(update={"unsubscribe": rule})
    text = {"body": f"Hello\nAlder Sales, 1 Alder Street, 10115 Berlin\n{shown}", "unsubscribe": shown}
    assert [each.code for each in objections(text, [], rules, NOON)] == ([] if fits else ["no_unsubscribe"])
