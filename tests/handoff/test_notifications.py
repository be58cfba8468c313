"""Notification: told once, at once, over every channel; written down; retried; and seen when it does not arrive."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select
from tests.handoff.receivers import Endpoint, Mailbox, http, smtp
from tests.world import World, make_world

from pilothouse.assembly import assemble
from pilothouse.directory.sources import TOLERANCE, sign
from pilothouse.handoff.notifying.channels import Message, Undelivered
from pilothouse.handoff.notifying.delivering import LEASE, WAITS
from pilothouse.handoff.notifying.events import Event
from pilothouse.handoff.notifying.outbox import notification_uses, notifications
from pilothouse.ledger.entries import Draft, Entry
from pilothouse.vocabulary.actors import SYSTEM_PERSON, Actor, AgentRef
from pilothouse.vocabulary.documents import DocumentError
from pilothouse.vocabulary.errors import Conflict, NotFound
from pilothouse.vocabulary.outcomes import ReviewStatus
from pilothouse.vocabulary.records import RecordRef
from pilothouse.vocabulary.verdicts import Mode

SECRET = "whsec_" + "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0IQ=="
OVER = "over: [post, team, hook]\n"
CHANNELS = """address: http://127.0.0.1:8321
channels:
  post: {{kind: mail, host: 127.0.0.1, port: {port}, sender: pilothouse@example.com, encryption: none}}
  team: {{kind: slack, url: TEAM_URL}}
  hook: {{kind: webhook, url: "{hook}/in", secret: HOOK_SECRET}}
"""


@dataclass
class Told:
    """A world whose notifications arrive somewhere."""

    world: World
    box: Mailbox
    slack: Endpoint
    hook: Endpoint

    def round(self) -> dict[str, int]:
        return dict(self.world.app.notifications.round().outcomes)

    def titles(self, person: str, *, unread: bool = True) -> list[str]:
        app = self.world.app
        return [app.notifications.wording.title(each) for each in app.notifications.inbox.of(person, unread=unread)]

    def entries(self, *verbs: str) -> list[Entry]:
        return list(self.world.app.ledger.entries(kinds={f"notification.{verb}" for verb in verbs}))


Make = Callable[..., Told]


@pytest.fixture
def make(new_world: Callable[..., World], clock: object, monkeypatch: pytest.MonkeyPatch) -> Iterator[Make]:
    with ExitStack() as stack:

        def made(more: str = OVER, database_url: str | None = None) -> Told:
            box, slack, hook = (stack.enter_context(each) for each in (smtp(), http(), http()))
            assert isinstance(box, Mailbox) and isinstance(slack, Endpoint) and isinstance(hook, Endpoint)
            monkeypatch.setenv("TEAM_URL", f"{slack.url}/services/T0/B0/very-secret")
            monkeypatch.setenv("HOOK_SECRET", SECRET)
            world = new_world(database_url)
            text = CHANNELS.format(port=box.port, hook=hook.url) + more
            (world.root / "notifications.yaml").write_text(text)
            world.app.close()
            world.app = assemble(world.app.workspace, world.clock)
            told = Told(world, box, slack, hook)
            told.round()
            return told

        yield made


def held(world: World, record: str = "a1", value: str = "software") -> str:
    world.promote("crm.account.update", Mode.ASSISTED)
    return world.submit(world.action(value=value, to=f"crm/account/{record}")).review


def test_a_review_is_told_to_its_owner_over_every_channel(make: Make, database_url: str) -> None:
    told = make(database_url=database_url)
    review = held(told.world)
    print(told.round(), told.box.recipients, [l["subject"] for l in told.box.letters], [r.json for r in told.slack.requests], [r.json for r in told.hook.requests]); print(told.box.letters[-1]); assert 0
