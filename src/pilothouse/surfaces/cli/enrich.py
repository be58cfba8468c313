"""`pilothouse enrich`: ask outside sources for what is missing or old, within their budgets."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.progress import Progress

from pilothouse.data.enrichment.answers import EnrichmentProvider
from pilothouse.data.enrichment.due import Due, Plan
from pilothouse.data.enrichment.enricher import Enricher, EnrichmentRun
from pilothouse.data.enrichment.status import NONE_SET_UP, EnrichmentStatus, ProviderStatus
from pilothouse.data.enrichment.status import status as status_of
from pilothouse.surfaces.cli.context import HERE, As, Json, Where, opened, somebody
from pilothouse.surfaces.cli.output import emit, guarded, say, table

app = typer.Typer(add_completion=False)


@app.callback(invoke_without_command=True)
@guarded
def enrich(
    context: typer.Context,
    provider: Annotated[str, typer.Option(help="Ask only this provider; default: each that is ready.")] = "",
    limit: Annotated[int | None, typer.Option(min=0, help="Ask each about so many at the most.")] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show who would be asked about, and send nothing.")
    ] = False,
    where: Where = HERE,
    person: As = "",
    json: Json = False,
) -> None:
    """Ask providers about who lacks values or holds old ones, the most valuable first. Nothing in your CRM is written."""
    if context.invoked_subcommand is not None:
        return
    with opened(where) as pilothouse:
        enricher = pilothouse.enricher
        chosen = (enricher.provider(provider),) if provider else enricher.providers
        if not chosen:
            emit({"note": NONE_SET_UP, "runs": []}) if json else say(NONE_SET_UP)
            return
        if dry_run:
            plans = [(each, enricher.plan(each)) for each in chosen]
            emit([_plan_json(enricher, *each, limit) for each in plans]) if json else _tell_plans(
                enricher, plans, limit
            )
            return
        by = somebody(person)
        ready = [each for each in chosen if provider or not each.unready()]
        with Progress(transient=True, disable=json) as progress:
            runs = [_run(enricher, each, by, limit, progress) for each in ready]
        skipped = {each.name: each.unready() for each in chosen if each not in ready}
    emit({"note": "", "skipped": skipped, "runs": [_run_json(each) for each in runs]}) if json else _tell(runs, skipped)


def _run(
    enricher: Enricher, provider: EnrichmentProvider, by: str, limit: int | None, progress: Progress
) -> EnrichmentRun:
    task = progress.add_task(f"Asking {provider.name}", total=None)
    return enricher.run(
        provider, by, limit, on_progress=lambda done, total: progress.update(task, completed=done, total=total)
    )


def _affordable(enricher: Enricher, provider: EnrichmentProvider, plan: Plan, limit: int | None) -> list[Due]:
    left, cost = enricher.left(provider), provider.terms.cost
    most = len(plan.due) if left is None or not cost else left // cost
    return plan.due[: most if limit is None else min(most, limit)]


def _plan_json(enricher: Enricher, provider: EnrichmentProvider, plan: Plan, limit: int | None) -> dict[str, Any]:
    chosen = _affordable(enricher, provider, plan, limit)
    return {
        "provider": provider.name,
        "unready": provider.unready(),
        "credits": provider.terms.cost * len(chosen),
        "credits_left": enricher.left(provider),
        "would_ask": chosen,
        "due": len(plan.due),
        "passed_over": plan.passed_over,
    }


def _tell_plans(enricher: Enricher, plans: list[tuple[EnrichmentProvider, Plan]], limit: int | None) -> None:
    for provider, plan in plans:
        chosen = _affordable(enricher, provider, plan, limit)
        rows = [
            (
                each.record,
                each.title,
                each.lookup.by,
                ", ".join(each.missing),
                ", ".join(each.stale),
                f"{each.pipeline:,.0f}",
            )
            for each in chosen
        ]
        columns = ("record", "name", "asked by", "missing", "stale", "open pipeline")
        table(f"{provider.name} would be asked about", columns, rows)
        left = enricher.left(provider)
        budget = "" if left is None else f" of {left} left"
        say(f"{len(chosen)} of {len(plan.due)} that are due, for {provider.terms.cost * len(chosen)} credits{budget}.")
        for why, count in plan.passed_over.most_common():
            say(f"  {count:,} passed over: {why}.")
        if why := provider.unready():
            say(f"It cannot be asked yet: {why}")


def _run_json(run: EnrichmentRun) -> dict[str, Any]:
    told = {name: getattr(run, name) for name in ("provider", "outcomes", "credits", "values", "stopped")}
    return {**told, "due": len(run.plan.due), "passed_over": run.plan.passed_over}


def _tell(runs: list[EnrichmentRun], skipped: dict[str, str]) -> None:
    for run in runs:
        table(f"{run.provider} was asked", ("what came of it", "how many"), sorted(run.outcomes.items()))
        say(f"{run.values:,} values for {run.credits} credits.")
        for why, count in run.plan.passed_over.most_common():
            say(f"  {count:,} passed over: {why}.")
        if run.stopped:
            say(f"Stopped early: {run.stopped}")
    for name, why in skipped.items():
        say(f"{name} was not asked: {why}")
    if any(run.values for run in runs):
        say("Nothing in your CRM changed. `pilothouse run hygiene` proposes what these values call for.")


@app.command()
@guarded
def status(where: Where = HERE, json: Json = False) -> None:
    """Show budgets, what was asked, what keeps providers from being asked, and how fresh what we hold is."""
    with opened(where) as pilothouse:
        enricher = pilothouse.enricher
        found = status_of(pilothouse.ledger, enricher.knowledge, enricher.providers, pilothouse.clock.now())
    emit(found) if json else _tell_status(found)


def _tell_status(found: EnrichmentStatus) -> None:
    if found.note:
        say(found.note)
    else:
        columns = ("provider", "about", "spent", "asked", "outcomes", "cached", "last asked")
        table("Providers", columns, [_provider_row(each) for each in found.providers])
    for each in found.providers:
        for why in (each.unready, each.closed):
            if why:
                say(f"{each.name} cannot be asked now: {why}")
        rows = [(f"{t.at:%Y-%m-%d %H:%M}", t.record, t.outcome, t.sentence) for t in each.troubles]
        if rows:
            table(f"Last errors of {each.name}", ("when", "record", "what", "why"), rows)
    rows = [(f"{f.object}.{f.field}", f.max_age_days, f.fresh, f.stale, f.missing) for f in found.freshness]
    table("How fresh what we hold is", ("field", "days allowed", "fresh", "stale", "missing"), rows)


def _provider_row(each: ProviderStatus) -> tuple[Any, ...]:
    spent = "free" if each.budget is None else f"{each.spent} of {each.budget} this {each.per}"
    outcomes = ", ".join(f"{count} {name}" for name, count in sorted(each.outcomes.items()))
    last = f"{each.last_asked:%Y-%m-%d %H:%M}" if each.last_asked else "never"
    return each.name, each.object, spent, each.asked, outcomes, each.cached, last
