"""Writing down what resolving changed: entity by entity, under identifiers that nobody else gives at the same time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from sqlalchemy import Connection, func, select

from pilothouse.data.identity.entities import Entities
from pilothouse.data.identity.lineage import Change, changes
from pilothouse.data.identity.numbers import subject_of
from pilothouse.ledger.entries import Draft
from pilothouse.ledger.ledger import Ledger
from pilothouse.ledger.tables import entries
from pilothouse.vocabulary.actors import SYSTEM_PERSON, Actor
from pilothouse.vocabulary.clock import new_id
from pilothouse.vocabulary.errors import Conflict
from pilothouse.vocabulary.values import Json

PREFIX = {"account": "acc", "contact": "con", "opportunity": "deal"}
CHANGES_AN_ENTRY = 500


class Fence:
    """Lets one run alone write about an object: whatever another wrote since the run began refuses what follows.

    The turn keeps runs apart; should it be lost (a broken connection), no identifier is given twice all the same.
    """

    def __init__(self, ledger: Ledger, object_name: str) -> None:
        self.object, self._ledger = object_name, ledger
        with ledger.engine.connect() as connection:
            self._last = self._newest(connection)

    def append(self, drafts: Sequence[Draft]) -> None:
        """Append; raises `Conflict` when somebody else wrote about this object."""
        self._last = self._ledger.append(drafts, guard=self._alone)[-1].position

    def _alone(self, connection: Connection) -> None:
        if self._newest(connection) != self._last:
            raise Conflict(f"{self.object}s were resolved, or weighed otherwise, meanwhile.", hint="Resolve again.")

    def _newest(self, connection: Connection) -> int:
        query = select(func.max(entries.c.position)).where(entries.c.subject == subject_of(self.object))
        found = connection.execute(query).scalar_one()
        return -1 if found is None else int(found)


def worked_out(
    entities: Entities, object_name: str, groups: Sequence[Sequence[str]], current: Mapping[str, Sequence[str]]
) -> list[Change]:
    """Return what changes when these groups become entities; `current` are the entities that hold any of the records."""
    former = entities.former(name for records in groups for name in records)
    changed, _ = changes(groups, current, former, lambda: new_id(PREFIX[object_name]))
    return changed


def write(fence: Fence, changed: Sequence[Change], sure: Mapping[str, float]) -> None:
    """Append what changed, `sure` being how sure the group of each record is (0 to 1); raises `Conflict`."""
    for change in changed:
        change.confidence = min((sure[name] for name in change.joined if name in sure), default=1.0)
    drafts = [draft_of(fence.object, part) for part in _parts(changed)]
    for start in range(0, len(drafts), 20):
        fence.append(drafts[start : start + 20])


def _parts(changed: Sequence[Change]) -> Iterator[Sequence[Change]]:
    for start in range(0, len(changed), CHANGES_AN_ENTRY):
        yield changed[start : start + CHANGES_AN_ENTRY]


def draft_of(object_name: str, part: Sequence[Change]) -> Draft:
    """Return the entry that tells of these changes."""
    body: dict[str, Json] = {"object": object_name, "changes": [change.as_json() for change in part]}
    return Draft("identity.changed", Actor(SYSTEM_PERSON), body, subject=subject_of(object_name))
