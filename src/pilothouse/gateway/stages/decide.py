"""What does policy say? Facts go in, a verdict with its reasons comes out; nothing here relaxes anything."""

from __future__ import annotations

from dataclasses import replace

from pilothouse.data.contracts import PRECEDENCE
from pilothouse.data.scope import terms_here
from pilothouse.decision.autonomy.ceiling import Bounds, bound
from pilothouse.decision.calibrating import calibrated
from pilothouse.decision.engine import decide as judge
from pilothouse.decision.facts import Facts
from pilothouse.decision.tiers import FORWARD
from pilothouse.directory.registered import WHOLE, Registered
from pilothouse.directory.suspensions import stopping
from pilothouse.gateway.door import Door
from pilothouse.gateway.passage import GO_ON, Answer, Passage, Stop, refuse
from pilothouse.gateway.stage_moves import goes_forward
from pilothouse.gateway.stages.preview import record_before
from pilothouse.gateway.surroundings import countries, executives
from pilothouse.handoff.calibration import read_calibration
from pilothouse.vocabulary.actions import evidence_systems
from pilothouse.vocabulary.outcomes import ActionStatus
from pilothouse.vocabulary.verdicts import Mode, Treatment, Verdict


def decide(passage: Passage, door: Door) -> Answer:
    """Judge the action; refuse what policy refuses, and shadow what nobody promoted (I4, I9)."""
    passage.stage_forward = goes_forward(passage, door)
    passage.action_type = action_type(passage)
    if passage.agent is not None:
        # Only now is it known whether every change fills an empty field, which may be suspended by itself.
        stop = stopping(passage.agent.suspensions, passage.agent.ref, passage.action_type)
        if stop is not None:
            return refuse("agent_suspended", f"{stop}.")
        passage.standing = passage.agent.standing(passage.action_type, passage.action.capability)
        passage.bounds = bounds_of(passage, passage.agent, door)
        passage.calibrated, passage.uncalibrated = _calibration(passage, door)
    assert passage.rules is not None
    passage.facts = facts(passage, door)
    passage.verdict = verdict = judge(passage.facts, passage.rules.policy)
    if verdict.treatment is Treatment.REFUSE:
        return refuse(verdict.code, verdict.sentence)
    return GO_ON


def bounds_of(passage: Passage, agent: Registered, door: Door) -> Bounds:
    """Return how far the agent, as it stands, may go with this act."""
    target = passage.action.target
    return bound(
        agent,
        agent.standing(passage.action_type, passage.action.capability),
        door.clock.now(),
        action_type=passage.action_type,
        record=str(target) if target.id else "",
        fields=[f"{target.object}.{name}" for name in passage.fields],
    )


def action_type(passage: Passage) -> str:
    """Return the capability, marked `:fill-empty` when every change fills an empty field (X-09), and `:forward` when a
    deal goes on to its next stage with every exit criterion met (X-03).

    These are trusted apart from the rest: an agent may have earned the one and not the other.
    """
    if passage.stage_forward:
        return passage.action.capability + FORWARD
    filled = bool(passage.changes) and all(change.fills_empty for change in passage.changes)
    return passage.action.capability + (":fill-empty" if filled else "")


def _calibration(passage: Passage, door: Door) -> tuple[float | None, bool]:
    """Return the calibrated confidence where a line was published, and whether one is missing where it is needed.

    A bootstrap promotion stands in for it: two named people let the type run without a track record, and it shows.
    """
    assert passage.agent is not None
    with door.ledger.reading() as connection:
        line = read_calibration(connection, str(passage.agent.ref), passage.action_type)
    if line is None:
        return None, passage.mode is Mode.LIVE and not passage.standing.bootstrap
    return calibrated(passage.action.confidence, line.knots), False


def facts(passage: Passage, door: Door) -> Facts:
    """Gather what the decision may look at."""
    assert passage.capability is not None and passage.person is not None and passage.actor is not None
    rules = {
        change.field: rule
        for change in passage.changes
        if passage.contract
        and (rule := terms_here(passage.contract, passage.action.target.object, change.field, record_before(passage)))
    }
    return Facts(
        capability=passage.capability,
        agent=passage.actor.agent,
        person=passage.person.id,
        role=passage.person.role,
        mode=passage.mode,
        confidence=passage.action.confidence,
        object=passage.action.target.object,
        record=record_before(passage),
        changes=passage.changes,
        arguments=passage.action.arguments,
        recipients=passage.recipients,
        new_prospects=passage.new_prospects,
        evidence_age_days=passage.evidence.age_days,
        evidence_stale=passage.evidence.stale,
        evidence_undated=passage.evidence.undated,
        evidence_systems=tuple(evidence_systems(passage.action.evidence)),
        undone=passage.undone,
        rejected=passage.rejected,
        ambiguity=passage.action.ambiguity,
        account_id=passage.account_id,
        account=passage.account,
        executives=executives(passage),
        countries=countries(passage),
        records=1,
        write_set_records=passage.write_set[0],
        write_set_recipients=passage.write_set[1],
        share=passage.bounds.share,
        drawn=passage.bounds.drawn,
        held_back=passage.bounds.held_back,
        stage_forward=passage.stage_forward,
        bootstrap=passage.standing.bootstrap,
        bulk_allowance=passage.standing.bulk_allowance,
        human_initiated=passage.agent is None,
        contract_rules=rules,
        precedence=passage.contract.precedence if passage.contract else PRECEDENCE,
        calibrated=passage.calibrated,
        uncalibrated=passage.uncalibrated,
        now=door.clock.now(),
    )


def if_live(passage: Passage) -> Verdict:
    """Return the verdict if the action type had earned to run by itself."""
    assert passage.facts is not None and passage.rules is not None
    earned = replace(passage.facts, mode=Mode.LIVE, share=WHOLE, held_back="", bootstrap=False)
    return judge(earned, passage.rules.policy)


def shadowed(sentence: str) -> Stop:
    """Return the stop of an action type that was not promoted."""
    return Stop(ActionStatus.SHADOWED, "shadow", sentence)
