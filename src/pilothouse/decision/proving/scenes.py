"""Every situation that is asked about: each action type, on each object that it can be about."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pilothouse.data.schema import OBJECTS
from pilothouse.decision.proving.act import Scene
from pilothouse.vocabulary.capabilities import Capability

UNKNOWN_OBJECT = "custom_object"
"""Stands for every object that the schema does not describe: nothing is known of its fields."""


def scenes(capabilities: Mapping[str, Capability]) -> Iterator[Scene]:
    """Yield each action type with its object; one for any object (`*`) with every object and an unknown one."""
    for name in sorted(capabilities):
        capability = capabilities[name]
        about = (*OBJECTS, UNKNOWN_OBJECT) if capability.object == "*" else (capability.object,)
        yield from (Scene(capability, each) for each in about)


def unclassified(scene: Scene) -> Scene:
    """Return the scene as if nobody had classified what is done."""
    known = scene.capability
    bare = Capability(
        known.name, known.summary, known.system, known.object, known.effect, known.arguments,
        writes_fields=known.writes_fields,
    )  # fmt: skip
    return Scene(bare, scene.object)
