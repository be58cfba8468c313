"""What the ledger says of one agent and action type in a time: decisions, what ran by itself, what was undone.

What must never happen here: a decision that is no evidence counted as some.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from sqlalchemy import Select, func, select

from pilothouse.decision.autonomy.gate import Record
from pilothouse.decision.autonomy.wilson import Rate
from pilothouse.handoff.overrides import APPROVED, EDITED, decision_of
from pilothouse.handoff.queue import Review, review_of
from pilothouse.handoff.spot_checks import SpotCheck, checked
from pilothouse.handoff.tables import reviews
from pilothouse.ledger.actions import action_fields, actions
from pilothouse.ledger.entries import Entry
from pilothouse.ledger.ledger import Ledger
from pilothouse.vocabulary.actors import AgentRef
from pilothouse.vocabulary.clock import stamp, unstamp
from pilothouse.vocabulary.values import parse_json

CountsAsEvidence = Callable[[Review], bool]
"""Whether a decided review says something about the agent: a canary, or one decided too fast to be read, does not."""
STAGED = "staged_share"
RAN = ("executed", "undone")


def every_decision_counts(review: Review) -> bool:
    """The predicate used when nobody gives another."""
    return True


@dataclass(frozen=True, slots=True)
class Solo:
    """An act that ran without review; `undone_by` names the person who undid it, empty when nobody did."""

    action: str
    at: datetime
    undone_by: str


class Tracks:
    """Reads track records."""

    def __init__(self, ledger: Ledger, counts: CountsAsEvidence = every_decision_counts) -> None:
        self._ledger, self.counts = ledger, counts

    def decided(self, refs: Collection[AgentRef], action_type: str, since: datetime, until: datetime) -> list[Review]:
        """Return the reviews that a person decided in a time, in order of opening, counting as evidence or not."""
        query = select(reviews).where(
            reviews.c.agent.in_([str(ref) for ref in refs]),
            reviews.c.action_type == action_type,
            reviews.c.decided_at >= stamp(since),
            reviews.c.decided_at <= stamp(until),
        )
        return [each for each in self._reviews(query.order_by(reviews.c.opened_at)) if decision_of(each)]

    def _reviews(self, query: Select[Any]) -> list[Review]:
        with self._ledger.engine.connect() as connection:
            return [review_of(row) for row in connection.execute(query)]

    def solo(self, refs: Collection[AgentRef], action_type: str, since: datetime, until: datetime) -> list[Solo]:
        """Return what ran without review in a time, and who undid it since."""
        undone = func.max(action_fields.c.undone_by)
        query = (
            select(actions.c.id, func.min(action_fields.c.executed_at).label("at"), undone.label("undone"))
            .join(action_fields, action_fields.c.action == actions.c.id)
            .where(
                actions.c.agent.in_([str(ref) for ref in refs]),
                actions.c.action_type == action_type,
                actions.c.status.in_(RAN),
                actions.c.decided_by == "",
                action_fields.c.executed_at >= stamp(since),
                action_fields.c.executed_at <= stamp(until),
            )
            .group_by(actions.c.id)
            .order_by(actions.c.id)
        )
        with self._ledger.engine.connect() as connection:
            return [Solo(row.id, unstamp(row.at), row.undone) for row in connection.execute(query)]

    def overrides(self, refs: Collection[AgentRef], action_type: str, since: datetime, until: datetime) -> int:
        """Return how many proposals people changed, refused or undid in a time."""
        if not refs:
            return 0
        found = self.record(refs, action_type, since, until)
        return found.overrides

    def record(
        self, refs: Collection[AgentRef], action_type: str, since: datetime, until: datetime, against: int = 0
    ) -> Record:
        """Return how proposals were decided in a time; `against` are overrides inherited."""
        found = self.decided(refs, action_type, since, until)
        undone = {each.action for each in self.solo(refs, action_type, since, until) if each.undone_by}
        refuted = {each.action for each in self.checked(refs, action_type, since, until) if not each.passed} - undone
        counted = [each for each in found if self.counts(each)]
        how = [decision_of(each) for each in counted if each.action_id not in refuted]
        edited, approved = how.count(EDITED), how.count(APPROVED)
        return Record(
            approved=approved,
            edited=edited,
            rejected=len(how) - approved - edited,
            undone=len(undone),
            against=against,
            uncounted=len(found) - len(counted),
            refuted=len(refuted),
        )

    def checked(
        self, refs: Collection[AgentRef], action_type: str, since: datetime, until: datetime
    ) -> list[SpotCheck]:
        """Return the acts that were looked at again in a time, right or wrong."""
        with self._ledger.engine.connect() as connection:
            return checked(connection, [str(ref) for ref in refs], action_type, since, until)

    def found_wrong(self, refs: Collection[AgentRef], action_type: str, since: datetime, until: datetime) -> Rate:
        """Return which share of the acts that were looked at again in a time was wrong."""
        found = self.checked(refs, action_type, since, until)
        return Rate(sum(not each.passed for each in found), len(found))

    def override_rate(self, found: Iterable[Review]) -> Rate:
        """Return which share of reviews was overridden, of those that count as evidence."""
        counted = [decision_of(each) for each in found if self.counts(each)]
        return Rate(len(counted) - counted.count(APPROVED), len(counted))

    def types_of(self, ref: AgentRef) -> list[str]:
        """Return the action types that an agent ever proposed, in order of name."""
        query = select(actions.c.action_type).where(actions.c.agent == str(ref)).distinct()
        with self._ledger.engine.connect() as connection:
            return sorted(row.action_type for row in connection.execute(query))

    def shadowed(self, ref: AgentRef, action_type: str, since: datetime) -> tuple[int, datetime | None]:
        """Return how many proposals stayed in shadow since a moment, and when the first was."""
        query = select(func.count().label("n"), func.min(actions.c.proposed_at).label("first")).where(
            actions.c.agent == str(ref),
            actions.c.action_type == action_type,
            actions.c.mode == "shadow",
            actions.c.status == "shadowed",
            actions.c.proposed_at >= stamp(since),
        )
        with self._ledger.engine.connect() as connection:
            row = connection.execute(query).one()
        return row.n, unstamp(row.first) if row.first else None

    def first(self, ref: AgentRef, action_type: str | None = None, *, live: bool = False) -> datetime | None:
        """Return when an agent first proposed (or, `live`, first wrote without review), of one action type or any."""
        query = select(func.min(actions.c.proposed_at).label("first")).where(actions.c.agent == str(ref))
        if action_type is not None:
            query = query.where(actions.c.action_type == action_type)
        if live:
            query = query.where(actions.c.status.in_(RAN), actions.c.decided_by == "", actions.c.mode == "live")
        with self._ledger.engine.connect() as connection:
            row = connection.execute(query).one()
        return unstamp(row.first) if row.first else None

    def last_demotion(self, ref: AgentRef, action_type: str) -> datetime | None:
        """Return when an action type was last put back into shadow, by anybody."""
        found = [each.at for each in self.demotions(ref) if _into_shadow(each, action_type)]
        return max(found, default=None)

    def demotions(self, ref: AgentRef) -> list[Entry]:
        """Return the demotions of an agent, the first one first."""
        return list(self._ledger.entries(kinds={"agent.demoted"}, subject=f"agent/{ref}"))

    def earned(self, ref: AgentRef, action_type: str) -> bool:
        """True when an action type ever took a step by its gate."""
        found = self._ledger.entries(kinds={"agent.promoted"}, subject=f"agent/{ref}")
        return any(e.body["action_type"] == action_type and not e.body["bootstrap"] for e in found)

    def promoted_at(self, ref: AgentRef) -> int | None:
        """Return the position of an agent's last promotion, None when it has none."""
        found = None
        for entry in self._ledger.entries(kinds={"agent.promoted"}, subject=f"agent/{ref}"):
            found = entry.position
        return found

    def inputs(self, ref: AgentRef, action_type: str, since: datetime, until: datetime) -> Mapping[str, list[str]]:
        """Return what proposals were made on, by the name of the input: the fields touched, how sure it was, who asked
        for it to run, and for each field of few values the value proposed. Erased values are left out."""
        query = select(actions.c.id, actions.c.fields, actions.c.confidence).where(
            actions.c.agent == str(ref),
            actions.c.action_type == action_type,
            actions.c.proposed_at >= stamp(since),
            actions.c.proposed_at < stamp(until),
        )
        with self._ledger.engine.connect() as connection:
            rows = connection.execute(query).all()
        found: dict[str, list[str]] = {"fields": [], "confidence": []}
        for row in rows:
            found["fields"].append(", ".join(sorted(cast("list[str]", parse_json(row.fields)))))
            if row.confidence is not None:
                found["confidence"].append(f"{int(row.confidence * 10) / 10:.1f}")
        ids = {row.id for row in rows}
        for entry in self._ledger.entries(kinds=FIRST, since=since, until=until):
            if entry.action not in ids:
                continue
            for change in entry.value("changes") or ():
                found.setdefault(f"value of {change['field']}", []).append(str(change["after"]))
                found.setdefault(f"value of {change['field']} before", []).append(str(change["before"]))
        return found


FIRST = frozenset({"action.refused", "action.shadowed", "action.held", "action.intended"})


def _into_shadow(entry: Entry, action_type: str) -> bool:
    return entry.body["action_type"] == action_type and entry.body["to"] == "shadow"
