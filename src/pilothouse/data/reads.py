"""What an agent was shown in one run: counted by object and system, held to the contract's rates, told as one entry.

What must never happen here: a value in the entry (counts only); a limit passed and the records shown all the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from pilothouse.data.contracts import Contract
from pilothouse.vocabulary.errors import Forbidden
from pilothouse.vocabulary.values import Json


class Reads:
    """Counts records. `earlier` holds how many of each system the agent was shown within the last minute.

    All of a run counts as within a minute of its beginning, which makes the limit per minute stricter and never laxer.
    """

    def __init__(self, contract: Contract, earlier: Mapping[str, int] | None = None) -> None:
        self._contract, self._earlier = contract, earlier or {}
        self._total: Counter[str] = Counter()
        self._untold: dict[str, Counter[str]] = {}
        self._refused = ""

    def count(self, object_name: str, by_system: Mapping[str, int]) -> None:
        """Count records about to be shown; raises `Forbidden` when they would pass a limit of the contract."""
        for system, records in by_system.items():
            self._refused = over(self._contract, system, self._total[system] + records, self._earlier.get(system, 0))
            if self._refused:
                raise Forbidden(self._refused, hint="Narrow its filter, or raise its rates.", code="read_limit")
        self._untold.setdefault(object_name, Counter()).update(by_system)
        self._total.update(by_system)

    def tell(self) -> dict[str, Json] | None:
        """Return what was shown since this was last asked, as the body of an entry; None when that is nothing."""
        if not self._untold and not self._refused:
            return None
        objects: dict[str, Json] = {
            name: {"records": dict(counts), "filter": self._contract.filter(name)}
            for name, counts in sorted(self._untold.items())
        }
        systems = sum((Counter(each) for each in self._untold.values()), Counter[str]())
        body: dict[str, Json] = {"contract": self._contract.label, "objects": objects, "systems": dict(systems)}
        if self._refused:
            body["refused"] = self._refused
        self._untold, self._refused = {}, ""
        return body


def over(contract: Contract, system: str, in_run: int, in_minute: int) -> str:
    """Return which limit on a system these numbers pass, empty for none. `in_minute` is what came before the run."""
    rate = contract.rates.get(system)
    if rate is not None and rate.per_run is not None and in_run > rate.per_run:
        return f"the contract {contract.contract} lets a run see {rate.per_run} records of {system}, and this is more."
    if rate is not None and rate.per_minute is not None and in_run + in_minute > rate.per_minute:
        return f"the contract {contract.contract} allows {rate.per_minute} records of {system} within a minute."
    return ""
