"""A real PostgreSQL on a spare port, from the server binaries of the machine."""

from __future__ import annotations

import os
import socket
import subprocess
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import psycopg
import pytest

NUMBERS = count()


@dataclass
class Cluster:
    """A running cluster."""

    binaries: Path
    data: Path
    port: int

    def url(self, database: str) -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    def new_database(self) -> str:
        name = f"t{os.getpid()}_{next(NUMBERS)}"
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"')
        return self.url(name)

    def stop(self) -> None:
        run(self.binaries / "pg_ctl", "-D", self.data, "-m", "immediate", "stop")


def run(*command: object) -> None:
    words = [str(word) for word in command]
    if os.geteuid() == 0:  # PostgreSQL refuses to run as root.
        words = ["runuser", "-u", "postgres", "--", *words]
    done = subprocess.run(words, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"


def start_cluster(folder: Path) -> Cluster:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
    if not found:
        pytest.fail("no PostgreSQL server binaries; run scripts/install-services")
    data = folder / "data"
    data.mkdir()
    folder.chmod(0o755)
    if os.geteuid() == 0:
        subprocess.run(["chown", "-R", "postgres", str(folder)], check=True)
    run(found[-1] / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "--no-sync", "-E", "UTF8")
    for attempt in range(5):
        port = free_port()
        options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c max_connections=200"
        try:
            run(found[-1] / "pg_ctl", "-D", data, "-w", "-l", folder / "log", "-o", options, "start")
            break
        except AssertionError:  # Another test process may have taken the port in the meantime.
            if attempt == 4:
                raise
    return Cluster(found[-1], data, port)


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]
