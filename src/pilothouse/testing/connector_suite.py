"""What every connector must keep to, as tests. Subclass `ConnectorSuite` in a test module and give it a `Bench`.

The gateway's guarantees rest on these: a request id takes effect once, a stale version changes nothing, a lost answer
can be found out about, and what the connector itself did is told apart from what people did.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from pilothouse.gateway.ports import Call, CallRefused, CallUnknown, Receipt, StaleRecord, SystemOfRecord
from pilothouse.vocabulary.records import RecordRef, Snapshot
from pilothouse.vocabulary.values import Json

E = TypeVar("E", bound=Exception)
NOWHERE = "no-such-record"


@dataclass
class Bench:
    """A connector, and hands beside it.

    `record` exists; `capability` is an undoable update of it, and `arguments` and `others` are two changes of the same
    fields, neither of which the record holds yet. `edit` changes a record as a person does in the system's own pages.
    `lose_answer(done)` makes the next write go unanswered, with its work done or not; `busy` makes it be turned away.
    """

    connector: SystemOfRecord
    record: RecordRef
    capability: str
    arguments: Mapping[str, Json]
    others: Mapping[str, Json]
    edit: Callable[[RecordRef, Mapping[str, Json]], None]
    lose_answer: Callable[[bool], None]
    busy: Callable[[], None]

    def now(self) -> Snapshot:
        """Return the record as it is."""
        snapshot = self.connector.read(self.record)
        assert snapshot is not None, f"the bench says that {self.record} exists"
        return snapshot

    def call(self, request: str, arguments: Mapping[str, Json] | None = None, version: int | None = None) -> Call:
        """Return a call of the bench's capability."""
        return Call(self.capability, self.record, arguments or self.arguments, version, request)

    def values(self) -> dict[str, Json]:
        """Return the present values of the fields that the calls change."""
        return {name: self.now().fields.get(name) for name in self.arguments}


def raised(kind: type[E], act: Callable[[], object]) -> E:
    """Return the error that an act raises; fails when it raises none of this kind."""
    try:
        act()
    except kind as error:
        return error
    raise AssertionError(f"{kind.__name__} was expected")


