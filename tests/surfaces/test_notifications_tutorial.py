"""The page about notifications, run as it is written."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "tutorials" / "notifications.md"


def test_the_page_runs_as_written(tmp_path: Path) -> None:
    commands = "\n".join(re.findall(r"```sh\n(.*?)```", PAGE.read_text(), re.S))
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    ending = "trap 'kill $(jobs -p) 2>/dev/null || true' EXIT\n"
    done = subprocess.run(
        ["bash", "-e", "-c", ending + commands],
        cwd=tmp_path, env={**os.environ, "PATH": path, "PYTHONPATH": str(ROOT / "src")},
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    told = done.stdout
    for words in (
        "Promoted: crm.account.update of hygiene@1 assisted",
        "Delivered over post.",
        "Subject: Pilothouse: A test of post",
        "Nothing was shadowed.",
        "*Suspended: hygiene@1*",
        '"type":"pilothouse.agent_suspended"',
    ):
        assert words in told, told
    assert re.search(r"^/events v1,\S+ \{", told, re.M) and re.search(
        r"^/services/T0/B0/secret +\{\"text\"", told, re.M
    )
    assert re.search(r"team +A test of team +undelivered: there is no address", told), told
    assert "Not delivered over team: there is no address for this channel." in done.stderr
