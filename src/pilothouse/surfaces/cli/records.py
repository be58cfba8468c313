"""`pilothouse set`: a person changes a record themselves, through the same door as every agent."""

from __future__ import annotations

from typing import Annotated

import typer

from pilothouse.surfaces.cli.context import HERE, As, Json, Where, opened, record_ref, somebody
from pilothouse.surfaces.cli.outcome import tell_outcome
from pilothouse.surfaces.cli.output import guarded
from pilothouse.surfaces.cli.values import pair
from pilothouse.vocabulary.actions import Action
from pilothouse.vocabulary.errors import NotFound


@guarded
def set_(
    record: Annotated[str, typer.Argument(help="system/object/id")],
    values: Annotated[list[str], typer.Argument(help="field=value")],
    why: Annotated[str, typer.Option(help="The reason, for whoever asks later.")] = "Changed by hand.",
    where: Where = HERE,
    person: As = "",
    json: Json = False,
) -> None:
    """Change fields of a record as the person you are: governed, recorded, and never overwritten by a rollback."""
    with opened(where) as pilothouse:
        ref = record_ref(record)
        snapshot = pilothouse.gateway.door.registry.connector(ref.system).read(ref)
        if snapshot is None:
            raise NotFound(f"there is no {ref}.", hint="`pilothouse actions list` names records.")
        arguments = dict(pair(each, ref.object) for each in values)
        expects = {name: snapshot.fields.get(name) for name in arguments}
        action = Action(f"{ref.system}.{ref.object}.update", ref, arguments, why, expects=expects)
        result = pilothouse.gateway.submit_as_person(action, somebody(person))
    tell_outcome(result, json)
