"""Files as nobody wants them: every row is taken in, skipped for a reason, or set aside whole; nothing else happens."""

from __future__ import annotations

import gzip
import os
import signal
import subprocess
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from tests.data.test_store_and_import import run, write
from tests.world import World
from typer.testing import CliRunner

from pilothouse.data.importing.importer import ImportReport
from pilothouse.data.importing.mapping import FieldMap
from pilothouse.data.importing.reading import SourceRow, rows_of
from pilothouse.data.importing.source import inspect
from pilothouse.data.importing.values import convert, moment
from pilothouse.data.quarantine import SetAside, set_aside_rows
from pilothouse.data.schema import FieldType
from pilothouse.surfaces.cli.dataset import Form
from pilothouse.surfaces.cli.main import app as command_line
from pilothouse.vocabulary.errors import InvalidInput
from pilothouse.vocabulary.records import RecordRef
from pilothouse.vocabulary.values import Json

HEAD = "id,name,employee_count,updated_at\n"


def names(world: World, system: str = "erp") -> dict[str, Json]:
    return {each.ref.id: each.value("name") for each in world.app.store.records("account", system)}


def aside(world: World) -> list[tuple[int, str]]:
    return [(each.line, each.reason) for each in set_aside_rows(world.app.ledger)]


def adds_up(report: ImportReport) -> bool:
    return report.rows == report.changed + report.unchanged + report.skipped + report.quarantined


CASES: tuple[tuple[str, bytes | str, dict[str, str], list[tuple[int, str]]], ...] = (
    (
        "an unclosed quote costs its own line",
        'id,name\n1,Alder\n2,"Birch\n3,Cobalt\n4,"Delta, Inc."\n5,Ember\n',
        {"1": "Alder", "3": "Cobalt", "4": "Delta, Inc.", "5": "Ember"},
        [(3, "not readable as CSV")],
    ),
    (
        "an unclosed quote with no quote after it",
        'id,name\n1,Alder\n2,"Birch\n3,Cobalt\n',
        {"1": "Alder", "3": "Cobalt"},
        [(3, "a quote is opened and not closed")],
    ),
    ("a NUL byte", b"id,name\n1,Al\0der\n2,Birch\n", {"2": "Birch"}, [(2, "NUL")]),
    ("UTF-16 with a mark", "id,name\n1,Zo\u00eb\n".encode("utf-16"), {"1": "Zo\u00eb"}, []),
    ("UTF-16 without a mark", "id,name\n1,Zo\u00eb\n".encode("utf-16-le"), {"1": "Zo\u00eb"}, []),
    ("big-endian UTF-16 without a mark", "id,name\n1,Zo\u00eb\n".encode("utf-16-be"), {"1": "Zo\u00eb"}, []),
    ("UTF-8 with a mark", "id,name\n1,Zo\u00eb\n".encode("utf-8-sig"), {"1": "Zo\u00eb"}, []),
    ("Windows-1252", "id,name\n1,Zo\u00eb \u20ac\n".encode("cp1252"), {"1": "Zo\u00eb \u20ac"}, []),
    (
        "a byte that Windows-1252 does not know",
        b"id,name\n1,Zo\xeb\n2,A\x81der\n",
        {"1": "Zo\u00eb"},
        [(3, "bytes that are not text")],
    ),
    (
        "one line that is not UTF-8 in a file that is",
        "id,name\n1,Zo\u00eb\n".encode() + b"2,Jos\xe9\n" + "3,\u0141\u00f3d\u017a\n".encode(),
        {"1": "Zo\u00eb", "3": "\u0141\u00f3d\u017a"},
        [(3, "bytes that are not text")],
    ),
    ("mixed line ends", b"id,name\r\n1,Alder\n2,Birch\r3,Cobalt\r\n\r\n", {"1": "Alder", "2": "Birch", "3": "Cobalt"}, []),
    ("a line break within quotes", 'id,name\n1,"Alder\nBerlin"\n2,Birch\n', {"1": "Alder\nBerlin", "2": "Birch"}, []),
    ("ragged rows", "id,name\n1\n2,Birch,more\n3,Cobalt\n", {"3": "Cobalt"}, [(2, "1 columns"), (3, "3 columns")]),
    (
        "a column twice, with different values",
        "id,name,Name\n1,Alder,Elder\n2,Birch,Birch\n",
        {"2": "Birch"},
        [(2, "'name' stands twice")],
    ),
    (
        "a key twice, with different content",
        "id,name\n1,Alder\n1,Elder\n1,Alder\n",
        {"1": "Alder"},
        [(3, "stands in this file before, with other values")],
    ),
    ("a header and nothing else", "id,name\n", {}, []),
    ("a blank first line", "\n\nid,name\n1,Alder\n", {"1": "Alder"}, []),
    ("a cell of ten megabytes", f"id,name\n1,{'x' * 10_000_000}\n2,Birch\n", {"2": "Birch"}, [(2, "a cell of more")]),
    (
        "five thousand columns",
        f"id,name,{','.join(f'c{n}' for n in range(5000))}\n1,Alder{',' * 5000}\n",
        {"1": "Alder"},
        [],
    ),
    ("an id of a thousand letters", f"id,name\n{'9' * 1000},Alder\n2,Birch\n", {"2": "Birch"}, [(2, "an id of 1000")]),
    (
        "rows dated in the future, long past, and never",
        HEAD + "1,A,1,2263-01-01\n2,B,1,0001-01-01\n3,C,1,9999-12-31\n4,D,1,2025-02-29\n5,E,1,2099-01-01\n6,F,1,2025-02-28\n",
        {"6": "F"},
        [(2, "1900 to 2100"), (3, "1900 to 2100"), (4, "1900 to 2100"), (5, "not a date"), (6, "has not come yet")],
    ),
    (
        "numbers that are none",
        HEAD + "1,A,NaN,\n2,B,Infinity,\n3,C,1e400,\n4,D,1_000,\n5,E,1 2,\n6,F,1e30,\n7,G,12.5,\n8,H,\u0661\u0662,\n",
        {},
        [(2, "not a finite"), (3, "not a finite"), (4, "not a finite"), (5, "not a number"), (6, "not a number"),
         (7, "too large"), (8, "whole number"), (9, "not a number")],
    ),
    ("thousands in groups", HEAD + '1,A,"12,345",\n2,B,12 345,\n3,C,"1,23",\n', {"1": "A", "2": "B"}, [(4, "not a number")]),
    ("formulas", "id,name\n1,=cmd|' /C calc'!A0\n2,+1+1\n3,-2+3\n4,@SUM(A1)\n",
     {"1": "=cmd|' /C calc'!A0", "2": "+1+1", "3": "-2+3", "4": "@SUM(A1)"}, []),
    ("gibberish after quotes", 'id,name\n1,"Alder"x\n2,Birch\n', {"2": "Birch"}, [(2, "not readable as CSV")]),
)  # fmt: skip


