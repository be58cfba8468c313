"""The graph as others use it: a node, its timeline and its features, at a moment."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from pilothouse.data.definitions import Definitions
from pilothouse.data.graph.features import Features, features_of
from pilothouse.data.graph.happenings import Seen, seen_around
from pilothouse.data.graph.knowing import Knowledge
from pilothouse.data.graph.nodes import Node, node_of
from pilothouse.data.graph.timeline import Item, timeline_of
from pilothouse.data.graph.whole import Whole
from pilothouse.data.signals.catalogue import Catalogue
from pilothouse.ledger.ledger import Ledger
from pilothouse.vocabulary.errors import NotFound
from pilothouse.vocabulary.records import RecordRef


@dataclass(frozen=True, slots=True)
class Account:
    """All about one node at a moment."""

    node: Node
    seen: tuple[Seen, ...]
    features: Features
    timeline: tuple[Item, ...]


class BuyerGraph:
    """Answers about accounts and contacts. What was recorded before position `before` counts; None means by `as_of`.

    The two differ where old data is reasoned about today: an export of last year, imported now, as of its last day.
    """

    def __init__(
        self, ledger: Ledger, catalogue: Catalogue, definitions: Definitions, known: Knowledge | None = None
    ) -> None:
        self.known = known or Knowledge(ledger)
        self.catalogue, self.definitions = catalogue, definitions

    def whole(self, before: int) -> BuyerGraph:
        """Return the graph with all its ties before a position held in memory, for going through every account."""
        ledger = self.known.ledger
        return BuyerGraph(ledger, self.catalogue, self.definitions, Whole(ledger, before))

    def bare(self, ref: RecordRef, as_of: datetime, before: int) -> Account:
        """Return everything but the timeline; raises `NotFound` when nothing was known of it."""
        node, seen = self._around(ref, as_of, before)
        return Account(node, tuple(seen), self._features(node, seen, as_of), ())

    def account(self, ref: RecordRef, as_of: datetime, before: int | None = None) -> Account:
        """Return everything about a node; raises `NotFound` when nothing was known of it."""
        node, seen = self._around(ref, as_of, before)
        timeline = timeline_of(self.known, self.catalogue, node, seen, as_of)
        return Account(node, tuple(seen), self._features(node, seen, as_of), tuple(timeline))

    def features(self, ref: RecordRef, as_of: datetime, before: int | None = None) -> Features:
        """Return the features of a node; raises `NotFound` when nothing was known of it."""
        node, seen = self._around(ref, as_of, before)
        return self._features(node, seen, as_of)

    def timeline(self, ref: RecordRef, as_of: datetime, before: int | None = None) -> list[Item]:
        """Return the timeline of a node, newest first; raises `NotFound` when nothing was known of it."""
        node, seen = self._around(ref, as_of, before)
        return timeline_of(self.known, self.catalogue, node, seen, as_of)

    def _around(self, ref: RecordRef, as_of: datetime, before: int | None) -> tuple[Node, list[Seen]]:
        position = self.known.position_at(as_of) if before is None else before
        node = node_of(self.known, ref, position)
        if not (node.accounts or node.people or node.deals):
            told = self.known.first_told(ref)
            hint = (
                f"It was first told of on {told:%Y-%m-%d %H:%M} UTC, when it was imported or read: ask for that day or later."
                if told
                else "Nobody has told of it since, either; look at the list of actions or reviews."
            )
            raise NotFound(f"nothing was known of {ref} by {as_of:%Y-%m-%d %H:%M} UTC.", hint=hint)
        seen = seen_around(self.known, self.catalogue, node)
        return node, [each for each in seen if each.at <= as_of]

    def _features(self, node: Node, seen: list[Seen], as_of: datetime) -> Features:
        stages = self.known.changes([deal.ref for deal in node.deals], "stage", node.before)
        return features_of(node, seen, stages, self.catalogue, self.definitions, as_of)
