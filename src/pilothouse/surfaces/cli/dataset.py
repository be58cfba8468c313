"""`pilothouse dataset`: what agents wrote and people decided, to learn from."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from pilothouse.directory.roles import permissions_of
from pilothouse.observability.dataset import export_dataset
from pilothouse.surfaces.cli.context import HERE, As, Json, Where, opened, somebody
from pilothouse.surfaces.cli.output import guarded, told
from pilothouse.vocabulary.errors import Forbidden


class Form(StrEnum):
    """How tables are written."""

    JSONL = "jsonl"
    PARQUET = "parquet"


@guarded
def dataset(
    folder: Path,
    form: Annotated[Form, typer.Option("--format")] = Form.JSONL,
    where: Where = HERE,
    person: As = "",
    json: Json = False,
) -> None:
    """Export every write, review and judgement, with a data card. It may hold personal data."""
    with opened(where) as pilothouse:
        who = pilothouse.directory.person(somebody(person))
        if not who.active or "read_ledger" not in permissions_of(who.role).may:
            raise Forbidden(
                f"{who.id} ({who.role}) may not read the ledger.", hint="Ask RevOps, an auditor or an admin."
            )
        counts = export_dataset(pilothouse.ledger, folder, form.value)
    held = ", ".join(f"{count:,} {name}" for name, count in counts.items())
    told(json, counts, f"{folder} holds {held}, and README.md says what they are.")
