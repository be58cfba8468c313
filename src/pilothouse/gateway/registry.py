"""The capability registry: everything that can be done through the door, and through which connector."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, cast

import fastjsonschema

from pilothouse.gateway.ports import SystemOfRecord
from pilothouse.vocabulary.capabilities import Capability
from pilothouse.vocabulary.errors import InvalidInput, NotFound
from pilothouse.vocabulary.values import Json

Check = Callable[[Mapping[str, Json]], object]


class CapabilityRegistry:
    """Capabilities by name, each with its compiled argument check and its connector."""

    def __init__(self, connectors: Iterable[SystemOfRecord]) -> None:
        self.connectors = {connector.name: connector for connector in connectors}
        self.capabilities: dict[str, Capability] = {}
        self._checks: dict[str, Check] = {}
        for connector in self.connectors.values():
            for capability in connector.capabilities():
                self._add(capability)

    def _add(self, capability: Capability) -> None:
        if capability.name in self.capabilities:
            raise InvalidInput(f"two connectors offer the capability {capability.name!r}.", hint="Rename one.")
        if capability.arguments.get("additionalProperties") is not False:
            raise InvalidInput(
                f"the argument schema of {capability.name!r} admits unknown arguments.",
                hint="Set additionalProperties to false.",
            )
        self.capabilities[capability.name] = capability
        self._checks[capability.name] = cast(Check, cast(Any, fastjsonschema).compile(dict(capability.arguments)))

    def get(self, name: str) -> Capability:
        """Return a capability; raises `NotFound` for a name nobody registered."""
        try:
            return self.capabilities[name]
        except KeyError:
            raise NotFound(
                f"there is no capability {name!r}.", hint="`pilothouse capabilities` shows what exists."
            ) from None

    def connector(self, system: str) -> SystemOfRecord:
        """Return the connector of a system of record; raises `NotFound`."""
        try:
            return self.connectors[system]
        except KeyError:
            raise NotFound(
                f"no connector serves the system {system!r}.",
                hint=f"Connected systems: {', '.join(sorted(self.connectors)) or 'none'}.",
            ) from None

    def problem_with(self, name: str, arguments: Mapping[str, Json]) -> str:
        """Say what is wrong with the arguments, or return the empty string."""
        try:
            self._checks[name](dict(arguments))
        except fastjsonschema.JsonSchemaValueException as error:
            return _in_words(error)
        return ""


def _in_words(error: fastjsonschema.JsonSchemaValueException) -> str:
    """Say what does not fit, without the value: it may be personal, and the sentence stands in the ledger."""
    rule, wanted, given = str(error.rule), error.rule_definition, error.value
    if rule == "additionalProperties":
        known = cast("Mapping[str, Any]", error.definition.get("properties", {}))
        unknown = ", ".join(repr(name) for name in given if name not in known)
        return f"it has no argument {unknown}; it has {', '.join(known)}"
    if rule == "required":
        return f"it needs {', '.join(str(name) for name in wanted if name not in given)}"
    if rule == "minProperties":
        return "it has no arguments; name at least one"
    if rule == "type":
        place = str(error.name).removeprefix("data").lstrip(".") or "the arguments"
        names = cast("list[str]", wanted if isinstance(wanted, list) else [wanted])
        return f"{place} must be {' or '.join('empty' if each == 'null' else each for each in names)}"
    return str(error.message).replace("data.", "").replace("data ", "the arguments ")


def touched_fields(capability: Capability, arguments: Mapping[str, Json]) -> tuple[str, ...]:
    """Return the record fields a call would change, in a stable order.

    For a capability that sets `fields` (a restore), they are the keys of that argument.
    """
    if capability.writes_fields is not None:
        return capability.writes_fields
    nested = arguments.get("fields")
    if isinstance(nested, Mapping):
        return tuple(sorted(nested))
    return tuple(sorted(arguments))


def new_values(capability: Capability, arguments: Mapping[str, Json]) -> dict[str, Json]:
    """Return the value each touched field would have afterwards, as far as the arguments tell it."""
    nested = arguments.get("fields")
    source: Mapping[str, Json] = nested if isinstance(nested, Mapping) else arguments
    return {name: source[name] for name in touched_fields(capability, arguments) if name in source}
