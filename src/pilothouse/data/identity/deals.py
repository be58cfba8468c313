"""Which deals of all systems are one deal, by their accounts: all of them at each run, since comparing them is cheap.

Deals are compared within one account only (`mirrors.py`), so accounts are resolved before. A deal that its system of
record merged into another goes with that one.
"""

from __future__ import annotations

from collections.abc import Mapping

from pilothouse.data.identity.entities import Entities
from pilothouse.data.identity.mirrors import Group, account_names, grouped, side_of
from pilothouse.data.store import DataStore
from pilothouse.vocabulary.records import RecordRef

DEAL = "opportunity"


def groups_of_deals(store: DataStore, entities: Entities) -> list[Group]:
    """Group the deals of every system by what is known now, what people said of them included."""
    every = list(store.records(DEAL))
    deals = [deal for deal in every if not deal.merged_into]
    named = account_names(deals)
    held = entities.holding(named.values())
    entity = {record: ident for ident, records in held.items() for record in records}
    # An account that was never resolved is at least itself.
    home = {ref: entity.get(account, account) for ref, account in named.items()}
    groups = grouped((side_of(deal, home.get(deal.ref, "")) for deal in deals), entities.judgements(DEAL))
    return _with_merged(groups, {deal.ref: deal.merged_into for deal in every if deal.merged_into})


def _with_merged(groups: list[Group], merged: Mapping[RecordRef, str]) -> list[Group]:
    of = {ref: group for group in groups for ref in group.records}
    for ref in sorted(merged):
        end, passed = ref, {ref}
        while end in merged and (following := RecordRef(end.system, DEAL, merged[end])) not in passed:
            passed.add(following)
            end = following
        group = of.get(end)
        if group is None:
            groups.append(Group([ref]))
        else:
            group.records.append(ref)
    return groups
