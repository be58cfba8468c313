"""What an agent found: a sentence about a record, and the action that would mend it, if there is one."""

from __future__ import annotations

from dataclasses import dataclass

from pilothouse.vocabulary.actions import Action
from pilothouse.vocabulary.records import RecordRef


@dataclass(frozen=True, slots=True)
class Finding:
    """One observation. `kind` is stable and groups like findings; `proposal` is None for what only people can mend."""

    kind: str
    record: RecordRef
    sentence: str
    field: str = ""
    proposal: Action | None = None
