"""Values with provenance; imports that lose nothing, repeat safely and say what they set aside."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.world import World

from pilothouse.data.contract_reading import load_contracts
from pilothouse.data.importing.importer import ImportReport, import_files
from pilothouse.data.importing.mapping import load_mapping
from pilothouse.data.importing.values import moment
from pilothouse.data.quarantine import set_aside_rows
from pilothouse.data.store import Observation
from pilothouse.vocabulary.actors import Actor
from pilothouse.vocabulary.documents import DocumentError
from pilothouse.vocabulary.errors import InvalidInput
from pilothouse.vocabulary.records import RecordRef, WriterKind
from pilothouse.workspace.config import STARTER

GITA = Actor("gita")
SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"
REF = RecordRef("erp", "account", "x")


def told(fields: dict[str, object], day: int = 1, ref: RecordRef = REF, writer: str = "import:a.csv") -> Observation:
    return Observation(ref, fields, datetime(2026, 1, day, tzinfo=UTC), WriterKind.IMPORT, writer)  # type: ignore[arg-type]


def run(world: World, *paths: Path, mapping: str = "canonical", system: str = "erp") -> ImportReport:
    app = world.app
    return import_files(app.ledger, app.store, paths, mapping, system=system, actor=GITA, clock=world.clock)


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def test_every_value_has_source_time_and_writer(world_on_each_store: World) -> None:
    store = world_on_each_store.app.store
    assert store.observe([told({"name": "Alder", "industry": None})], GITA) == (1, 0)
    value = store.field(REF, "name")
    assert value is not None and (value.value, value.system, value.writer) == ("Alder", "erp", "import:a.csv")
    assert world_on_each_store.app.ledger.entry(value.position or -1).kind == "record.observed"
    assert store.observe([told({"name": "Alder", "industry": None}, day=2)], GITA) == (0, 1)
    assert store.observe([told({"name": "Alder", "industry": "retail"}, day=3)], GITA) == (1, 0)
    changed = list(world_on_each_store.app.ledger.entries(subject=str(REF)))[-1]
    assert changed.body["fields"] == {"industry": "retail"} and changed.body["before"] == {"industry": None}


def test_an_older_value_goes_into_the_history_and_leaves_the_present_alone(world_on_each_store: World) -> None:
    store = world_on_each_store.app.store
    store.observe([told({"industry": "retail"}, day=9)], GITA)
    store.observe([told({"industry": "mining"}, day=2), told({"industry": "media"}, day=5)], GITA)
    assert store.observe([told({"industry": "mining"}, day=2)], GITA) == (0, 1)
    assert store.field(REF, "industry").value == "retail"  # type: ignore[union-attr]
    assert [each.value for each in store.history(REF, "industry")] == ["mining", "media", "retail"]


def test_projections_rebuilt_from_the_ledger_are_the_same(world_on_each_store: World) -> None:
    world = world_on_each_store
    world.promote("crm.account.update:fill-empty")
    world.submit(world.action())
    world.app.store.observe([told({"name": "Alder"})], GITA)

    def everything() -> dict[str, list[tuple[object, ...]]]:
        with world.app.ledger.engine.connect() as connection:
            tables = [table for projector in world.app.ledger.projectors for table in projector.tables]
            return {t.name: sorted(tuple(map(str, row)) for row in connection.execute(t.select())) for t in tables}

    before = everything()
    world.app.ledger.rebuild()
    assert everything() == before and len(before) >= 10


def test_personal_values_can_be_erased_and_nothing_else_goes(world: World) -> None:
    ref = RecordRef("crm", "contact", "c1")
    assert world.app.store.field(ref, "email").value == "c1@alder.example"  # type: ignore[union-attr]
    world.app.ledger.erase(str(ref), GITA, "asked")
    assert world.app.store.field(ref, "email").value is None  # type: ignore[union-attr]
    assert world.app.store.field(RecordRef("crm", "contact", "c2"), "email").value == "c2@alder.example"  # type: ignore[union-attr]


def test_bad_rows_are_set_aside_with_their_reason_and_the_rest_goes_in(world: World, tmp_path: Path) -> None:
    text = (
        "id,name,employee_count,updated_at\n"
        "1,Alder,10,2026-01-01\n"
        ",Nobody,10,2026-01-01\n"
        "2,Birch,many,2026-01-01\n"
        "3,Cobalt,10\n"
        "4,Delta,7,2026-13-45\n"
        "5,Ember,1.5,2026-01-01\n"
        '6,"two\nlines",5,2026-01-01\n'
        "1,Alder again,10,2026-01-01\n"
        "7,Fjord,9,2026-01-01\n"
        f"8,{'x' * 1_000_001},9,2026-01-01\n"
    )
    path = write(tmp_path, "accounts.csv", text)
    report = run(world, path)
    assert (report.rows, report.changed, report.quarantined) == (10, 3, 7)
    aside = [(row.line, row.reason) for row in set_aside_rows(world.app.ledger)]
    assert [line for line, _ in aside] == [3, 4, 5, 6, 7, 10, 12]
    says = [
        "no value in id",
        "'many' is not a number",
        "3 columns",
        "is not a date",
        "whole number",
        "stands in this file",
        "characters",
    ]
    assert all(wanted in reason for wanted, (_, reason) in zip(says, aside, strict=True))
    again = run(world, path)
    assert (again.changed, again.unchanged, again.newly_quarantined) == (0, 3, 0)


def test_jsonl_encodings_separators_and_formulas(world: World, tmp_path: Path) -> None:
    lines = [{"id": 1, "name": "=cmd|' /C calc'!A0"}, {"id": 2, "name": None, "is_customer": True}]
    write(tmp_path, "accounts.jsonl", "\n".join(map(json.dumps, lines)) + "\n[1]\nnot json\n")
    (tmp_path / "contacts.csv").write_bytes("id;email;name\n1;a@b.example;Jos\u00e9\n".encode("cp1252"))
    report = run(world, tmp_path)
    assert (report.changed, report.quarantined) == (3, 2)
    names = {r.ref.id: r.value("name") for r in world.app.store.records("account", "erp")}
    assert names["1"] == "=cmd|' /C calc'!A0"
    [contact] = world.app.store.records("contact", "erp")
    assert contact.value("name") == "José"


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("accounts.csv", "", "no header"),
        ("nothing.csv", "id\n1\n", "none of the files fits"),
        ("accounts.xlsx", "PK", "only CSV and JSONL"),
    ],
)
def test_a_file_that_cannot_be_imported_says_so(world: World, tmp_path: Path, name: str, text: str, says: str) -> None:
    with pytest.raises(InvalidInput, match=says):
        run(world, write(tmp_path, name, text))


def test_a_wrong_mapping_is_named_with_file_and_line(tmp_path: Path) -> None:
    text = "mapping: m\ntables:\n  t:\n    files: [t]\n    object: account\n    id: id\n    fields:\n      nme: name\n"
    with pytest.raises(DocumentError, match="no field 'nme'") as caught:
        load_mapping(str(write(tmp_path, "m.yaml", text)))
    assert caught.value.line == 8
    with pytest.raises(InvalidInput, match="Built in: canonical, hubspot, salesforce"):
        load_mapping("oracle")


def test_history_tables_of_both_shapes(world: World, tmp_path: Path) -> None:
    crm = tmp_path / "sf"
    crm.mkdir()
    write(
        crm,
        "sf_opportunity_data.csv",
        "Id,StageName,Amount,IsDeleted,LastModifiedDate\nD1,Proposal,10,false,2026-01-09\n",
    )
    rows = "D1,Prospecting,2026-01-01\nD1,Engaging,2026-01-05\n"
    write(crm, "sf_opportunity_history_data.csv", "id,stage_name,_fivetran_start\n" + rows)
    run(world, crm, mapping="salesforce", system="sf")
    deal = RecordRef("sf", "opportunity", "D1")
    assert [v.value for v in world.app.store.history(deal, "stage")] == ["Prospecting", "Engaging", "Proposal"]
    hub = tmp_path / "hub"
    hub.mkdir()
    write(hub, "deal_data.csv", "deal_id,property_dealname,property_amount,_fivetran_synced\n9,Big,500,2026-01-09\n")
    history = "deal_id,name,value,timestamp\n9,amount,100,2026-01-02 3:04:05\n9,amount,300,1767600000000\n9,unknown_property,1,2026-01-03\n"
    write(hub, "deal_property_history_data.csv", history)
    stages = "9,stage,s1,2026-01-01\n9,dealstage,s2,2026-01-05\n9,dealstage,odd,2026-01-06\n"
    (hub / "deal_property_history_data.csv").open("a").write(stages)
    write(hub, "deal_pipeline_stage_data.csv", "stage_id,label,is_closed\ns1,Qualifying,false\ns2,Proposal,false\n")
    write(hub, "deal_company_data.csv", "company_id,deal_id\n77,9\n")
    run(world, hub, mapping="hubspot", system="hub")
    deal = RecordRef("hub", "opportunity", "9")
    assert [v.value for v in world.app.store.history(deal, "amount")] == [100.0, 300.0, 500.0]
    assert world.app.store.field(deal, "account").value == "77"  # type: ignore[union-attr]
    assert [v.value for v in world.app.store.history(deal, "stage")] == ["Proposal", "odd"]
    (hub / "deal_pipeline_stage_data.csv").unlink()  # the next export comes without it
    assert run(world, hub, mapping="hubspot", system="hub").changed == 0


def test_what_is_left_out_is_told_with_its_reason(world: World, tmp_path: Path) -> None:
    write(tmp_path, "deal_data.csv", "deal_id,property_dealname,is_deleted,mood\n1,Big,false,good\n2,Gone,true,bad\n")
    write(tmp_path, "deal_company_data.csv", "company_id,deal_id\n77,1\n77,2\n77,404\n")
    report = run(world, tmp_path, mapping="hubspot", system="hub")
    assert {record.ref.id for record in world.app.store.records("opportunity", "hub")} == {"1"}
    assert report.skipped_why == {
        "opportunity rows where is_deleted is true": 1,
        "about opportunity records that are not in the export": 2,
    }
    assert report.unread == {"deal_data.csv": ["mood"]}
    # A later export of the links alone finds the records that an earlier one told of.
    (tmp_path / "deal_data.csv").unlink()
    write(tmp_path, "deal_company_data.csv", "company_id,deal_id\n78,1\n78,404\n")
    assert run(world, tmp_path, mapping="hubspot", system="hub").changed == 1


@pytest.mark.parametrize("system", ["salesforce", "hubspot"])
def test_the_public_export_shapes_go_in(world: World, system: str) -> None:
    folder = SHARED / "fivetran_seeds" / system
    if not folder.exists():
        pytest.skip("the public sets are not beside this checkout")
    report = run(world, folder, mapping=system, system=system)
    assert report.rows > 50 and report.changed > 30
    assert run(world, folder, mapping=system, system=system).changed == 0


@settings(max_examples=50, deadline=None)
@given(st.datetimes(datetime(1900, 1, 1), datetime(2100, 12, 31)))
def test_a_moment_is_read_as_it_was_written(when: datetime) -> None:
    assert moment(when.isoformat(sep=" ")) == when.replace(tzinfo=UTC)


def test_the_worked_hygiene_contract() -> None:
    contract = load_contracts(STARTER / "contracts")["hygiene"]
    assert contract.readable("contact") == "*" and contract.readable("message") == frozenset()
    for field in ("name", "phone", "industry", "employee_count"):
        assert contract.field_rule("account", field).min_confidence == 0.85  # type: ignore[union-attr]
    for object_name, field in (("account", "address"), ("account", "owner")):
        assert contract.field_rule(object_name, field).review == "always"  # type: ignore[union-attr]
    assert contract.field_rule("opportunity", "amount") is None


def test_a_contract_that_names_what_is_not_there_is_an_error(tmp_path: Path) -> None:
    text = (STARTER / "contracts" / "hygiene.yaml").read_text().replace("industry:", "idustry:")
    write(tmp_path, "hygiene.yaml", text)
    with pytest.raises(DocumentError, match="no field 'idustry'"):
        load_contracts(tmp_path)


def test_a_persons_edit_in_the_crm_is_taken_in_as_theirs(new_world: Callable[..., World]) -> None:
    world = new_world()
    world.app.twin.edit_as("rosa", "account", "a1", {"industry": "retail"})
    assert world.app.take_in() == 1 and world.app.take_in() == 0
    value = world.app.store.field(RecordRef.parse("crm/account/a1"), "industry")
    assert value is not None and (value.value, value.writer_kind, value.writer) == ("retail", WriterKind.PERSON, "rosa")
