"""The twin's own database."""

from __future__ import annotations

REQUIRED = {
    "account": ("name",),
    "contact": ("email",),
    "opportunity": ("name", "stage"),
    "product": ("name",),
    "user": ("name",),
    "activity": ("kind",),
    "message": ("recipients", "subject"),
    "quote": ("opportunity", "amount"),
    "enrolment": ("contact", "sequence"),
}

SCHEMA = """
CREATE TABLE IF NOT EXISTS record (
  object TEXT NOT NULL, id TEXT NOT NULL, version INTEGER NOT NULL, fields TEXT NOT NULL, writers TEXT NOT NULL,
  created_by TEXT NOT NULL, updated_at TEXT NOT NULL, PRIMARY KEY (object, id)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS change (
  cursor INTEGER PRIMARY KEY AUTOINCREMENT, object TEXT NOT NULL, id TEXT NOT NULL, version INTEGER NOT NULL,
  before TEXT NOT NULL, after TEXT NOT NULL, at TEXT NOT NULL, who TEXT NOT NULL, request_id TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS request (
  request_id TEXT PRIMARY KEY, object TEXT NOT NULL, id TEXT NOT NULL, version INTEGER NOT NULL, after TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS credential (name TEXT PRIMARY KEY, hash TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS journal (
  number INTEGER PRIMARY KEY AUTOINCREMENT, at TEXT NOT NULL, credential TEXT NOT NULL, operation TEXT NOT NULL,
  object TEXT NOT NULL, id TEXT NOT NULL, payload TEXT NOT NULL, status INTEGER NOT NULL, result TEXT NOT NULL,
  request_id TEXT NOT NULL, committed INTEGER NOT NULL);
CREATE TRIGGER IF NOT EXISTS journal_no_update BEFORE UPDATE ON journal
  BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
CREATE TRIGGER IF NOT EXISTS journal_no_delete BEFORE DELETE ON journal
  BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
"""