@pytest.mark.parametrize(("content", "wanted", "set_aside"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_a_bad_row_is_set_aside_and_its_neighbours_come_in(
    world: World, tmp_path: Path, content: bytes | str, wanted: dict[str, str], set_aside: list[tuple[int, str]]
) -> None:
    path = tmp_path / "accounts.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    report = run(world, path)
    assert adds_up(report) and report.quarantined == len(set_aside)
    assert names(world) == wanted
    found = aside(world)
    assert [line for line, _ in found] == [line for line, _ in set_aside]
    assert all(says in reason for (_, says), (_, reason) in zip(set_aside, found, strict=True))
    again = run(world, path)
    assert (again.changed, again.newly_quarantined, again.resolved) == (0, 0, 0)


JSON_LINES: tuple[tuple[str, str], ...] = (
    ('{"id": 1, "name": "broken"', "not readable as JSON"),
    ('{"id": 2, "name": "A", "name": "B"}', "'name' stands twice"),
    ('{"id": 3, "Name": "A", "name": "B"}', "'name' stands twice"),
    ('{"id": 4, "name": "\\ud800"}', "not readable as JSON"),
    ('{"id": 5, "name": "\\u0000"}', "NUL"),
    ('{"id": 6, "name": ' + "[" * 5000 + "]" * 5000 + "}", "not readable as JSON"),
    ('{"id": 7, "employee_count": NaN}', "not readable as JSON"),
    ('{"id": 8, "employee_count": 1e400}', "not readable as JSON"),
    ('{"id": 9, "name": {"a": 1, "a": 2}}', "the same key twice"),
    ("[1, 2]", "not a JSON object"),
)


def test_bad_lines_of_jsonl_are_set_aside_and_numbers_stay_as_written(world: World, tmp_path: Path) -> None:
    good = '{"id": 12345678901234567890123, "name": "Alder", "employee_count": 12}'
    path = write(tmp_path, "accounts.jsonl", "\n".join([*(line for line, _ in JSON_LINES), good]) + "\n")
    report = run(world, path)
    assert adds_up(report) and report.rows == len(JSON_LINES) + 1
    assert names(world) == {"12345678901234567890123": "Alder"}
    found = aside(world)
    assert [line for line, _ in found] == list(range(1, len(JSON_LINES) + 1))
    assert all(says in reason for (_, says), (_, reason) in zip(JSON_LINES, found, strict=True))


def test_a_row_is_kept_whole_on_both_stores(world_on_each_store: World, tmp_path: Path) -> None:
    cell = "x" * 3_000_000
    run(world_on_each_store, write(tmp_path, "accounts.csv", f'id,name\n1,"{cell}"\n2,"a\0b"\n'))
    ledger = world_on_each_store.app.ledger
    kept = [entry.value("raw") for entry in ledger.entries(kinds={"import.row_quarantined"})]
    assert kept == [f'1,"{cell}"', '2,"a\0b"']
    assert [each.raw for each in set_aside_rows(ledger)] == [kept[0], '2,"a\u2400b"']


UNREADABLE = (
    ("accounts.csv", b"", "no header"),
    ("accounts.csv", b"\n\n", "no header"),
    ("accounts.csv", b"name;city\nAlder;Bonn\n", "no column id"),
    ("accounts.csv", gzip.compress(b"id,name\n1,Alder\n", mtime=0), "is packed: it is a gzip"),
    ("accounts.csv", b"PK\x03\x04 and more", "is packed"),
    ("accounts.csv", bytes(5000), "full of NUL"),
    ("accounts.csv", "id,name\n1,A".encode("utf-16") + b"\x00", "and then is not"),
    ("accounts.csv", b'id,"name\n1,Alder\n', "header row is not readable"),
    ("accounts.csv.gz", gzip.compress(b"id,name\n1,Alder\n", mtime=0), "none of the files fits"),
)


@pytest.mark.parametrize(("name", "content", "says"), UNREADABLE, ids=[f"{n}-{s}" for n, _, s in UNREADABLE])
def test_a_file_that_cannot_be_read_stops_the_import_before_it_begins(
    world: World, tmp_path: Path, name: str, content: bytes, says: str
) -> None:
    write(tmp_path, "aardvarks.txt", "x")
    write(tmp_path, "users.csv", "id,name\n1,Ann\n")
    (tmp_path / name).write_bytes(content)
    paths = [tmp_path] if not name.endswith("gz") else [tmp_path / name]
    size = world.app.ledger.size()
    with pytest.raises(InvalidInput, match=says):
        run(world, *paths)
    assert world.app.ledger.size() == size


def test_links_folders_pipes_and_missing_files(world: World, tmp_path: Path) -> None:
    real = tmp_path / "real"
    real.mkdir()
    write(real, "accounts.csv", "id,name\n1,Alder\n")
    linked = tmp_path / "linked"
    linked.mkdir()
    (linked / "accounts.csv").symlink_to(real / "accounts.csv")
    (linked / "contacts.csv").mkdir()
    report = run(world, linked, real, real / "accounts.csv")
    assert (report.rows, names(world)) == (1, {"1": "Alder"})  # one file, however often it is named
    (linked / "users.csv").symlink_to(tmp_path / "nowhere.csv")
    with pytest.raises(InvalidInput, match="does not exist"):
        run(world, linked)
    os.mkfifo(tmp_path / "accounts.csv")
    with pytest.raises(InvalidInput, match="is no file"):
        run(world, tmp_path / "accounts.csv")


def test_a_file_without_permission_says_so(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path, "accounts.csv", "id,name\n1,Alder\n")

    opened = Path.open

    def refuse(self: Path, *args: Any, **kwargs: Any) -> Any:
        if self == path:
            raise PermissionError(13, "Permission denied")
        return opened(self, *args, **kwargs)

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(InvalidInput, match="cannot be read: Permission denied"):
        run(world, path)


def test_a_file_that_changes_while_it_is_read_is_an_error_and_repeating_mends_it(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path, "accounts.csv", "id,name\n" + "".join(f"{n},Alder {n}\n" for n in range(2000)))
    observe = world.app.store.observe

    def meanwhile(*args: Any, **more: Any) -> tuple[int, int]:
        with path.open("a") as file:
            file.write("2000,Late\n")
        return observe(*args, **more)

    with monkeypatch.context() as patched:
        patched.setattr(world.app.store, "observe", meanwhile)
        with pytest.raises(InvalidInput, match="changed while it was read"):
            run(world, path)
    assert not list(world.app.ledger.entries(kinds={"import.finished"}))
    path.write_text("id,name\n" + "".join(f"{n},Alder {n}\n" for n in range(2001)))
    run(world, path)
    assert len(names(world)) == 2001


KILLED = """
import os, signal, sys
from pathlib import Path
from pilothouse.assembly import assemble
from pilothouse.data.importing.importer import import_files
from pilothouse.vocabulary.actors import Actor
from pilothouse.workspace.config import open_workspace
app = assemble(open_workspace(Path(sys.argv[1])))
die = lambda file, rows: os.kill(os.getpid(), signal.SIGKILL) if rows >= 1000 else None
import_files(app.ledger, app.store, [Path(sys.argv[2])], "canonical", system="erp", actor=Actor("gita"), clock=app.clock, on_progress=die)
"""


def test_an_import_killed_in_the_middle_and_repeated_ends_as_if_never_interrupted(
    new_world: Any, tmp_path: Path
) -> None:
    rows = "".join(f"{n},Alder {n},{'many' if n % 50 == 0 else n},2025-01-01\n" for n in range(2500))
    path = write(tmp_path, "accounts.csv", HEAD + rows)
    killed, whole = new_world(), new_world()
    done = subprocess.run([sys.executable, "-c", KILLED, str(killed.root), str(path)], env=os.environ, timeout=120)
    assert done.returncode == -signal.SIGKILL
    killed = killed.reopened()
    assert 0 < len(names(killed)) < 2450
    assert adds_up(run(killed, path)) and adds_up(run(whole, path))
    assert state(killed) == state(whole) and len(names(whole)) == 2450
    killed.app.close()


def state(world: World) -> tuple[list[tuple[str, ...]], list[SetAside]]:
    records = world.app.store.records("account", "erp")
    values = [(str(r.ref), n, str(v.value), str(v.at), v.writer) for r in records for n, v in sorted(r.fields.items())]
    return values, set_aside_rows(world.app.ledger)


def test_a_mended_row_settles_the_one_set_aside_and_an_untold_one_stays(
    world_on_each_store: World, tmp_path: Path
) -> None:
    world = world_on_each_store
    path = write(tmp_path, "accounts.csv", "id,name,employee_count\n1,Alder,many\n2,Birch,few\n3,Cobalt\n4,Delta,4\n")
    assert run(world, path).quarantined == 3
    write(tmp_path, "accounts.csv", "id,name,employee_count\n1,Alder,10\n3,Cobalt,5\n")  # says nothing of 2
    report = run(world, path)
    assert (report.quarantined, report.resolved) == (0, 2)
    assert [each.record for each in set_aside_rows(world.app.ledger)] == ["erp/account/2"]
    settled = {each.line: each.resolved for each in set_aside_rows(world.app.ledger, settled=True)}
    assert settled == {2: "erp/account/1 came in", 3: "", 4: "a later accounts.csv no longer has it"}
    write(
        tmp_path, "accounts.csv", "id,name,employee_count\n4,Delta,4\n2,Birch,fewer\n1,Alder,many\n"
    )  # bad in another way
    assert (report := run(world, path)).quarantined == 2 and report.resolved == 1
    found = [(each.line, each.record) for each in set_aside_rows(world.app.ledger)]
    assert found == [(3, "erp/account/2"), (4, "erp/account/1")]
    before = set_aside_rows(world.app.ledger, settled=True)
    world.app.ledger.rebuild()
    assert set_aside_rows(world.app.ledger, settled=True) == before
    other = run(world, path, system="shop")  # the same file from another system is another matter
    assert (other.newly_quarantined, len(set_aside_rows(world.app.ledger))) == (2, 4)


def test_the_command_line_ends_with_a_sentence_and_never_a_traceback(world: World, tmp_path: Path) -> None:
    path = write(tmp_path, "accounts.csv", 'id,name,employee_count\n1,Alder,\x1b[31mmany\n2,"Birch\n')
    shared = ["-w", str(world.root)]
    done = CliRunner().invoke(
        command_line, ["import", str(path), "--mapping", "canonical", "--source", "erp", "--as", "gita", *shared]
    )
    assert done.exit_code == 0 and "2 bad row(s) were set aside" in done.stdout
    shown = CliRunner().invoke(command_line, ["quarantine", *shared])
    assert "accounts.csv" in shown.stdout and "import again" in " ".join(shown.stdout.split())
    assert "\x1b" not in shown.stdout  # a cell moves nobody's cursor
    for bad in (["--source", "a/b"], ["--source", ""]):
        refused = CliRunner().invoke(
            command_line, ["import", str(path), "--mapping", "canonical", "--as", "gita", *bad, *shared]
        )
        assert refused.exit_code == 1 and isinstance(refused.exception, SystemExit)


def test_a_date_that_two_formats_read_differently_is_no_date() -> None:
    formats = ("%m/%d/%Y", "%d/%m/%Y")
    with pytest.raises(ValueError, match="2026-03-04 or 2026-04-03"):
        moment("03/04/2026", formats)
    assert moment("25/04/2026", formats) == datetime(2026, 4, 25, tzinfo=UTC)
    assert moment("04/04/2026", formats) == datetime(2026, 4, 4, tzinfo=UTC)
    with pytest.raises(ValueError, match="more digits"):
        convert("9007199254740993", FieldType.NUMBER, FieldMap())


TEXT = st.text(st.sampled_from('ab1,;"\n\r\t \u00e9='), max_size=60)
QUIET = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@QUIET
@given(TEXT)
@example('a,"b\nc,"d\n"e')
def test_every_character_of_a_csv_file_is_in_some_row(tmp_path: Path, text: str) -> None:
    path = tmp_path / "accounts.csv"
    path.write_bytes(("id,name\n" + text).encode())
    rows = list(rows_of(inspect(path)))
    bare = str.maketrans("", "", "\r\n")
    assert "".join(each.raw for each in rows).translate(bare) == text.translate(bare)
    assert [each.line for each in rows] == sorted({each.line for each in rows})


@QUIET
@given(st.binary(max_size=200), st.sampled_from(["accounts.csv", "accounts.jsonl"]))
def test_no_bytes_crash_the_importer_nor_lose_a_row(world: World, tmp_path: Path, content: bytes, name: str) -> None:
    for part in (content, b"id,name,employee_count\n" + content, b'{"id": 1}\n' + content):
        path = tmp_path / name
        path.write_bytes(part)
        try:
            assert adds_up(run(world, path))
        except InvalidInput as error:
            assert str(error)


CELLS = st.lists(st.lists(st.text(max_size=8), min_size=3, max_size=3), max_size=6)


@QUIET
@given(CELLS)
def test_what_is_written_as_csv_is_read_as_it_was(tmp_path: Path, cells: list[list[str]]) -> None:
    path = tmp_path / "accounts.csv"

    def quoted(row: Iterable[str]) -> str:
        return ",".join('"' + cell.replace('"', '""') + '"' for cell in row)

    try:
        path.write_bytes(("id,name,city\n" + "\n".join(map(quoted, cells)) + "\n").encode())
    except UnicodeEncodeError:
        return
    found = list(rows_of(inspect(path)))
    assert len(found) == len(cells)
    for row, given_cells in zip(found, cells, strict=True):
        if isinstance(row, SourceRow):
            assert list(row.values.values()) == [cell.strip() for cell in given_cells]
        else:
            assert "NUL" in row.reason


def test_a_formula_stays_as_it_was_and_no_export_opens_in_a_spreadsheet(world: World, tmp_path: Path) -> None:
    run(world, write(tmp_path, "accounts.jsonl", '{"id": 1, "name": "=HYPERLINK(1)"}\n'))
    value = world.app.store.field(RecordRef("erp", "account", "1"), "name")
    assert value is not None and value.value == "=HYPERLINK(1)"
    # Whoever adds a form that spreadsheets open has to see to it that a value does not run there.
    assert {form.value for form in Form} == {"jsonl", "parquet"}


def test_a_cell_moves_nobodys_cursor(world: World, tmp_path: Path) -> None:
    run(world, write(tmp_path, "accounts.csv", "id,name\n1,\x1b[2J\x07Alder\n"))
    shown = CliRunner().invoke(command_line, ["entities", "golden", "erp/account/1", "-w", str(world.root)])
    assert shown.exit_code == 0 and "Alder" in shown.stdout and "\x1b" not in shown.stdout
