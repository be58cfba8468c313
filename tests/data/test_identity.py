"""One company is one company: names, groups, lasting identifiers, people's judgements, and quality on known truth."""

from __future__ import annotations

import csv
import itertools
import time
from collections.abc import Mapping
from pathlib import Path

import duckdb
import numpy as np
import pytest
from benchmarks.resolve import quality
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.world import World

from pilothouse.data.identity.clusters import clusters
from pilothouse.data.identity.comparing import compare
from pilothouse.data.identity.features import ACCOUNT, account_features, prepare
from pilothouse.data.identity.lineage import changes
from pilothouse.data.identity.names import likeness
from pilothouse.data.store import Observation
from pilothouse.testing.companies import companies
from pilothouse.vocabulary.actors import Actor
from pilothouse.vocabulary.errors import Conflict, Forbidden, InvalidInput, NotFound
from pilothouse.vocabulary.records import RecordRef, WriterKind

SHARED = Path(__file__).parents[3] / "shared" / "data"
ALIKE = [
    ("Acme Corp", "Acme Corporation"), ("Acme Corp. Inc.", "ACME, Inc."), ("Société Générale S.A.", "Societe Generale"),
    ("Müller GmbH & Co. KG", "Mueller GmbH"), ("The Walt Disney Company", "Walt Disney Co."),
    ("Procter & Gamble Co.", "Procter and Gamble"), ("PricewaterhouseCoopers", "Pricewaterhouse Coopers LLP"),
    ("Volkswagen Gesellschaft mit beschränkter Haftung", "Volkswagen GmbH"), ("J.P. Morgan & Co.", "JP Morgan"),
    ("ООО Газпром", "OOO Gazprom"), ("Samsong Electronics Ltd", "Samsung Electronics Co., Ltd."),
]  # fmt: skip
UNLIKE = [
    ("Acme Corp", "Apex Corp"), ("Bank of Armenia", "Bank of America"), ("Siemens AG", "Volkswagen AG"),
    ("Alder Foods", "Alder Logistics"), ("Brigade 44", "Brigade 45 Holdings International"), ("BP plc", "BD plc"),
    ("Deutsche Bank", "Commerzbank"), ("Global Systems", "Global Solutions Group"),
]  # fmt: skip


def test_names_that_are_one_companys_are_more_alike_than_those_that_are_not() -> None:
    one, two = [likeness(*pair) for pair in ALIKE], [likeness(*pair) for pair in UNLIKE]
    assert min(one) > max(two), (sorted(zip(one, ALIKE, strict=True))[:2], sorted(zip(two, UNLIKE, strict=True))[-2:])


@given(st.text(max_size=40), st.text(max_size=40))
def test_likeness_is_a_share_and_the_same_both_ways(left: str, right: str) -> None:
    assert 0 <= likeness(left, right) <= 1 and likeness(left, right) == pytest.approx(likeness(right, left))
    assert likeness(left, left) == 1


def test_the_public_name_pairs() -> None:
    path = SHARED / "nomenklatura_name_bench" / "cases.csv"
    if not path.exists():
        pytest.skip("the public sets are not beside this checkout")
    companies_only = {"Company", "Organization", "LegalEntity"}
    rows = [row for row in csv.DictReader(path.open()) if row["schema"] in companies_only]
    start = time.perf_counter()
    scores = [likeness(row["name1"], row["name2"]) for row in rows]
    each = (time.perf_counter() - start) / len(rows)
    yes = [s for s, row in zip(scores, rows, strict=True) if row["is_match"] == "true"]
    no = [s for s, row in zip(scores, rows, strict=True) if row["is_match"] != "true"]
    auc = sum((a > b) + 0.5 * (a == b) for a in yes for b in no) / (len(yes) * len(no))
    assert auc >= 0.92 and each < 0.002


def test_the_public_organisations() -> None:
    path = SHARED / "dedupe_chicago_orgs" / "csv_example_input_with_true_ids.csv"
    if not path.exists():
        pytest.skip("the public sets are not beside this checkout")
    rows = list(csv.DictReader(path.open()))
    fields = {"name": "Site name", "address": "Address", "postcode": "Zip", "phone": "Phone"}
    told = [tuple(row[fields[name]].strip() if name in fields else "" for name in ACCOUNT) for row in rows]
    found = compare("account", [str(n) for n in range(len(rows))], told, ())
    precision, recall = quality(found.labels.tolist(), [row["True Id"] for row in rows])
    assert 2 * precision * recall / (precision + recall) >= 0.92


