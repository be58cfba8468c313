"""The tables of reviews. `queue.py` alone writes them.

What must never happen here: anything in the table of reviews by which a canary could be told from a real proposal while it
is open; what is known of canaries stands in a table of its own.
"""

from __future__ import annotations

from sqlalchemy import Column, Float, Index, Integer, Table, Text, text

from pilothouse.ledger.database import metadata

reviews = Table(
    "reviews",
    metadata,
    Column("id", Text, primary_key=True),
    Column("action", Text, nullable=False, index=True),
    Column("owner", Text, nullable=False, index=True),
    Column("agent", Text, nullable=False),
    Column("proposer", Text, nullable=False),
    Column("barred", Text, nullable=False),
    Column("capability", Text, nullable=False),
    Column("action_type", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("tier", Text, nullable=False),
    Column("code", Text, nullable=False),
    Column("sentence", Text, nullable=False),
    Column("rule", Text, nullable=False),
    Column("policy_version", Text, nullable=False),
    Column("confidence", Float, nullable=False),
    Column("payload_hash", Text, nullable=False),
    Column("payload", Text),
    Column("changes", Text),
    Column("edited", Text),
    Column("status", Text, nullable=False, index=True),
    Column("opened_at", Text, nullable=False),
    Column("deadline", Text, nullable=False),
    Column("decided_at", Text),
    Column("decided_by", Text, nullable=False),
    Column("note", Text, nullable=False),
    Column("asked_because", Text, nullable=False),
    Column("answer_by", Text, nullable=False),
    Column("reminded_at", Text),
    Column("lapsed", Integer, nullable=False),
    Column("batch", Text, nullable=False),
    Column("batch_size", Integer, nullable=False),
)
PENDING = text("status IN ('open', 'approved')")
# An action that expired may be asked about again; two live questions about one action would be two approvals.
Index("one_live_review_an_action", reviews.c.action, unique=True, sqlite_where=PENDING, postgresql_where=PENDING)
shown = Table(
    "reviews_shown",
    metadata,
    Column("review", Text, primary_key=True),
    Column("person", Text, primary_key=True),
    Column("at", Text, nullable=False),
)
canaries = Table(
    "canaries",
    metadata,
    Column("review", Text, primary_key=True),
    Column("gate", Text, nullable=False),
    Column("fault", Text, nullable=False),
    Column("wrong", Text, nullable=False),
    Column("seeded_at", Text, nullable=False),
    Column("decided_at", Text),
    Column("decided_by", Text, nullable=False),
    Column("caught", Integer),
)