class ConnectorSuite:
    """The suite. Each test asks `bench` for a fresh one."""

    def bench(self) -> Bench:
        """Return a fresh bench; to be written by the subclass."""
        raise NotImplementedError

    def test_capabilities_are_named_once_and_classified(self) -> None:
        """Absence of a classification is allowed and counts as irreversible; a half one is a mistake."""
        connector = self.bench().connector
        offered = {each.name: each for each in connector.capabilities()}
        assert len(offered) == len(connector.capabilities())
        for each in offered.values():
            assert each.system == connector.name and each.name.startswith(f"{connector.name}.")
            assert each.arguments["type"] == "object" and each.arguments["additionalProperties"] is False
            assert not each.compensation or each.compensation in offered
            assert not each.compensation or each.if_wrong, f"{each.name} can be undone, but does not say how"
        restore = offered[f"{connector.name}.record.restore"]
        assert restore.reversible, "rollback puts values back by this capability, and can itself be undone"

    def test_a_record_is_read_with_its_version_and_a_missing_one_is_none(self) -> None:
        """The version tells two states of a record apart."""
        bench = self.bench()
        before = bench.now()
        assert bench.connector.read(RecordRef(bench.record.system, bench.record.object, NOWHERE)) is None
        bench.connector.perform(bench.call("r1"))
        assert bench.now().version != before.version

    def test_a_call_does_what_it_says_and_its_receipt_agrees(self) -> None:
        """What the receipt says is what the next read shows."""
        bench = self.bench()
        receipt = bench.connector.perform(bench.call("r1", version=bench.now().version))
        assert bench.values() == bench.arguments
        assert (receipt.request_id, receipt.ref, receipt.version) == ("r1", bench.record, bench.now().version)
        assert {name: receipt.after.get(name) for name in bench.arguments} == bench.arguments

    def test_one_request_id_takes_effect_once(self) -> None:
        """A retry is answered as the first time, even with other arguments, and after somebody else's edit."""
        bench = self.bench()
        first = bench.connector.perform(bench.call("r1"))
        bench.edit(bench.record, bench.others)
        for arguments in (bench.arguments, bench.others):
            assert bench.connector.perform(bench.call("r1", arguments)) == first
        assert bench.values() == bench.others

    def test_a_stale_version_changes_nothing(self) -> None:
        """Compare and set: somebody changed the record since it was read."""
        bench = self.bench()
        read = bench.now().version
        bench.edit(bench.record, bench.others)
        error = raised(StaleRecord, lambda: bench.connector.perform(bench.call("r1", version=read)))
        assert not error.retryable and bench.values() == bench.others
        assert bench.connector.lookup("r1") is None

    def test_what_became_of_a_request_can_be_asked(self) -> None:
        """`lookup` is what reconciling rests on."""
        bench = self.bench()
        receipt = bench.connector.perform(bench.call("r1"))
        assert bench.connector.lookup("r1") == receipt and bench.connector.lookup("r2") is None

    def test_an_unanswered_request_is_found_out_about(self) -> None:
        """Done or not looks the same to the caller; `lookup` knows, and repeating it does it once in all."""
        for done in (True, False):
            bench = self.bench()
            before = bench.values()
            bench.lose_answer(done)
            raised(CallUnknown, lambda bench=bench: bench.connector.perform(bench.call("r1")))
            assert bench.values() == (bench.arguments if done else before)
            found = bench.connector.lookup("r1")
            assert isinstance(found, Receipt) if done else found is None
            again = bench.connector.perform(bench.call("r1"))
            assert bench.values() == bench.arguments and again == (found or again)

    def test_being_turned_away_is_certainly_not_done_and_may_be_tried_again(self) -> None:
        """`CallRefused` with `retryable` is the one error after which the gateway sends the same call again."""
        bench = self.bench()
        before = bench.values()
        bench.busy()
        error = raised(CallRefused, lambda: bench.connector.perform(bench.call("r1")))
        assert error.retryable and bench.values() == before and bench.connector.lookup("r1") is None
        bench.connector.perform(bench.call("r1"))

    def test_a_record_that_does_not_exist_is_refused(self) -> None:
        """Nothing is created by accident."""
        bench = self.bench()
        nobody = RecordRef(bench.record.system, bench.record.object, NOWHERE)
        call = Call(bench.capability, nobody, bench.arguments, None, "r1")
        error = raised(CallRefused, lambda: bench.connector.perform(call))
        assert not error.retryable and bench.connector.read(nobody) is None

    def test_what_was_changed_can_be_put_back(self) -> None:
        """The restore capability takes the before-values and gives them back, emptiness included."""
        bench = self.bench()
        before = bench.values()
        bench.connector.perform(bench.call("r1"))
        restore = Call(f"{bench.connector.name}.record.restore", bench.record, {"fields": before}, None, "r2")
        bench.connector.perform(restore)
        assert bench.values() == before

    def test_changes_are_told_in_order_and_our_own_are_marked(self) -> None:
        """An agent must not be fed its own work as news; a person's edit must not be lost."""
        bench = self.bench()
        start = max((cursor for cursor, _ in bench.connector.changes(-1)), default=-1)
        before = bench.values()
        bench.connector.perform(bench.call("r1"))
        bench.edit(bench.record, bench.others)
        told = list(bench.connector.changes(start))
        assert [change.ours for _, change in told] == [True, False]
        assert [change.ref for _, change in told] == [bench.record] * 2
        assert [cursor for cursor, _ in told] == sorted({cursor for cursor, _ in told})
        mine, theirs = (change for _, change in told)
        assert {name: mine.before.get(name) for name in before} == before
        assert theirs.before == bench.arguments and theirs.fields == bench.others
        assert mine.version < theirs.version == bench.now().version and mine.at <= theirs.at
        assert list(bench.connector.changes(told[0][0])) == told[1:]

    def test_who_is_unknown_counts_as_opted_out(self) -> None:
        """Absence means no."""
        connector = self.bench().connector
        assert connector.opted_out("nobody@nowhere.example") and connector.first_touch("nobody@nowhere.example")
