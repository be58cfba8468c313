"""The golden record: whose value counts, why, how old it is, and who says otherwise."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import permutations
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.world import World

from pilothouse.assembly import SYSTEM
from pilothouse.data.contracts import Contract
from pilothouse.data.defining.reading import load_definitions
from pilothouse.data.freshness import GoodFor, freshness
from pilothouse.data.golden.agreement import agree
from pilothouse.data.golden.record import GoldenValue, Told, golden
from pilothouse.data.golden.survivorship import SurvivorRule, Survivorship, load_survivorship
from pilothouse.data.store import Observation
from pilothouse.data.view import DataView
from pilothouse.vocabulary.actors import Actor
from pilothouse.vocabulary.documents import DocumentError
from pilothouse.vocabulary.errors import InvalidInput, NotFound
from pilothouse.vocabulary.records import FieldValue, RecordRef, WriterKind
from pilothouse.vocabulary.values import Json
from pilothouse.workspace.config import STARTER

GITA = Actor("gita")
NOW = datetime(2026, 7, 1, tzinfo=UTC)
RULES = Survivorship(objects={"account": {"industry": SurvivorRule(max_age_days=365)}})


def told(
    system: str, value: Json, kind: WriterKind, *, month: int = 6, writer: str = "", field: str = "industry"
) -> Told:
    at = datetime(2026, month, 3, tzinfo=UTC)
    return Told(RecordRef(system, "account", "1"), field, FieldValue(value, system, at, kind, writer or system))


def of(*values: Told, rules: Survivorship = RULES, as_of: datetime = NOW) -> GoldenValue:
    [chosen] = golden(values, rules, as_of).values()
    return chosen


def test_a_persons_value_wins_over_a_newer_one_and_says_so() -> None:
    ann = told("crm", "retail", WriterKind.PERSON, month=5, writer="Ann")
    chosen = of(told("enrichment", "media", WriterKind.ENRICHMENT), ann)
    assert (chosen.value, chosen.source) == ("retail", ann)
    assert chosen.why == (
        "Ann wrote it in crm on 3 May 2026; enrichment of 3 Jun 2026 says otherwise, a person's value wins."
    )
    assert [each.value.value for each in chosen.losing] == ["media"]


def test_hands_then_systems_then_dates_decide() -> None:
    rule = {"account": {"industry": SurvivorRule(systems=("billing", "crm"))}}
    system, imported = WriterKind.SYSTEM, WriterKind.IMPORT
    assert of(told("x", "a", imported), told("y", "b", system, month=1)).value == "b"
    chosen = of(told("crm", "a", imported), told("billing", "b", imported, month=1), rules=Survivorship(objects=rule))
    assert chosen.value == "b" and "billing goes before crm for industry" in chosen.why
    chosen = of(told("crm", "a", imported, month=1), told("billing", "b", imported))
    assert chosen.value == "b" and "the newer value counts" in chosen.why
    assert "nothing sets them apart" in of(told("crm", "a", imported), told("billing", "b", imported)).why


def test_a_consent_withdrawn_anywhere_is_withdrawn() -> None:
    rules = load_survivorship(STARTER / "definitions")
    at = datetime(2026, 1, 1, tzinfo=UTC)

    def says(system: str, value: bool, kind: WriterKind, day: int) -> Told:
        value_ = FieldValue(value, system, at + timedelta(days=day), kind, system)
        return Told(RecordRef(system, "contact", "1"), "opted_out", value_)

    chosen = of(says("crm", False, WriterKind.PERSON, 90), says("map", True, WriterKind.IMPORT, 1), rules=rules)
    assert chosen.value is True and "counts whoever wrote it" in chosen.why


def test_those_who_agree_support_a_value_and_keep_it_fresh() -> None:
    old = Told(RecordRef("crm", "account", "1"), "country", told("crm", "Germany", WriterKind.PERSON, month=1).value)
    new = Told(RecordRef("erp", "account", "1"), "country", told("erp", "DE", WriterKind.IMPORT).value)
    rules = Survivorship(objects={"account": {"country": SurvivorRule(max_age_days=60)}})
    alone, both = of(old, rules=rules), of(old, new, rules=rules)
    assert alone.stale and not both.stale
    assert (both.value, both.agreeing, both.losing) == ("Germany", (new,), ())
    assert both.why == "crm wrote it in crm on 3 Jan 2026; erp agrees."
    assert (both.confirmed_at, both.freshness.age_days) == (new.value.at, 28)


@pytest.mark.parametrize(
    ("field", "one", "other", "alike"),
    [
        ("name", "Alder GmbH", "ALDER G.m.b.H.", True),
        ("name", "Alder GmbH", "Alder", True),
        ("name", "Alder GmbH", "Alder Inc.", False),
        ("name", "Alder", "Elder", False),
        ("domain", "https://www.alder.example/", "alder.example", True),
        ("website", "alder.example/de", "alder.example/en", False),
        ("website", "http://www.alder.example", "https://alder.example/", True),
        ("phone", "+49 30 1234567", "030/1234567", True),
        ("phone", "+49 30 1234567", "+49 30 1234568", False),
        ("country", "Germany", "de", True),
        ("country", "United States of America", "US", True),
        ("country", "Germany", "France", False),
        ("industry", "Retail ", "retail", True),
        ("employee_count", 10, 10.0, True),
        ("is_customer", True, 1, False),
    ],
)
def test_values_that_mean_the_same_agree(field: str, one: Json, other: Json, alike: bool) -> None:
    assert agree("account", field, one, other) is alike and agree("account", field, other, one) is alike


KINDS, SYSTEMS, VALUES = (
    st.sampled_from(list(WriterKind)),
    st.sampled_from("abcd"),
    st.sampled_from(["x", "X", "y", "z", "", None]),
)
ANY = st.builds(
    told, SYSTEMS, VALUES, KINDS, month=st.integers(1, 6), writer=st.sampled_from(["", "ann", "bob"])
)  # fmt: skip
ORDERS = st.builds(
    lambda systems: Survivorship(
        objects={"account": {"industry": SurvivorRule(systems=tuple(systems), max_age_days=90)}}
    ),
    st.lists(SYSTEMS, unique=True),
)


@settings(deadline=None)
@given(st.lists(ANY, max_size=4), ORDERS)
def test_the_order_of_members_never_matters(values: list[Told], rules: Survivorship) -> None:
    results = [golden(order, rules, NOW) for order in permutations(values)]
    assert all(each == results[0] for each in results)


@settings(deadline=None)
@given(st.lists(ANY, min_size=1, max_size=5), ANY, ORDERS)
def test_a_weaker_and_older_value_never_changes_what_counts(
    values: list[Told], extra: Told, rules: Survivorship
) -> None:
    before = golden(values, rules, NOW).get("industry")
    after = golden([*values, extra], rules, NOW).get("industry")
    order = rules.order("account", "industry")
    if before is None or after is None:
        return
    weaker = order.index(extra.value.writer_kind) > order.index(before.source.value.writer_kind)
    if weaker and extra.value.at < before.source.value.at:
        assert (after.value, after.source, after.freshness) == (before.value, before.source, before.freshness)


@settings(deadline=None)
@given(st.lists(ANY, min_size=1, max_size=5), ORDERS)
def test_every_value_is_chosen_agrees_or_loses_and_a_persons_never_loses_to_a_machines(
    values: list[Told], rules: Survivorship
) -> None:
    filled = [each for each in values if each.value.value]
    chosen = golden(values, rules, NOW).get("industry")
    assert (chosen is None) == (not filled)
    if chosen is not None:
        assert len(chosen.agreeing) + len(chosen.losing) + 1 == len(filled)
        people = [each for each in filled if each.value.writer_kind is WriterKind.PERSON]
        assert not people or chosen.source in people
        assert chosen.value and "industry" not in chosen.why.split(";")[0]


def test_freshness_has_an_edge_and_no_negative_ages() -> None:
    schedule = {"account": {"phone": GoodFor(10)}}
    at = NOW - timedelta(days=10)
    assert freshness("account", "phone", at, NOW, schedule).stale is False
    over = freshness("account", "phone", at - timedelta(seconds=1), NOW, schedule)
    assert (over.age_days, over.max_age_days, over.stale) == (10, 10, True)
    assert freshness("account", "city", at - timedelta(days=9999), NOW, schedule).stale is False
    assert freshness("account", "phone", NOW + timedelta(days=3), NOW, schedule).age_days == 0


BAD = (
    ("version: 1\nobjects:\n  acount: {phone: {}}\n", 3, "'acount' is no object"),
    ("version: 1\nobjects:\n  account:\n    phone: {}\n    fone: {}\n", 5, "no field 'fone'"),
    ("version: 1\nobjects:\n  account:\n    phone: {max_age_days: 0}\n", 4, "out of bounds"),
    ("version: 1\nobjects:\n  account:\n    phone:\n      writers: [import, person]\n", 5, "must begin with person"),
    (
        "version: 1\nobjects:\n  account:\n    phone: {sistems: [crm]}\n",
        4,
        "unknown field 'sistems'; did you mean 'systems'?",
    ),
    ("version: 1\nobjects:\n  account:\n    phone: {systems: [crm, crm]}\n", 4, "stands twice"),
    ("version: 1\nwriters: [person, import]\n", 2, "name each once"),
    ("version: 1\nwriters: [person, robot]\n", 2, "writers"),
)


@pytest.mark.parametrize(("text", "line", "says"), BAD, ids=[says for _, _, says in BAD])
def test_a_wrong_rule_is_named_with_file_and_line(tmp_path: Path, text: str, line: int, says: str) -> None:
    (tmp_path / "survivorship.yaml").write_text(text)
    with pytest.raises(DocumentError, match=says) as caught:
        load_definitions(tmp_path)
    assert caught.value.line == line and caught.value.path.name == "survivorship.yaml"


def test_without_a_file_the_default_order_holds(tmp_path: Path) -> None:
    rules = load_definitions(tmp_path).survivorship
    assert rules == Survivorship() and not rules.schedule
    assert load_survivorship(STARTER / "definitions").schedule["account"]["employee_count"].days == 180


def saw(world: World, ref: RecordRef, fields: dict[str, Json], at: datetime, kind: WriterKind, writer: str) -> None:
    world.app.store.observe([Observation(ref, fields, at, kind, writer)], GITA)


def joined(world: World) -> tuple[RecordRef, RecordRef]:
    """Two records of one account: Ann's in the CRM, an enrichment's."""
    crm, other = RecordRef(SYSTEM, "account", "n1"), RecordRef("enrich", "account", "e1")
    same: dict[str, Json] = {"name": "Nordlicht Optik GmbH", "domain": "nordlicht.example", "country": "Germany"}
    start = datetime(2025, 1, 10, tzinfo=UTC)
    saw(world, crm, {**same, "industry": None}, start, WriterKind.IMPORT, "import:a.csv")
    saw(world, other, {**same, "industry": "media"}, start, WriterKind.ENRICHMENT, "vendor")
    saw(world, crm, {"industry": "retail"}, datetime(2025, 5, 3, tzinfo=UTC), WriterKind.PERSON, "Ann")
    saw(world, other, {"industry": "mining"}, datetime(2025, 8, 1, tzinfo=UTC), WriterKind.ENRICHMENT, "vendor")
    world.app.resolver.judge(crm, other, same=True, by="gita", why="one company")
    world.app.resolver.resolve("account", 0)
    return crm, other


def test_what_counted_at_a_moment_in_the_past_knows_nothing_later(world_on_each_store: World) -> None:
    world = world_on_each_store
    crm, other = joined(world)
    records = world.app.golden

    def industry(month: int) -> GoldenValue:
        return records.then(other, datetime(2025, month, 15, tzinfo=UTC)).fields["industry"]

    assert (industry(2).value, industry(2).losing) == ("media", ())
    assert (industry(6).value, [each.value.value for each in industry(6).losing]) == ("retail", ["media"])
    assert [each.value.value for each in industry(9).losing] == ["mining"]
    for month in (2, 6, 9):
        every = (industry(month).source, *industry(month).agreeing, *industry(month).losing)
        assert all(each.value.at <= datetime(2025, month, 15, tzinfo=UTC) for each in every)
    with pytest.raises(NotFound):
        records.then(crm, datetime(2024, 1, 1, tzinfo=UTC))
    with pytest.raises(InvalidInput):
        records.then(crm, datetime(999, 1, 1, tzinfo=UTC))
    now = records.now(crm, world.clock.now())
    assert now.members == (crm, other) and now.fields["industry"].value == "retail" and now.entity


def test_stale_values_are_known_and_can_be_refused(world: World) -> None:
    crm, _ = joined(world)
    record = world.app.golden.now(crm, datetime(2028, 6, 1, tzinfo=UTC))
    assert "industry" in record.stale and record.usable("industry") is None
    assert record.usable("name") is not None and record.usable("phone") is None


def test_an_agent_sees_only_what_its_contract_lets_it_read(world: World) -> None:
    crm, other = joined(world)

    def view(read: dict[str, object]) -> DataView:
        contract = Contract.model_validate({"contract": "c", "version": 1, "summary": "s", "read": read})
        app = world.app
        return DataView(app.store, app.entities, contract, app.definitions, world.clock.now(), SYSTEM)

    whole = view({"account": "*"}).golden(crm)
    assert whole is not None and whole.members == (crm, other) and whole.fields["industry"].value == "retail"
    some = view({"account": ["name", "country"]}).golden(crm)
    assert some is not None and set(some.fields) == {"name", "country"}
    assert view({"contact": "*"}).golden(crm) is None


def test_a_reference_means_the_entity_it_leads_to(world: World) -> None:
    crm, other = joined(world)
    at = datetime(2025, 2, 1, tzinfo=UTC)
    person: dict[str, Json] = {"email": "eva@nordlicht.example", "first_name": "Eva", "last_name": "Holm"}
    one, two = RecordRef(SYSTEM, "contact", "p1"), RecordRef("enrich", "contact", "x9")
    saw(world, one, {**person, "account": crm.id}, at, WriterKind.IMPORT, "a")
    saw(world, two, {**person, "account": other.id}, at, WriterKind.IMPORT, "b")
    world.app.resolver.judge(one, two, same=True, by="gita", why="one person")
    world.app.resolver.resolve("contact", 0)
    account = world.app.golden.now(one, world.clock.now()).fields["account"]
    assert account.losing == () and len(account.agreeing) == 1
