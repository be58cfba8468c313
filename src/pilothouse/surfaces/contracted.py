"""Data contracts and what checking records against them found, as command line and REST show them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pilothouse.data.checked_rows import check_records
from pilothouse.data.compiled_checks import CheckReport
from pilothouse.data.contracts import Contract
from pilothouse.data.store import DataStore
from pilothouse.surfaces.plain import plain
from pilothouse.vocabulary.errors import InvalidInput, NotFound


def contract_of(contracts: Mapping[str, Contract], name: str) -> Contract:
    """Return a contract; raises `NotFound`."""
    if name not in contracts:
        raise NotFound(f"there is no data contract {name!r}.", hint=f"There is: {', '.join(contracts) or 'none yet'}.")
    return contracts[name]


def checked(store: DataStore, contract: Contract, object_name: str, system: str) -> list[CheckReport]:
    """Check a system's records, as they are known, against a contract: one object's, or of all it has checks for.

    Raises `InvalidInput` for an object that it does not read.
    """
    objects = [object_name] if object_name else list(contract.checks)
    for each in objects:
        if each not in contract.read:
            known = ", ".join(contract.read)
            raise InvalidInput(f"{contract.contract} does not read {each!r}.", hint=f"It reads {known}.")
    return [check_records(contract, each, store.living(each, system)) for each in objects]


def contract_out(contract: Contract) -> dict[str, Any]:
    """Return a contract as JSON; `label` is its name, version and content hash."""
    return {**contract.model_dump(mode="json"), "label": contract.label}


def report_out(report: CheckReport) -> dict[str, Any]:
    """Return what came of a check as JSON; `sound` is false when a row breaks a rule."""
    return {**plain(report), "sound": report.sound}
