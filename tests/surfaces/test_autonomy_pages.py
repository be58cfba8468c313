"""The pages about autonomy: what they show is there, and only for who may read the ledger."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient
from tests.surfaces.test_rest import client, enter  # noqa: F401  # pyright: ignore[reportUnusedImport]
from tests.world import World

PAGES = {
    "/readiness": "crm.message.send until",
    "/agents/tester@1": "Ramp by action type",
    "/agents/tester@1/gate?action_type=crm.account.update:fill-empty": "nothing proposed in shadow",
}


@pytest.mark.parametrize(("path", "says"), PAGES.items())
def test_a_page_about_autonomy_shows_its_figures(world: World, client: TestClient, path: str, says: str) -> None:  # noqa: F811
    assert client.get(path).status_code == 303
    world.promote("crm.account.update:fill-empty")
    enter(world, client, "rosa")
    assert client.get(path).status_code == 403
    enter(world, client, "iris")
    shown = client.get(path)
    assert shown.status_code == 200 and says in shown.text
