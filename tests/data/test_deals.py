"""Deals of several systems that are one deal: under one lasting identifier, whatever came first and whoever disagrees."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import combinations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.data.test_buyer_graph import tell
from tests.world import World
from typer.testing import CliRunner

from pilothouse.data.identity.entities import Judgement
from pilothouse.data.identity.mirrors import Group, Side, grouped, shown, side_of
from pilothouse.data.store import Record
from pilothouse.ledger.entries import Draft
from pilothouse.surfaces.cli.main import app as cli
from pilothouse.vocabulary.actors import Actor
from pilothouse.vocabulary.clock import unstamp
from pilothouse.vocabulary.errors import Conflict, InvalidInput
from pilothouse.vocabulary.records import FieldValue, RecordRef, WriterKind

AT = unstamp("2026-01-01")
CRM, BILLING, SHEET = "crm/opportunity/d1", "billing/opportunity/q1", "sheet/opportunity/s1"


def deal(ref: str, **fields: Any) -> Record:
    record = RecordRef.parse(ref)
    return Record(record, {n: FieldValue(v, record.system, AT, WriterKind.IMPORT, "t") for n, v in fields.items()})


def groups(deals: Sequence[Record], *said: Judgement) -> list[Group]:
    return grouped((side_of(each, "one account") for each in deals), said)


def word(one: str, other: str, same: bool) -> Judgement:
    return Judgement(RecordRef.parse(one), RecordRef.parse(other), same, "gita", AT, "seen")


def test_two_of_amount_date_and_name_make_one_deal_and_one_does_not() -> None:
    crm = deal("crm/opportunity/1", name="Alder – Compass", amount=1000, close_date="2026-03-01")
    for other, wanted in (
        (deal("b/opportunity/9", name="Quote 77", amount=1005, close_date="2026-03-10"), 1),
        (deal("b/opportunity/9", name="Compass for Alder", amount=1000), 1),
        (deal("b/opportunity/9", name="Quote 77", amount=1000, close_date="2026-06-01"), 2),
        (deal("b/opportunity/9", name="Alder Compass"), 2),
        (deal("b/opportunity/9", amount=0, close_date="2026-03-01"), 2),
        (deal("crm/opportunity/2", name="Alder – Compass", amount=1000, close_date="2026-03-01"), 2),
    ):
        assert len(groups([crm, other])) == wanted, other
    [mirror] = shown([deal("b/opportunity/9", name="Alder Compass", amount=1000), crm])
    assert "same account, amount 1,000 and 1,000, name alike" in mirror.because


def test_a_deal_never_takes_two_of_one_system_and_takes_the_nearer() -> None:
    twins = [
        deal(f"b/opportunity/{n}", name="Alder Compass", amount=1000, close_date=f"2026-03-0{9 - n}") for n in (1, 2)
    ]
    crm = deal("crm/opportunity/1", name="Alder Compass", amount=1000, close_date="2026-03-06")
    found = {frozenset(str(ref) for ref in group.records) for group in groups([*twins, crm])}
    assert found == {frozenset({"crm/opportunity/1", "b/opportunity/2"}), frozenset({"b/opportunity/1"})}


def test_deals_of_different_accounts_or_of_none_are_never_compared() -> None:
    told = {"name": "Renewal", "amount": 1000, "close_date": "2026-03-01"}
    pair = [deal("crm/opportunity/1", **told), deal("b/opportunity/9", **told)]
    assert len(grouped([side_of(pair[0], "a"), side_of(pair[1], "b")])) == 2
    assert len(grouped([side_of(each, "") for each in pair])) == 2


DEALS = st.lists(
    st.builds(
        Side,
        ref=st.builds(RecordRef, st.sampled_from(("a", "b", "c")), st.just("opportunity"), st.sampled_from("123")),
        account=st.sampled_from(("x", "x", "y", "")),
        amount=st.sampled_from((None, 100.0, 100.5, 500.0)),
        closes=st.sampled_from((None, AT.date(), AT.date().replace(day=9), AT.date().replace(month=6))),
        name=st.sampled_from(("", "alder compass", "compass for alder", "renewal")),
    ),
    unique_by=lambda side: side.ref,
    max_size=9,
)


@given(sides=DEALS, data=st.data())
def test_any_order_gives_the_same_deals_and_a_judgement_always_wins(sides: list[Side], data: st.DataObject) -> None:
    pairs = list(combinations(sorted(each.ref for each in sides), 2))
    said = [Judgement(*pair, False, "gita", AT, "") for pair in pairs if data.draw(st.booleans(), label=str(pair))]
    if pairs:
        chosen = data.draw(st.sampled_from(pairs))
        said = [each for each in said if {each.one, each.other} != set(chosen)]
        said.append(Judgement(*chosen, True, "gita", AT, ""))
    first = grouped(sides, said)
    again = grouped(data.draw(st.permutations(sides)), said)
    assert {frozenset(g.records) for g in first} == {frozenset(g.records) for g in again}
    assert sorted(ref for group in first for ref in group.records) == sorted(each.ref for each in sides)
    of = {ref: id(group) for group in first for ref in group.records}
    for each in said:
        assert (of[each.one] == of[each.other]) is each.same
    told = {frozenset((each.one, each.other)) for each in said if each.same}
    for group in first:
        for one, other in combinations(group.records, 2):
            linked = any(pair <= set(group.records) for pair in told)
            assert one.system != other.system or linked
        assert len(group.mirrors) == len(group.records) - 1


def known(world: World, system: str = "crm", deal_id: str = "d1", **more: Any) -> None:
    account = "a1" if system == "crm" else "x1"
    tell(world, f"{system}/account/{account}", name="Alder")
    fields: dict[str, Any] = {"name": "Alder Compass", "account": account, "amount": 500.0, "stage": "Proposal", **more}
    tell(world, f"{system}/opportunity/{deal_id}", **fields)


def one_account(world: World, *records: str) -> None:
    change = {"id": "ent_1", "joined": list(records), "left": [], "size": len(records), "into": "", "confidence": 1.0}
    world.app.ledger.append([Draft("identity.changed", Actor("gita"), {"object": "account", "changes": [change]})])


def ident(world: World, ref: str) -> str:
    found = world.app.entities.of(RecordRef.parse(ref))
    assert found is not None and found.object == "opportunity"
    return found.id


def resolved(world: World) -> int:
    return world.app.resolver.resolve("opportunity").changed


def judge(world: World, one: str, other: str, same: bool) -> None:
    world.app.resolver.judge(RecordRef.parse(one), RecordRef.parse(other), same=same, by="gita", why="I asked them.")


def test_identifiers_of_deals_last_and_a_mirror_that_comes_later_joins(world_on_each_store: World) -> None:
    world = world_on_each_store
    known(world)
    one_account(world, "crm/account/a1", "billing/account/x1", "sheet/account/x1")
    resolved(world)
    before = ident(world, CRM)
    assert before.startswith("deal_")
    assert resolved(world) == 0
    known(world, "billing", "q1")
    assert resolved(world) == 1
    assert ident(world, CRM) == ident(world, BILLING) == before
    tell(world, CRM, amount=500_000.0, name="Another thing")
    assert resolved(world) == 2
    assert {ident(world, CRM), ident(world, BILLING)} > {before}
    tell(world, CRM, amount=500.0, name="Alder Compass")
    resolved(world)
    assert ident(world, CRM) == ident(world, BILLING) == before
    reopened = world.reopened()
    reopened.app.ledger.rebuild()
    assert ident(reopened, CRM) == before and resolved(reopened) == 0


def test_a_judgement_takes_deals_apart_and_joins_others(world_on_each_store: World) -> None:
    world = world_on_each_store
    known(world)
    known(world, "billing", "q1")
    known(world, "sheet", "s1", name="Nothing alike", amount=9.0)
    one_account(world, "crm/account/a1", "billing/account/x1", "sheet/account/x1")
    resolved(world)
    before = ident(world, CRM)
    assert ident(world, BILLING) == before != ident(world, SHEET)
    judge(world, CRM, BILLING, same=False)
    judge(world, CRM, SHEET, same=True)
    with pytest.raises(Conflict):
        judge(world, SHEET, BILLING, same=True)
    resolved(world)
    assert ident(world, CRM) == ident(world, SHEET) != ident(world, BILLING)
    measured = world.app.measure_pipeline("crm", world.clock.now(), Actor("gita"))
    assert sorted(deal.records for deal in measured.deals if BILLING in deal.records or CRM in deal.records) == [
        (BILLING,), (CRM, SHEET),
    ]  # fmt: skip
    joined = next(deal for deal in measured.deals if CRM in deal.records)
    assert [mirror.because for mirror in joined.mirrors] == ["gita said so"]
    judge(world, CRM, BILLING, same=True)
    resolved(world)
    assert ident(world, CRM) == ident(world, SHEET) == ident(world, BILLING)


def test_a_word_on_two_accounts_settles_their_deals(world: World) -> None:
    known(world)
    known(world, "billing", "q1")
    one_account(world, "crm/account/a1", "billing/account/x1")
    resolved(world)
    assert ident(world, CRM) == ident(world, BILLING)
    one, other = RecordRef.parse("crm/account/a1"), RecordRef.parse("billing/account/x1")
    world.app.resolver.judge(one, other, same=False, by="gita", why="Namesakes.")
    world.app.resolver.settle("account")
    assert ident(world, CRM) != ident(world, BILLING)


def test_a_deal_that_a_word_joins_across_accounts_is_counted_once_and_under_the_leading_account(world: World) -> None:
    known(world)
    tell(world, "billing/account/x9", name="Somebody else")
    tell(world, BILLING, name="Quote", account="x9", amount=7.0, stage="Proposal")
    judge(world, CRM, BILLING, same=True)
    measured = world.app.measure_pipeline("crm", world.clock.now(), Actor("gita"))
    [found] = [deal for deal in measured.deals if {CRM, BILLING} & set(deal.records)]
    assert (found.records, found.account, found.amount) == ((CRM, BILLING), "crm/account/a1", 500.0)


def test_the_features_of_an_account_count_a_mirrored_deal_once(world: World) -> None:
    known(world)
    known(world, "billing", "q1")
    one_account(world, "crm/account/a1", "billing/account/x1")
    ref, now = RecordRef.parse("crm/account/a1"), world.clock.now()
    apart = world.app.graph.features(ref, now, world.app.ledger.size())
    resolved(world)
    joined = world.app.graph.features(ref, now, world.app.ledger.size())
    assert (apart.open_deals - joined.open_deals, apart.open_amount - joined.open_amount) == (1, 500.0)


def test_the_command_line_shows_why_two_deals_are_one(world: World) -> None:
    known(world)
    known(world, "billing", "q1")
    one_account(world, "crm/account/a1", "billing/account/x1")
    resolved(world)

    def call(*words: str) -> str:
        done = CliRunner().invoke(cli, [*words, "--workspace", str(world.root)])
        assert done.exit_code == 0, done.output
        return done.output

    shown_now = " ".join(call("entities", "show", BILLING).split())
    assert f"{BILLING} and {CRM} are one: same account, amount 500 and 500, name alike to 100 %." in shown_now
    told = json.loads(call("entities", "show", BILLING, "--json"))
    assert told["id"] == ident(world, CRM) and told["because"][0]["other"] == CRM
    call("entities", "different", CRM, BILLING, "--why", "Two quotes.", "--as", "gita")
    assert ident(world, CRM) != ident(world, BILLING)


def test_deals_have_no_weights_to_learn(world: World) -> None:
    with pytest.raises(InvalidInput, match="weights"):
        world.app.learner.state("opportunity")
