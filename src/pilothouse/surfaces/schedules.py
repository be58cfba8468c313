"""Schedules as command line and REST tell them."""

from __future__ import annotations

from typing import Any

from pilothouse.orchestration.schedules.scheduler import Standing


def standing_json(each: Standing) -> dict[str, Any]:
    """Return a schedule with its last run and its next time, for JSON."""
    told = {name: getattr(each.schedule, name) for name in ("name", "job", "argument", "system", "person", "paused")}
    return {**told, "when": each.schedule.words, "last": each.last, "next": each.next}
