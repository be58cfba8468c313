"""What is wrong with the arguments of a call is said in words, without their values."""

from __future__ import annotations

from typing import Any

import pytest
from tests.world import World

from pilothouse.gateway.agents import Manifest
from pilothouse.vocabulary.errors import InvalidInput


@pytest.mark.parametrize(
    ("name", "arguments", "words"),
    [
        ("crm.account.update", {"owner": "secret"}, "no argument 'owner'; it has name"),
        ("crm.record.flag", {}, "name at least one"),
        ("crm.record.flag", {"code": "x"}, "it needs note"),
        ("crm.account.update", {"employee_count": "secret"}, "employee_count must be integer or empty"),
        ("crm.message.send", {"recipients": [], "subject": "s", "body": "b"}, "recipients must contain at least 1"),
    ],
)
def test_what_does_not_fit_is_said_in_words(world: World, name: str, arguments: dict[str, Any], words: str) -> None:
    said = world.gateway.door.registry.problem_with(name, arguments)
    assert words in said and "secret" not in said and "{" not in said, said


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"contract": "nosuch"}, "which does not exist"),
        ({"grants": ("crm.account.updat",)}, "Did you mean 'crm.account.update'"),
    ],
)
def test_an_agent_that_could_never_act_is_not_registered(world: World, change: dict[str, Any], words: str) -> None:
    sound: dict[str, Any] = {
        "name": "odd",
        "version": "1",
        "owner": "gita",
        "summary": "x",
        "contract": "wide",
        "grants": (),
    }
    with pytest.raises(InvalidInput) as refused:
        world.gateway.door.agents.register(Manifest(**{**sound, **change}), by="ada")
    assert words in str(refused.value)
    assert world.gateway.door.agents.register(Manifest(**sound), by="ada")
