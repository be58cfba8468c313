"""`pilothouse contracts`: what each agent may read and write, and whether rows keep to what a contract asks."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pilothouse.assembly import SYSTEM
from pilothouse.data.checked_rows import check_file
from pilothouse.data.compiled_checks import CheckReport
from pilothouse.data.contract_reading import check_contracts, load_contracts
from pilothouse.data.contracts import Contract
from pilothouse.surfaces.cli.context import HERE, Json, Where, opened
from pilothouse.surfaces.cli.output import emit, guarded, say, table
from pilothouse.surfaces.cli.policy import tell_problems
from pilothouse.surfaces.contracted import checked, contract_of, contract_out, report_out
from pilothouse.vocabulary.errors import WrongUse
from pilothouse.workspace.config import open_workspace

app = typer.Typer(no_args_is_help=True)


@app.command("list")
@guarded
def list_(where: Where = HERE, json: Json = False) -> None:
    """Show every data contract."""
    contracts = load_contracts(open_workspace(where).folder("contracts"))
    if json:
        emit([contract_out(each) for each in contracts.values()])
        return
    rows = [(each.label, ", ".join(each.read), ", ".join(each.write), each.summary) for each in contracts.values()]
    table("Data contracts", ("contract", "reads", "writes", "summary"), rows)


@app.command()
@guarded
def show(name: str, where: Where = HERE, json: Json = False) -> None:
    """Show one data contract: what may be read, written and flagged, and on which terms."""
    contract = _contract(where, name)
    if json:
        emit(contract_out(contract))
        return
    say(f"{contract.label}: {contract.summary}")
    rules = contract.read.items()
    read = [(n, r.fields if r.fields == "*" else ", ".join(r.fields), r.filter, _fresh(contract, n)) for n, r in rules]
    table("May read", ("object", "fields", "only where", "not older than"), read)
    write = [
        (f"{name}.{field}", f"> {terms.min_confidence:g}", terms.review, terms.when)
        for name, fields in contract.write.items()
        for field, terms in fields.items()
    ]
    flagged = [(f"{name}.{field}", "", "always", "") for name, fields in contract.flag.items() for field in fields]
    table("May write", ("field", "confidence", "review", "only where"), [*write, *flagged])
    rates = [(system, rate.per_run, rate.per_minute) for system, rate in contract.rates.items()]
    table("Records it may be shown", ("system", "in a run", "in a minute"), rates)
    checks = [
        (f"{name}.{field}", ", ".join(f"{k} {v}" for k, v in check.model_dump(exclude_defaults=True).items()))
        for name, fields in contract.checks.items()
        for field, check in fields.items()
    ]
    table("Values must be", ("field", "asked"), checks)


@app.command()
@guarded
def check(
    name: Annotated[str, typer.Argument(help="A contract; without one, all files are checked.")] = "",
    file: Annotated[Path | None, typer.Argument(help="A CSV or Parquet file, its columns named as fields.")] = None,
    stored: Annotated[bool, typer.Option(help="Check the records as they are known.")] = False,
    object_name: Annotated[str, typer.Option("--object", help="Which object the rows are.")] = "",
    system: Annotated[str, typer.Option(help="With --stored: the system whose records are checked.")] = SYSTEM,
    where: Where = HERE,
    json: Json = False,
) -> None:
    """Check the contract files, or rows against one contract; ends with 1 when something is wrong."""
    if file is None and not stored:
        problems = check_contracts(open_workspace(where).folder("contracts"))
        if name and not problems:
            _contract(where, name)  # one that is not there is not in order
        tell_problems(problems, json=json)
        if problems:
            raise typer.Exit(1)
        if not json:
            say(f"The contract {name} is in order." if name else "The contracts are in order.")
        return
    contract = _contract(where, name)
    if file is not None and stored:
        raise WrongUse("give a file or --stored, not both.", hint="Run it twice.")
    if file is None:
        with opened(where) as pilothouse:
            reports = checked(pilothouse.store, contract, object_name, system)
    else:
        reports = [_file(contract, object_name, file)]
    if json:
        emit([report_out(each) for each in reports])
    else:
        for report in reports:
            _tell(report)
    if not all(report.sound for report in reports):
        raise typer.Exit(1)


def _file(contract: Contract, object_name: str, file: Path) -> CheckReport:
    objects = [object_name] if object_name else list(contract.checks)
    if len(objects) != 1 or objects[0] not in contract.read:
        known = ", ".join(contract.read)
        raise WrongUse("say which object the rows are.", hint=f"Add --object, one of {known}.")
    return check_file(contract, objects[0], file)


def _tell(report: CheckReport) -> None:
    rows = [(f"{report.object}.{b.field}", b.rule, f"{b.rows:,}", " ".join(b.examples)) for b in report.breaches]
    table(
        f"{report.contract}: {report.rows:,} {report.object} rows checked; rules broken",
        ("field", "rule", "rows", "first"),
        rows,
    )
    if report.absent:
        say(f"Without a column, and so without a value: {', '.join(report.absent)}.")
    if report.outside:
        say(f"{report.outside:,} rows are outside the contract's filter.")


def _contract(where: Path, name: str) -> Contract:
    return contract_of(load_contracts(open_workspace(where).folder("contracts")), name)


def _fresh(contract: Contract, object_name: str) -> str:
    rule = contract.read[object_name]
    return ", ".join(f"{field}: {each.max_age_days} days ({each.older})" for field, each in rule.fresh.items())
