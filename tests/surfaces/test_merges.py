"""A merge that waits for a person says which record goes into which, by their names."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient
from tests.agents.test_duplicates import enlisted, found, twice
from tests.surfaces.test_cli import call
from tests.surfaces.test_rest import enter
from tests.world import World

from pilothouse.surfaces.server import build

__all__ = ["twice"]
WORDS = "Birch Foods (crm/account/b1) goes into Birch Foods GmbH (crm/account/b2)"


def test_page_and_command_line_name_both_records(twice: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world = enlisted(twice)
    [finding] = found(world)
    from dataclasses import replace

    assert finding.proposal is not None
    held = world.submit(replace(finding.proposal, expects={"flags": None}), world.token("hygiene@1"))
    with TestClient(build(world.app), follow_redirects=False) as client:
        enter(world, client, "gita")
        for path in ("/reviews", f"/reviews/{held.review}"):
            assert WORDS in client.get(path).text
    monkeypatch.setenv("PILOTHOUSE_WORKSPACE", str(world.root))
    shown = " ".join(call("reviews", "show", held.review).split())
    assert f"Merge: {WORDS}." in shown
    assert '"into":"b2"' in call("reviews", "show", held.review, "--json").replace(" ", "")
