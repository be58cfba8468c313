"""`pilothouse up`: the server with console and API, and with `--demo` a generated company to try it on."""

from __future__ import annotations

import os
import shutil
import socket
import sys
import threading
import webbrowser
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from pilothouse.assembly import App, assemble
from pilothouse.surfaces.cli.context import HERE, Json, Where
from pilothouse.surfaces.cli.output import emit_line, guarded, note, say
from pilothouse.vocabulary.actors import SYSTEM_PERSON
from pilothouse.vocabulary.errors import InvalidInput
from pilothouse.vocabulary.outcomes import ReviewStatus
from pilothouse.workspace.config import FILE, open_workspace

MARK = ".demo"
GUEST = "gita"
"""Who is logged in by the demo's link."""


@guarded
def up(
    where: Where = HERE,
    demo: Annotated[bool, typer.Option("--demo", help="Generate a company in the workspace folder first.")] = False,
    fresh: Annotated[bool, typer.Option("--fresh", help="With --demo: throw an earlier demo away.")] = False,
    serve: Annotated[bool, typer.Option(help="Start the server.")] = True,
    browser: Annotated[bool, typer.Option(help="Open the console in a browser.")] = True,
    port: Annotated[int | None, typer.Option(min=1, max=65535)] = None,
    json: Json = False,
) -> None:
    """Start console and API. With --demo, on a generated company with proposals waiting.

    With --json one line says where, before the first request is answered; no browser is opened, since the link in it
    can be used once.
    """
    pilothouse = _demo(where, fresh, note if json else say) if demo else assemble(open_workspace(where))
    server = pilothouse.workspace.config.server
    address = f"http://{server.host}:{port or server.port}"
    try:
        if serve:
            _free(server.host, port or server.port)
        link = f"{address}/enter?token={pilothouse.credentials.issue_link(GUEST, SYSTEM_PERSON)}" if demo else None
        if json:
            emit_line({"url": address, "serving": serve, "person": GUEST if demo else None, "link": link})
        elif link is not None:
            _tell(pilothouse, where, link)
            _open(link) if browser and serve else None
        if serve:
            if not json:
                say(f"Console and API at {address} (Ctrl+C stops it).")
                if not demo:
                    extra = f" --port {port}" if port else ""
                    say(
                        f"The first time, in another terminal: `pilothouse people link YOU{extra}` prints a link to enter by."
                    )
            _serve(pilothouse, server.host, port or server.port)
    finally:
        pilothouse.close()


def _free(host: str, port: int) -> None:
    """Raise `InvalidInput` when something else listens there, before a link is printed that leads to it."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise InvalidInput(
                f"{host}:{port} cannot be used ({error.strerror}).", hint="Choose another with --port."
            ) from None


def _serve(pilothouse: App, host: str, port: int) -> None:
    # Imported here: the web server takes most of a second to load, and no other command needs it.
    import structlog
    import uvicorn

    from pilothouse.surfaces.server import build

    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))  # stdout is for what was asked for
    uvicorn.run(build(pilothouse), host=host, port=port, log_level="warning")


def _demo(where: Path, fresh: bool, tell: Callable[[str], None]) -> App:
    from pilothouse.demo.stage import set_stage

    if (where / FILE).exists() and not (where / MARK).exists():
        raise InvalidInput(
            f"{where} is a workspace of yours, not a demo.", hint="Leave --demo out, or name a new folder."
        )
    if fresh and (where / MARK).exists():
        shutil.rmtree(where)
    if (where / FILE).exists():
        tell(f"The demo in {where} goes on where it was; --fresh begins anew.")
        return assemble(open_workspace(where))
    stage = set_stage(where, tell=tell)
    (where / MARK).touch()
    stage.app.witness.checkpoint(stage.app.ledger)
    counts = stage.run.statuses
    tell("")
    tell(f"The agent found {sum(stage.run.found.values())} things and made {len(stage.run.results)} proposals:")
    tell(f"  {counts['executed']:>4} executed   (filling empty company fields, which two people allowed)")
    tell(f"  {counts['held']:>4} held       (waiting for a person)")
    tell(f"  {counts['refused']:>4} refused    (sources contradict each other, so it was not sure enough)")
    tell(f"  {counts['shadowed']:>4} shadowed   (action types that nobody promoted: nothing is written)")
    return stage.app


def _tell(pilothouse: App, where: Path, link: str) -> None:
    waiting = pilothouse.reviews.list(status=ReviewStatus.OPEN)
    first = waiting[0].id if waiting else "REVIEW"
    say("")
    say(f"You are Gita, who leads RevOps. Enter (once): {link}")
    say("")
    say("Or on the command line, in another terminal:")
    commands = Path(sys.executable).parent
    say(f"  export PILOTHOUSE_WORKSPACE={where.resolve()} PILOTHOUSE_PERSON=gita PATH={commands}:$PATH")
    for line in (
        "reviews list",
        f"reviews show {first}",
        f"reviews approve {first}",
        "actions list --agent hygiene --since 48h",
        "rollback --agent hygiene --from 24h --preview",
        "ledger verify",
    ):
        say(f"  pilothouse {line}")
    say("")


def _open(link: str) -> None:
    if os.environ.get("DISPLAY") or sys.platform in ("darwin", "win32"):
        # The server is started right after this; the browser may ask a moment later.
        threading.Timer(1.5, webbrowser.open, [link]).start()
