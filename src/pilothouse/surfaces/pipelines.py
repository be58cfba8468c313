"""A measured pipeline, as command line and REST show it."""

from __future__ import annotations

from typing import Any

from pilothouse.data.pipeline.measured import Measured
from pilothouse.surfaces.plain import plain


def measured_out(measured: Measured) -> dict[str, Any]:
    """Return a measurement as JSON: its totals, and all of it."""
    return {"totals": plain(measured.totals()), "pipeline": plain(measured)}
