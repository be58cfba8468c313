"""Policy as files: read, checked, compiled and versioned.

A file that tries to relax what cannot be relaxed is an error, not a setting.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from pilothouse.decision.reading import Reading
from pilothouse.decision.versions import version_of
from pilothouse.decision.written import TREATMENTS, Policy
from pilothouse.vocabulary.capabilities import Capability
from pilothouse.vocabulary.documents import DocumentError, content_hash


def load_policy(
    folder: Path,
    capabilities: Mapping[str, Capability],
    closed_stages: frozenset[str] = frozenset(),
    version: str = "",
) -> Policy:
    """Read and compile a policy folder; raises the first `DocumentError`.

    Decisions cite the version; where none is given, the hash of the files and their git commit.

    A capability on which the policy is silent is no error here: it is refused when somebody asks for it.
    """
    stands = version_of(folder)
    reading = Reading(folder, capabilities)
    if reading.problems:
        raise min(reading.problems, key=_place)
    if content_hash(folder) != stands[:16]:
        raise DocumentError(folder, 0, "the policy was changed while it was read", hint="Load it again.")
    return reading.policy(version or stands, closed_stages)


def check_policy(
    folder: Path,
    capabilities: Mapping[str, Capability],
    granted: Mapping[str, Sequence[str]] | None = None,
    people: Collection[str] | None = None,
    mentioned: Collection[str] | None = (),
) -> list[DocumentError]:
    """Return every problem in a policy folder, in file and line order: gaps in what it covers, and what it says in vain.

    `granted` are the action types that each agent may propose. With `people`, the identifiers of those known, also
    whoever is to be asked and is not among them. `mentioned` are the thresholds that business policy compares with, None
    where that cannot be told: then none is called idle.
    """
    reading = Reading(folder, capabilities)
    # A rule that does not compile leaves its action type uncovered; that follows from the first problem.
    if reading.problems:
        return sorted(reading.problems, key=_place)
    found = reading.silences() + reading.in_vain(reading.policy("", frozenset()), granted or {}, mentioned)
    found += reading.strangers(people) if people is not None else []
    return sorted(found, key=_place)


def _place(error: DocumentError) -> tuple[str, int]:
    return str(error.path), error.line


__all__ = ["TREATMENTS", "Policy", "check_policy", "load_policy", "version_of"]
