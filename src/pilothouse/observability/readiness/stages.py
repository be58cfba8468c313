"""The stage of the organisation (R-296 to R-299, R-322 to R-325): each stage's prerequisites, asked of evidence.

A stage is reached when its own prerequisites and all those below are met.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta

from pilothouse.observability.autonomy.clocks import TARGET, ran_alone
from pilothouse.observability.readiness.items import Item, Sources, incident_process, permissions, rollback
from pilothouse.vocabulary.verdicts import Mode

Check = Callable[[Sources], Item]


def _surface(given: Sources) -> Item:
    bare = [
        name for name, each in given.capabilities.items() if each.arguments.get("additionalProperties") is not False
    ]
    figures = f"{len(given.capabilities)} capabilities, {len(bare)} without a closed schema of arguments"
    met = bool(given.capabilities) and not bare
    return Item("surface", "Every capability can be called by programs, its arguments validated", met, figures,
                ("pilothouse capabilities", *bare[:3]))  # fmt: skip


def _model(given: Sources) -> Item:
    audit = given.quality.latest(given.system)
    figures = f"audited {audit.made:%Y-%m-%d}" if audit and audit.made else "the data was never audited"
    evidence = (f"ledger entry {audit.position}",) if audit else ()
    return Item("model", "The data was audited against written definitions", audit is not None, figures, evidence,
                "pilothouse quality")  # fmt: skip


def _gateway(given: Sources) -> Item:
    found = given.last("action.shadowed", "action.held", "action.intended")
    figures = f"last judged {found.at:%Y-%m-%d}" if found else "nothing went through the gateway yet"
    evidence = (f"ledger entry {found.position}",) if found else ()
    return Item("gateway", "Tool gateway deployed: acts are judged and recorded", found is not None, figures, evidence,
                "pilothouse run hygiene")  # fmt: skip


def _dry_run(given: Sources) -> Item:
    wrong = [
        e.action
        for e in given.ledger.entries(kinds={"action.intended"})
        if e.actor.agent and e.body["mode"] == "shadow"
    ]
    seen = given.last("action.shadowed")
    figures = (
        f"{len(wrong)} write(s) from shadow; last shadowed {seen.at:%Y-%m-%d}" if seen else "nothing was shadowed yet"
    )
    return Item("dry_run", "Dry run enforced: nothing in shadow was ever taken up", seen is not None and not wrong, figures,
                tuple(wrong[:3]) or ("pilothouse actions list --status shadowed",), "pilothouse run hygiene")  # fmt: skip


def _identity(given: Sources) -> Item:
    kinds = {"action.shadowed", "action.held", "action.intended"}
    n = nobody = 0
    for entry in given.ledger.entries(kinds=kinds):
        n += 1
        nobody += not entry.actor.person
    figures = f"{n:,} output(s) of agents and people, {nobody} without a named person"
    return Item("identity", "Every output names the person it was made for", n > 0 and nobody == 0, figures)


def _safety_nets(given: Sources) -> Item:
    n = bare = 0
    for entry in given.ledger.entries(kinds={"action.intended"}):
        n += 1
        bare += not entry.erased and entry.value("before") is None
    figures = f"{n:,} act(s) taken up, {bare} without their before-state"
    return Item("safety_nets", "Transactional safety nets: intent and before-state stand before every act",
                n > 0 and bare == 0, figures, ("pilothouse actions list --status executed",))  # fmt: skip


def _mostly_alone(given: Sources) -> Item:
    since = given.now - timedelta(days=30)
    live = [
        (each.ref, name)
        for each in given.agents
        for name, standing in each.standings.items()
        if standing.mode is Mode.LIVE and not standing.bootstrap
    ]
    rates = {f"{ref} {name}": ran_alone(given.ledger, ref, name, since, given.now) for ref, name in live}
    met = bool(rates) and all(rate.value is not None and rate.value >= TARGET[0] for rate in rates.values())
    figures = "; ".join(f"{name}: {rate}" for name, rate in rates.items()) or "no action type earned live yet"
    return Item("alone", f"At least {TARGET[0]:.0%} of the work of 30 days ran by itself, in every type that earned live",
                met, figures)  # fmt: skip


PREREQUISITES: Mapping[int, Sequence[Check]] = {
    1: (_model, _surface),
    2: (_gateway, _dry_run, _identity),
    3: (rollback, _safety_nets, permissions, incident_process),
    4: (_mostly_alone,),
}


def stages(given: Sources, level: int) -> tuple[int, dict[int, list[Item]]]:
    """Return the stage reached, and the prerequisites of each. Stage 4 asks for the whole checklist besides."""
    asked = {stage: [check(given) for check in checks] for stage, checks in PREREQUISITES.items()}
    whole = Item("checklist", "All ten items of the checklist", level == 4, f"ceiling: level {level}", ("readiness",))
    asked[4].append(whole)
    reached = 0
    for stage in sorted(asked):
        if not all(each.met for each in asked[stage]):
            break
        reached = stage
    return reached, asked
