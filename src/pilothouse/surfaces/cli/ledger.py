"""`pilothouse ledger`: verify, export, verify elsewhere, rebuild, erase."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pilothouse.directory.roles import permissions_of
from pilothouse.ledger.export import export as export_bundle
from pilothouse.ledger.export import verify_bundle
from pilothouse.ledger.notes import PublicKey
from pilothouse.ledger.verify import Report, verify_store
from pilothouse.surfaces.cli.context import HERE, As, Json, Where, opened, somebody
from pilothouse.surfaces.cli.output import emit, fail, guarded, say, told
from pilothouse.vocabulary.actors import Actor
from pilothouse.vocabulary.errors import Forbidden, InvalidInput, WrongUse
from pilothouse.workspace.config import open_workspace

app = typer.Typer(no_args_is_help=True)
Key = Annotated[Path | None, typer.Option("--key", help="The public key file; default: the workspace's.")]


@app.command()
@guarded
def verify(
    bundle: Annotated[Path | None, typer.Argument(help="An exported ledger; default: the workspace's.")] = None,
    key: Key = None,
    where: Where = HERE,
    json: Json = False,
) -> None:
    """Verify every entry against the signed checkpoints; an exported ledger needs the public key and nothing else."""
    if bundle is not None:
        if key is None:
            raise WrongUse("an exported ledger is verified with a public key.", hint="Add --key FILE.")
        report = verify_bundle(bundle, _read_key(key))
    else:
        workspace = open_workspace(where)
        from pilothouse.ledger.database import open_database

        public = _read_key(key or workspace.state / "ledger-public.key")
        report = verify_store(open_database(workspace.database_url), workspace.state / "witness", public)
    emit(report) if json else _tell(report)
    if not report.ok:
        raise typer.Exit(1)


def _read_key(path: Path) -> PublicKey:
    if not path.exists():
        raise InvalidInput(f"there is no key in {path}.", hint="Give the public key file with --key.")
    return PublicKey.parse(path.read_text())


def _tell(report: Report) -> None:
    for problem in report.problems:
        typer.echo(f"✗ {problem}", err=True)
    if not report.ok:
        fail(f"The ledger is not what was signed; the first bad position is {report.first_bad}.")
    say(f"{report.size:,} entries are exactly what was signed ({report.checkpoints} checkpoint(s)).")
    if report.uncovered:
        say(f"{report.uncovered:,} newer entries are not signed yet.")


@app.command()
@guarded
def export(file: Path, where: Where = HERE, json: Json = False) -> None:
    """Write the ledger into a zip file (name it so: ledger.zip) that can be verified anywhere. Personal payloads stay behind."""
    with opened(where) as pilothouse:
        count = export_bundle(pilothouse.ledger, pilothouse.witness, file)
        public = pilothouse.workspace.state / "ledger-public.key"
    told(
        json,
        {"file": str(file), "entries": count, "public_key": str(public)},
        f"{count:,} entries are in {file}. A verifier also needs {public}, by another way.",
    )


@app.command()
@guarded
def rebuild(where: Where = HERE, json: Json = False) -> None:
    """Throw every projection away and make it again from the entries."""
    with opened(where) as pilothouse:
        count = pilothouse.ledger.rebuild()
    told(json, {"entries": count}, f"Every projection was made again from {count:,} entries.")


@app.command()
@guarded
def erase(
    data_subject: Annotated[str, typer.Argument(help="Such as crm/contact/003 or person/rosa.")],
    reason: Annotated[str, typer.Option()],
    where: Where = HERE,
    person: As = "",
    json: Json = False,
) -> None:
    """Erase the personal payloads kept for somebody; every proof stays whole."""
    with opened(where) as pilothouse:
        by = pilothouse.directory.person(somebody(person))
        if "erase" not in permissions_of(by.role).may:
            raise Forbidden(f"{by.id} may not erase.", hint="Ask an admin.")
        gone = pilothouse.ledger.erase(data_subject, Actor(by.id), reason)
        pilothouse.resolver.forget()
    told(json, {"data_subject": data_subject, "erased": gone}, f"{gone} payload(s) are gone.")
