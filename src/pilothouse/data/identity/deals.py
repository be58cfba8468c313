"""Which deals of all systems are one deal, by their accounts: all of them at each run, since comparing them is cheap.

Deals are compared within one account only (`mirrors.py`), so accounts are resolved before. A deal that was merged into
another by its system of record is none of its own.
"""

from __future__ import annotations

from pilothouse.data.identity.entities import Entities
from pilothouse.data.identity.mirrors import Group, account_names, grouped, side_of
from pilothouse.data.store import DataStore
from pilothouse.vocabulary.records import merged_into

DEAL = "opportunity"


def groups_of_deals(store: DataStore, entities: Entities) -> list[Group]:
    """Group the deals of every system by what is known now, what people said of them included."""
    deals = [deal for deal in store.records(DEAL) if not merged_into(deal.value("flags"))]
    named = account_names(deals)
    held = entities.holding(named.values())
    entity = {record: ident for ident, records in held.items() for record in records}
    # An account that was never resolved is at least itself.
    home = {ref: entity.get(account, account) for ref, account in named.items()}
    return grouped((side_of(deal, home.get(deal.ref, "")) for deal in deals), entities.judgements(DEAL))
