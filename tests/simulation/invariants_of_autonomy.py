"""What must hold of trust: two people for each step up, nothing done alone that its standing does not carry."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.simulation.roster import Roster

from pilothouse.decision.autonomy.ramp import drawn, next_step, stricter
from pilothouse.directory.ceiling import VALID_FOR
from pilothouse.directory.registered import Standing
from pilothouse.directory.roles import FOR_ENGINEERING, FOR_REVOPS
from pilothouse.ledger.entries import Entry
from pilothouse.vocabulary.actors import SYSTEM_PERSON
from pilothouse.vocabulary.clock import stamp
from pilothouse.vocabulary.verdicts import Mode

SAME = ("agent", "action_type", "mode", "share", "bulk_allowance", "bootstrap")
BY_ITSELF = {"severity_1", "error_budget", "override_spike", "rollback_rate", "drift"}
Place = tuple[str, str]


def check_autonomy(entries: Sequence[Entry]) -> None:
    """Assert all of them."""
    two_people_stand_behind_each_promotion(entries)
    nothing_acts_beyond_its_standing(entries)


def two_people_stand_behind_each_promotion(entries: Sequence[Entry]) -> None:
    """X-18: one proposed, another confirmed within seven days; RevOps and engineering; neither owns or wrote the agent."""
    roster, behind, waiting = Roster(), dict[str, set[str]](), dict[str, Entry]()
    for entry in entries:
        roster.follow(entry)
        body = entry.body
        if entry.kind == "agent.registered":
            manifest = body["manifest"]
            behind[entry.subject] = {manifest["owner"], *manifest["authors"]}
        elif entry.kind == "promotion.proposed":
            waiting[body["proposal"]] = entry
        elif entry.kind == "promotion.withdrawn":
            asked = waiting.pop(body["proposal"])
            assert entry.actor.person == asked.actor.person or roster.may(entry.actor.person, "promote")
        elif entry.kind == "agent.promoted":
            asked = waiting.pop(body["proposal"], None)
            assert asked is not None, f"nobody proposed what {entry.actor.person} confirmed, or it waited no longer"
            _by_two(entry, asked, roster, behind[entry.subject])


def _by_two(entry: Entry, asked: Entry, roster: Roster, behind: set[str]) -> None:
    body, both = entry.body, [asked.actor.person, entry.actor.person]
    assert both[0] != both[1], f"{both[0]} confirmed their own proposal"
    assert body["by"] == both, f"{body['by']} are named, and {both} acted"
    assert stamp(entry.at) < asked.body["expires_at"], f"{body['proposal']} had lapsed"
    assert all(body[each] == asked.body[each] for each in SAME), f"{body['proposal']} is not what was proposed"
    sides = {roster.side(each) for each in both}
    assert sides == {FOR_REVOPS, FOR_ENGINEERING}, f"{both} stand for {sides}"
    assert not behind & set(both), f"{behind & set(both)} stand behind {body['agent']}"


@dataclass
class _Trust:
    """How far each agent has come with each action type, and how far readiness and evidence let any go."""

    standings: dict[Place, Standing] = field(default_factory=dict[Place, Standing])
    assessed: Entry | None = None
    rated: dict[str, int] = field(default_factory=dict[str, int])

    def of(self, agent: str, action_type: str, capability: str) -> Standing:
        """Return the standing of an act; live earned for the wider type is assisted here."""
        own, wider = (self.standings.get((agent, each)) for each in (action_type, capability))
        if own is not None:
            return own
        if wider is None or wider.mode is not Mode.LIVE or wider.bootstrap:
            return wider or Standing()
        return Standing(Mode.ASSISTED)


def nothing_acts_beyond_its_standing(entries: Sequence[Entry]) -> None:
    """No live act without the standing for it, nor outside its share; steps up one by one, steps down for a reason."""
    trust, roster = _Trust(), Roster()
    for entry in entries:
        roster.follow(entry)
        body = entry.body
        match entry.kind:
            case "agent.promoted":
                _up(trust, body)
            case "agent.demoted":
                _down(trust, entry, roster)
            case "readiness.assessed":
                trust.assessed = entry
            case "agent.rated":
                trust.rated[body["agent"]] = body["level"]
            case "action.intended" if entry.actor.agent is not None:
                _within_standing(trust, entry)
            case _:
                pass


def _up(trust: _Trust, body: dict[str, Any]) -> None:
    place, mode = (body["agent"], body["action_type"]), Mode(body["mode"])
    step = next_step(trust.standings.get(place, Standing()))
    if not body["bootstrap"]:
        assert step is not None and (step.mode, step.share) == (mode, body["share"]), f"{place} left a step out"
        assert body["gate"], f"{place} went on without the figures of its gate"
    trust.standings[place] = Standing(mode, bootstrap=body["bootstrap"], share=body["share"], salt=body["salt"])


def _down(trust: _Trust, entry: Entry, roster: Roster) -> None:
    body, by = entry.body, entry.actor.person
    place, to = (body["agent"], body["action_type"]), Mode(body["to"])
    now = trust.standings.get(place, Standing())
    assert stricter(to, now.mode) is to, f"a demotion raised {place} to {to}"
    assert by == SYSTEM_PERSON or roster.may(by, "suspend"), f"{by} may not demote {place}"
    assert by != SYSTEM_PERSON or (body["cause"] in BY_ITSELF and body["reason"]), f"{place} was demoted for nothing"
    trust.standings[place] = Standing(to, bootstrap=now.bootstrap and to is not Mode.SHADOW)


def _within_standing(trust: _Trust, entry: Entry) -> None:
    body, agent = entry.body, str(entry.actor.agent)
    standing = trust.of(agent, body["action_type"], body["capability"])
    assert standing.mode is not Mode.SHADOW, f"{entry.action} was carried out, and its action type is in shadow"
    if body["review"] or body["verdict"]["tier"] == "T0":
        return
    assert standing.mode is Mode.LIVE, f"{entry.action} acted alone, and its action type is {standing.step}"
    place = drawn(standing.salt, body["action_type"], entry.subject if body["record_id"] else "")
    assert place < standing.share, f"{entry.action} acted alone at {place}, outside {standing.share} %"
    assert trust.rated.get(agent, 4) == 4, f"{entry.action} acted alone, and evidence holds {agent} below level 4"
    if standing.bootstrap:
        return
    ready = trust.assessed
    assert ready is not None and entry.at - ready.at <= VALID_FOR, f"{entry.action}: nobody assessed readiness lately"
    assert ready.body["level"] == 4 and ready.body["stage"] >= 3, f"{entry.action} acted alone above the ceiling"
