"""The way of one action, stage by stage: what passes, what stops, and that every stop is an entry with its reason."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.world import World, letter

from pilothouse.decision.publishing.content import gather
from pilothouse.gateway.entries import action_draft
from pilothouse.gateway.passage import GO_ON, Passage, Result, Stop
from pilothouse.gateway.pipeline import STAGES
from pilothouse.gateway.rollback import Scope, apply
from pilothouse.gateway.stages.record_intent import record_intent
from pilothouse.ledger.entries import Draft
from pilothouse.vocabulary.actions import Action, Evidence
from pilothouse.vocabulary.actors import Actor, AgentRef
from pilothouse.vocabulary.capabilities import ChangeKind, Effect, Reversibility
from pilothouse.vocabulary.errors import Conflict, LedgerUnavailable, Unauthenticated
from pilothouse.vocabulary.outcomes import ActionStatus as S
from pilothouse.vocabulary.records import RecordRef
from pilothouse.vocabulary.verdicts import Mode, Reason, Tier, Treatment, Verdict


def refused(world: World, result: Result, code: str) -> None:
    """It was refused with this code, the entry says so in a sentence, and the twin was not written."""
    assert (result.status, result.code) == (S.REFUSED, code), result.sentence
    entry = [e for e in world.app.ledger.entries(action=result.action.id) if e.kind == "action.refused"][-1]
    assert entry.body["code"] == code and len(entry.body["sentence"].split()) >= 4
    assert not [row for row in world.committed() if row["request_id"] == result.action.id]


def test_a_promoted_fill_empty_runs_is_read_back_and_recorded(world_on_each_store: World) -> None:
    world = world_on_each_store
    world.promote("crm.account.update:fill-empty")
    result = world.submit(world.action())
    assert (result.status, result.code) == (S.EXECUTED, "done"), result.sentence
    assert world.read("account", "a1")["industry"] == "software"
    kinds = [entry.kind for entry in world.app.ledger.entries(action=result.action.id)]
    assert kinds == ["action.intended", "action.executed"]
    intent = next(iter(world.app.ledger.entries(action=result.action.id)))
    assert intent.body["verdict"]["treatment"] == "auto" and intent.value("before") == {"industry": None}
    written = world.app.store.field(RecordRef.parse("crm/account/a1"), "industry")
    assert written is not None and (written.value, written.writer) == ("software", "tester@1")


def test_anything_new_is_in_shadow_and_writes_nothing(world: World) -> None:
    result = world.submit(world.action())
    assert result.status is S.SHADOWED and "Live, policy would say auto" in result.sentence
    assert world.committed() == []


def test_assisted_waits_for_a_person_even_when_policy_says_auto(world: World) -> None:
    world.promote("crm.account.update", Mode.ASSISTED)
    assert world.submit(world.action()).status is S.HELD


@pytest.mark.parametrize("token", ["", "garbage", "a.b.c"])
def test_a_forged_token_is_refused_and_leaves_no_entry(world: World, token: str) -> None:
    before = world.app.ledger.size()
    with pytest.raises(Unauthenticated):
        world.gateway.submit(world.action(), token)
    assert world.app.ledger.size() == before and world.committed() == []


def test_an_expired_token_is_refused(world: World) -> None:
    token = world.token()
    world.clock.advance(timedelta(hours=2))
    refused(world, world.submit(world.action(), token), "unauthenticated")


def test_a_revoked_token_is_refused_at_once(world: World) -> None:
    tokens = world.gateway.door.tokens
    token, grant = tokens.issue(AgentRef("tester", "1"), "gita", by=Actor("gita"))
    assert world.submit(world.action(), token).status is S.SHADOWED
    tokens.revoke(grant.id, Actor("ada"), "leaked")
    refused(world, world.submit(world.action("country", "France"), token), "unauthenticated")


def test_an_unregistered_version_is_another_agent(world: World) -> None:
    world.promote("crm.account.update:fill-empty")
    refused(world, world.submit(world.action(), world.token("tester@2")), "agent_unregistered")


def test_a_suspended_agent_is_stopped_and_may_be_resumed(world: World) -> None:
    ref = AgentRef("tester", "1")
    world.gateway.door.agents.suspend(ref, "gita", "it guesses")
    refused(world, world.submit(world.action()), "agent_suspended")
    world.gateway.door.agents.resume(ref, "gita", "mended")
    assert world.submit(world.action()).status is S.SHADOWED


def test_no_grant_no_act(world: World) -> None:
    there = RecordRef("crm", "activity", "")
    call = world.action(capability="crm.activity.log", target=there, arguments={"kind": "Call"}, expects=None)
    refused(world, world.submit(call), "no_grant")


def test_an_agent_can_do_no_more_than_its_person(world: World) -> None:
    world.promote("crm.account.update:fill-empty")
    refused(world, world.submit(world.action(), world.token(person="iris")), "person_not_permitted")
    refused(world, world.submit(world.action(to="crm/account/a2"), world.token(person="rosa")), "record_out_of_scope")
    assert world.submit(world.action(), world.token(person="rosa")).status is S.EXECUTED


def test_a_person_who_left_takes_their_agents_with_them(world: World) -> None:
    token = world.token(person="noah")
    world.app.directory.deactivate("noah", by="ada")
    refused(world, world.submit(world.action(), token), "person_inactive")


def test_a_field_outside_the_contract_is_refused(world: World) -> None:
    refused(world, world.submit(world.action("annual_revenue", 5.0)), "outside_contract")


def test_no_contract_no_access(world: World) -> None:
    world.gateway.door.rules().contracts.clear()
    refused(world, world.submit(world.action()), "no_contract")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"intent": " "}, "no_intent"),
        ({"evidence": ()}, "no_evidence"),
        ({"evidence": (Evidence("from nowhere", position=10**9),)}, "evidence_unknown"),
        ({"confidence": float("nan")}, "invalid_confidence"),
        ({"confidence": 1.2}, "invalid_confidence"),
        ({"expects": None}, "no_read_basis"),
        ({"arguments": {"industry": 7}}, "invalid_arguments"),
        ({"arguments": {"industry": float("nan")}}, "invalid_arguments"),
        ({"arguments": {"industry": "x", "hidden": "y"}}, "outside_contract"),
        ({"capability": "crm.account.explode"}, "unknown_capability"),
        ({"target": RecordRef("crm", "account", "nobody")}, "no_such_record"),
        ({"target": RecordRef("crm", "contact", "c1")}, "wrong_target"),
        ({"target": RecordRef("erp", "account", "a1")}, "unknown_capability"),
        ({"expects": {"industry": "retail"}}, "stale_read"),
        ({"expects": None, "based_on": 0}, "stale_read"),
        ({"confidence": 0.3}, "confidence_below_floor"),
    ],
)
def test_an_unsound_proposal_is_refused_with_its_reason(world: World, change: dict[str, object], code: str) -> None:
    world.promote("crm.account.update:fill-empty")
    refused(world, world.submit(replace(world.action(), **change)), code)  # type: ignore[arg-type]


def test_deletes_and_prices_are_never_an_agents(world: World) -> None:
    for mode in (Mode.ASSISTED, Mode.LIVE):
        world.promote("crm.record.delete", mode)
        deletion = world.action(capability="crm.record.delete", arguments={"confirm": True})
        result = world.submit(deletion)
        refused(world, result, result.code)
        assert result.verdict is not None and result.verdict.tier == "TX"
    assert world.read("account", "a1").get("flags") is None


def test_a_message_waits_for_a_person_at_any_confidence(world: World) -> None:
    world.promote("crm.message.send")
    arguments = letter("c1")
    message = world.action(
        capability="crm.message.send", target=RecordRef("crm", "message", ""), arguments=arguments, expects=None,
        confidence=1.0,
    )  # fmt: skip
    assert world.submit(message).status is S.HELD
    assert world.app.twin.records("message") == []


@pytest.mark.parametrize(
    ("recipients", "body", "code"),
    [(["c1", "c4"], "Hi", "new_prospect"), (["c1"], "The contract is attached.", "contract_related")],
)
def test_first_words_and_contracts_are_for_a_person_to_begin(
    world: World, recipients: list[str], body: str, code: str
) -> None:
    world.promote("crm.message.send")
    arguments = letter(*recipients, body=body)
    there = RecordRef("crm", "message", "")
    message = world.action(capability="crm.message.send", target=there, arguments=arguments, expects=None)
    refused(world, world.submit(message), code)
    begun = world.gateway.submit_as_person(replace(message, id="act_own", idempotency_key="act_own"), "gita")
    assert begun.status is S.HELD and world.app.twin.records("message") == []


def test_who_was_written_to_once_is_no_new_prospect(world: World) -> None:
    crm = world.gateway.door.registry.connector("crm")
    assert crm.first_touch("c4") and crm.first_touch("C4@alder.example") and not crm.first_touch("c1@alder.example")
    arguments = letter("c4")
    there = RecordRef("crm", "message", "")
    message = world.action(capability="crm.message.send", target=there, arguments=arguments, expects=None)
    held = world.gateway.submit_as_person(message, "gita")
    world.app.reviews.approve(held.review, "noah", world.app.reviews.get(held.review).payload_hash)
    assert world.gateway.resume(held.review).status is S.EXECUTED
    assert not crm.first_touch("c4") and not crm.first_touch("c4@alder.example")


def test_nothing_goes_to_somebody_who_opted_out_approved_or_not(world: World) -> None:
    world.promote("crm.message.send")
    arguments = letter("c1", "c2")
    message = world.action(
        capability="crm.message.send", target=RecordRef("crm", "message", ""), arguments=arguments, expects=None
    )
    held = world.submit(message)
    review = world.app.reviews.get(held.review)
    world.app.reviews.approve(held.review, "ravi", review.payload_hash)
    world.app.twin.edit_as("c2", "contact", "c2", {"opted_out": True})
    refused(world, world.gateway.resume(held.review), "opted_out")
    assert world.app.twin.records("message") == []


def test_the_sixth_record_within_ten_minutes_is_held_and_ten_minutes_later_it_is_not(world: World) -> None:
    world.promote("crm.account.update:fill-empty")
    for number in range(1, 6):
        assert world.submit(world.action(to=f"crm/account/a{number}")).status is S.EXECUTED
    sixth = world.submit(world.action(to="crm/account/a6"))
    assert (sixth.status, sixth.code) == (S.HELD, "write_set")
    world.clock.advance(timedelta(minutes=10, seconds=1))
    assert world.submit(world.action(to="crm/account/a7")).status is S.EXECUTED


def test_the_window_in_which_records_are_counted_is_the_one_that_policy_names(world: World) -> None:
    crm = gather(world.root)["policy/crm.yaml"]
    world.publish({"policy/crm.yaml": crm.replace("write_set_minutes: 10", "write_set_minutes: 60")})
    world.promote("crm.account.update:fill-empty")
    for number in range(1, 6):
        assert world.submit(world.action(to=f"crm/account/a{number}")).status is S.EXECUTED
    world.clock.advance(timedelta(minutes=59))
    assert world.submit(world.action(to="crm/account/a6")).code == "write_set"
    world.clock.advance(timedelta(minutes=2))
    assert world.submit(world.action(to="crm/account/a7")).status is S.EXECUTED


def ready(world: World, action: Action, token: str) -> Passage:
    """Take an action up to where its intent would be written."""
    passage = Passage(action, credential=token)
    for stage in STAGES[: STAGES.index(record_intent)]:
        assert stage(passage, world.gateway.door) is GO_ON
    return passage


def together(world: World, acts: list[Callable[[], object]]) -> list[object]:
    """Have several callers append in one commit: all wait while another holds the writer, and then writes nothing."""
    ledger, go = world.app.ledger, threading.Event()

    def hold_up(_: object) -> None:
        go.wait(10)
        raise Conflict("nothing is written")

    answers: list[object] = [None] * len(acts)
    threads = [
        threading.Thread(target=lambda n=n, act=act: answers.__setitem__(n, act())) for n, act in enumerate(acts)
    ]

    def hold() -> None:
        with pytest.raises(Conflict):
            ledger.append([], hold_up)

    holder = threading.Thread(target=hold)
    holder.start()
    while not ledger._writing or ledger._waiting:  # pyright: ignore[reportPrivateUsage]
        time.sleep(0.001)
    for thread in threads:
        thread.start()
    while len(ledger._waiting) < len(acts):  # pyright: ignore[reportPrivateUsage]
        time.sleep(0.001)
    go.set()
    for thread in (holder, *threads):
        thread.join()
    return answers


def test_callers_in_one_commit_do_not_each_get_the_last_place(world_on_each_store: World) -> None:
    """I7 and I3 where several intents share a commit: the later one sees what the earlier one wrote."""
    world = world_on_each_store
    world.promote("crm.account.update:fill-empty")
    for number in range(1, 5):
        assert world.submit(world.action(to=f"crm/account/a{number}")).status is S.EXECUTED
    token = world.token()
    rivals = [ready(world, world.action(to=f"crm/account/a{number}"), token) for number in (5, 6, 7)]
    answers = together(world, [lambda p=p: record_intent(p, world.gateway.door) for p in rivals])
    assert sum(answer is GO_ON for answer in answers) == 1, answers
    assert [a.code for a in answers if isinstance(a, Stop)] == ["world_moved"] * 2


def test_a_suspension_in_the_same_commit_is_seen(world: World) -> None:
    world.promote("crm.account.update:fill-empty")
    passage = ready(world, world.action(), world.token())
    suspended = Draft(
        "agent.suspended", Actor("noah"), {"agent": "tester@1", "reason": "stop"}, subject="agent/tester@1"
    )
    _, answer = together(
        world,
        [lambda: world.app.ledger.append([suspended]), lambda: record_intent(passage, world.gateway.door)],
    )
    first = next(iter(world.app.ledger.entries(kinds={"agent.suspended"}))).position
    assert answer is GO_ON or (isinstance(answer, Stop) and answer.code == "agent_suspended")
    intents = [entry.position for entry in world.app.ledger.entries(kinds={"action.intended"})]
    assert all(position < first for position in intents)


@pytest.mark.parametrize("moved", ["token", "person"])
def test_a_token_revoked_or_a_person_gone_in_the_meantime_is_seen(world: World, moved: str) -> None:
    world.promote("crm.account.update:fill-empty")
    token = world.token()
    passage = ready(world, world.action(), token)
    assert passage.person is not None
    if moved == "token":
        world.gateway.door.tokens.revoke(passage.token, Actor("ada"), "stolen")
    else:
        gone = Draft(
            "person.deactivated", Actor("ada"), {"id": passage.person.id}, subject=f"person/{passage.person.id}"
        )
        world.app.ledger.append([gone])
    answer = record_intent(passage, world.gateway.door)
    assert isinstance(answer, Stop) and answer.code == {"token": "unauthenticated", "person": "world_moved"}[moved]
    assert not list(world.app.ledger.entries(kinds={"action.intended"}))


def test_a_new_version_does_not_start_a_new_operation(world: World) -> None:
    world.promote("crm.account.update:fill-empty")
    manifest = world.gateway.door.agents.get(AgentRef("tester", "1")).manifest
    world.gateway.door.agents.register(manifest.model_copy(update={"version": "2"}), by="ada")
    world.promote("crm.account.update:fill-empty", agent="tester@2")
    for number in range(1, 6):
        assert world.submit(world.action(to=f"crm/account/a{number}")).status is S.EXECUTED
    assert world.submit(world.action(to="crm/account/a6"), world.token("tester@2")).status is S.HELD


def test_a_bulk_allowance_covers_what_two_people_allowed_and_no_more(world: World) -> None:
    world.promote("crm.account.update:fill-empty", bulk_allowance=7)
    statuses = [world.submit(world.action(to=f"crm/account/a{number}")).status for number in range(1, 9)]
    assert statuses == [S.EXECUTED] * 7 + [S.HELD]


def test_the_same_act_twice_happens_once(world: World) -> None:
    world.promote("crm.account.update:fill-empty")
    first = world.submit(world.action(idempotency_key="once"))
    again = world.submit(replace(world.action(value="software", idempotency_key="once"), expects={"industry": None}))
    assert first.status is S.EXECUTED and again.replayed and again.status is S.EXECUTED
    assert len(world.committed()) == 1


def test_a_key_used_for_another_payload_is_refused_and_the_first_act_still_stands(world: World) -> None:
    world.promote("crm.account.update:fill-empty")
    first = world.submit(world.action(idempotency_key="once"))
    refused(world, world.submit(world.action("phone", "1", idempotency_key="once")), "key_reused")
    again = world.submit(replace(world.action(idempotency_key="once"), expects={"industry": None}))
    assert again.replayed and first.action.id in again.sentence


def test_a_shadowed_act_is_told_again_and_not_judged_again(world: World) -> None:
    first = world.submit(world.action(idempotency_key="once"))
    before = len(list(world.app.ledger.entries(kinds={"action.shadowed"})))
    again = world.submit(world.action(idempotency_key="once"))
    assert (again.status, again.replayed) == (S.SHADOWED, True) and first.action.id in again.sentence
    refused(world, world.submit(world.action("phone", "1", idempotency_key="once")), "key_reused")
    assert len(list(world.app.ledger.entries(kinds={"action.shadowed"}))) == before


def test_a_shadowed_act_is_judged_anew_once_its_agent_was_promoted(world: World) -> None:
    world.submit(world.action(idempotency_key="once"))
    world.promote("crm.account.update:fill-empty")
    done = world.submit(world.action(idempotency_key="once"))
    assert (done.status, done.replayed) == (S.EXECUTED, False)
    assert world.submit(replace(world.action(idempotency_key="once"), expects={"industry": None})).replayed


def test_a_refused_act_may_be_asked_again_under_its_key(world: World) -> None:
    token = world.token()
    world.gateway.door.agents.suspend(AgentRef("tester", "1"), "gita", "it guesses")
    refused(world, world.submit(world.action(idempotency_key="once"), token), "agent_suspended")
    world.gateway.door.agents.resume(AgentRef("tester", "1"), "gita", "mended")
    assert not world.submit(world.action(idempotency_key="once"), token).replayed


def test_a_key_tells_nothing_to_who_was_not_let_in_or_to_another_agent(world: World) -> None:
    world.promote("crm.account.update", Mode.ASSISTED)
    held = world.submit(world.action(idempotency_key="once"))
    gone, grant = world.gateway.door.tokens.issue(AgentRef("tester", "1"), "gita", by=Actor("gita"))
    world.gateway.door.tokens.revoke(grant.id, Actor("ada"), "leaked")
    for token, code in ((gone, "unauthenticated"), (world.token("hygiene@1"), "key_reused")):
        other = world.gateway.submit(world.action(idempotency_key="once"), token)
        refused(world, other, code)
        assert held.action.id not in other.sentence and other.review == ""


def test_a_late_refusal_of_the_same_act_does_not_unmake_it(world_on_each_store: World) -> None:
    world = world_on_each_store
    world.promote("crm.account.update:fill-empty")
    action, token = world.action(), world.token()
    late = Passage(action, credential=token)
    assert all(stage(late, world.gateway.door) is GO_ON for stage in STAGES[: STAGES.index(record_intent)])
    assert world.gateway.submit(action, token).status is S.EXECUTED
    answer = record_intent(late, world.gateway.door)
    assert isinstance(answer, Stop) and answer.code == "already_executed"
    drafts = [action_draft(late, answer.status, answer.code, answer.sentence)]
    world.app.ledger.append(drafts)
    assert world.gateway.row(action.id).status == "executed" and len(world.committed()) == 1


def test_overwriting_a_persons_value_is_reviewed_and_says_whose_it_is(world: World) -> None:
    world.promote("crm.account.update")
    world.app.twin.edit_as("rosa", "account", "a1", {"industry": "retail"})
    world.app.take_in()
    held = world.submit(world.action())
    assert held.status is S.HELD and held.verdict is not None
    assert any(r.code == "overwrites_person" and "rosa" in r.sentence for r in held.verdict.reasons)


def test_a_ledger_that_cannot_be_written_stops_everything(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.promote("crm.account.update:fill-empty")
    token = world.token()

    def unavailable(*_: object, **__: object) -> None:
        raise LedgerUnavailable("the disk is full.")

    monkeypatch.setattr(world.app.ledger, "append", unavailable)
    with pytest.raises(LedgerUnavailable):
        world.submit(world.action(), token)
    assert world.committed() == []


def test_a_scoped_read_shows_the_contract_and_is_recorded(world: World) -> None:
    snapshot = world.gateway.read(RecordRef.parse("crm/account/a1"), world.token())
    assert snapshot.fields["name"] == "Alder 1"
    assert [e.body["target"] for e in world.app.ledger.entries(kinds={"record.read"})] == ["crm/account/a1"]


@pytest.mark.parametrize(
    "changed",
    [
        {"external": True, "effect": Effect.DRAFT},
        {"change": ChangeKind.UNCLASSIFIED},
        {"reversibility": Reversibility.IRREVERSIBLE},
    ],
    ids=str,
)
def test_whatever_policy_says_what_cannot_be_undone_needs_a_person(
    world: World, monkeypatch: pytest.MonkeyPatch, changed: dict[str, Any]
) -> None:
    """I1 in the last guard: it holds though every consideration and rule before it had failed."""
    world.promote("crm.account.update:fill-empty")
    capabilities = world.gateway.door.registry.capabilities
    capabilities["crm.account.update"] = replace(capabilities["crm.account.update"], **changed)
    free = Verdict(Treatment.AUTO, Tier.T1, (Reason("rule", "everything goes", Treatment.AUTO),), "broken")
    monkeypatch.setattr("pilothouse.gateway.stages.decide.judge", lambda facts, policy: free)
    if changed.get("external"):
        until = world.clock.now() + timedelta(days=1)
        world.app.compliance.sign_off("crm.account.update", "Reviewed for this test.", until, "ada")
    assert world.submit(world.action()).code == "approval_required" and world.committed() == []


def test_what_a_person_undid_is_remembered_through_a_time_in_shadow(world: World) -> None:
    def propose() -> Result:
        return world.submit(world.action(idempotency_key="deterministic", expects={"industry": None}))

    world.promote("crm.account.update:fill-empty")
    assert propose().status is S.EXECUTED
    apply(world.gateway, Scope(agent="tester@1"), "gita", "wrong")
    world.promote("crm.account.update:fill-empty", Mode.SHADOW)
    assert propose().status is S.SHADOWED
    world.promote("crm.account.update:fill-empty")
    again = propose()
    assert (again.status, again.code) == (S.HELD, "undone_before") and len(world.committed()) == 2
