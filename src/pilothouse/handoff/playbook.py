"""The incident playbook of a workspace: timeframes, who is told, and the steps, as people wrote them.

The defaults here are ours, not yours: they are shown as such until `incidents/playbook.yaml` says otherwise.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from pilothouse.directory.people import Person
from pilothouse.directory.roles import PERMISSIONS
from pilothouse.vocabulary.actors import Role
from pilothouse.vocabulary.documents import load_document

Severity = Literal[1, 2, 3]
Told = Literal["admin", "revops", "reviewer", "auditor", "agent_owner"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Timeframes(_Strict):
    """Minutes: from the first wrong act to its detection, from the opening of the incident to the suspension, and to
    the rollback plan."""

    detect: float = Field(default=15, gt=0, le=43200)
    suspend: float = Field(default=5, gt=0, le=43200)
    rollback_plan: float = Field(default=30, gt=0, le=43200)


class Playbook(_Strict):
    """What is done about an incident, by when, and who hears of it."""

    timeframes: Timeframes = Timeframes()
    notify_within: float = Field(default=1, gt=0, le=1440)
    """Minutes within which people are told."""
    notify: Mapping[Severity, tuple[Told, ...]] = {
        1: ("admin", "revops", "agent_owner"),
        2: ("revops", "agent_owner"),
        3: ("agent_owner",),
    }
    steps: tuple[str, ...] = (
        "Suspend first, ask afterwards: `pilothouse suspend AGENT --reason ...`, or --all. One person is enough.",
        "Open the incident with its scope and a severity: 1 reached customers or money, 2 wrong records, 3 near miss.",
        "Contain it: check that everything in scope is suspended and nothing is under way any more.",
        "Make the rollback plan, look at the cascade, and carry the plan out from the incident.",
        "Give what cannot be undone to named people, and have each ticked off with a note.",
        "Resolve it when the records are right; somebody who does not own the agent lets it act again.",
        "Close it when every task is done, and write down what changes so that it does not happen again.",
    )

    @property
    def ours(self) -> bool:
        """True while nobody changed any of our defaults."""
        return self == Playbook()

    def told(self, severity: int, people: Collection[Person], owners: Collection[str]) -> list[str]:
        """Return who is told of an incident: active people of the named roles; admins when that is nobody."""
        named = next((who for level, who in self.notify.items() if level == severity), ())
        found = {each.id for each in people if each.active and (each.role.value in named)}
        if "agent_owner" in named:
            found |= {each.id for each in people if each.active and each.id in owners}
        return sorted(found or {each.id for each in people if each.active and each.role is Role.ADMIN})

    @property
    def tell_within(self) -> timedelta:
        """How soon people are told."""
        return timedelta(minutes=self.notify_within)


def who_may_suspend() -> list[str]:
    """Return the roles that have the authority to suspend agents."""
    return [role.value for role, permissions in PERMISSIONS.items() if "suspend" in permissions.may]


def load_playbook(folder: Path) -> Playbook:
    """Read `playbook.yaml` of a folder, our defaults where there is none; raises `DocumentError`."""
    path = folder / "playbook.yaml"
    return load_document(path, Playbook).model if path.exists() else Playbook()
