"""Messages in the simulation: proposed to anybody, while sign-offs come and go and people ask to be left alone."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta

from hypothesis import strategies as st
from hypothesis.stateful import rule
from tests.world import World, letter

from pilothouse.vocabulary.errors import PilothouseError
from pilothouse.vocabulary.outcomes import ReviewStatus
from pilothouse.vocabulary.records import RecordRef

SEND = "crm.message.send"
PEOPLE = st.sampled_from(["ada", "gita", "noah", "ravi", "rosa"])
CONTACTS = st.sampled_from(["c1", "c2", "c1", "c2", "c3", "c4"])
ADDRESSES = st.sampled_from(["c1@alder.example", "c2@alder.example", "C4@Alder.example", "@alder.example"])
OBJECTIONS = ["nothing", "nothing", "unsubscribe", "domain", "withdraw", "lapse"]


class MessageRules:
    """What goes out, and what stands against it."""

    world: World

    @rule(contacts=st.lists(CONTACTS, min_size=1, max_size=3, unique=True), sure=st.sampled_from([0.6, 0.95]))
    def an_agent_writes_to_people(self, contacts: list[str], sure: float) -> None:
        with suppress(PilothouseError):
            self.world.promote(SEND)
        self.write(contacts, sure)

    def write(self, contacts: list[str], sure: float) -> str:
        """Propose a message; return the review that was opened, empty when none was."""
        there, token = RecordRef("crm", "message", ""), self.world.token()
        given = {"target": there, "arguments": letter(*contacts), "expects": None, "confidence": sure}
        return self.world.submit(self.world.action(capability=SEND, **given), token).review

    @rule(contact=CONTACTS, who=PEOPLE, then=st.sampled_from(OBJECTIONS))
    def somebody_objects_between_approval_and_sending(self, contact: str, who: str, then: str) -> None:
        with suppress(PilothouseError):
            self.world.promote(SEND)
        self._clear()
        review = self.write([contact], 0.95)
        compliance, reviews = self.world.app.compliance, self.world.app.reviews
        with suppress(PilothouseError):
            reviews.approve(review, "ravi", reviews.get(review).payload_hash)
        with suppress(PilothouseError):
            match then:
                case "unsubscribe":
                    compliance.suppress(f"{contact}@alder.example", "unsubscribed")
                case "domain":
                    compliance.suppress("@alder.example", "their lawyers wrote", who)
                case "withdraw":
                    compliance.withdraw(SEND, "the texts changed", who)
                case "lapse":
                    self.sign_off(who, timedelta(hours=1))
                    self.world.clock.advance(timedelta(hours=2))
                case _:
                    pass
        if any(each.id == review for each in reviews.list(status=ReviewStatus.APPROVED)):
            with suppress(PilothouseError):
                self.world.gateway.resume(review)

    def _clear(self) -> None:
        """Take away what stood against messages before, where somebody may."""
        for address in ("c1@alder.example", "c2@alder.example", "@alder.example"):
            with suppress(PilothouseError):
                self.world.app.compliance.lift(address, "they asked for it", "ada")
        if self.world.app.compliance.signed(SEND) is None:
            self.sign_off("ada", timedelta(days=30))

    def sign_off(self, who: str, long: timedelta) -> None:
        """Have somebody sign off that messages may go out."""
        self.world.app.compliance.sign_off(SEND, "Read the texts again.", self.world.clock.now() + long, who)

    @rule(who=PEOPLE, act=st.sampled_from(["sign off", "sign off", "withdraw"]), days=st.sampled_from([1, 30]))
    def somebody_signs_off_or_withdraws(self, who: str, act: str, days: int) -> None:
        with suppress(PilothouseError):
            if act == "withdraw":
                self.world.app.compliance.withdraw(SEND, "the texts changed", who)
            else:
                self.sign_off(who, timedelta(days=days))

    @rule(address=ADDRESSES, who=PEOPLE, lift=st.booleans())
    def an_address_is_suppressed_or_lifted(self, address: str, who: str, lift: bool) -> None:
        with suppress(PilothouseError):
            if lift:
                self.world.app.compliance.lift(address, "they asked for it", who)
            else:
                self.world.app.compliance.suppress(address, "asked to be left alone", who)
