"""Who withdrew their consent anywhere? An opt-out in one system holds for the person in all of them.

What must never happen here: an opt-out lost because another system, or a newer value, says otherwise.
"""

from __future__ import annotations

from pilothouse.data.identity.entities import Entities
from pilothouse.data.store import DataStore
from pilothouse.vocabulary.records import RecordRef


class Consents:
    """Asks every record that is the same person."""

    def __init__(self, store: DataStore, entities: Entities) -> None:
        self._store, self._entities = store, entities

    def withdrawn(self, contact: RecordRef) -> str:
        """Return the record in which a contact opted out, empty when none says so."""
        entity = self._entities.of(contact)
        for ref in sorted({contact, *(entity.members if entity else ())}):
            found = self._store.field(ref, "opted_out")
            if found is not None and found.value is True:
                return str(ref)
        return ""
