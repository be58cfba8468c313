"""One resolution of an object at a time, whoever starts it.

That no identifier is given twice does not hang on this lock: the resolver asks the ledger again under the write lock.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

from sqlalchemy import Engine

from pilothouse.ledger.turns import Busy, hold
from pilothouse.vocabulary.errors import Conflict

PATIENCE = 30.0
"""Seconds to wait for one's turn."""


@contextmanager
def turn(engine: Engine, object_name: str, patience: float = PATIENCE) -> Generator[None]:
    """Hold the only turn to resolve an object; raises `Conflict` when another does not end in time."""
    try:
        with hold(engine, f"resolving-{object_name}", patience):
            yield
    except Busy:
        message = f"{object_name}s are being resolved by another run."
        raise Conflict(message, hint="Try again when it has ended.") from None
