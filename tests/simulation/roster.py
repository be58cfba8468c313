"""Who may do what, read off the entries about people: nothing here asks the directory."""

from __future__ import annotations

from pilothouse.directory.roles import FOR_ENGINEERING, FOR_REVOPS, permissions_of
from pilothouse.ledger.entries import Entry
from pilothouse.vocabulary.actors import Role


class Roster:
    """People as they stand after the entries that were followed."""

    def __init__(self) -> None:
        self.roles: dict[str, Role] = {}

    def follow(self, entry: Entry) -> None:
        """Take one entry in."""
        if entry.kind in ("person.added", "person.role_changed"):
            self.roles[entry.body["id"]] = Role(entry.body["role"])
        elif entry.kind == "person.deactivated":
            self.roles.pop(entry.body["id"], None)

    def may(self, person: str, verb: str) -> bool:
        """True for somebody active whose role may do this."""
        return person in self.roles and verb in permissions_of(self.roles[person]).may

    def side(self, person: str) -> str:
        """Return what somebody promotes for; empty for nobody who may."""
        return next((each for each in (FOR_REVOPS, FOR_ENGINEERING) if self.may(person, each)), "")
