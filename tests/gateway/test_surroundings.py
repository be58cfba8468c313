"""The account, the people and the earlier answers that stand around an action reach its decision."""

from __future__ import annotations

from typing import Any

from tests.world import World, letter

from pilothouse.vocabulary.outcomes import ActionStatus
from pilothouse.vocabulary.records import RecordRef


def decided_on(world: World) -> dict[str, Any]:
    entries = [each for each in world.app.ledger.entries() if each.value("facts") is not None]
    return entries[-1].value("facts")


def test_the_account_of_a_deal_is_known_to_the_decision(world: World) -> None:
    world.promote("crm.opportunity.update:fill-empty")
    world.submit(world.action("next_step", "call", to="crm/opportunity/o1"))
    assert decided_on(world)["account_id"] == "a1" and decided_on(world)["account"]["country"] == "Germany"


def test_somebody_who_heads_their_company_is_counted(world: World) -> None:
    world.promote("crm.contact.update:fill-empty")
    held = world.submit(world.action("title", "Chief Revenue Officer", to="crm/contact/c1"))
    assert held.status is ActionStatus.EXECUTED and decided_on(world)["executives"] == 0
    result = world.submit(world.action("phone", "+49 30 1234567", to="crm/contact/c1"))
    assert decided_on(world)["executives"] == 1 and result.verdict is not None
    assert result.verdict.rule == "heads-of-companies" and result.status is ActionStatus.HELD


def test_what_was_rejected_is_for_somebody_else_to_decide_the_next_time(world: World) -> None:
    world.promote("crm.account.update:fill-empty")
    held = world.submit(world.action(confidence=0.6))
    world.app.reviews.reject(held.review, "ravi", "not what they do")
    again = world.submit(world.action(value="mining", confidence=0.99))
    assert again.code == "rejected_before" and again.status is ActionStatus.HELD
    other = world.submit(world.action("phone", "+49 30 1234567", confidence=0.99))
    assert other.status is ActionStatus.EXECUTED, "another field of the record is another matter"


def test_an_approval_of_a_second_attempt_carries_it_through(world: World) -> None:
    world.promote("crm.account.update:fill-empty")
    held = world.submit(world.action(confidence=0.6))
    world.app.reviews.reject(held.review, "ravi", "not what they do")
    again = world.submit(world.action(value="mining", confidence=0.99))
    world.app.reviews.approve(again.review, "ravi", world.app.reviews.get(again.review).payload_hash)
    assert world.gateway.resume(again.review).status is ActionStatus.EXECUTED
    assert world.read("account", "a1")["industry"] == "mining"


def test_people_of_several_companies_belong_to_none(world: World) -> None:
    to = ["c1", "c2"]
    message = world.action(
        capability="crm.message.send", target=RecordRef("crm", "message", ""), expects=None,
        arguments=letter(*to),
    )  # fmt: skip
    world.promote("crm.message.send")
    world.submit(message)
    assert decided_on(world)["account_id"] == "a1" and decided_on(world)["countries"] == [""]
