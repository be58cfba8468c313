"""`pilothouse policy prove`, as people and programs meet it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from typer.testing import CliRunner

from pilothouse.surfaces.cli.main import app
from pilothouse.workspace.config import init_workspace

ODD = """
rules:
  - id: never-too-sure
    applies_to: [crm.record.flag]
    when: confidence > 0.95
    then: review
    reason: Whoever is that sure has overlooked something.
"""


def test_the_starter_workspace_is_proved_and_an_odd_rule_is_told_with_its_place(tmp_path: Path) -> None:
    init_workspace(tmp_path / "w")
    run = CliRunner().invoke(app, ["policy", "prove", "-w", str(tmp_path / "w"), "--json"])
    told = json.loads(run.stdout)
    assert run.exit_code == 0 and {each["claim"]: each["status"] for each in told["claims"]} == dict.fromkeys(
        "abcdefg", "proved"
    )
    assert (
        told["scope"]
        and told["rules"] > 20
        and {each["kind"] for each in told["findings"]} <= {"unreachable", "shadowed", "waiting"}
    )
    (tmp_path / "w" / "policy" / "odd.yaml").write_text(ODD)
    run = CliRunner().invoke(app, ["policy", "prove", "-w", str(tmp_path / "w")])
    assert run.exit_code == 1
    assert "rule never-too-sure (odd.yaml:3)" in run.stdout and "What the proof stands for" in run.stdout


def test_no_other_command_loads_the_solver() -> None:
    code = "import sys, pilothouse.surfaces.cli.main; sys.exit('z3' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
