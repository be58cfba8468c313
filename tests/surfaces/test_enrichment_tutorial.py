"""The page about enrichment, run as it is written."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "tutorials" / "enrich-your-accounts.md"


def test_the_page_runs_as_written(tmp_path: Path) -> None:
    commands = "\n".join(re.findall(r"```sh\n(.*?)```", PAGE.read_text(), re.S))
    environment = {key: value for key, value in os.environ.items() if not key.endswith(("_API_KEY", "_TOKEN"))}
    path = f"{Path(sys.executable).parent}:{environment['PATH']}"
    done = subprocess.run(
        ["bash", "-e", "-c", commands], cwd=tmp_path, env={**environment, "PATH": path, "PYTHONPATH": str(ROOT / "src")},
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    told = done.stdout
    for words in (
        "3 of 3 that are due, for 0 credits.",
        "4 values for 0 credits.",
        "2 passed over: nothing is missing or stale.",
        "1 passed over: not found lately.",
        "apollo cannot be asked now: set the environment variable APOLLO_API_KEY",
    ):
        assert words in told, told
    assert re.search(r"differs +1\s", told) and re.search(r"fill_empty +2\s", told), told
