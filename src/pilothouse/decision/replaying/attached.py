"""Replays that are written down for whoever decides on a text: found by the text they are about.

What must never happen here: a replay of another text cited; a report that is not the one somebody saw.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, NamedTuple

from pilothouse.decision.replaying.report import Report
from pilothouse.ledger.entries import Draft, Entry
from pilothouse.ledger.ledger import Ledger
from pilothouse.vocabulary.actors import Actor
from pilothouse.vocabulary.errors import NotFound
from pilothouse.vocabulary.values import Json

REPLAYED = "policy.replayed"


class Attached(NamedTuple):
    """A replay that was written down: where, when, by whom, and the whole report as it was seen."""

    position: int
    at: datetime
    by: str
    digest: str
    report: dict[str, Any]

    def against(self, text: str) -> bool:
        """True when it was held against this text, which is what the next version would replace."""
        return self.report["against"] == text

    def figures(self) -> dict[str, Any]:
        """Return what somebody who decides looks at first.

        `flips` counts by treatment before and after, `overridden` those flips whose act people had changed, refused or
        undone, `upheld` those that people had let stand. `hours_saved` is None where it was not measured.
        """
        report = self.report
        kinds = report["people"]["kinds"]
        upheld = sum(each["count"] for each in kinds if each["decision"] == "approved")
        return {
            "position": self.position,
            "at": self.at,
            "by": self.by,
            "digest": self.digest,
            "window": report["window"],
            "against": report["current"],
            "decisions": report["decisions"],
            "replayed": report["replayed"],
            "flips": {name: report["flips"][name] for name in ("count", "effective")}
            | {
                "pairs": [
                    {name: each[name] for name in ("before", "after", "count")} for each in report["flips"]["pairs"]
                ]
            },
            "overridden": report["people"]["count"] - upheld,
            "upheld": upheld,
            "reviews": {name: report["reviews"][name] for name in ("saved", "added", "hours_saved")},
        }


def attach(ledger: Ledger, report: Report, by: str) -> Attached:
    """Write down what a replay came to, whole (docs/ARCHITECTURE.md, "Policy replayed")."""
    body: dict[str, Json] = {"text": report.text, "digest": report.digest, "by": by, "report": report.as_json()}
    [entry] = ledger.append([Draft(REPLAYED, Actor(by), body, subject=_subject(report.text))])
    return _attached(entry)


def replays_of(ledger: Ledger, text: str) -> list[Attached]:
    """Return the replays that were written down for a text, by its hash, the newest first."""
    return list(_about(ledger, text))[::-1]


def newest_replay(ledger: Ledger, text: str, against: str) -> Attached | None:
    """Return the newest replay of a text that was held against another, or any where that is the empty string; None
    when nobody wrote one down."""
    return next((each for each in replays_of(ledger, text) if not against or each.against(against)), None)


def replay_at(ledger: Ledger, position: int) -> Attached:
    """Return the replay that stands at a position of the ledger; raises `NotFound`."""
    entry = ledger.entry(position) if 0 <= position < ledger.size() else None
    if entry is None or entry.kind != REPLAYED:
        raise NotFound(f"entry {position} is no replay.", hint="The page of a policy version leads to its replays.")
    return _attached(entry)


def _about(ledger: Ledger, text: str) -> Iterator[Attached]:
    for entry in ledger.entries(kinds={REPLAYED}, subject=_subject(text)):
        yield _attached(entry)


def _attached(entry: Entry) -> Attached:
    body = entry.body
    return Attached(entry.position, entry.at, body["by"], body["digest"], body["report"])


def _subject(text: str) -> str:
    return f"policy:{text}"
