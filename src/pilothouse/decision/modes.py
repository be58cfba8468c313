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


def effective(verdict: Verdict, mode: Mode | None) -> Disposition:
    """Shadow writes nothing and asks nobody; assisted asks for every write; live follows the verdict.

    No mode is shadow. A draft or a read (T0) that policy lets run needs nobody in assisted mode either.
    """
    if verdict.treatment is Treatment.REFUSE or verdict.tier is Tier.TX:
        return Disposition.REFUSE
    if mode is not Mode.LIVE and mode is not Mode.ASSISTED:
        return Disposition.SHADOW
    if verdict.treatment is not Treatment.AUTO:
        return Disposition.HOLD
    return Disposition.EXECUTE if mode is Mode.LIVE or verdict.tier is Tier.T0 else Disposition.HOLD
