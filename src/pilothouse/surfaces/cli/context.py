"""What commands share: the workspace, the person, opening and closing the app."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from pilothouse.assembly import App, assemble
from pilothouse.vocabulary.actors import SYSTEM_PERSON, AgentRef
from pilothouse.vocabulary.errors import InvalidInput, NotFound, WrongUse
from pilothouse.vocabulary.records import RecordRef
from pilothouse.workspace.config import open_workspace


def nobody_is_the_system(given: str) -> str:
    """Refuse to act as the system: it is the name of what happens by itself, never of somebody at a keyboard."""
    if given == SYSTEM_PERSON:
        raise typer.BadParameter(f"nobody acts as {SYSTEM_PERSON!r}; name a person (`pilothouse people list`).")
    return given


Where = Annotated[Path, typer.Option("--workspace", "-w", envvar="PILOTHOUSE_WORKSPACE", help="The workspace folder.")]
As = Annotated[
    str, typer.Option("--as", envvar="PILOTHOUSE_PERSON", help="The person you act as.", callback=nobody_is_the_system)
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
HERE = Path()


@contextmanager
def opened(where: Path) -> Generator[App, None, None]:
    """Open a workspace, and sign what was written when done."""
    app = assemble(open_workspace(where))
    try:
        yield app
    finally:
        app.close()


def somebody(person: str) -> str:
    """Return the person; raises `WrongUse` when nobody was named."""
    if not person:
        raise WrongUse("say who you are.", hint="Add --as PERSON, or set PILOTHOUSE_PERSON.")
    return person


def agent_ref(text: str) -> AgentRef:
    """Read name@version; raises `InvalidInput`."""
    try:
        return AgentRef.parse(text)
    except ValueError as error:
        raise InvalidInput(str(error)) from None


def known_system(app: App, name: str) -> str:
    """Return a system's name; raises `NotFound` when nothing is known of it."""
    known = app.systems()
    if name not in known:
        raise NotFound(f"there is no system {name!r}; there is {', '.join(known)}.")
    return name


def record_ref(text: str, example: str = "system/object/id, as in crm/account/A0010") -> RecordRef:
    """Read the name of a record; raises `WrongUse`."""
    try:
        ref = RecordRef.parse(text)
    except ValueError as error:
        raise WrongUse(f"{error}.", hint=f"Write {example}.") from None
    if not ref.id:
        raise WrongUse(f"{text!r} names no record.", hint=f"Write {example}.")
    return ref
