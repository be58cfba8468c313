"""Work that is repeated by itself. That a job fails, and that it works again, are entries, so that somebody is told."""

from __future__ import annotations

import threading
from collections.abc import Callable

import structlog

from pilothouse.ledger.entries import Draft
from pilothouse.ledger.ledger import Ledger
from pilothouse.vocabulary.actors import SYSTEM_PERSON, Actor
from pilothouse.vocabulary.errors import LedgerUnavailable, PilothouseError

log = structlog.get_logger()


class Upkeep:
    """Runs jobs by name. A job that keeps failing is written down once, until it has worked again."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger, self._failing = ledger, set[str]()
        self._lock = threading.Lock()

    def run(self, name: str, job: Callable[[], object]) -> bool:
        """Run a job once; return whether it worked. Whatever it raises ends here: the next round may find things mended."""
        try:
            job()
        except Exception as error:
            log.exception("job failed; it is tried again", job=name)
            # The text of a foreign error may hold anything; our own are made to be read.
            told = (
                str(error) if isinstance(error, PilothouseError) else f"{type(error).__name__}; see the server's log."
            )
            self._note(name, "job.failed", {"job": name, "error": told}, failing=True)
            return False
        self._note(name, "job.recovered", {"job": name}, failing=False)
        return True

    def _note(self, name: str, kind: str, body: dict[str, str], *, failing: bool) -> None:
        with self._lock:
            if (name in self._failing) is failing:
                return
            try:
                self._ledger.append([Draft(kind, Actor(SYSTEM_PERSON), body, subject=f"job/{name}")])
            except LedgerUnavailable:
                return  # Nothing can be written; the log has it, and it is written down when that is over.
            (self._failing.add if failing else self._failing.discard)(name)
