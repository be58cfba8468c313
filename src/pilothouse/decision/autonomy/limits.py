"""The thresholds of trust. They are Pilothouse's own defaults: `[autonomy]` in pilothouse.toml may only make them stricter."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class AutonomyLimits(BaseModel):
    """Thresholds; the bounds keep every setting at least as strict as the default.

    `decided` proposals approved as proposed, `rate` the Wilson 95 % lower bound of their share, in a cycle of
    `cycle_days`; `shadow_days` in shadow first. `drill_days` is how old a passed drill may be. `budget` is the share of
    spot checks that may be overridden within 30 days, judged from `sample` checks on; likewise `rollback_rate` of what
    ran by itself. `drift` is the population stability index above which an input counts as changed.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    decided: int = Field(default=50, ge=50)
    rate: float = Field(default=0.90, ge=0.90, lt=1)
    cycle_days: int = Field(default=30, ge=30)
    shadow_days: int = Field(default=14, ge=14)
    drill_days: int = Field(default=90, ge=1, le=90)
    budget: float = Field(default=0.05, ge=0, le=0.05)
    rollback_rate: float = Field(default=0.05, ge=0, le=0.05)
    sample: int = Field(default=20, ge=5, le=20)
    drift: float = Field(default=0.25, gt=0, le=0.25)
