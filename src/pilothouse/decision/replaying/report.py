"""A replay as one JSON document: what the command line prints, pages show, and an approval cites by its digest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from pilothouse.decision.policy import Policy
from pilothouse.decision.replaying.differences import Difference
from pilothouse.decision.replaying.replay import SENTENCES, Reproduction, text_of
from pilothouse.decision.replaying.tally import ADDED, MOST_LISTED, SAVED, Spoken, Tally
from pilothouse.vocabulary.clock import stamp
from pilothouse.vocabulary.values import Json, digest

FEWEST = 5
"""Fewer decisions than this are no measurement of how long one takes."""


class TimeToDecide(NamedTuple):
    """How long reviews of one action type took from being asked to being decided: the median, in seconds, over n."""

    seconds: float
    n: int


@dataclass(frozen=True, slots=True)
class Window:
    """Which decisions were asked for. `agent` is a name, or name@version."""

    since: datetime | None = None
    until: datetime | None = None
    agent: str = ""
    action_type: str = ""

    def as_json(self) -> dict[str, Json]:
        """Return it as it stands in a report."""
        return {
            "since": stamp(self.since) if self.since else None,
            "until": stamp(self.until) if self.until else None,
            "agent": self.agent,
            "type": self.action_type,
        }


@dataclass(frozen=True, slots=True)
class Report:
    """The result of one replay. `current` and `proposed` are policy versions, `changes` what tells them apart in words.

    `size` is how many entries the ledger had; entries after it were not asked.
    """

    window: Window
    size: int
    current: str
    proposed: str
    tally: Tally
    times: Mapping[str, TimeToDecide]
    notes: tuple[str, ...] = ()
    """What a reader has to know about these two policies before they believe the numbers."""
    changes: tuple[Difference, ...] = ()

    @property
    def text(self) -> str:
        """The hash of the text proposed, as a version of it cites it."""
        return text_of(self.proposed)

    def as_json(self) -> dict[str, Any]:
        """Return everything as JSON."""
        tally = self.tally
        return {
            "window": {**self.window.as_json(), "first": _at(tally.first), "last": _at(tally.last)},
            "ledger": self.size,
            "current": self.current,
            "proposed": self.proposed,
            "text": self.text,
            "against": text_of(self.current),
            "changes": [each.as_json() for each in self.changes],
            "notes": list(self.notes),
            "decisions": tally.decisions,
            "replayed": tally.replayed,
            "approved_again": tally.again,
            "flips": {
                "count": tally.flipped,
                "effective": tally.effective,
                "pairs": _pairs(tally),
                "rules": _rules(tally),
            },
            "other_reason": tally.other_reason,
            "policy_errors": {"count": tally.policy_errors, "examples": _examples(tally, "policy_error")},
            "not_replayed": [
                {"why": why.value, "sentence": SENTENCES[why], "count": count, "examples": _examples(tally, why.value)}
                for why, count in sorted(tally.why_not.items())
            ],
            "reproduction": _reproduction(tally),
            "reviews": reviews(tally, self.times),
            "people": _people(tally),
        }

    @property
    def digest(self) -> str:
        """The SHA-256 of the report's canonical text."""
        return digest(self.as_json())


def notes_on(current: Policy, proposed: Policy) -> tuple[str, ...]:
    """Return what a replay of these two cannot show."""
    found = [
        "Each decision is made again by itself, on its facts as of then; what follows for later ones is not played out."
    ]
    if current.limits.write_set_minutes != proposed.limits.write_set_minutes:
        found.append("write_set_minutes differs: how many records were touched stays as it was counted then.")
    for name, value in proposed.thresholds.items():
        uses = proposed.business.get(name, ())
        if uses and current.thresholds.get(name) != value:
            where = ", ".join(f"{each.clause}, business/{each.where}" for each in uses)
            found.append(f"Business policy compares with {name} ({where}); what it answers is not replayed.")
    return tuple(found)


def reviews(tally: Tally, times: Mapping[str, TimeToDecide]) -> dict[str, Any]:
    """Return reviews saved and added, with hours by the median that was measured for each action type.

    Hours run from being asked to being decided, so that waiting is in them. What has fewer than `FEWEST` decisions has
    none, and is counted in `not_measured`.
    """
    rows: list[dict[str, Any]] = []
    for name in sorted({action_type for action_type, _ in tally.held}):
        saved, added = tally.held[(name, SAVED)], tally.held[(name, ADDED)]
        time = times.get(name)
        measured = time is not None and time.n >= FEWEST
        median = time.seconds if time is not None and measured else None
        hours = None if median is None else round((saved - added) * median / 3600, 2)
        row = {"saved": saved, "added": added, "median_seconds": median, "n": time.n if time else 0}
        rows.append({"action_type": name, **row, "hours_saved": hours})
    known = [row["hours_saved"] for row in rows if row["hours_saved"] is not None]
    return {
        "saved": sum(row["saved"] for row in rows),
        "added": sum(row["added"] for row in rows),
        "hours_saved": round(sum(known), 2) if known else None,
        "not_measured": sum(row["saved"] + row["added"] for row in rows if row["hours_saved"] is None),
        "types": rows,
    }


def _pairs(tally: Tally) -> list[dict[str, Any]]:
    counts: Counter[tuple[str, str]] = Counter()
    effective: Counter[tuple[str, str]] = Counter()
    for flip, count in tally.flips.items():
        counts[flip[:2]] += count
        effective[flip[:2]] += count if flip.effective else 0
    return [
        {
            "before": before, "after": after, "count": count, "effective": effective[(before, after)],
            "examples": _examples(tally, f"{before}-{after}"),
        }
        for (before, after), count in sorted(counts.items(), key=lambda each: (-each[1], each[0]))
    ]  # fmt: skip


def _rules(tally: Tally) -> list[dict[str, Any]]:
    counts: Counter[tuple[str, str, str, str]] = Counter()
    for flip, count in tally.flips.items():
        counts[flip[:4]] += count
    names = ("before", "after", "rule_before", "rule_after")
    ordered = sorted(counts.items(), key=lambda each: (-each[1], each[0]))
    return [{**dict(zip(names, key, strict=True)), "count": count} for key, count in ordered]


def _reproduction(tally: Tally) -> dict[str, Any]:
    same, differs = tally.reproduction[Reproduction.SAME], tally.reproduction[Reproduction.DIFFERS]
    versions = sorted(tally.versions.items(), key=lambda each: (-each[1], each[0]))
    return {
        "checked": same + differs,
        "reproduced": same,
        "differ": differs,
        "examples": _examples(tally, Reproduction.DIFFERS.value),
        "other_versions": [{"version": version, "count": count} for version, count in versions],
    }


def _people(tally: Tally) -> dict[str, Any]:
    spoken = sorted(tally.spoken.items(), key=lambda each: (-each[1], each[0]))
    return {
        "count": tally.spoken.total(),
        "kinds": [{"before": b, "after": a, "decision": said, "count": count} for (b, a, said), count in spoken],
        "listed": [_spoken(each) for each in tally.listed],
        "left_off": max(0, tally.spoken.total() - MOST_LISTED),
    }


def _spoken(each: Spoken) -> dict[str, Any]:
    return {**each._asdict(), "at": stamp(each.at)}


def _examples(tally: Tally, key: str) -> list[dict[str, Any]]:
    return [each._asdict() for each in tally.examples.get(key, ())]


def _at(moment: datetime | None) -> str | None:
    return stamp(moment) if moment else None
