"""The mails that come by the clock: each reviewer's queue every day, and every week what agents in shadow would have done.

Both are worked out from the ledger when they are sent, and stored nowhere.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from pilothouse.data.store import DataStore
from pilothouse.handoff.notifying.channels import Line
from pilothouse.handoff.notifying.events import Event
from pilothouse.handoff.notifying.outbox import Notice
from pilothouse.handoff.reviews import Review, Reviews
from pilothouse.ledger.entries import Entry
from pilothouse.ledger.ledger import Ledger
from pilothouse.vocabulary.clock import unstamp
from pilothouse.vocabulary.records import RecordRef, WriterKind
from pilothouse.vocabulary.values import Json, canonical

MOST_EXAMPLES, MOST_REVIEWS = 3, 20
WEEK = timedelta(days=7)
SAME, OTHER = "same", "other"


@dataclass(frozen=True, slots=True)
class Example:
    """One proposal in shadow: what would have been written. `changes` hold field, before and after; none once erased.

    `people` says what people did with the same fields since: "same", "other", or nothing yet.
    """

    action: str
    subject: str
    name: str
    sentence: str
    changes: tuple[tuple[str, Json, Json], ...]
    people: str


@dataclass(slots=True)
class Shadowed:
    """How many acts of one agent and action type were shadowed, and what people did with their fields since.

    `would` counts what policy would have said live: auto, review, person. `same` and `other` are acts whose every changed
    field, or some field otherwise, a person has written since; of the rest nothing is known.
    """

    agent: str
    action_type: str
    count: int = 0
    same: int = 0
    other: int = 0
    would: dict[str, int] = field(default_factory=dict[str, int])
    examples: list[Example] = field(default_factory=list[Example])

    @property
    def unknown(self) -> int:
        """How many cannot be scored yet."""
        return self.count - self.same - self.other


class Digests:
    """Works the two digests out."""

    def __init__(self, ledger: Ledger, store: DataStore, reviews: Reviews) -> None:
        self._ledger, self._store, self._reviews = ledger, store, reviews

    def queue(self, person: str) -> list[Review]:
        """Return the open reviews of one person, those due first on top."""
        return self._reviews.list(owner=person)

    def shadow(self, since: datetime, until: datetime) -> list[Shadowed]:
        """Return what was shadowed in a period, by agent and action type; the last word on each act counts."""
        last = {each.action: each for each in self._ledger.entries(kinds={"action.shadowed"}, since=since, until=until)}
        groups: defaultdict[tuple[str, str], list[Entry]] = defaultdict(list)
        for entry in last.values():
            groups[(str(entry.actor.agent or ""), entry.body["action_type"])].append(entry)
        return [self._group(*key, groups[key]) for key in sorted(groups)]

    def _group(self, agent: str, action_type: str, entries: Sequence[Entry]) -> Shadowed:
        found = Shadowed(agent, action_type, len(entries))
        for entry in entries:
            treatment = _verdict(entry, "treatment")
            found.would[treatment] = found.would.get(treatment, 0) + 1
            changes = _changes(entry)
            people = self._people_since(entry, changes)
            found.same += people == SAME
            found.other += people == OTHER
            if len(found.examples) < MOST_EXAMPLES:
                found.examples.append(self._example(entry, changes, people))
        return found

    def _example(self, entry: Entry, changes: Sequence[tuple[str, Json, Json]], people: str) -> Example:
        name = self._store.title(RecordRef.parse(entry.subject))
        sentence = _verdict(entry, "sentence")
        return Example(entry.action, entry.subject, name, sentence, tuple(changes), people)

    def _people_since(self, entry: Entry, changes: Iterable[tuple[str, Json, Json]]) -> str:
        """Compare each proposed value with the first that a person wrote after it (X-16)."""
        ref, answers = RecordRef.parse(entry.subject), list[str]()
        for name, _, proposed in changes:
            written = (
                each.value
                for each in self._store.history(ref, name)
                if each.writer_kind is WriterKind.PERSON and each.at > entry.at
            )
            first = next(written, _NOTHING)
            if first is not _NOTHING:
                answers.append(SAME if canonical(first) == canonical(proposed) else OTHER)  # pyright: ignore[reportArgumentType]
            else:
                answers.append("")
        if OTHER in answers:
            return OTHER
        return SAME if answers and all(answers) else ""

    def lines(self, notice: Notice) -> list[Line]:
        """Return the lines of a queued digest, as things are now."""
        if notice.event is Event.DAILY_QUEUE:
            return queue_lines(self.queue(notice.person), self._store, self._ledger.clock.now())
        begin, _, end = notice.items[0].what.partition(" to ")
        return shadow_lines(self.shadow(unstamp(begin), unstamp(end)))


_NOTHING = object()


def week_before(day: datetime) -> tuple[datetime, datetime]:
    """Return the seven whole days (UTC) before the one on which a moment lies: the first moment, and the one after."""
    end = day.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return end - WEEK, end


def _verdict(entry: Entry, key: str) -> str:
    verdict: dict[str, Any] = entry.body.get("verdict") or {}
    return str(verdict.get(key, ""))


def _changes(entry: Entry) -> list[tuple[str, Json, Json]]:
    changes: list[Mapping[str, Any]] = entry.value("changes") or []
    return [(each["field"], each["before"], each["after"]) for each in changes]


def queue_lines(waiting: Sequence[Review], store: DataStore, now: datetime) -> list[Line]:
    """Return a line that counts, then one for each review that is due first."""
    if not waiting:
        return [Line("Nothing waits for you.", "/reviews")]
    oldest = min(each.opened_at for each in waiting)
    soon = sum((each.answer_by or each.deadline) <= now + timedelta(days=1) for each in waiting)
    hours = (now - oldest).total_seconds() / 3600
    lines = [
        Line(
            f"{len(waiting)} wait for you, {soon} of them due within a day; the oldest for {hours:.0f} hours.",
            "/reviews",
        )
    ]
    for each in waiting[:MOST_REVIEWS]:
        words = f"{store.title(RecordRef.parse(each.subject))}: {each.capability}, due {each.answer_by or each.deadline:%a %d %b %H:%M} UTC"
        lines.append(Line(words, f"/reviews/{each.id}", each.sentence))
    return lines


def shadow_lines(groups: Sequence[Shadowed]) -> list[Line]:
    """Return one line for each agent and action type with its counts, followed by its examples."""
    if not groups:
        return [Line("Nothing was shadowed.", "/actions?status=shadowed")]
    lines: list[Line] = []
    for each in groups:
        would = ", ".join(f"{count} {name}" for name, count in sorted(each.would.items()))
        scored = (
            f"people since did the same {each.same} times, otherwise {each.other} times; {each.unknown} not known yet"
        )
        lines.append(Line(f"{each.agent}, {each.action_type}: {each.count} (live: {would}); {scored}."))
        lines += [Line(f"{one.name}: {_told(one)}", f"/actions/{one.action}", one.sentence) for one in each.examples]
    return lines


def _told(example: Example) -> str:
    after = {SAME: "; people did the same", OTHER: "; people did otherwise"}.get(example.people, "")
    if not example.changes:
        return "no change of a field to show" + after
    parts = (f"{name}: {_shown(before)} → {_shown(value)}" for name, before, value in example.changes)
    return ", ".join(parts) + after


def _shown(value: Json) -> str:
    return "nothing" if value is None or value == "" else str(value)
