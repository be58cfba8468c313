"""What notifications are sent to in tests: a real SMTP server, and HTTP servers in the shape of Slack and of a webhook."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope
from tests.postgres import free_port


@dataclass
class Mailbox:
    """Keeps letters; `answer` is what the server says to each instead of taking it, when it is set."""

    letters: list[EmailMessage] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    answer: str = ""
    port: int = 0

    async def handle_RCPT(self, server: Any, session: Any, envelope: Envelope, address: str, options: Any) -> str:
        if self.answer.startswith("rcpt "):
            return self.answer.removeprefix("rcpt ")
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Envelope) -> str:
        if self.answer:
            return self.answer
        content = envelope.content
        assert isinstance(content, bytes)
        self.letters.append(cast(EmailMessage, message_from_bytes(content, policy=default)))
        self.recipients += envelope.rcpt_tos
        return "250 taken"


@contextmanager
def smtp(*, password: str = "") -> Iterator[Mailbox]:
    """Run an SMTP server on the loopback address."""
    box = Mailbox(port=free_port())

    def enter(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        return AuthResult(success=data.password == password.encode(), handled=False)

    more = {"authenticator": enter, "auth_required": True, "auth_require_tls": False} if password else {}
    controller = Controller(box, hostname="127.0.0.1", port=box.port, **more)
    controller.start()
    yield box
    controller.stop()


@dataclass
class Posted:
    """One request as it came in."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Endpoint:
    """An HTTP endpoint; `statuses` are answered one after the other, then 200. `stall` is waited for before answering."""

    requests: list[Posted] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    stall: threading.Event | None = None
    url: str = ""


@contextmanager
def http() -> Iterator[Endpoint]:
    """Run an HTTP server on the loopback address that keeps what is posted to it."""
    endpoint = Endpoint()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            endpoint.requests.append(Posted(self.path, {k.lower(): v for k, v in self.headers.items()}, body))
            if endpoint.stall is not None:
                endpoint.stall.wait(30)
            self.send_response(endpoint.statuses.pop(0) if endpoint.statuses else 200)
            for name, value in endpoint.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    endpoint.url = f"http://127.0.0.1:{server.server_address[1]}"
    yield endpoint
    server.shutdown()
    server.server_close()
    thread.join()
