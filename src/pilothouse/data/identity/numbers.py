"""Which weights are in force for an object: the latest measured, and the latest correction that people's answers gave.

They are entries, so that everybody who reads the ledger weighs alike. A correction that was taken back is an entry too.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime

from pilothouse.data.identity.model import MODELS
from pilothouse.data.identity.weights import Correction, Weights, correction_of, weights_of
from pilothouse.ledger.entries import Draft, Entry
from pilothouse.ledger.ledger import Ledger
from pilothouse.vocabulary.actors import SYSTEM_PERSON, Actor
from pilothouse.vocabulary.values import Json, canonical

MEASURED, LEARNED, FORGOT = "identity.measured", "identity.learned", "identity.unlearned"


@dataclass(frozen=True, slots=True)
class InForce:
    """What is in force: weights measured on the data (None: the shipped ones), and a correction (None: none)."""

    measured: Weights | None = None
    correction: Correction | None = None
    learned_at: datetime | None = None


def subject_of(object_name: str) -> str:
    """Return the subject of all entries about how an object is resolved."""
    return f"identity/{object_name}"


def in_force(ledger: Ledger, object_name: str) -> InForce:
    """Read what is in force; numbers for the levels of another version of the model no longer are."""
    model = MODELS[object_name]
    measured, correction, at = None, None, None
    for entry in ledger.entries(kinds={MEASURED, LEARNED, FORGOT}, subject=subject_of(object_name)):
        if entry.kind == MEASURED:
            found = weights_of(entry.body["weights"])
            measured = found if found.fits(model) else None
        else:
            correction, at = _correction(entry, object_name), entry.at
    return InForce(measured, correction, at if correction else None)


def _correction(entry: Entry, object_name: str) -> Correction | None:
    if entry.kind == FORGOT:
        return None
    found = correction_of(entry.body["correction"])
    levels = {each.name: len(each.levels) for each in MODELS[object_name].comparisons}
    return found if levels == {name: len(bits) for name, bits in found.bits.items()} else None


def measured_draft(object_name: str, weights: Weights) -> Draft:
    """Return the entry that puts measured weights in force."""
    body: dict[str, Json] = {"object": object_name, "weights": weights.as_json()}
    return Draft(MEASURED, Actor(SYSTEM_PERSON), body, subject=subject_of(object_name))


def learned_draft(object_name: str, correction: Correction, by: str) -> Draft:
    """Return the entry that puts a correction in force."""
    body: dict[str, Json] = {"object": object_name, "correction": correction.as_json()}
    return Draft(LEARNED, Actor(by), body, subject=subject_of(object_name))


def forgot_draft(object_name: str, by: str, why: str) -> Draft:
    """Return the entry that takes a correction back."""
    return Draft(FORGOT, Actor(by), {"object": object_name, "why": why}, subject=subject_of(object_name))


def digest(weights: Weights) -> str:
    """Return a name for exactly these numbers."""
    return hashlib.sha256(canonical(weights.as_json()).encode()).hexdigest()