@pytest.mark.parametrize(("records", "seed"), [(300, 3), (6000, 5)])
def test_companies_whose_truth_is_known_are_found(records: int, seed: int) -> None:
    """The small set is judged by the shipped numbers, the larger one learns its own."""
    told = companies(records, seed)
    rows = [tuple(getattr(each, name, "") for name in ACCOUNT) for each in told]
    found = compare("account", [str(n) for n in range(records)], rows, ())
    precision, recall = quality(found.labels.tolist(), [each.truth for each in told])
    assert precision >= 0.97 and recall >= 0.95, (precision, recall)


def features(*rows: dict[str, str]) -> list[dict[str, object]]:
    connection = duckdb.connect()
    prepare(connection)
    columns = ", ".join(f"{name} VARCHAR" for name in ACCOUNT)
    connection.execute(f"CREATE TABLE told (unique_id BIGINT, ref VARCHAR, {columns})")
    given = [[number, str(number), *(row.get(name, "") for name in ACCOUNT)] for number, row in enumerate(rows)]
    connection.executemany(f"INSERT INTO told VALUES (?, ?{', ?' * len(ACCOUNT)})", given)
    account_features(connection, "told", "made")
    cursor = connection.execute("SELECT * FROM made ORDER BY unique_id")
    names = [column[0] for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


@pytest.mark.parametrize("name", ["Acme Corp", "Acme Corporation", "ACME Corp. Inc.", "Acmé, GmbH", "The acme  co."])
def test_spellings_of_one_company_have_one_key(name: str) -> None:
    assert features({"name": name})[0]["name_key"] == "acme"


@pytest.mark.parametrize(
    ("told", "key", "value"),
    [
        ({"website": "https://www.alder-foods.example/x?y"}, "domain", "alder-foods.example"),
        ({"domain": "shop.acme.co.uk"}, "domain", "acme.co.uk"),
        ({"domain": "someone@gmail.com"}, "domain", None),
        ({"domain": "nothing"}, "domain", None),
        ({"country": "Deutschland"}, "country", "de"),
        ({"country": "USA"}, "country", "us"),
        ({"country": "Philipines"}, "country", None),  # a slip is no other country
        ({"phone": "+49 (731) 555-0101"}, "phone", "15550101"),
        ({"phone": "ext 5"}, "phone", None),
        ({"address": "112 E 51ST STREET"}, "street", "51"),
        ({"address": "112 E 51ST STREET"}, "house", "112"),
        ({"address": "Lange Strasse 7a"}, "house", "7a"),
        ({"address": "12 Elm St, Reno 89501"}, "postcode", "89501"),
        ({"postcode": "SW1A 1AA"}, "postcode", "SW1A1"),
        ({}, "name_key", None),
    ],
)
def test_noise_is_taken_out_of_fields(told: dict[str, str], key: str, value: object) -> None:
    assert features(told)[0][key] == value


Weights = dict[tuple[int, int], float]
PAIRS = st.dictionaries(
    st.tuples(st.integers(0, 7), st.integers(0, 7)).filter(lambda p: p[0] < p[1]),
    st.floats(-20, 30, allow_nan=False),
    max_size=20,
)
SOME = st.sets(st.tuples(st.integers(0, 7), st.integers(0, 7)).filter(lambda p: p[0] < p[1]), max_size=3)


def grouped(weights: Weights, apart: set[tuple[int, int]], same: set[tuple[int, int]], different: set[tuple[int, int]]):
    pairs = sorted(weights)
    left, right = (np.array([p[side] for p in pairs], dtype=np.int64) for side in (0, 1))
    bits = np.array([weights[p] for p in pairs], dtype=np.float64)
    return clusters(8, left, right, bits, np.array([p in apart for p in pairs], dtype=np.bool_), 5.0, same, different)


def chain(same: set[tuple[int, int]]) -> list[int]:
    home = list(range(8))
    for one, other in same:
        home = [home[one] if each == home[other] else each for each in home]
    return home


@settings(max_examples=300, deadline=None)
@given(weights=PAIRS, apart=SOME, same=SOME, different=SOME)
def test_judgements_always_win_and_contradictions_stay_apart(
    weights: Weights, apart: set[tuple[int, int]], same: set[tuple[int, int]], different: set[tuple[int, int]]
) -> None:
    home = chain(same)
    different = {p for p in different if home[p[0]] != home[p[1]]}  # the rest is refused when it is said
    label = grouped(weights, apart, same, different)
    assert all(label[one] == label[other] for one, other in same)
    assert all(label[one] != label[other] for one, other in different)
    for one, other in apart & set(weights):
        assert label[one] != label[other] or home[one] == home[other] or _between(home, same, one, other)


def _between(home: list[int], same: set[tuple[int, int]], one: int, other: int) -> bool:
    """A person's word about others in the two groups outvotes the contradiction of these two."""
    return any({home[a], home[b]} & {home[one], home[other]} for a, b in same)


def test_a_chain_of_likeness_is_no_company() -> None:
    weights = {(0, 1): 12.0, (1, 2): 12.0, (2, 3): 12.0, (3, 4): 12.0}
    label = grouped(weights, set(), set(), set()).tolist()
    assert len(set(label[:5])) == 3 and label[0] != label[4]


Partition = list[list[str]]
RECORDS = [f"crm/account/{letter}" for letter in "abcdefgh"]


def partition(labels: list[int]) -> Partition:
    found: dict[int, list[str]] = {}
    for record, label in zip(RECORDS, labels, strict=False):
        found.setdefault(label, []).append(record)
    return list(found.values())


class Kept:
    """What the projection keeps, in a few lines."""

    def __init__(self) -> None:
        self.current: dict[str, list[str]] = {}
        self.former: dict[str, set[str]] = {}
        self.numbers = itertools.count()

    def take(self, groups: Partition) -> list[str]:
        told, ids = changes(groups, self.current, self.former, lambda: f"acc_{next(self.numbers):04}")
        for change in told:
            for record in change.left:
                self.former.setdefault(change.id, set()).add(record)
        self.current = {entity: list(group) for entity, group in zip(ids, groups, strict=True)}
        assert len(set(ids)) == len(groups)
        for change in told:
            assert (change.size == 0) == (change.id not in self.current)
            assert not change.into or change.into in self.current
        return ids


@settings(max_examples=300, deadline=None)
@given(st.lists(st.lists(st.integers(0, 4), min_size=8, max_size=8), min_size=1, max_size=6))
def test_identifiers_last(history: list[list[int]]) -> None:
    kept = Kept()
    for labels in history:
        before = {frozenset(records): entity for entity, records in kept.current.items()}
        ids = kept.take(partition(labels))
        for entity, group in zip(ids, partition(labels), strict=True):
            assert before.get(frozenset(group), entity) == entity  # who did not change keeps their identifier
    again = dict(kept.current)
    kept.take(partition(history[-1]))
    assert kept.current == again


def test_taking_a_merge_apart_restores_both_identifiers() -> None:
    kept = Kept()
    apart, merged = [RECORDS[:3], RECORDS[3:5], RECORDS[5:8]], [RECORDS[:5], RECORDS[5:8]]
    first = kept.take(apart)
    assert kept.take(merged) == [first[0], first[2]]
    assert kept.take(apart) == first


@pytest.mark.parametrize("first", [0, 1])
def test_taking_two_equal_parts_apart_restores_both_identifiers(first: int) -> None:
    """Whichever of the two is older, and whichever is told of first."""
    kept = Kept()
    one, other = RECORDS[:1], RECORDS[1:2]
    kept.take([[one], [other]][first])
    kept.take([one, other])
    before = dict(kept.current)
    kept.take([[*one, *other]])
    kept.take([one, other])
    assert kept.current == before


ACME: Mapping[str, Mapping[str, str]] = {
    "crm/account/1": {"name": "Acme Corp", "domain": "acme.com", "country": "United States", "city": "Austin"},
    "enrichment/account/2": {
        "name": "Acme Corporation",
        "website": "https://www.acme.com/x",
        "phone": "+1 512 555 0100",
    },
    "billing/account/3": {"name": "Acme Corp. Inc.", "phone": "(512) 555-0100", "country": "USA", "city": "Austin"},
    "crm/account/4": {"name": "Acme S.L.", "domain": "acme.es", "country": "Spain", "city": "Madrid"},
    "crm/account/5": {"name": "Birch Foods", "domain": "birch.com", "country": "United States", "city": "Austin"},
}


def tell(world: World, names: list[str]) -> None:
    now = world.clock.now()
    seen = [Observation(RecordRef.parse(n), ACME[n], now, WriterKind.IMPORT, "import:x") for n in names]
    world.app.store.observe(seen, Actor("gita"))


def ids(world: World) -> dict[str, str]:
    found = {name: world.app.entities.of(RecordRef.parse(name)) for name in ACME}
    return {name: entity.id for name, entity in found.items() if entity is not None}


def test_acme_is_one_company_and_the_foreign_acme_is_not(world_on_each_store: World) -> None:
    world = world_on_each_store
    tell(world, list(ACME))
    done = world.app.resolver.resolve("account")
    found = ids(world)
    one, two, three, foreign, other = found.values()
    assert one == two == three and len({one, foreign, other}) == 3
    assert done.records == len(ACME) + 8
    size = world.app.ledger.size()
    assert world.app.resolver.resolve("account").changed == 0 and world.app.ledger.size() == size
    world.app.ledger.rebuild()
    assert ids(world) == found


@pytest.mark.parametrize("order", [(0, 1, 2, 3, 4), (4, 3, 2, 1, 0), (2, 0, 4, 1, 3)])
def test_any_order_of_arrival_gives_the_same_companies(world: World, order: tuple[int, ...]) -> None:
    names = list(ACME)
    for each in order:
        tell(world, [names[each]])
        world.app.resolver.resolve("account")
    found = ids(world)
    assert len({found[n] for n in names[:3]}) == 1 and len(set(found.values())) == 3


def test_a_persons_word_stands_and_can_be_taken_back(world_on_each_store: World) -> None:
    world = world_on_each_store
    tell(world, list(ACME))
    world.app.resolver.resolve("account")
    before = ids(world)
    one, foreign, other = (RecordRef.parse(n) for n in ("crm/account/1", "crm/account/4", "crm/account/5"))
    judge = world.app.resolver.judge
    judge(foreign, one, same=True, by="gita", why="they moved")
    world.app.resolver.resolve("account")
    merged = ids(world)
    assert merged["crm/account/4"] == merged["crm/account/1"] == before["crm/account/1"]
    gone = world.app.entities.entity(before["crm/account/4"])
    assert gone is not None and gone.members == () and gone.into == before["crm/account/1"]
    judge(one, foreign, same=False, by="noah", why="no, they did not")
    world.app.resolver.resolve("account")
    assert ids(world) == before
    [standing] = world.app.entities.judgements("account")
    assert (standing.same, standing.by) == (False, "noah")
    assert len(list(world.app.ledger.entries(kinds={"identity.judged"}))) == 2  # nothing was overwritten
    judge(one, other, same=True, by="gita", why="one shop")
    with pytest.raises(Conflict, match="not the same, which would follow"):
        judge(other, foreign, same=True, by="gita", why="so they are")


def test_a_judgement_names_two_records_and_a_reason(world: World) -> None:
    tell(world, list(ACME))
    one = RecordRef.parse("crm/account/1")
    with pytest.raises(NotFound):
        world.app.resolver.judge(one, RecordRef.parse("crm/account/404"), same=True, by="gita", why="x")
    for other in (one, RecordRef.parse("crm/contact/c1")):
        with pytest.raises(InvalidInput):
            world.app.resolver.judge(one, other, same=True, by="gita", why="x")
    with pytest.raises(InvalidInput):
        world.app.resolver.judge(one, RecordRef.parse("crm/account/4"), same=True, by="gita", why=" ")
    for who in ("rosa", "iris"):
        with pytest.raises(Forbidden):
            world.app.resolver.judge(one, RecordRef.parse("crm/account/4"), same=True, by=who, why="x")


def test_what_is_unsure_is_shown_with_its_reasons(world: World) -> None:
    told = [
        ("crm/account/1", {"name": "Alder Foods", "city": "Ulm"}),
        ("bill/account/1", {"name": "Alder Fuels Trading", "city": "Ulm"}),
    ]
    now = world.clock.now()
    seen = [Observation(RecordRef.parse(n), f, now, WriterKind.IMPORT, "x") for n, f in told]
    world.app.store.observe(seen, Actor("gita"))
    doubts = [
        each
        for each in world.app.resolver.resolve("account", doubts=50).doubts
        if {str(each.one), str(each.other)} == {name for name, _ in told}
    ]
    for doubt in doubts:
        assert sum(bits for _, bits in doubt.reasons) == pytest.approx(doubt.bits, abs=0.5)
        assert "the name begins with the same word" in [says for says, _ in doubt.reasons]
    assert doubts


@pytest.mark.parametrize("shared", [1, 2])
def test_records_that_are_alike_in_one_thing_only_are_weighed_all_the_same(shared: int) -> None:
    told = {"name": lambda n: f"C{n // shared}", "country": lambda _: "DE"}
    rows = [tuple(str(told[name](n)) if name in told else "" for name in ACCOUNT) for n in range(2400)]
    compared = compare("account", [str(n) for n in range(2400)], rows, ())
    assert len(set(compared.labels.tolist())) == 2400 // shared  # a name that nobody else bears makes two the same
