"""What an agent is to the orchestration: something that looks and proposes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from pilothouse.data.view import DataView
from pilothouse.vocabulary.actors import AgentRef
from pilothouse.vocabulary.findings import Finding


class Agent(Protocol):
    """An agent: perceives through the view, reasons, proposes. It never acts."""

    @property
    def ref(self) -> AgentRef:
        """Name and version."""
        ...

    def propose(self, view: DataView, as_of: datetime) -> Sequence[Finding]:
        """Return what is wrong in the data as of a moment, each with the action that would mend it, if any."""
        ...
