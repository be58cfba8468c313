"""The numbers and lists of a policy that can be changed by themselves: their names, meaning and bounds; one changed.

What must never happen here: a value taken that a policy file would not be allowed to hold.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from difflib import get_close_matches
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from pilothouse.decision.policy import Policy
from pilothouse.decision.written import Band, LimitsFile, NotifyFile
from pilothouse.vocabulary.errors import InvalidInput, NotFound
from pilothouse.vocabulary.misfits import misfits

M = TypeVar("M", bound=BaseModel)
Setting = float | tuple[str, ...]
MEANINGS: Mapping[str, str] = {
    "auto_above": "confidence from 0 to 1; an agent that is surer than this may act by itself",
    "block_below": "confidence from 0 to 1; a proposal that is less sure than this is refused",
    "write_set_records": "records, at most 5; an agent that touches more within the window is reviewed as one batch",
    "write_set_minutes": "minutes, at least 10; the window in which the records of an agent are counted together",
    "recipients": "people, at most 50; a message to more of them is for a person to begin",
    "above_records": "records, at most 5; people are told at once of anything that touches more",
    "discount_authority": "percent; a draft that gives more is escalated to the deal desk",
}
"""What the numbers mean that every policy has, whatever comments its files hold, by the last part of the name."""

GROUPS = re.compile(r"[,_ \u00a0\u202f]")
GROUPED = re.compile(r"[+-]?\d{1,3}([,_ \u00a0\u202f])\d{3}(\1\d{3})*(\.\d+)?")
"""A number with its thousands apart, as it is printed; 50,5 is none, and nobody guesses what it means."""


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


def shown(value: Setting) -> str:
    """Return a value as people write it: a number, or words with commas between them."""
    return ", ".join(value) if isinstance(value, tuple) else f"{value:.10g}"


def keys_of(name: str) -> tuple[str, ...]:
    """Return where in a policy file a setting stands: the keys that lead to it."""
    section, _, rest = name.partition(".")
    if section == "bands":
        capability, _, edge = rest.rpartition(".")
        return section, capability, edge
    return (section, rest) if rest else (section,)


def full_name(policy: Policy, name: str) -> str:
    """Return a setting's whole name; a threshold may be called by its own. Raises `NotFound` for what is not there."""
    every = settings_of(policy)
    for each in (name, f"thresholds.{name}"):
        if each in every:
            return each
    near = get_close_matches(name, [*every, *policy.thresholds], 1)
    meant = f" Did you mean {near[0]!r}?" if near else ""
    raise NotFound(f"the policy has no {name!r}.{meant}", hint=f"It has: {', '.join(sorted(every))}.")


def changed(policy: Policy, name: str, written: str) -> Policy:
    """Return the policy with one setting changed to what was written; its version says what was changed.

    Raises `NotFound` for a setting that is not there, `InvalidInput` for what it cannot be.
    """
    name = full_name(policy, name)
    now = settings_of(policy)[name]
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
        value = float(GROUPS.sub("", written.strip()) if GROUPED.fullmatch(written.strip()) else written)
    except ValueError:
        value = float("nan")
    if value - value != 0:
        raise InvalidInput(f"{name} is a number; {written!r} is none.", hint="Write it as 50000, 50,000 or 0.9.")
    if value < 0 and name.startswith("thresholds.") and now >= 0:
        raise InvalidInput(
            f"{name} is an amount or a count; {written.strip()} is less than nothing.", hint="Write 0 or more."
        )
    return value


def _valid(name: str, model: type[M], given: Mapping[str, Any]) -> M:
    try:
        return model.model_validate(given)
    except ValidationError as error:
        hint = "" if model is Band else "It can be made stricter, never laxer."
        raise InvalidInput(f"{name}: {misfits(error, given, model)[0].said}.", hint=hint) from None
