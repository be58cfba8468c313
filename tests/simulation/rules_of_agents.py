"""Agents in the simulation: what they propose, one by one and in floods."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import rule
from tests.world import World, letter

from pilothouse.vocabulary.actions import Evidence
from pilothouse.vocabulary.records import RecordRef

FIELDS = st.sampled_from(["industry", "country", "phone", "annual_revenue", "owner"])
VALUES = st.sampled_from(["software", "retail", "", None, "x" * 50])
ACCOUNTS = st.integers(1, 8)
SURE = st.sampled_from([0.0, 0.49, 0.5, 0.67, 0.85, 0.86, 0.99, 1.0])
PERSONS = st.sampled_from(["gita", "rosa", "noah", "iris"])


class AgentRules:
    """What agents do."""

    world: World

    @rule(number=ACCOUNTS, field=FIELDS, value=VALUES, sure=SURE, person=PERSONS, stale=st.booleans())
    def an_agent_proposes_an_update(
        self, number: int, field: str, value: Any, sure: float, person: str, stale: bool
    ) -> None:
        says = (Evidence("another source says so", f"billing/account/b{number}", field, value, position=0),)
        given: dict[str, Any] = {"to": f"crm/account/a{number}", "confidence": sure, "evidence": says}
        action = self.world.action(field, value, **given)
        if stale:
            action = self.world.action(field, value, **given, expects={field: "?"})
        self.world.submit(action, self.world.token(person=person))

    @rule(number=ACCOUNTS, sure=st.sampled_from([0.67, 0.86, 0.99]))
    def an_agent_floods(self, number: int, sure: float) -> None:
        token = self.world.token()
        for account in range(1, 9):
            action = self.world.action("phone", f"{number}", to=f"crm/account/a{account}", confidence=sure)
            self.world.submit(action, token)

    @rule(kind=st.sampled_from(["delete", "message", "stage", "restore", "flag"]), sure=SURE, who=ACCOUNTS)
    def an_agent_tries_something_else(self, kind: str, sure: float, who: int) -> None:
        account, message = RecordRef("crm", "account", "a1"), RecordRef("crm", "message", "")
        deal = RecordRef("crm", "opportunity", "o1")
        arguments = letter(f"c{who}")
        restore = {"fields": {"industry": "x"}}
        flag = {"code": "odd", "note": "look at this"}
        choices: dict[str, dict[str, Any]] = {
            "delete": {"capability": "crm.record.delete", "target": account, "arguments": {"confirm": True}},
            "message": {"capability": "crm.message.send", "target": message, "arguments": arguments},
            "stage": {"capability": "crm.opportunity.stage", "target": deal, "arguments": {"stage": "Closed Won"}},
            "restore": {"capability": "crm.record.restore", "target": account, "arguments": restore},
            "flag": {"capability": "crm.record.flag", "target": account, "arguments": flag},
        }
        fields = {"stage": "stage", "restore": "industry", "flag": "flags"}
        known = self.world.read(choices[kind]["target"].object, choices[kind]["target"].id) if kind in fields else {}
        expects = {fields[kind]: known.get(fields[kind])} if kind in fields else None
        self.world.submit(self.world.action(**choices[kind], confidence=sure, expects=expects))
