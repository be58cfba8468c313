"""An incident as REST and command line tell it, and its cascade as lines of text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from pilothouse.gateway.rollback import Item
from pilothouse.observability.cascade import Node
from pilothouse.orchestration.incident_desk import Affected, Dossier, Milestone
from pilothouse.surfaces.plain import plain


def as_json(found: Dossier) -> dict[str, Any]:
    """Return everything about an incident as JSON."""
    return {
        **plain(found.incident),
        "timeline": [milestone(each) for each in found.milestones],
        "affected": [_item(each) for each in found.affected],
        "plan": [_item(each) for each in found.plan.items],
        "cascade": plain(found.cascade),
        "tasks": plain(found.tasks),
        "notes": [
            {"at": plain(each.at), "by": each.actor.person, "kind": each.kind, "note": each.value("note", "")}
            for each in found.entries
        ],
    }


def milestone(each: Milestone) -> dict[str, Any]:
    """Return one point of the timeline as JSON."""
    return {**plain(each), "met": each.met}


def _item(item: Item | Affected) -> dict[str, Any]:
    return {**plain(item), "record": str(item.record)}


def tree(nodes: Sequence[Node], depth: int = 0) -> Iterator[tuple[int, Node]]:
    """Yield every act of a cascade with its depth, each above those that drew on it."""
    for node in nodes:
        yield depth, node
        yield from tree(node.children, depth + 1)
