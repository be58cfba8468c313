"""What a notification says, and where it leads.

Somebody named is told the record and the reason. A place that several people read (a channel, a webhook) is told what
happened and to which record, never a reason or a value: a contact appears there by its identifier, not by name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from pilothouse.data.schema import field_spec
from pilothouse.data.store import DataStore
from pilothouse.directory.people import Directory
from pilothouse.handoff.notifying.channels import Line, Message, Undelivered
from pilothouse.handoff.notifying.events import Event, Item
from pilothouse.handoff.notifying.outbox import MOST_ITEMS, Notice
from pilothouse.vocabulary.records import RecordRef

E = Event
DIGESTS = (E.DAILY_QUEUE, E.WEEKLY_SHADOW)
TITLES: Mapping[Event, tuple[str, str]] = {
    E.OVER_THRESHOLD: ("Over a threshold: {what} on {name}", "Over a threshold: {what}, {count} times"),
    E.REVIEW_OPENED: ("Review for you: {name}", "{count} reviews for you"),
    E.REVIEW_REMINDER: ("Review due soon: {name}", "{count} reviews are due soon"),
    E.REVIEW_OVERDUE: ("Review overdue, counts as rejected: {name}", "{count} reviews were overdue, count as rejected"),
    E.AGENT_SUSPENDED: ("Suspended: {what}", "Suspended: {what}"),
    E.AGENT_RESUMED: ("Active again: {what}", "Active again: {what}"),
    E.PROMOTION_PROPOSED: ("Promotion proposed: {what}", "Promotions proposed: {what} and {rest} more"),
    E.AGENT_PROMOTED: ("Promoted: {what}", "Promoted: {what} and {rest} more"),
    E.AGENT_DEMOTED: ("Back in shadow: {what}", "Back in shadow: {what} and {rest} more"),
    E.POLICY_PROPOSED: ("Policy waits for approval: {what}", "{count} policy versions wait for approval"),
    E.POLICY_ROLLED_BACK: ("Policy rolled back: {what}", "Policy rolled back {count} times"),
    E.INCIDENT_OPENED: ("Incident opened: {what}", "{count} incidents opened"),
    E.JOB_FAILED: ("Failed: {what}", "Failed {count} times: {what}"),
    E.DELIVERY_FAILED: ("Not delivered over {what}", "{count} messages not delivered over {what}"),
    E.DAILY_QUEUE: ("Your queue on {what}", "Your queue on {what}"),
    E.WEEKLY_SHADOW: ("What agents in shadow would have done, {what}", ""),
    E.TEST: ("A test of {what}", "A test of {what}"),
}
FOR_A_PLACE = {E.REVIEW_OPENED: "Review for a person: {name}"}
LEADS_TO: Mapping[Event, str] = {
    **dict.fromkeys((E.REVIEW_OPENED, E.REVIEW_REMINDER, E.REVIEW_OVERDUE, E.DAILY_QUEUE), "/reviews"),
    **dict.fromkeys(
        (E.AGENT_SUSPENDED, E.AGENT_RESUMED, E.PROMOTION_PROPOSED, E.AGENT_PROMOTED, E.AGENT_DEMOTED), "/agents"
    ),
    **dict.fromkeys((E.POLICY_PROPOSED, E.POLICY_ROLLED_BACK), "/policy"),
    E.OVER_THRESHOLD: "/actions",
    E.INCIDENT_OPENED: "/incidents",
    E.WEEKLY_SHADOW: "/actions?status=shadowed",
}
Contents = Callable[[Notice], Sequence[Line]]
"""Returns the lines of a digest, which is worked out when it is sent and stored nowhere."""


class Wording:
    """Puts notifications into words. `address` is what links begin with, such as `http://127.0.0.1:8321`."""

    def __init__(self, store: DataStore, directory: Directory, address: str, contents: Contents) -> None:
        self._store, self._directory = store, directory
        self._address, self._contents = address.rstrip("/"), contents

    def title(self, notice: Notice) -> str:
        """Return one line that says what happened."""
        first = notice.items[0]
        one, several = TITLES[notice.event]
        template = one if notice.count == 1 else several
        if not notice.person and notice.count == 1:
            template = FOR_A_PLACE.get(notice.event, template)
        name = self.name(first.subject, to_person=bool(notice.person))
        return template.format(what=first.what, name=name, count=notice.count, rest=notice.count - 1)

    def name(self, subject: str, *, to_person: bool = True) -> str:
        """Return what people call a record, for a place only where that name is nobody's own."""
        try:
            ref = RecordRef.parse(subject)
        except ValueError:
            return subject
        if not ref.id:
            return f"a new {ref.object}"
        spec = field_spec(ref.object, "name")
        if to_person or (spec is not None and not spec.personal):
            return self._store.title(ref)
        return subject

    def target(self, notice: Notice) -> str:
        """Return the page of the console that a notification leads to."""
        if notice.count == 1:
            item = notice.items[0]
            if item.review:
                return f"/reviews/{item.review}?notice={notice.id}"
            if item.action:
                return f"/actions/{item.action}"
        return LEADS_TO.get(notice.event, "/inbox")

    def lines(self, notice: Notice) -> list[Line]:
        """Return what is told one by one, with links into the console from outside."""
        if notice.event in DIGESTS:
            return [
                Line(each.words, each.link and self._address + each.link, each.reason)
                for each in self._contents(notice)
            ]
        return [self._line(notice, each) for each in notice.items]

    def _line(self, notice: Notice, item: Item) -> Line:
        to_person = bool(notice.person)
        words = [item.what, self.name(item.subject, to_person=to_person) if item.subject.count("/") > 1 else ""]
        link = f"{self._address}/n/{notice.id}" + (f"/{item.review}" if item.review else "")
        return Line(": ".join(each for each in words if each), link, item.sentence if to_person else "")

    def message(self, notice: Notice) -> Message:
        """Return what a channel sends; raises `Undelivered` when the person is gone."""
        to = None
        if notice.person:
            person = self._directory.person(notice.person)
            if not person.active:
                raise Undelivered(f"{person.id} is no longer active.", lasting=True)
            to = (person.name, person.email)
        link = f"{self._address}/n/{notice.id}"
        more = max(0, notice.count - MOST_ITEMS)
        return Message(
            notice.id, notice.event, self.title(notice), link, self.lines(notice), notice.queued_at, to, more
        )
