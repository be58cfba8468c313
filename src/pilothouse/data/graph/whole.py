"""The ties of the whole graph before one position, read once and held: for going through every account in one pass."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import select

from pilothouse.data.graph.edges import entity_history, graph_edges
from pilothouse.data.graph.knowing import Knowledge
from pilothouse.ledger.ledger import Ledger


class Whole(Knowledge):
    """Answers as `Knowledge` does, for one position only; ties come from memory, values still from the database."""

    def __init__(self, ledger: Ledger, before: int) -> None:
        super().__init__(ledger)
        self._before = before
        self._entity: dict[str, str] = {}
        self._members: dict[str, set[str]] = {}
        self._values: dict[tuple[str, str], str] = {}
        self._holders: dict[tuple[str, str], set[str]] = {}
        self._read()

    def targets(self, records: Iterable[str], names: Sequence[str], before: int) -> dict[str, set[str]]:
        """Return, by record, the values of its edges of these names."""
        self._check(before)
        told = {record: {self._values.get((record, name), "") for name in names} - {""} for record in set(records)}
        return {record: values for record, values in told.items() if values}

    def holders(self, values: Iterable[str], names: Sequence[str], before: int) -> dict[str, set[str]]:
        """Return, by value, the records that have an edge of these names to it."""
        self._check(before)
        told = {value: {r for name in names for r in self._holders.get((value, name), ())} for value in set(values)}
        return {value: records for value, records in told.items() if records}

    def entities(self, records: Iterable[str], before: int) -> dict[str, str]:
        """Return the entity that each record was of."""
        self._check(before)
        return {record: entity for record in set(records) if (entity := self._entity.get(record, ""))}

    def members(self, entity: str, before: int) -> set[str]:
        """Return the records that were of an entity."""
        self._check(before)
        return set(self._members.get(entity, ()))

    def _check(self, before: int) -> None:
        if before != self._before:
            raise ValueError(f"this was read before position {self._before}, and is asked about {before}")

    def _read(self) -> None:
        edges, history = graph_edges.c, entity_history.c
        with self.ledger.engine.connect() as connection:
            told = select(edges.record, edges.name, edges.value).where(edges.position < self._before)
            for row in connection.execute(told.order_by(edges.at, edges.position)).yield_per(10_000):
                self._values[row.record, row.name] = row.value
            known = select(history.record, history.entity).where(history.position < self._before)
            for row in connection.execute(known.order_by(history.position)).yield_per(10_000):
                self._entity[row.record] = row.entity
        for (record, name), value in self._values.items():
            if value:
                self._holders.setdefault((value, name), set()).add(record)
        for record, entity in self._entity.items():
            if entity:
                self._members.setdefault(entity, set()).add(record)
