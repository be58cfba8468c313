"""Who may ask about which act, on every surface alike: who reads the ledger about any, a rep about records within reach."""

from __future__ import annotations

from pilothouse.assembly import App
from pilothouse.directory.people import Person
from pilothouse.directory.roles import may_see, permissions_of
from pilothouse.handoff.questions import Kind, Question
from pilothouse.vocabulary.actors import AgentRef
from pilothouse.vocabulary.errors import Forbidden, NotFound
from pilothouse.vocabulary.records import RecordRef


def ask(pilothouse: App, action: str, by: Person, words: str, kind: Kind) -> Question:
    """Ask about an act; raises `Forbidden` for a record out of reach, else as `Questions.ask`."""
    row = pilothouse.gateway.row(action)
    need_in_reach(pilothouse, row.subject, by)
    owner = ""
    if row.agent:
        try:
            owner = pilothouse.gateway.door.agents.get(AgentRef.parse(row.agent)).manifest.owner
        except NotFound:
            owner = ""
    return pilothouse.questions.ask(action, by, words, kind, owner)


def need_in_reach(pilothouse: App, subject: str, by: Person) -> None:
    """Raise `Forbidden` unless somebody reads the ledger, or the record is within their reach."""
    if "read_ledger" in permissions_of(by.role).may:
        return
    ref = RecordRef.parse(subject)
    record = pilothouse.store.record(ref) if ref.id else None
    if not may_see(by, {name: each.value for name, each in record.fields.items()} if record else {}):
        raise Forbidden(f"{subject} is out of your reach.", hint="Ask its owner.")
