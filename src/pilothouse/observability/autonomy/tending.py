"""What goes on by itself about autonomy: the watch each round, the reviews and the assessment once a day.

What must never happen here: anything made freer but by an assessment that stands in the ledger.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from pilothouse.ledger.entries import Draft, Entry
from pilothouse.ledger.ledger import Ledger
from pilothouse.observability.autonomy.ramp_reviews import RampReviews
from pilothouse.observability.autonomy.watch import Watch
from pilothouse.observability.readiness.items import WATCHED
from pilothouse.observability.readiness.readiness import Readiness
from pilothouse.vocabulary.actors import SYSTEM_PERSON, Actor
from pilothouse.vocabulary.clock import Clock

DAILY = timedelta(days=1)


@dataclass
class Tending:
    """Tends to autonomy; safe to call at any time, and cheap while nothing is due."""

    ledger: Ledger
    clock: Clock
    watch: Watch
    reviews: RampReviews
    readiness: Readiness
    _last: datetime | None = field(default=None)

    def round(self) -> list[Entry]:
        """Lower what turned bad; once a day write the reviews that are due, and assess. Returns demotions and reviews."""
        now = self.clock.now()
        daily = now - self._watched(now) >= DAILY
        seen = self.watch.look(thorough=daily)
        written = list(seen.demoted) if seen else []
        if daily and seen is not None:
            body = {"standings": seen.standings, "demoted": len(seen.demoted)}
            self.ledger.append([Draft(WATCHED, Actor(SYSTEM_PERSON), dict(body), subject="autonomy")])
            self._last = now
            written += self.reviews.write_due()
            self.readiness.record()
        return written

    def _watched(self, now: datetime) -> datetime:
        if self._last is None:
            self._last = now - DAILY
            for entry in self.ledger.entries(kinds={WATCHED}, since=now - DAILY):
                self._last = entry.at
        return self._last
