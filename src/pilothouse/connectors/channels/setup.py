"""`notifications.yaml` in a workspace: who hears of what, and the channels it sets up. Without the file: the console only."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from pilothouse.connectors.secrets import secret
from pilothouse.handoff.notifying.channels import Channel
from pilothouse.handoff.notifying.settings import CONSOLE, Settings, Strict
from pilothouse.vocabulary.clock import Clock
from pilothouse.vocabulary.documents import Document, load_document

FILE = "notifications.yaml"
LOCAL = ("127.0.0.1", "::1", "localhost")
SecretName = Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]{0,99}$")]
"""The name of an environment variable, or of a file in `state/secrets`; never the secret itself."""


class MailSetup(Strict):
    """An SMTP server. Only this machine's own may do without encryption."""

    kind: Literal["mail"]
    host: str = Field(min_length=1)
    port: int = Field(ge=1, le=65535)
    sender: str = Field(pattern=r"^[^@\s<>]+@[^@\s<>]+$")
    encryption: Literal["none", "starttls", "tls"] = "starttls"
    user: str = ""
    password: SecretName = "SMTP_PASSWORD"  # noqa: S105 (the name of the variable that holds it)

    @model_validator(mode="after")
    def _encrypted(self) -> MailSetup:
        if self.encryption == "none" and self.host not in LOCAL:
            raise ValueError("only a mail server on the loopback address may be spoken to without encryption")
        return self


class SlackSetup(Strict):
    """An incoming webhook of Slack. `url` names where its address is kept, since the address is the secret."""

    kind: Literal["slack"]
    url: SecretName = "SLACK_WEBHOOK_URL"


class WebhookSetup(Strict):
    """A receiver of signed webhooks."""

    kind: Literal["webhook"]
    url: str
    secret: SecretName

    @field_validator("url")
    @classmethod
    def _safe(cls, url: str) -> str:
        if not safe(url):
            raise ValueError("write https://host/path, without user; only the loopback address may do without https")
        return url


Setup = Annotated[MailSetup | SlackSetup | WebhookSetup, Field(discriminator="kind")]


class File(Settings):
    """The whole file."""

    channels: Mapping[Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,39}$")], Setup] = {}


def safe(url: str) -> bool:
    """True for https, or http on the loopback address, with a host and without a user."""
    try:
        parts = urlsplit(url)
        host, user = parts.hostname, parts.username
    except ValueError:
        return False
    return bool(host) and user is None and (parts.scheme == "https" or (parts.scheme == "http" and host in LOCAL))


def load_channels(root: Path, state: Path, clock: Clock) -> tuple[Settings, dict[str, Channel]]:
    """Return the settings and the channels by name; raises `DocumentError` for the first problem."""
    path = root / FILE
    if not path.exists():
        return Settings(), {}
    document = load_document(path, File)
    _check(document)
    secrets = state / "secrets"
    return document.model, {
        name: _channel(name, each, secrets, clock) for name, each in document.model.channels.items()
    }


def _check(document: Document[File]) -> None:
    file = document.model
    if CONSOLE in file.channels:
        raise document.error("the console is always told; give this channel another name", "channels", CONSOLE)
    named = [(("over",), file.over)]
    named += [(("tell", event.value, "over"), each.over or ()) for event, each in file.tell.items()]
    named += [
        ((name, "over"), each.over or ()) for name, each in (("daily", file.daily), ("weekly", file.weekly)) if each
    ]
    for keys, names in named:
        for name in names:
            if name not in file.channels:
                known = ", ".join(file.channels) or "none yet"
                raise document.error(f"there is no channel {name!r}", *keys, hint=f"Under channels: {known}.")


def _channel(name: str, setup: MailSetup | SlackSetup | WebhookSetup, secrets: Path, clock: Clock) -> Channel:
    # What they need takes a while to load; commands that send nothing need not wait for it.
    match setup:
        case MailSetup():
            from pilothouse.connectors.channels.mail import MailChannel

            return MailChannel(
                name,
                setup.host,
                setup.port,
                setup.sender,
                setup.encryption,
                setup.user,
                lambda: secret(setup.password, secrets),
            )
        case SlackSetup():
            from pilothouse.connectors.channels.slack import SlackChannel

            return SlackChannel(name, lambda: _address(secret(setup.url, secrets)))
        case WebhookSetup():
            from pilothouse.connectors.channels.webhook import WebhookChannel

            return WebhookChannel(name, setup.url, lambda: secret(setup.secret, secrets), clock.now)


def _address(url: str) -> str:
    """Return an address that a message may be posted to, the empty string for any other."""
    return url if safe(url) else ""
