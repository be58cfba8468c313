"""Open reviews that are alike, to be looked at and decided together (R-055, R-091).

Alike are reviews of one agent, capability, rule and reason that change the same fields in the same way; what a write-set
held is one batch whatever its fields. Tier 3 is decided one by one. What must never happen here: a row decided that was
not on the screen; a batch decided as a whole (each review is decided by itself, for its own payload).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from pilothouse.handoff.owners import STRICT
from pilothouse.handoff.queue import Review
from pilothouse.vocabulary.errors import Conflict, InvalidInput, NotFound
from pilothouse.vocabulary.outcomes import ReviewStatus
from pilothouse.vocabulary.records import is_empty
from pilothouse.vocabulary.values import Json, digest

FEWEST = 2


@dataclass(frozen=True, slots=True)
class Batch:
    """Reviews that are alike. `seen` names exactly these rows with these payloads; deciding asks for it back."""

    id: str
    agent: str
    capability: str
    fields: tuple[str, ...]
    code: str
    rule: str
    sentence: str
    rows: tuple[Review, ...]

    @property
    def seen(self) -> str:
        """The digest of the rows as they are shown."""
        return seen_of({each.id: each.payload_hash for each in self.rows})

    @property
    def deadline(self) -> datetime:
        """When the first of them counts as rejected."""
        return min(each.deadline for each in self.rows)


def seen_of(rows: Mapping[str, str]) -> str:
    """Return the digest of reviews with their payload hashes."""
    return digest(dict(rows))[:16]


def batches_of(found: Sequence[Review]) -> list[Batch]:
    """Return the batches among reviews, the largest first; a review like no other is in none."""
    groups: defaultdict[str, list[Review]] = defaultdict(list)
    for each in found:
        if each.status is ReviewStatus.OPEN and each.tier not in STRICT and each.action is not None:
            groups[_likeness(each)].append(each)
    every = [_batch(key, rows) for key, rows in groups.items() if len(rows) >= FEWEST]
    return sorted(every, key=lambda each: (-len(each.rows), each.id))


def batch_named(found: Sequence[Review], batch_id: str) -> Batch:
    """Return one batch; raises `NotFound` when there is none, or it is down to one review."""
    batch = next((each for each in batches_of(found) if each.id == batch_id), None)
    if batch is None:
        raise NotFound(f"there is no batch {batch_id!r}.", hint="`pilothouse reviews batch list` shows them.")
    return batch


def rows_to_decide(batch: Batch, seen: str, without: Sequence[str]) -> dict[str, str]:
    """Return the payload hash by review of what is to be decided: what was seen, but for the rows taken out.

    Raises `Conflict` when the batch is not what was seen any more, `InvalidInput` for a row that is not in it.
    """
    rows = {each.id: each.payload_hash for each in batch.rows}
    if seen != batch.seen:
        raise Conflict(
            f"batch {batch.id} is not what you saw any more.", hint="Look at it again.", code="batch_changed"
        )
    strangers = [each for each in without if each not in rows]
    if strangers:
        raise InvalidInput(f"{strangers[0]} is not in batch {batch.id}.", hint="`reviews batch show` lists its rows.")
    return {review: shown for review, shown in rows.items() if review not in without}


def _likeness(review: Review) -> str:
    kind: Json = "write_set"
    if review.code != "write_set":
        kind = sorted([str(each["field"]), is_empty(each["before"])] for each in review.changes)
    parts: list[Json] = [str(review.actor.agent or ""), review.capability, review.code, review.rule, review.tier.value]
    return digest([*parts, kind])


def _batch(key: str, rows: Sequence[Review]) -> Batch:
    first = rows[0]
    return Batch(
        id=f"bat_{key[:12]}",
        agent=str(first.actor.agent or ""),
        capability=first.capability,
        fields=tuple(sorted({str(each["field"]) for row in rows for each in row.changes})),
        code=first.code,
        rule=first.rule,
        sentence=first.sentence,
        rows=tuple(sorted(rows, key=lambda each: (each.deadline, each.id))),
    )
