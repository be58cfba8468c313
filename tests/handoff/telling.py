"""A world whose notifications arrive on this machine: what the tests of notification share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from email.message import EmailMessage

import pytest
from tests.handoff.receivers import Endpoint, Mailbox, http, smtp
from tests.world import World

from pilothouse.assembly import assemble
from pilothouse.ledger.entries import Entry
from pilothouse.vocabulary.actors import SYSTEM_PERSON, Actor
from pilothouse.vocabulary.verdicts import Mode

SECRET = "whsec_" + "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0IQ=="
OVER = "over: [post, team, hook]\n"
CHANNELS = """address: http://127.0.0.1:8321
channels:
  post: {{kind: mail, host: 127.0.0.1, port: {port}, sender: pilothouse@example.com, encryption: none}}
  team: {{kind: slack, url: TEAM_URL}}
  hook: {{kind: webhook, url: "{hook}/in", secret: HOOK_SECRET}}
"""
SYSTEM = Actor(SYSTEM_PERSON)


@dataclass
class Told:
    """A world whose notifications arrive somewhere."""

    world: World
    box: Mailbox
    slack: Endpoint
    hook: Endpoint

    def round(self) -> Counter[str]:
        return self.world.app.notifications.round().outcomes

    def titles(self, person: str) -> list[str]:
        told = self.world.app.notifications
        return [told.wording.title(each) for each in told.inbox.of(person)]

    def subjects(self) -> list[str]:
        return [str(each["subject"]).strip().removeprefix("Pilothouse: ") for each in self.box.letters]

    def entries(self, *verbs: str) -> list[Entry]:
        kinds = {f"notification.{verb}" for verb in verbs}
        return list(self.world.app.ledger.entries(kinds=kinds))

    def clear(self) -> None:
        """Deliver what the making of the world gave to tell, and forget it."""
        self.round()
        for each in (self.box.letters, self.box.recipients, self.slack.requests, self.hook.requests):
            each.clear()


Make = Callable[..., Told]


@pytest.fixture
def make(new_world: Callable[..., World], monkeypatch: pytest.MonkeyPatch) -> Iterator[Make]:
    with ExitStack() as stack:

        def made(more: str = OVER, database_url: str | None = None) -> Told:
            box, slack, hook = stack.enter_context(smtp()), stack.enter_context(http()), stack.enter_context(http())
            monkeypatch.setenv("TEAM_URL", f"{slack.url}/services/very-secret")
            monkeypatch.setenv("HOOK_SECRET", SECRET)
            world = new_world(database_url)
            world.promote("crm.account.update", Mode.ASSISTED)
            (world.root / "notifications.yaml").write_text(CHANNELS.format(port=box.port, hook=hook.url) + more)
            world.app.close()
            world.app = assemble(world.app.workspace, world.clock)
            told = Told(world, box, slack, hook)
            told.clear()
            return told

        yield made


def held(world: World, record: str = "a1", value: str = "software") -> str:
    return world.submit(world.action(value=value, to=f"crm/account/{record}")).review


def plain_part(letter: EmailMessage) -> str:
    body = letter.get_body(("plain",))
    assert body is not None
    return body.get_content()
