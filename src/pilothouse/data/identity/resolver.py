"""Resolving: from what sources tell, and what people said, to entities; written down as what changed and nothing else.

What people said always stands, and everything that lasts is in the ledger. A record that a source was asked for on
account of another is not compared: it goes where that other goes, unless a person said that the two are not the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

from pilothouse.data.identity.entities import Doubt, Entities, Judgement, read_judgements
from pilothouse.data.identity.features import FIELDS
from pilothouse.data.identity.lineage import Change, changes
from pilothouse.data.store import DataStore, Record
from pilothouse.directory.people import Directory
from pilothouse.directory.roles import permissions_of
from pilothouse.ledger.entries import Draft
from pilothouse.ledger.ledger import Ledger
from pilothouse.vocabulary.actors import SYSTEM_PERSON, Actor
from pilothouse.vocabulary.clock import new_id
from pilothouse.vocabulary.errors import Conflict, Forbidden, InvalidInput, NotFound
from pilothouse.vocabulary.records import RecordRef
from pilothouse.vocabulary.values import Json

PREFIX = {"account": "acc", "contact": "con"}
CHANGES_AN_ENTRY = 500


@dataclass
class Resolution:
    """What resolving one object came to."""

    object: str
    records: int = 0
    entities: int = 0
    joined: int = 0
    """Records that share their entity with another record."""
    changed: int = 0
    needed: float = 0.0
    doubts: list[Doubt] = field(default_factory=list[Doubt])


class Resolver:
    """Resolves the records of an object, and takes people's judgements."""

    def __init__(self, ledger: Ledger, store: DataStore, entities: Entities, directory: Directory) -> None:
        self._ledger, self._store, self._entities, self._directory = ledger, store, entities, directory

    def due(self) -> list[str]:
        """Return the objects that several systems tell of and of which some record was never resolved."""
        due: list[str] = []
        for name in FIELDS:
            asked_for = self._attached(name)
            refs = {record.ref for record in self._store.records(name) if str(record.ref) not in asked_for}
            known = {ref for records in self._entities.current(name).values() for ref in records}
            if len({ref.system for ref in refs}) > 1 and any(str(ref) not in known for ref in refs):
                due.append(name)
        return due

    def resolve(self, object_name: str, doubts: int = 20) -> Resolution:
        """Work out who is who among all records of an object, and write down what changed.

        Raises `InvalidInput` for an object that is not resolved.
        """
        if object_name not in FIELDS:
            raise InvalidInput(f"{object_name!r} is not resolved.", hint=f"There is: {', '.join(FIELDS)}.")
        from pilothouse.data.identity import comparing

        attached = self._attached(object_name)
        refs, rows = self._read(object_name, attached)
        resolution = Resolution(object_name, len(refs) + len(attached))
        if not refs:
            return resolution
        compared = comparing.compare(object_name, refs, rows, self._entities.judgements(object_name))
        groups = comparing.groups_of(compared)
        sure = comparing.confidences(compared, groups)
        _attach(groups, attached, sure)
        resolution.needed = compared.needed
        resolution.entities = len(groups)
        resolution.joined = sum(len(group) for group in groups if len(group) > 1)
        resolution.changed = self._write(object_name, groups, sure)
        resolution.doubts = list(
            islice(comparing.doubts_of(compared, object_name, self._entities.judgements(object_name)), doubts)
        )
        return resolution

    def _attached(self, object_name: str) -> dict[str, str]:
        standing = self._entities.attached(object_name).items()
        return {record: str(each.to) for record, each in standing if not each.refuted}

    def _read(self, object_name: str, attached: Mapping[str, str]) -> tuple[list[str], list[tuple[str, ...]]]:
        refs: list[str] = []
        rows: list[tuple[str, ...]] = []
        employers = {r.ref: r.text("name") for r in self._store.records("account")} if object_name == "contact" else {}
        for record in self._store.records(object_name):
            if str(record.ref) in attached:
                continue
            refs.append(str(record.ref))
            rows.append(_row(record, FIELDS[object_name], employers))
        return refs, rows

    def _write(self, object_name: str, groups: Sequence[Sequence[str]], sure: Mapping[str, float]) -> int:
        current = self._entities.current(object_name)
        moved = [record for group in groups for record in group]
        changed, _ = changes(groups, current, self._entities.former(moved), lambda: new_id(PREFIX[object_name]))
        for change in changed:
            change.confidence = sure.get(change.joined[0], 1.0) if change.joined else 1.0
        drafts = [_draft(object_name, part) for part in _parts(changed)]
        for start in range(0, len(drafts), 20):
            self._ledger.append(drafts[start : start + 20])
        return len(changed)

    def judge(self, one: RecordRef, other: RecordRef, *, same: bool, by: str, why: str) -> None:
        """Write down that two records are the same, or are not; what people said of them before no longer stands.

        Raises `Forbidden` for somebody who may not decide reviews, `NotFound` for a record that nobody told of, `InvalidInput` for two that cannot be compared, `Conflict`
        when it contradicts what follows from other judgements.
        """
        person = self._directory.person(by)
        if not person.active or "review" not in permissions_of(person.role).may:
            raise Forbidden(f"{by} ({person.role}) may not say who is who.", hint="Ask a reviewer or RevOps.")
        one, other = min(one, other), max(one, other)
        if one == other or one.object != other.object or one.object not in FIELDS:
            raise InvalidInput(f"{one} and {other} cannot be judged.", hint="Name two accounts or two contacts.")
        for ref in (one, other):
            if self._store.record(ref) is None:
                raise NotFound(f"there is no record {ref}.", hint="Import it first.")
        if not why.strip():
            raise InvalidInput("a judgement needs a reason.", hint="One sentence is enough.")
        body: dict[str, Json] = {"one": str(one), "other": str(other), "same": same, "by": by}
        # What people write may be about people, so it can be erased; that they said it, and what follows, stays.
        draft = Draft("identity.judged", Actor(by), body, {"why": why}, str(one), subject=str(one))
        # Under the write lock: of two people who contradict each other at once, one is told.
        self._ledger.append([draft], guard=lambda seen: _consistent(one, other, same, read_judgements(seen)))


