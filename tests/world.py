"""A small wired Pilothouse on the twin: people, a few records, the hygiene agent registered, nothing promoted."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from pilothouse.assembly import SYSTEM, App, assemble
from pilothouse.data.store import Observation
from pilothouse.decision.publishing.content import gather
from pilothouse.decision.publishing.versions import Version
from pilothouse.directory.people import Person
from pilothouse.gateway.agents import Manifest
from pilothouse.gateway.passage import Result
from pilothouse.gateway.proposals import Proposal, Through
from pilothouse.testing.clock import TestClock
from pilothouse.vocabulary.actions import Action, Evidence
from pilothouse.vocabulary.actors import SYSTEM_PERSON, Actor, AgentRef, Role
from pilothouse.vocabulary.errors import PilothouseError
from pilothouse.vocabulary.records import RecordRef, WriterKind
from pilothouse.vocabulary.verdicts import Mode
from pilothouse.workspace.config import Workspace, open_workspace

PEOPLE = (
    Person("ada", "Ada Berg", "ada@example.com", Role.ADMIN),
    Person("gita", "Gita Rao", "gita@example.com", Role.REVOPS),
    Person("noah", "Noah Eder", "noah@example.com", Role.REVOPS),
    Person("emil", "Emil Sand", "emil@example.com", Role.ENGINEERING),
    Person("ravi", "Ravi Ito", "ravi@example.com", Role.REVIEWER),
    Person("rosa", "Rosa Conte", "rosa@example.com", Role.REP),
    Person("iris", "Iris Klein", "iris@example.com", Role.AUDITOR),
)
ACCOUNTS = 8
ALL_GRANTS = (
    "crm.account.update", "crm.contact.update", "crm.opportunity.update", "crm.record.flag", "crm.opportunity.stage",
    "crm.opportunity.close", "crm.message.send", "crm.record.delete", "crm.quote.price", "crm.account.assign",
    "crm.record.restore",
)  # fmt: skip
WIDE = """
contract: wide
version: 1
summary: For tests, nearly everything may be proposed.
read: {account: "*", contact: "*", opportunity: "*"}
write:
  account: {industry: {min_confidence: 0.85}, country: {min_confidence: 0.85}, phone: {min_confidence: 0.85}, owner: {min_confidence: 0.85}, flags: {min_confidence: 0.5, review: never}}
  contact: {phone: {min_confidence: 0.85}, title: {min_confidence: 0.85}, flags: {min_confidence: 0.5, review: never}}
  opportunity: {next_step: {min_confidence: 0.85}, stage: {min_confidence: 0.5, review: never}, is_won: {}, is_closed: {}, close_date: {}}
  message: {recipients: {review: never}, subject: {review: never}, body: {review: never}, unsubscribe: {review: never}}
  quote: {amount: {}, discount: {}}
"""

MESSAGES = """
messages:
  sender: {name: Alder Sales, address: "1 Alder Street, 10115 Berlin"}
  unsubscribe: https://alder.example/unsubscribe
  others: {consent: none, weekends: true, quiet_from: "03:00", quiet_until: "03:00"}
