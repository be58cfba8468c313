"""`pilothouse resolve` and `pilothouse entities`: who is who across systems, and what people say about it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pilothouse.assembly import App
from pilothouse.data.golden.record import GoldenValue
from pilothouse.data.identity.deals import DEAL
from pilothouse.data.identity.entities import RESOLVED, Doubt, Entity
from pilothouse.data.identity.learner import lessons
from pilothouse.data.identity.mirrors import shown
from pilothouse.data.identity.numbers import InForce
from pilothouse.surfaces.cli.context import HERE, As, Json, Where, opened, record_ref, somebody
from pilothouse.surfaces.cli.output import emit, guarded, say, table, told
from pilothouse.surfaces.moments import as_of as judged_at
from pilothouse.surfaces.plain import plain
from pilothouse.vocabulary.errors import NotFound
from pilothouse.vocabulary.records import RecordRef

app = typer.Typer(no_args_is_help=True)
SHOWN = ("name", "domain", "email", "country", "city", "phone")
SHOWN_OF_DEALS = ("name", "account", "amount", "close_date", "stage")


@guarded
def resolve(
    object: Annotated[str | None, typer.Option(help="account, contact or opportunity; default: all.")] = None,
    ask: Annotated[int, typer.Option("--ask", "--doubts", min=0, help="Show so many pairs that are worth a look.")] = 5,
    full: Annotated[
        bool, typer.Option("--full", help="Measure the weights again, and group all records anew.")
    ] = False,
    spark: Annotated[
        str, typer.Option(metavar="MASTER", help="Compare all records on this Spark cluster, as in local[2].")
    ] = "",
    shared: Annotated[
        Path | None, typer.Option(help="With --spark: a folder that all workers reach under the same path.")
    ] = None,
    where: Where = HERE,
    json: Json = False,
) -> None:
    """Work out which records of all sources are one account, contact or deal. Safe to repeat; writes only what changed.

    What is new is compared with all there is; the rest stays as it is, unless there are a quarter more records than when
    the weights were measured.
    """
    engine = None
    if spark:
        from pilothouse.data.identity.on_spark import spark_engine

        engine = spark_engine(spark, shared)
    with opened(where) as pilothouse:
        wanted = [object] if object else list(RESOLVED)
        found = [pilothouse.resolver.resolve(name, ask, full=full, engine=engine) for name in wanted]
        titles = {ref: pilothouse.store.title(ref) for each in found for d in each.doubts for ref in (d.one, d.other)}
    if json:
        emit(found)
        return
    for each in found:
        say(
            f"{each.records:,} {each.object} record(s) are {each.entities:,} {each.object}(s); {each.joined:,} share theirs "
            f"with another record. {each.changed:,} changed since last time."
        )
        _show(each.doubts, titles)
    if any(each.doubts for each in found):
        say("Settle a pair: `pilothouse entities same ONE OTHER --why …`, or `different`; then resolve again.")


def _show(doubts: list[Doubt], titles: dict[RecordRef, str]) -> None:
    for doubt in doubts:
        held = "taken for one" if doubt.together else "kept apart"
        say(f"  Worth a look ({held}: {_leaning(doubt)}):")
        say(f"    {titles[doubt.one]} ({doubt.one})  and  {titles[doubt.other]} ({doubt.other})")
        say("    " + "; ".join(f"{says} ({bits:+.1f})" for says, bits in doubt.reasons))


def _leaning(doubt: Doubt) -> str:
    if doubt.bits >= doubt.needed:
        return "enough speaks for it"
    return "some speaks for it, not enough" if doubt.bits > 0 else "more speaks against it than for it"


def _entity(pilothouse: App, name: str) -> Entity:
    found = pilothouse.entities.of(record_ref(name)) if "/" in name else pilothouse.entities.entity(name)
    if found is None:
        raise NotFound(f"nothing is known as {name!r}.", hint="`pilothouse resolve` works out who is who.")
    return found


@app.command()
@guarded
def show(name: str, where: Where = HERE, json: Json = False) -> None:
    """Show an entity by its identifier, or by one of its records (system/object/id)."""
    with opened(where) as pilothouse:
        found = _entity(pilothouse, name)
        records = [each for ref in found.members if (each := pilothouse.store.record(ref)) is not None]
        because = shown(records, pilothouse.entities.judgements(DEAL)) if found.object == DEAL else []
    if json:
        emit({**plain(found), "because": plain(because)} if found.object == DEAL else found)
        return
    if found.into:
        say(f"{found.id} was taken over by {found.into}.")
        return
    say(f"{found.id}: one {found.object}, known by {len(found.members)} record(s); sure to {found.confidence:.2f}.")
    told = SHOWN_OF_DEALS if found.object == DEAL else SHOWN
    table("Records", ("record", *told), [(each.ref, *(each.text(field) for field in told)) for each in records])
    for each in because:
        say(f"{each.one} and {each.other} are one: {each.because}.")
    if found.object == DEAL and len(because) < len(records) - 1:
        say("What made the others one shows no longer: `pilothouse resolve` works it out anew.")


@app.command()
@guarded
def golden(
    name: str,
    as_of: Annotated[
        str | None, typer.Option(help="As it stood then: 7d ago, or 2026-01-31; default: as known now.")
    ] = None,
    where: Where = HERE,
    json: Json = False,
) -> None:
    """Show the value that counts for each field, why, how old it is, and what other sources say."""
    with opened(where) as pilothouse:
        ref = record_ref(name) if "/" in name else _member(_entity(pilothouse, name))
        now = pilothouse.clock.now()
        moment = judged_at(as_of, now)
        found = pilothouse.golden.then(ref, moment) if moment else pilothouse.golden.now(ref, now)
    if json:
        emit(found)
        return
    one = f"{found.object} {found.entity}".strip()
    say(f"{one}, as of {found.as_of:%Y-%m-%d}, from {', '.join(map(str, found.members))}.")
    rows = [(each.field, each.value, _age(each), each.why, _others(each)) for each in found.fields.values()]
    table("What counts", ("field", "value", "age", "why", "others say"), rows)
    if found.stale:
        say(f"Stale, not to be relied on: {', '.join(found.stale)}. Ask a source again, or confirm by hand.")


def _member(entity: Entity) -> RecordRef:
    if not entity.members:
        raise NotFound(f"{entity.id} has no records any more.", hint=f"Ask for {entity.into}." if entity.into else "")
    return entity.members[0]


def _age(value: GoldenValue) -> str:
    again = f", last repeated {value.repeated_at:%Y-%m-%d}" if value.repeated_at else ""
    days = f"{value.freshness.age_days} d: said since {value.told_at:%Y-%m-%d}{again}"
    return f"{days}; stale after {value.freshness.max_age_days}" if value.stale else days


def _others(value: GoldenValue) -> str:
    return "; ".join(f"{each.ref.system}: {each.value.value}" for each in value.losing)


@app.command()
@guarded
def same(
    one: str,
    other: str,
    why: Annotated[str, typer.Option()],
    where: Where = HERE,
    person: As = "",
    json: Json = False,
) -> None:
    """Say that two records are the same; your word stands, whatever the numbers say."""
    _judge(one, other, True, why, where, person, json)


@app.command()
@guarded
def different(
    one: str,
    other: str,
    why: Annotated[str, typer.Option()],
    where: Where = HERE,
    person: As = "",
    json: Json = False,
) -> None:
    """Say that two records are not the same; what was taken for one comes apart again."""
    _judge(one, other, False, why, where, person, json)


def _judge(one: str, other: str, is_same: bool, why: str, where: Where, person: str, json: bool) -> None:
    with opened(where) as pilothouse:
        by = pilothouse.directory.person(somebody(person))
        left, right = record_ref(one), record_ref(other)
        pilothouse.resolver.judge(left, right, same=is_same, by=by.id, why=why)
        done = pilothouse.resolver.settle(left.object)
        found = {str(ref): pilothouse.entities.of(ref) for ref in (left, right)}
    belong = {ref: entity.id if entity else None for ref, entity in found.items()}
    now = ", ".join(f"{ref} is {name or '–'}" for ref, name in belong.items())
    told(
        json,
        {"same": is_same, "changed": done.changed, "entities": belong},
        f"Noted. {done.changed} changed: {now}.",
    )


Object = Annotated[str, typer.Option("--object", help="account or contact.")]


@app.command()
@guarded
def pairs(object: Object = "account", count: int = 20, where: Where = HERE, json: Json = False) -> None:
    """List the pairs most worth a look as of the last run, without those that were judged since."""
    with opened(where) as pilothouse:
        found = pilothouse.resolver.pairs(object, count)
        titles = {ref: pilothouse.store.title(ref) for each in found for ref in (each.one, each.other)}
    if json:
        emit(found)
        return
    _show(found, titles)
    if not found:
        say("No pair is waiting; `pilothouse resolve` looks for them.")


@app.command()
@guarded
def learn(object: Object = "account", where: Where = HERE, person: As = "", json: Json = False) -> None:
    """Have the weights learn from what people said. Refused where it does not help, by cross-validation."""
    with opened(where) as pilothouse:
        by = pilothouse.directory.person(somebody(person))
        pilothouse.learner.learn(object, by.id)
        state = pilothouse.learner.state(object)
        done = pilothouse.resolver.settle(object)
    if json:
        emit(state.correction)
        return
    _tell(object, state)
    say(f"{done.changed} of {done.entities:,} {object}(s) changed. Back: `pilothouse entities unlearn --why …`.")


@app.command()
@guarded
def unlearn(
    why: Annotated[str, typer.Option()],
    object: Object = "account",
    where: Where = HERE,
    person: As = "",
    json: Json = False,
) -> None:
    """Go back to weights that no judgement corrected; the judgements themselves stand."""
    with opened(where) as pilothouse:
        by = pilothouse.directory.person(somebody(person))
        pilothouse.learner.unlearn(object, by.id, why)
        done = pilothouse.resolver.settle(object)
    told(json, {"changed": done.changed}, f"Taken back. {done.changed} of {done.entities:,} {object}(s) changed.")


@app.command()
@guarded
def weights(object: Object = "account", where: Where = HERE, json: Json = False) -> None:
    """Show which weights are in force, and what was learned from judgements."""
    with opened(where) as pilothouse:
        state = pilothouse.learner.state(object)
    if json:
        emit(state)
        return
    _tell(object, state)


def _tell(object_name: str, state: InForce) -> None:
    measured = state.measured
    say(
        "The weights are those that come with Pilothouse."
        if measured is None
        else f"The weights were measured on {measured.records:,} {object_name} records."
    )
    correction = state.correction
    if correction is None:
        say("No judgement has corrected them.")
        return
    say(
        f"{correction.labels} judgements corrected them: {correction.before:.2f} bits of surprise at an answer before, "
        f"{correction.after:.2f} after (at answers not learned from)."
    )
    for each in lessons(object_name, correction):
        say(f"  {each.more:+.1f} bits where {each.says}")
