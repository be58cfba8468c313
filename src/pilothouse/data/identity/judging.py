"""What people say of two records, and that it never contradicts itself."""

from __future__ import annotations

from collections.abc import Iterable

from pilothouse.data.identity.entities import RESOLVED, Judgement, read_judgements
from pilothouse.data.store import DataStore
from pilothouse.directory.people import Directory, Person
from pilothouse.directory.roles import permissions_of
from pilothouse.ledger.entries import Draft
from pilothouse.ledger.ledger import Ledger
from pilothouse.vocabulary.actors import Actor
from pilothouse.vocabulary.errors import Conflict, Forbidden, InvalidInput, NotFound
from pilothouse.vocabulary.records import RecordRef
from pilothouse.vocabulary.values import Json

JUDGED = "identity.judged"


class Judges:
    """Takes people's judgements."""

    def __init__(self, ledger: Ledger, store: DataStore, directory: Directory) -> None:
        self._ledger, self._store, self._directory = ledger, store, directory

    def allowed(self, by: str) -> Person:
        """Return the person; raises `Forbidden` for somebody who may not decide reviews."""
        person = self._directory.person(by)
        if not person.active or "review" not in permissions_of(person.role).may:
            raise Forbidden(f"{by} ({person.role}) may not say who is who.", hint="Ask a reviewer or RevOps.")
        return person

    def judge(self, one: RecordRef, other: RecordRef, *, same: bool, by: str, why: str) -> None:
        """Write down that two records are the same, or are not; what people said of them before no longer stands.

        It changes nothing in any system of record. Raises `Forbidden` for somebody who may not decide reviews, `NotFound`
        for a record that nobody told of, `InvalidInput` for two that cannot be compared, `Conflict` when it contradicts
        what follows from other judgements.
        """
        self.allowed(by)
        one, other = min(one, other), max(one, other)
        if one == other or one.object != other.object or one.object not in RESOLVED:
            raise InvalidInput(
                f"{one} and {other} cannot be judged.", hint="Name two accounts, two contacts or two opportunities."
            )
        for ref in (one, other):
            if self._store.record(ref) is None:
                raise NotFound(f"there is no record {ref}.", hint="Import it first.")
        if not why.strip():
            raise InvalidInput("a judgement needs a reason.", hint="One sentence is enough.")
        body: dict[str, Json] = {"one": str(one), "other": str(other), "same": same, "by": by}
        # What people write may be about people, so it can be erased; that they said it, and what follows, stays.
        draft = Draft(JUDGED, Actor(by), body, {"why": why}, str(one), subject=str(one))
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
