"""A local HTTP server that answers as it is told, and keeps what it was sent."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Says:
    """One answer: a status, a body (JSON, or bytes as they are), headers, and how long it takes."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict[str, str])
    delay: float = 0.0
    hang_up: bool = False


@dataclass
class Sent:
    method: str
    path: str
    headers: dict[str, str]
    body: Any


@dataclass
class Server:
    """Answers in the order of `says`; the last one again and again."""

    url: str = ""
    says: list[Says] = field(default_factory=list[Says])
    sent: list[Sent] = field(default_factory=list[Sent])

    def next(self) -> Says:
        return self.says.pop(0) if len(self.says) > 1 else self.says[0]


@contextmanager
def serving() -> Iterator[Server]:
    server = Server()

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            length = int(self.headers.get("content-length", 0))
            body = json.loads(self.rfile.read(length)) if length else None
            headers = {name.casefold(): value for name, value in self.headers.items()}
            server.sent.append(Sent(self.command, self.path, headers, body))
            says = server.next()
            time.sleep(says.delay)
            if says.hang_up:
                self.connection.close()
                return
            content = says.body if isinstance(says.body, bytes) else json.dumps(says.body).encode()
            try:
                self.send_response(says.status)
                for name, value in says.headers.items():
                    self.send_header(name, value)
                self.send_header("content-length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)
            except OSError:
                pass  # Who gave up waiting has hung up.

        do_GET = do_POST = answer

        def log_message(self, format: str, *args: Any) -> None:
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    http.daemon_threads = True
    server.url = f"http://127.0.0.1:{http.server_address[1]}"
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield server
    http.shutdown()
    http.server_close()
    thread.join()
