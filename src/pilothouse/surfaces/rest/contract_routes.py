"""The endpoints about data contracts: what each agent may read and write, and whether stored records keep to it."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query

from pilothouse.assembly import SYSTEM
from pilothouse.surfaces.auth import CurrentPerson, Pilothouse, require
from pilothouse.surfaces.contracted import checked, contract_of, contract_out, report_out
from pilothouse.surfaces.rest.routes import PROBLEMS, Id

router = APIRouter(prefix="/v1/contracts", responses=PROBLEMS)
Object = Annotated[
    str,
    Query(pattern=r"^[a-z_]*$", max_length=40, description="Which object; all that it has checks for when left out."),
]
Of = Annotated[
    str, Query(pattern=r"^[A-Za-z0-9_@.+-]+$", max_length=100, description="The system whose records are checked.")
]


@router.get("")
def list_contracts(person: CurrentPerson, pilothouse: Pilothouse) -> list[dict[str, Any]]:
    """Return every data contract, as this server holds agents to it."""
    require(person, "read_ledger")
    return [contract_out(each) for each in pilothouse.contracts.values()]


@router.get("/{name}")
def show_contract(name: Id, person: CurrentPerson, pilothouse: Pilothouse) -> dict[str, Any]:
    """Return one data contract: what may be read, written and flagged, and on which terms."""
    require(person, "read_ledger")
    return contract_out(contract_of(pilothouse.contracts, name))


@router.get("/{name}/check")
def check_contract(
    name: Id, person: CurrentPerson, pilothouse: Pilothouse, object: Object = "", system: Of = SYSTEM
) -> list[dict[str, Any]]:
    """Check the records of a system, as they are known, against a contract's checks: for each object, which rules rows break.

    `outside` counts records beyond the contract's filter, which are not checked.
    """
    require(person, "read_ledger")
    contract = contract_of(pilothouse.contracts, name)
    return [report_out(each) for each in checked(pilothouse.store, contract, object, system)]
