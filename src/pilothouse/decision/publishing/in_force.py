"""What is in force now: the last published version whose day has come, read from the ledger.

A workspace that never published anything goes by its folder, read once. What must never happen here: a folder that is
looked at once something was published; an answer kept although another version came into force.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path

from sqlalchemy import Connection

from pilothouse.decision.publishing.publishing import PolicyVersions
from pilothouse.decision.publishing.rules import Rules, read_rules
from pilothouse.decision.publishing.versions import in_force
from pilothouse.ledger.ledger import Ledger
from pilothouse.vocabulary.capabilities import Capability
from pilothouse.vocabulary.clock import Clock
from pilothouse.vocabulary.errors import InvalidInput

REMEDY = "Put one that works in force: `pilothouse policy rollback VERSION`, or publish a mended one."


class InForce:
    """Answers for any number of callers side by side; one small read each, and a version is compiled once."""

    def __init__(
        self, ledger: Ledger, clock: Clock, versions: PolicyVersions, root: Path, capabilities: Mapping[str, Capability]
    ) -> None:
        self._ledger, self._clock, self._versions = ledger, clock, versions
        self._root, self._capabilities = root, capabilities
        self._lock = threading.Lock()
        self._kept: tuple[str, Rules] | None = None

    def __call__(self) -> Rules:
        """Return what is in force; raises `InvalidInput` when it cannot be read, and then nothing is decided."""
        with self._ledger.reading() as connection:
            version = self.version_in(connection)
        kept = self._kept
        if kept is None or kept[0] != version:
            with self._lock:
                kept = self._kept = (version, self._read(version))
        return kept[1]

    def version_in(self, connection: Connection) -> str:
        """Return the id of the version in force as a transaction sees it; the empty string for the folder."""
        return in_force(connection, self._clock.now())

    def _read(self, version: str) -> Rules:
        if not version:
            return read_rules(self._root, self._capabilities)
        try:
            return self._versions.rules(version)
        except InvalidInput as error:
            raise InvalidInput(f"policy {version}, which is in force, cannot be read: {error}", hint=REMEDY) from error
