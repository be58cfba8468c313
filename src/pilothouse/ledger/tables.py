"""The ledger's own tables, and the triggers with which the database itself refuses to change history."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Connection, Index, LargeBinary, Table, Text, text

from pilothouse.ledger.database import metadata

entries = Table(
    "ledger_entries",
    metadata,
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("line", Text, nullable=False),
    Column("leaf", LargeBinary, nullable=False),
    Column("kind", Text, nullable=False),
    Column("at", Text, nullable=False),
    Column("agent", Text, nullable=False),
    Column("person", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Index("ledger_by_kind", "kind", "position"),
    Index("ledger_by_action", "action", "position"),
    Index("ledger_by_subject", "subject", "position"),
)
private = Table(
    "ledger_private",
    metadata,
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("data_subject", Text, nullable=False, index=True),
    Column("salt", Text, nullable=False),
    Column("payload", Text, nullable=False),
)
head = Table(
    "ledger_head",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("size", BigInteger, nullable=False),
)

SQLITE = (
    """CREATE TRIGGER IF NOT EXISTS ledger_no_{verb} BEFORE {VERB} ON ledger_entries
       BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END""",
    """CREATE TRIGGER IF NOT EXISTS ledger_private_no_update BEFORE UPDATE ON ledger_private
       BEGIN SELECT RAISE(ABORT, 'a private payload may be erased, never changed'); END""",
)
POSTGRES = """
CREATE OR REPLACE FUNCTION ledger_refuse() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'the ledger is append-only'; END $$;
DROP TRIGGER IF EXISTS ledger_no_change ON ledger_entries;
CREATE TRIGGER ledger_no_change BEFORE UPDATE OR DELETE ON ledger_entries FOR EACH ROW EXECUTE FUNCTION ledger_refuse();
DROP TRIGGER IF EXISTS ledger_no_truncate ON ledger_entries;
CREATE TRIGGER ledger_no_truncate BEFORE TRUNCATE ON ledger_entries FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse();
DROP TRIGGER IF EXISTS ledger_private_no_update ON ledger_private;
CREATE TRIGGER ledger_private_no_update BEFORE UPDATE ON ledger_private FOR EACH ROW EXECUTE FUNCTION ledger_refuse();
"""


def guard_entries(connection: Connection) -> None:
    """Install the refusing triggers and the one row that holds the ledger's size."""
    if connection.dialect.name == "sqlite":
        for verb in ("update", "delete"):
            connection.exec_driver_sql(SQLITE[0].format(verb=verb, VERB=verb.upper()))
        connection.exec_driver_sql(SQLITE[1])
    else:
        connection.exec_driver_sql(POSTGRES)
    connection.execute(text("INSERT INTO ledger_head (id, size) VALUES (1, 0) ON CONFLICT DO NOTHING"))
