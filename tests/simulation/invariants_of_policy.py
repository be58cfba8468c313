"""What must hold of policy versions: two people each, and every decision goes by what was in force."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from tests.simulation.roster import Roster
from tests.world import World

from pilothouse.decision.publishing.content import gather, hash_of
from pilothouse.decision.publishing.rules import Rules
from pilothouse.decision.replaying.recorded import KINDS, recorded_of
from pilothouse.decision.replaying.replay import Replayer, text_of
from pilothouse.decision.replaying.report import Window
from pilothouse.ledger.entries import Entry
from pilothouse.observability.replaying import replay
from pilothouse.vocabulary.actors import SYSTEM_PERSON
from pilothouse.vocabulary.clock import stamp

UNPUBLISHED = "policy/unpublished.yaml"
"""A file that lies in the workspace's folder and that no version ever holds."""
AT_ONCE = timedelta(seconds=1)
"""Callers side by side are over within this; the clock of these tests moves a microsecond at each look."""
_NUMBERED = re.compile(r"v\d+-[0-9a-f]{12}")
_read: dict[str, Rules] = {}


def check_policy(entries: Sequence[Entry]) -> None:
    """Assert all of them."""
    two_people_stand_behind_each_version(entries)
    each_decision_cites_what_was_in_force(entries)


def two_people_stand_behind_each_version(entries: Sequence[Entry]) -> None:
    """X-18: a text is in force when its proposal was approved by another person who may, onto what it was written for."""
    roster, proposed, published = Roster(), dict[str, Entry](), dict[str, str]()
    decided, last = set[str](), ""
    for entry in entries:
        roster.follow(entry)
        if not entry.kind.startswith("policy."):
            continue
        body, by, version = entry.body, entry.actor.person, entry.body.get("version", "")
        if entry.kind == "policy.proposed":
            assert body.get("bootstrap") or roster.may(by, "propose_policy"), f"{by} may not propose {version}"
            assert body["author"] == by and body["hash"] == _hash(entry)
            proposed[version] = entry
        elif entry.kind == "policy.rolled_back":
            assert roster.may(by, "rollback"), f"{by} may not roll back"
            assert published.get(body["restores"]) == body["hash"], f"{version} restores what was never published"
            last, published[version] = version, body["hash"]
        elif entry.kind in ("policy.published", "policy.rejected"):
            assert version in proposed and version not in decided, f"{version} was decided twice, or never proposed"
            decided.add(version)
            if entry.kind == "policy.rejected":
                assert by == proposed[version].actor.person or roster.may(by, "approve_policy")
                continue
            _published_by_another(entry, proposed[version], roster, last)
            last, published[version] = version, body["hash"]


def _published_by_another(entry: Entry, asked: Entry, roster: Roster, last: str) -> None:
    by, version = entry.actor.person, entry.body["version"]
    assert entry.body["hash"] == asked.body["hash"], f"{version} is another text than was proposed"
    assert asked.body["base"] == last, f"{version} was written against {asked.body['base']}, not {last}"
    if entry.body.get("bootstrap"):
        assert by == SYSTEM_PERSON and not last, f"{version} is no first version"
        return
    assert by != asked.actor.person, f"{by} approved their own {version}"
    assert roster.may(by, "approve_policy"), f"{by} may not approve {version}"
    assert entry.body["effective_from"] >= asked.body["wanted_from"], f"{version} came before its day"


def _hash(entry: Entry) -> str:
    return hash_of(entry.body["content"])


def each_decision_cites_what_was_in_force(entries: Sequence[Entry]) -> None:
    """An intent goes by what was in force at its position; what was only decided may be as old as its callers."""
    published: list[tuple[str, str, Entry]] = []
    for entry in entries:
        if entry.kind in ("policy.published", "policy.rolled_back"):
            published.append((entry.body.get("effective_from") or stamp(entry.at), entry.body["version"], entry))
        if entry.kind not in KINDS or entry.body["verdict"] is None:
            continue
        cited = entry.body["verdict"]["policy_version"]
        known, in_force = published, _in_force(published, stamp(entry.at))
        while entry.kind != "action.intended" and cited != in_force and known and entry.at - known[-1][2].at < AT_ONCE:
            known = known[:-1]
            in_force = _in_force(known, stamp(entry.at))
        right = cited == in_force if in_force else not _NUMBERED.match(cited)
        assert right, f"{entry.action} was decided by {cited}, and {in_force or 'the folder'} was in force"


def _in_force(published: Sequence[tuple[str, str, Entry]], now: str) -> str:
    return next((version for begins, version, _ in reversed(published) if begins <= now), "")


def every_decision_can_be_made_again(world: World) -> None:
    """A replay of each text that was gone by, read from the ledger, comes to what is recorded, of every decision.

    So no file that was not published ever changed one.
    """
    app, reproduced, told = world.app, 0, dict[str, Any]()
    cited = {
        text_of(found.verdict["policy_version"]): found.verdict["policy_version"]
        for entry in app.ledger.entries(kinds=KINDS)
        if (found := recorded_of(entry)) is not None
    }
    for version in cited.values():
        policy = rules_cited(world, version).policy
        told = replay(app.ledger, Replayer(policy, policy, app.gateway.door.registry.capabilities), Window()).as_json()
        assert told["not_replayed"] == [], told["not_replayed"]
        assert told["reproduction"]["differ"] == 0, told["reproduction"]["examples"]
        reproduced += told["reproduction"]["reproduced"]
    assert not told or reproduced == told["decisions"]


def rules_cited(world: World, version: str) -> Rules:
    """Return everything that a version decides, from the ledger's text; of the folder, without what was never published."""
    if version not in _read:
        _read[version] = _compiled(world, version)
    return _read[version]


def _compiled(world: World, version: str) -> Rules:
    if _NUMBERED.match(version):
        return world.app.versions.rules(version)
    content = {path: text for path, text in gather(world.root).items() if path != UNPUBLISHED}
    assert hash_of(content) == text_of(version), f"{version} is not what lies in the folder"
    return world.app.versions.read(content, version)