"""
FOOTER = "\n-- \nAlder Sales, 1 Alder Street, 10115 Berlin\nUnsubscribe: https://alder.example/unsubscribe"


def letter(*recipients: str, body: str = "Hello", **more: Any) -> dict[str, Any]:
    """Return the arguments of a message that may go out."""
    way_out = "https://alder.example/unsubscribe"
    return {"recipients": list(recipients), "subject": "Hello", "body": body + FOOTER, "unsubscribe": way_out, **more}


@dataclass
class World:
    """The app and the hands to move it."""

    app: App
    clock: TestClock
    root: Path

    @property
    def gateway(self):
        return self.app.gateway

    def token(self, agent: str = "tester@1", person: str = "gita") -> str:
        return self.gateway.door.tokens.issue(AgentRef.parse(agent), person, by=Actor(person))[0]

    def promote(
        self, action_type: str, mode: Mode = Mode.LIVE, bulk_allowance: int = 0, agent: str = "tester@1"
    ) -> None:
        self.together(action_type, ("noah", "ada"), agent, bootstrap=mode, bulk_allowance=bulk_allowance)

    def together(
        self,
        action_type: str,
        by: tuple[str, str],
        agent: str = "tester@1",
        *,
        bootstrap: Mode | None = None,
        bulk_allowance: int = 0,
    ) -> Proposal:
        """Have one person propose a promotion and another confirm it; what is not confirmed is withdrawn."""
        promotions, log_in = self.gateway.door.promotions, Through.LOG_IN
        proposed = promotions.propose(
            AgentRef.parse(agent), action_type, by[0], log_in, bootstrap=bootstrap, bulk_allowance=bulk_allowance
        )
        try:
            return promotions.confirm(proposed.id, by[1], log_in)
        except PilothouseError:
            promotions.withdraw(proposed.id, by[0], "not confirmed", log_in)
            raise

    def read(self, object_name: str, ident: str) -> Mapping[str, Any]:
        return next(row for row in self.app.twin.records(object_name) if row["id"] == ident)

    def action(
        self, field: str = "industry", value: Any = "software", *, to: str = "crm/account/a1", **more: Any
    ) -> Action:
        ref = RecordRef.parse(to)
        now = next((row for row in self.app.twin.records(ref.object) if row["id"] == ref.id), {})
        given: dict[str, Any] = {
            "capability": f"crm.{ref.object}.update",
            "target": ref,
            "arguments": {field: value},
            "intent": "Fill what is missing.",
            "confidence": 0.95,
            "evidence": (Evidence("another source says so", position=0),),
            "expects": {field: now.get(field)},
        }
        return Action(**{**given, **more})

    def submit(self, action: Action, token: str | None = None) -> Result:
        return self.gateway.submit(action, token or self.token())

    def publish(self, changes: Mapping[str, str], *, without: str = "\0") -> Version:
        """Put the workspace's text with these files in force; files whose path starts with `without` are left out."""
        kept = {path: text for path, text in gather(self.root).items() if not path.startswith(without)}
        proposed = self.app.versions.propose({**kept, **changes}, "gita", "For a test.")
        return self.app.versions.approve(proposed.id, "noah")

    def committed(self) -> list[dict[str, Any]]:
        """Every request that the twin's own journal says took effect through the gateway's credential."""
        return [row for row in self.app.twin.journal() if row["committed"] and row["credential"] == "pilothouse"]

    def written(self, *besides: str) -> int:
        """How many entries there are, but for what a running server writes by itself, and kinds named."""
        left = {"autonomy.watched", "readiness.assessed", "agent.rated", *besides}
        return sum(each.kind not in left for each in self.app.ledger.entries())

    def reopened(self) -> World:
        """Start again, as after a crash: nothing in memory survives."""
        return World(assemble(self.app.workspace, self.clock), self.clock, self.root)


def make_world(root: Path, clock: TestClock, database_url: str | None = None) -> World:
    """Wire a world in a copied workspace."""
    if database_url is not None:
        path = root / "pilothouse.toml"
        path.write_text(re.sub(r'url = ".*"', f'url = "{database_url}"', path.read_text()))
    (root / "contracts" / "wide.yaml").write_text(WIDE)
    (root / "policy" / "messages.yaml").write_text(MESSAGES)
    workspace: Workspace = open_workspace(root)
    app = assemble(workspace, clock)
    for person in PEOPLE:
        app.directory.add(person, SYSTEM_PERSON)
    _records(app, clock)
    for outward in app.compliance.outward():
        app.compliance.sign_off(outward, "Reviewed for these tests.", clock.now() + timedelta(days=3650), "ada")
    manifest = Manifest(
        name="tester", version="1", owner="gita", summary="An agent for tests.", contract="wide", grants=ALL_GRANTS
    )
    app.gateway.door.agents.register(manifest, by="ada")
    return World(app, clock, root)


def _records(app: App, clock: TestClock) -> None:
    rows: list[tuple[str, str, dict[str, Any]]] = [
        (
            "account",
            f"a{n}",
            {"name": f"Alder {n}", "industry": None, "country": "Germany", "owner": "rosa" if n % 2 else "omar"},
        )
        for n in range(1, ACCOUNTS + 1)
    ]
    rows += [
        (
            "contact",
            f"c{n}",
            {"email": f"c{n}@alder.example", "account": "a1", "title": None, "opted_out": n == 3, "owner": "rosa"},
        )
        for n in range(1, 5)
    ]
    # c4 never heard from us: a first message to them is a person's to begin.
    rows += [("activity", f"v{n}", {"kind": "call", "contact": f"c{n}", "account": "a1"}) for n in range(1, 4)]
    rows += [("opportunity", "o1", {"name": "Alder deal", "stage": "Prospecting", "account": "a1", "owner": "rosa"})]
    app.twin.seed(rows)
    now = clock.now()
    told = [Observation(RecordRef(SYSTEM, o, i), f, now, WriterKind.IMPORT, "import:seed") for o, i, f in rows]
    app.store.observe(told, Actor("gita"))
    app.take_in()
