"""The commands that stand by themselves, and the groups of the others."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from pilothouse import __version__
from pilothouse.assembly import SYSTEM
from pilothouse.data.importing.events import CLOUDEVENTS, import_event_files
from pilothouse.data.importing.importer import ImportReport, import_files
from pilothouse.data.importing.mapping import mapping_text
from pilothouse.data.quarantine import set_aside_rows
from pilothouse.orchestration.continuing import carry_on
from pilothouse.orchestration.runs import RunReport, run_agent
from pilothouse.surfaces.cli import (
    accounts,
    actions,
    agents,
    calibration,
    compliance,
    contracts,
    dataset,
    definitions,
    enrich,
    identity,
    incidents,
    ledger,
    notifications,
    overrides,
    people,
    pipeline,
    policy,
    policy_versions,
    quality,
    questions,
    readiness,
    records,
    reviews,
    rollback,
    schedules,
    sources,
    suspend,
    up,
)
from pilothouse.surfaces.cli.context import HERE, As, Json, Where, opened, somebody
from pilothouse.surfaces.cli.outcome import outcome
from pilothouse.surfaces.cli.output import emit, guarded, say, table, told
from pilothouse.surfaces.moments import as_of as judged_at
from pilothouse.surfaces.moments import when
from pilothouse.vocabulary.actors import Actor
from pilothouse.vocabulary.errors import NotFound
from pilothouse.vocabulary.records import WriterKind
from pilothouse.workspace.config import init_workspace

COLUMNS_TOLD = 8
SENT = "source/"
"""How the place of an event that was sent, and not imported, begins in quarantine."""
ENCODINGS = {"cp1252": "Windows-1252"}

app = typer.Typer(no_args_is_help=True, add_completion=False, help="The open control plane for revenue agents.")
app.add_typer(agents.app, name="agents", help="Who may act, and how far each has come.")
app.add_typer(reviews.app, name="reviews", help="What waits for a person.")
app.add_typer(
    questions.app, name="questions", help="Why was this done? This is wrong: asked, and tracked to an answer."
)
app.add_typer(calibration.app, name="calibration", help="What agents' confidence is worth.")
app.add_typer(notifications.app, name="notifications", help="What people were told, and whether it arrived.")
app.add_typer(actions.app, name="actions", help="What was done, refused, held, and why.")
app.add_typer(policy.app, name="policy", help="Check, test, prove, publish and ask the written policy.")
app.add_typer(definitions.app, name="definitions", help="What your words mean, and which records they hold of.")
app.add_typer(contracts.app, name="contracts", help="What each agent may read and write, and whether rows keep to it.")
app.add_typer(
    compliance.app, name="compliance", help="What may go out to people outside, and who asked to be left alone."
)
app.add_typer(ledger.app, name="ledger", help="Verify and export the record of everything.")
app.add_typer(people.app, name="people", help="Who is known, and log-in links.")
app.add_typer(agents.tokens, name="token", help="Agent tokens.")
app.add_typer(enrich.app, name="enrich", help="Ask outside sources for what is missing or old, within a budget.")
app.add_typer(accounts.app, name="account", help="One account, from every system, as of any moment.")
app.add_typer(sources.app, name="sources", help="Who may send webhooks, and their secrets.")
app.add_typer(schedules.app, name="schedules", help="What runs by the clock, when it ran last and runs next.")
app.add_typer(incidents.app, name="incidents", help="What went wrong, what followed from it, and how it is put right.")
app.command("suspend")(suspend.suspend)
app.command("resume")(suspend.resume)
app.command("suspensions")(suspend.suspensions)
for command in (
    policy_versions.publish,
    policy_versions.approve,
    policy_versions.reject,
    policy_versions.versions,
    policy_versions.show,
    policy_versions.pull,
    policy_versions.rollback,
):
    policy.app.command()(command)
app.command("signals")(sources.signals)
app.command("pipeline")(pipeline.pipeline)
app.command("rollback")(rollback.rollback)
app.command("up")(up.up)
app.command("set")(records.set_)
app.command("resolve")(identity.resolve)
app.command("quality")(quality.quality)
app.command("dataset")(dataset.dataset)
app.command("readiness")(readiness.readiness)
app.command("overrides")(overrides.overrides)
app.add_typer(identity.app, name="entities", help="Who is who across systems, and what people say about it.")


@app.command()
def version(json: Json = False) -> None:
    """Print the version."""
    told(json, {"version": __version__}, __version__)


@app.command()
@guarded
def init(folder: Path, json: Json = False) -> None:
    """Write a new workspace: policy, contracts, definitions and agents as files under git."""
    workspace = init_workspace(folder)
    told(
        json,
        {"workspace": str(workspace.root)},
        f"A new workspace stands in {workspace.root}.",
        "Next, each with --help: `pilothouse people add` (you, then the agent's owner: `gita`, unless you change",
        "agents/hygiene.yaml), `pilothouse import`, `pilothouse agents register`, `pilothouse run hygiene`.",
    )


@app.command("import")
@guarded
def import_(
    paths: list[Path],
    mapping: Annotated[str, typer.Option(help="salesforce, hubspot, canonical, cloudevents, or a mapping file.")],
    source: Annotated[str, typer.Option(help="The system the files come from.")] = SYSTEM,
    twin: Annotated[bool, typer.Option(help="Load new CRM records into the embedded twin.")] = True,
    writer: Annotated[WriterKind, typer.Option(help="Whose word the values count as.")] = WriterKind.IMPORT,
    exported: Annotated[
        str | None,
        typer.Option(help="When the files were made, as 2026-01-31; default: the newest date their rows bear."),
    ] = None,
    where: Where = HERE,
    person: As = "",
    json: Json = False,
) -> None:
    """Import CSV or JSONL files. Bad rows are set aside with their reason; the rest goes in. Safe to repeat."""
    with opened(where) as opened_app:
        actor = Actor(somebody(person))
        opened_app.directory.person(actor.person)
        columns = (
            SpinnerColumn(),
            TextColumn("{task.description}"),
            TextColumn("{task.completed:,} rows"),
            TimeElapsedColumn(),
        )
        with Progress(*columns, transient=True, disable=json) as progress:
            task = progress.add_task("Importing", total=None)

            def tell(file: str, rows: int) -> None:
                progress.update(task, description=file, completed=rows)

            if mapping == CLOUDEVENTS:
                report = import_event_files(opened_app.ledger, opened_app.signals, paths, actor, tell)
            else:
                report = import_files(
                    opened_app.ledger,
                    opened_app.store,
                    paths,
                    mapping,
                    system=source,
                    actor=actor,
                    clock=opened_app.clock,
                    writer_kind=writer,
                    exported=when(exported, opened_app.clock.now()),
                    signals=opened_app.signals,
                    on_progress=tell,
                )
        mirrored = opened_app.fill_twin() if source == SYSTEM and twin else 0
    emit(report) if json else _tell_import(report, source)
    if mirrored and not json:
        say(f"{mirrored:,} of them were loaded into the twin, which stands in for your CRM; your CRM is not touched.")


def _tell_import(report: ImportReport, source: str) -> None:
    told = ", ".join(f"{count:,} {name}" for name, count in sorted(report.objects.items()))
    say(f"Read {report.rows:,} rows from {source}: {told or 'nothing'}.")
    say(
        f"{report.changed:,} were new or changed, {report.unchanged:,} said nothing new, {report.skipped:,} were skipped."
    )
    if report.repeated:
        say(f"The sources still say what is known of {report.repeated:,} of them; that is written down as repeated.")
    for why, count in report.skipped_why.most_common():
        say(f"  {count:,} skipped: {why}.")
    if report.quarantined:
        say(f"{report.quarantined:,} bad row(s) were set aside: `pilothouse quarantine` shows them.")
    if report.resolved:
        say(f"{report.resolved:,} row(s) set aside before are settled now.")
    for file, encoding in report.encodings.items():
        say(f"{file} is not UTF-8; it was read as {ENCODINGS.get(encoding, encoding.upper())}.")
    if report.ignored:
        say(f"Not in the mapping, and left alone: {', '.join(report.ignored)}.")
    for file, columns in report.unread.items():
        more = f" and {len(columns) - COLUMNS_TOLD} more" if len(columns) > COLUMNS_TOLD else ""
        say(f"Columns of {file} that the mapping does not read: {', '.join(columns[:COLUMNS_TOLD])}{more}.")


@app.command()
@guarded
def mapping(name: Annotated[str, typer.Argument(help="salesforce, hubspot or canonical.")], json: Json = False) -> None:
    """Print a built-in mapping, to copy into a file of your own and change; `import --mapping FILE` then reads by it."""
    text = mapping_text(name)
    emit({"mapping": name, "text": text}) if json else sys.stdout.write(text)


@app.command()
@guarded
def quarantine(
    settled: Annotated[bool, typer.Option("--all", help="Show the rows that were mended since, too.")] = False,
    where: Where = HERE,
    json: Json = False,
) -> None:
    """Show the rows that were set aside at import, with file, line and reason, and what to do about them."""
    with opened(where) as opened_app:
        found = set_aside_rows(opened_app.ledger, settled=settled)
    if json:
        emit(found)
        return
    columns = ("file", "line", "from", "reason", *(("settled",) if settled else ()))
    rows = [(e.file, e.line, e.system, e.reason, *((e.resolved,) if settled else ())) for e in found]
    table("Set aside", columns, rows)
    open_rows = [each for each in found if not each.resolved]
    files = sorted({each.file for each in open_rows if not each.file.startswith(SENT)})
    if files:
        say(
            f"Mend these rows in {', '.join(files)}, best where the file comes from, and import again: what came in already"
        )
        say("stays as it is, and a row whose mended form comes in is settled. `--json` shows each row whole.")
    if any(each.file.startswith(SENT) for each in open_rows):
        say(
            "What a source sent (source/…) is in no file: have it sent again in a form that fits. `--json` shows what came,"
        )
        say(
            "`pilothouse sources types` what each type of signal holds. It stays listed here: nothing that came is lost."
        )


@app.command()
@guarded
def run(
    agent: str,
    system: Annotated[str, typer.Option(help="The system whose records it looks at.")] = SYSTEM,
    as_of: Annotated[
        str | None, typer.Option(help="Judge ages as of this day; default: the newest date in the data.")
    ] = None,
    limit: Annotated[int | None, typer.Option(min=0, help="Hand in at most so many proposals.")] = None,
    where: Where = HERE,
    person: As = "",
    json: Json = False,
) -> None:
    """Run an agent once: it looks, proposes, and the gateway decides on every proposal."""
    with opened(where) as opened_app:
        found = opened_app.agent(agent)
        if found is None:
            known = ", ".join(each.ref.name for each in opened_app.agents)
            raise NotFound(f"there is no built-in agent {agent!r}.", hint=f"There is: {known}.")
        opened_app.gateway.door.registry.connector(system)
        opened_app.take_in()
        for name in opened_app.resolver.due():
            opened_app.resolver.settle(name)
        now = opened_app.clock.now()
        moment = judged_at(as_of, now) or opened_app.newest_day(system) or now
        report = run_agent(
            opened_app.gateway,
            found,
            somebody(person),
            store=opened_app.store,
            entities=opened_app.entities,
            definitions=opened_app.definitions,
            graph=opened_app.graph,
            system=system,
            as_of=moment,
            limit=limit,
        )
    emit(_run_json(report)) if json else _tell_run(report)


def _run_json(report: RunReport) -> dict[str, object]:
    return {
        "run": report.run,
        "agent": report.agent,
        "as_of": report.as_of,
        "found": report.found,
        "statuses": report.statuses,
        "stopped": report.stopped,
        "results": [outcome(each) for each in report.results],
    }


def _tell_run(report: RunReport) -> None:
    table(f"{report.agent} found, as of {report.as_of:%Y-%m-%d}", ("what", "how many"), sorted(report.found.items()))
    table("What became of its proposals", ("status", "how many"), sorted(report.statuses.items()))
    if report.stopped:
        say(f"The run was stopped: {report.stopped}")
    if report.statuses["shadowed"]:
        say("Shadowed: nothing was written, because nobody promoted that action type (`pilothouse agents promote`).")
    if report.statuses["held"]:
        say("Held: `pilothouse reviews list` shows what waits for a person.")


@app.command()
@guarded
def carry(where: Where = HERE, json: Json = False) -> None:
    """Take up approved reviews, close overdue ones, settle unanswered acts; safe to repeat at any time."""
    with opened(where) as opened_app:
        done = carry_on(opened_app.gateway)
    told(
        json,
        {"settled": done.settled, "expired": done.expired, "resumed": [r.action.id for r in done.resumed]},
        f"{len(done.resumed)} taken up, {len(done.expired)} expired, {len(done.settled)} settled.",
    )


@app.command()
@guarded
def capabilities(where: Where = HERE, json: Json = False) -> None:
    """Show everything that can be done to the connected systems, with its classification."""
    with opened(where) as opened_app:
        every = list(opened_app.gateway.door.registry.capabilities.values())
    if json:
        emit(every)
        return
    columns = ("capability", "effect", "change", "can be undone", "if it is wrong")
    rows = [(c.name, c.effect, c.change, "yes" if c.reversible else "no", c.if_wrong or "we cannot") for c in every]
    table("Capabilities", columns, rows)


def main() -> None:
    """Run the command line."""
    app()
