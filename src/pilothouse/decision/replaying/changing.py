"""A policy with one number changed, in memory: what somebody tries before they write it into a file.

What must never happen here: a value taken that a policy file would not be allowed to hold.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from pilothouse.decision.policy import Policy
from pilothouse.decision.written import Band, LimitsFile, NotifyFile
from pilothouse.vocabulary.errors import InvalidInput, NotFound

M = TypeVar("M", bound=BaseModel)
Setting = float | tuple[str, ...]


def settings_of(policy: Policy) -> dict[str, Setting]:
    """Return every number and list of words of a policy that can be changed by itself, by its name."""
    found: dict[str, Setting] = {f"thresholds.{name}": value for name, value in policy.thresholds.items()}
    bands = {**({} if "default" in policy.bands else {"default": Band()}), **policy.bands}
    for name, band in bands.items():
        found |= {f"bands.{name}.{each}": getattr(band, each) for each in Band.model_fields}
    found |= {f"limits.{each}": float(getattr(policy.limits, each)) for each in LimitsFile.model_fields}
    return {
        **found,
        "notify.above_records": float(policy.notify_records),
        "discount_authority": policy.discount_authority,
    }


def changed(policy: Policy, name: str, written: str) -> Policy:
    """Return the policy with one setting changed to what was written; its version says what was changed.

    Raises `NotFound` for a setting that is not there, `InvalidInput` for what it cannot be.
    """
    now = settings_of(policy).get(name)
    if now is None:
        raise NotFound(f"the policy has no {name!r}.", hint=f"It has: {', '.join(sorted(settings_of(policy)))}.")
    value = _read(name, written, now)
    version = f"{policy.version.partition('@')[0]} with {name} = {written.strip()}"
    section, _, key = name.partition(".")
    match section:
        case "thresholds":
            return replace(policy, version=version, thresholds={**policy.thresholds, key: value})
        case "bands":
            capability, _, edge = key.rpartition(".")
            band = _valid(name, Band, {**policy.band(capability).model_dump(), edge: value})
            if band.block_below > band.auto_above:
                raise InvalidInput(f"{name}: block_below would lie above auto_above.", hint="Change the other first.")
            return replace(policy, version=version, bands={**policy.bands, capability: band})
        case "limits":
            limits = _valid(name, LimitsFile, {**policy.limits.model_dump(), key: value})
            return replace(policy, version=version, limits=limits)
        case "notify":
            most = _valid(name, NotifyFile, {key: value}).above_records
            return replace(policy, version=version, notify_records=most)
        case _:
            if not isinstance(value, float) or not 0 <= value <= 100:
                raise InvalidInput(f"{name} is a percentage.", hint="Write a number from 0 to 100.")
            return replace(policy, version=version, discount_authority=value)


def _read(name: str, written: str, now: Setting) -> Setting:
    if isinstance(now, tuple):
        return tuple(each.strip() for each in written.split(",") if each.strip())
    try:
        value = float(written)
    except ValueError:
        value = float("nan")
    if value - value != 0:
        raise InvalidInput(f"{name} is a number; {written!r} is none.", hint="Write it as 50000 or 0.9.")
    return value


def _valid(name: str, model: type[M], given: Mapping[str, Any]) -> M:
    try:
        return model.model_validate(given)
    except ValidationError as error:
        raise InvalidInput(
            f"{name}: {error.errors()[0]['msg']}.", hint="It can be made stricter, never laxer."
        ) from None
