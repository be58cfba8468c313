"""What a verdict comes to in the mode that an agent has reached (X-16). The effective treatment is the stricter."""

from __future__ import annotations

from enum import StrEnum

from pilothouse.vocabulary.verdicts import Mode, Tier, Treatment, Verdict


class Disposition(StrEnum):
    """What happens now."""

    EXECUTE = "execute"
    HOLD = "hold"
    SHADOW = "shadow"
    REFUSE = "refuse"


def effective(verdict: Verdict, mode: Mode) -> Disposition:
    """Shadow writes nothing and asks nobody; assisted asks for everything; live follows the verdict."""
    if verdict.treatment is Treatment.REFUSE or verdict.tier is Tier.TX:
        return Disposition.REFUSE
    if mode is Mode.SHADOW:
        return Disposition.SHADOW
    if verdict.treatment is not Treatment.AUTO:
        return Disposition.HOLD
    return Disposition.EXECUTE if mode is Mode.LIVE else Disposition.HOLD
