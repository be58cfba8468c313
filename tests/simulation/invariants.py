"""What must hold after every step: I1 to I10 of docs/ARCHITECTURE.md, asserted from the entries and the twin's journal.

The journal and the history are the twin's own: Pilothouse cannot write them.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Mapping
from datetime import timedelta
from itertools import pairwise
from typing import Any

from tests.simulation.invariants_of_autonomy import check_autonomy
from tests.simulation.invariants_of_messages import check_messages
from tests.simulation.invariants_of_people import check_people
from tests.simulation.invariants_of_policy import check_policy, rules_cited
from tests.world import World

from pilothouse.directory.suspensions import RESUMED, SUSPENDED, Reach, reach_of
from pilothouse.ledger.entries import Entry
from pilothouse.vocabulary.clock import stamp
from pilothouse.vocabulary.outcomes import ReviewStatus
from pilothouse.vocabulary.records import same_value as same

Rows = list[dict[str, Any]]
RESULTS = ("action.executed", "action.failed")
FOREVER = float("inf")


def check(world: World) -> None:
    """Assert all of them."""
    entries = list(world.app.ledger.entries())
    assert [entry.position for entry in entries] == list(range(len(entries)))
    intents = {entry.action: entry for entry in entries if entry.kind == "action.intended"}
    committed = world.committed()
    assert max(Counter(row["request_id"] for row in committed).values(), default=0) <= 1
    _each_write_was_allowed(world, entries, intents, committed)
    _no_big_operation_in_small_pieces(world, intents, committed)
    results = _each_act_ends_once_and_as_it_was(world, entries, intents, committed)
    _no_field_has_two_writers(intents, results)
    _no_write_stands_on_a_stale_read(world, intents)
    _no_act_is_done_twice(entries, intents, committed)
    _nothing_begins_while_suspended(entries)
    _only_people_decide(world, entries)
    check_policy(entries)
    check_autonomy(entries)
    check_people(entries, world.app.twin.journal())
    check_messages(entries, committed, {row["id"]: row["email"] for row in world.app.twin.records("contact")})


def _each_write_was_allowed(world: World, entries: list[Entry], intents: Mapping[str, Entry], committed: Rows) -> None:
    approvals = {e.body["review"]: e for e in entries if e.kind in ("review.approved", "review.edited")}
    for row in committed:
        intent = intents.get(row["request_id"])
        assert intent is not None and stamp(intent.at) <= row["at"]  # I2
        capability = world.gateway.door.registry.get(intent.body["capability"])
        if intent.actor.agent is not None:
            assert intent.body["mode"] != "shadow"  # I4
            assert capability.change not in ("delete", "price")  # I8
            contract = rules_cited(world, intent.body["verdict"]["policy_version"]).contracts["wide"]
            for field in intent.body["fields"]:  # I3
                assert contract.field_rule(intent.body["object"], field) is not None
        if capability.effect == "write" and (not capability.reversible or capability.external):  # I1
            approval = approvals[intent.body["review"]]
            assert approval.body.get("new_hash", approval.body["payload_hash"]) == intent.body["payload_hash"]
        if intent.body["review"]:
            approval = approvals[intent.body["review"]]
            assert approval.body["by"] != "system"  # I4: only people approve
            if intent.body["verdict"]["tier"] == "T3":
                assert approval.body["by"] not in (intent.actor.person, "gita")  # I10: proposer and owner
        elif intent.actor.agent is not None:
            assert intent.body["verdict"]["treatment"] == "auto"  # I9: a rule spoke, and allowed it
            assert intent.body["verdict"]["rule"]
        assert set(intent.value("before")) == set(intent.body["fields"])  # I5


def _no_big_operation_in_small_pieces(world: World, intents: Mapping[str, Entry], committed: Rows) -> None:
    """I7: without an allowance, no window holds more records written without a person than the policy in force lets."""
    alone: dict[str, list[Entry]] = defaultdict(list)
    for row in committed:
        intent = intents[row["request_id"]]
        verdict = intent.body["verdict"]
        if intent.actor.agent is not None and not intent.body["review"]:
            assert not any(r["code"] == "write_set" for r in verdict["reasons"])
            if not verdict["notify"]:
                alone[intent.body["capability"]].append(intent)
    for writes in alone.values():
        for last in writes:
            limits = rules_cited(world, last.body["verdict"]["policy_version"]).policy.limits
            begin = last.at - timedelta(minutes=limits.write_set_minutes)
            window = {each.subject for each in writes if begin < each.at <= last.at}
            assert len(window) <= limits.write_set_records, f"I7: {len(window)} records without a person"


def _each_act_ends_once_and_as_it_was(
    world: World, entries: list[Entry], intents: Mapping[str, Entry], committed: Rows
) -> dict[str, Entry]:
    """An act has one result, it is what the twin says, and no request of it arrives once the result stands."""
    done = {row["request_id"] for row in committed}
    results: dict[str, Entry] = {}
    for entry in entries:
        if entry.kind in RESULTS and entry.action in intents:
            assert entry.action not in results, f"{entry.action} ended twice"
            results[entry.action] = entry
            assert (entry.kind == "action.executed") == (entry.action in done), f"{entry.action} ended otherwise"
    for row in world.app.twin.journal():
        if row["request_id"] in results:
            assert row["at"] <= stamp(results[row["request_id"]].at), f"{row['request_id']} was sent after it had ended"
    return results


def _no_field_has_two_writers(intents: Mapping[str, Entry], results: Mapping[str, Entry]) -> None:
    """I6: an intent holds its fields until its result stands, and no other does meanwhile."""
    held: dict[tuple[str, str], list[tuple[int, float]]] = defaultdict(list)
    for intent in intents.values():
        end = results[intent.action].position if intent.action in results else FOREVER
        for field in intent.body["fields"] if intent.body["record_id"] else ():
            held[(intent.subject, field)].append((intent.position, end))
    for place, times in held.items():
        times.sort()
        for (_, end), (begin, _) in pairwise(times):
            assert end < begin, f"I6: two hold {place} at once"


def _no_write_stands_on_a_stale_read(world: World, intents: Mapping[str, Entry]) -> None:
    """I6: the before-state of each write, and what it was proposed on, is what the twin held just before it."""
    values: dict[tuple[str, str], dict[str, Any]] = defaultdict(dict)
    for row in world.app.twin.changes(0):
        record = values[(row["object"], row["id"])]
        intent = intents.get(row["request_id"])
        if intent is not None and intent.body["record_id"]:
            believed, expected = intent.value("before"), intent.value("expects")
            for field in intent.body["fields"]:
                assert same(believed[field], record.get(field)), f"I6: stale before-state of {row['id']}.{field}"
                if expected is not None:
                    assert same(expected.get(field), record.get(field)), f"I6: stale read of {row['id']}.{field}"
        record.update(json.loads(row["after"]))


def _no_act_is_done_twice(entries: list[Entry], intents: Mapping[str, Entry], committed: Rows) -> None:
    """An idempotency key takes effect once, and again only when it was undone since."""
    undone = {entry.action: entry.position for entry in entries if entry.kind == "action.undone"}
    by_key: dict[str, list[Entry]] = defaultdict(list)
    for row in committed:
        intent = intents[row["request_id"]]
        by_key[intent.body["idempotency_key"]].append(intent)
    for acts in by_key.values():
        acts.sort(key=lambda intent: intent.position)
        for earlier, later in pairwise(acts):
            assert undone.get(earlier.action, FOREVER) < later.position, f"{later.action} was done before"


def _nothing_begins_while_suspended(entries: list[Entry]) -> None:
    """I3: once a suspension stands in the ledger, nothing in its reach gets an intent, whatever its reach."""
    suspended, opened = set[Reach](), dict[str, Entry]()
    for entry in entries:
        if entry.kind == "review.opened":
            opened[entry.body["review"]] = entry
        if entry.kind == SUSPENDED:
            suspended.add(reach_of(entry))
        elif entry.kind == RESUMED:
            suspended.discard(reach_of(entry))
        elif entry.kind == "action.intended" and entry.actor.agent is not None:
            types = (entry.body["capability"], entry.body["action_type"])
            hit = [reach for reach in suspended if reach.covers(entry.actor.agent, *types)]
            assert not hit, f"{entry.action} began while {hit} was suspended"
        elif entry.kind in ("review.approved", "review.edited", "review.expired"):
            asked = opened[entry.body["review"]]
            types = (asked.body["capability"], asked.body["action_type"])
            agent = asked.actor.agent
            assert agent is None or not any(reach.covers(agent, *types) for reach in suspended)


def _only_people_decide(world: World, entries: list[Entry]) -> None:
    approved = {e.body["review"] for e in entries if e.kind in ("review.approved", "review.edited")}
    used = Counter(e.body["review"] for e in entries if e.kind == "review.used")
    assert max(used.values(), default=0) <= 1  # an approval is good once
    assert not approved & {e.body["review"] for e in entries if e.kind == "review.expired"}
    planted = {e.body["review"] for e in entries if e.kind == "canary.seeded"}
    assert not planted & (approved | used.keys()), "a canary was approved as if it were real"
    shown = {e.action for e in entries if e.kind == "review.opened" and e.body["review"] in planted}
    assert not shown & {e.action for e in entries if e.kind.startswith("action.")}, "something came of a canary"
    for review in world.app.reviews.list(status=ReviewStatus.USED):
        assert review.decided_by and review.decided_by != "system"