def _consistent(one: RecordRef, other: RecordRef, same: bool, standing: Iterable[Judgement]) -> None:
    """Two records called the same by a chain of judgements cannot be called different, nor the other way round."""
    rest = [each for each in standing if {each.one, each.other} != {one, other}]
    home: dict[RecordRef, RecordRef] = {}

    def root(ref: RecordRef) -> RecordRef:
        while (above := home.get(ref, ref)) != ref:
            ref = above
        return ref

    for each in rest:
        if each.same:
            home[root(each.one)] = root(each.other)
    if not same and root(one) == root(other):
        raise Conflict(f"{one} and {other} are the same by other judgements.", hint="Take one of those back first.")
    for each in rest if same else ():
        if not each.same and {root(each.one), root(each.other)} == {root(one), root(other)}:
            raise Conflict(
                f"{each.by} said that {each.one} and {each.other} are not the same, which would follow.",
                hint="Take that judgement back first.",
            )


def _attach(groups: list[list[str]], attached: Mapping[str, str], sure: dict[str, float]) -> None:
    """Put each record where the one goes that it was asked for; by itself when that one is no longer told of."""
    where = {record: number for number, group in enumerate(groups) for record in group}
    for record, to in sorted(attached.items()):
        if to in where:
            groups[where[to]].append(record)
            sure[record] = sure[to]
        else:
            groups.append([record])


def _row(record: Record, fields: Sequence[str], employers: Mapping[RecordRef, str]) -> tuple[str, ...]:
    row = {name: record.text(name) for name in fields}
    if "company" in fields:
        account = record.text("account")
        row["company"] = employers.get(RecordRef(record.ref.system, "account", account), account)
    return tuple(row[name] for name in fields)


def _parts(changed: Sequence[Change]) -> Iterator[Sequence[Change]]:
    for start in range(0, len(changed), CHANGES_AN_ENTRY):
        yield changed[start : start + CHANGES_AN_ENTRY]


def _draft(object_name: str, part: Sequence[Change]) -> Draft:
    body: dict[str, Json] = {"object": object_name, "changes": [change.as_json() for change in part]}
    return Draft("identity.changed", Actor(SYSTEM_PERSON), body, subject=f"identity/{object_name}")
