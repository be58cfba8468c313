"""Which two policies? A folder, the one in force, or it with one number changed, as all faces name them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pilothouse.assembly import App, Desk, open_desk
from pilothouse.decision.policy import Policy, load_policy
from pilothouse.decision.publishing.in_force import InForce
from pilothouse.decision.replaying.changing import changed
from pilothouse.decision.replaying.replay import Replayer, text_of
from pilothouse.decision.replaying.report import Report, Window
from pilothouse.observability.replaying import more_than, replay
from pilothouse.vocabulary.errors import InvalidInput, NotFound, TooLarge
from pilothouse.workspace.config import open_workspace

VERSION = re.compile(r"v\d+(-[0-9a-f]+)?")
MOST_IN_A_REQUEST = 20_000
"""Decisions that are replayed while somebody waits for a page; for more there is the command line."""


@dataclass(frozen=True, slots=True)
class Proposed:
    """A policy to replay against. `policy_hash` names its text, empty when it stands in no file."""

    policy: Policy
    policy_hash: str


def proposed(pilothouse: App, named: str = "", changes: Mapping[str, str] | None = None) -> Proposed:
    """Return a folder's policy (default: the workspace's), or the one in force with numbers changed.

    Raises `NotFound` for a folder that is not there, `DocumentError` for one with a problem in it.
    """
    if changes:
        return Proposed(with_changes(pilothouse.policy, changes), "")
    policy = policy_named(pilothouse, named)
    return Proposed(policy, text_of(policy.version))


def policy_named(pilothouse: App, named: str) -> Policy:
    """Return the policy of a folder or of a version; the empty name is the workspace's own folder, `in-force` the policy
    in force."""
    return _named(pilothouse.desk, pilothouse.policy, named)


def _named(desk: Desk, current: Policy, named: str) -> Policy:
    if named == "in-force":
        return current
    if named and not Path(named).is_dir() and VERSION.fullmatch(named):
        return desk.versions.load(named)
    folder = folder_of(desk.workspace.folder("policy"), named)
    return load_policy(folder, desk.registry.capabilities, current.closed_stages)


def folder_of(own: Path, named: str) -> Path:
    """Return the policy folder that a name means: itself, or the `policy` folder in a workspace."""
    folder = Path(named) if named else own
    if (folder / "policy").is_dir():
        folder = folder / "policy"
    if not folder.is_dir():
        raise NotFound(
            f"there is no folder {named!r}.",
            hint="Name a folder with policy files, a version as `policy versions` lists it, or `in-force`.",
        )
    return folder.resolve()


def load_replayer(root: Path, named: str, changes: Mapping[str, str]) -> Replayer:
    """Return the replayer of the policy in force and what is proposed, made anew in a process of its own."""
    desk = open_desk(open_workspace(root))
    try:
        known = desk.registry.capabilities
        current = InForce(desk.ledger, desk.clock, desk.versions, root, known)().policy
        new = with_changes(current, changes) if changes else _named(desk, current, named)
        return Replayer(current, new, known)
    finally:
        desk.ledger.close()
        desk.ledger.engine.dispose()


def with_changes(policy: Policy, changes: Mapping[str, str]) -> Policy:
    """Return a policy with settings changed, by their names."""
    for name, written in changes.items():
        policy = changed(policy, name, written)
    return policy


def replay_within(pilothouse: App, window: Window, new: Proposed) -> Report:
    """Replay while somebody waits for the answer; raises `TooLarge` where the command line is the place for it."""
    if more_than(pilothouse.ledger, window, MOST_IN_A_REQUEST):
        raise TooLarge(
            f"there are more than {MOST_IN_A_REQUEST:,} decisions in this window.",
            hint="Choose a shorter one, or run `pilothouse policy replay` with --workers on the command line.",
        )
    replayer = Replayer(pilothouse.policy, new.policy, pilothouse.gateway.door.registry.capabilities)
    return replay(pilothouse.ledger, replayer, window, policy_hash=new.policy_hash)


def within_workspace(pilothouse: App, named: str) -> str:
    """Return a folder that somebody named in a page or a request; raises `NotFound` for one outside the workspace."""
    root = pilothouse.workspace.root.resolve()
    folder = (root / named).resolve()
    if not folder.is_relative_to(root):
        raise NotFound(f"there is no folder {named!r} in the workspace.", hint="Name one below the workspace's own.")
    return str(folder)


def setting_of(text: str) -> tuple[str, str]:
    """Read `name=value`; raises `InvalidInput` for anything else."""
    name, equals, value = text.partition("=")
    if not equals:
        raise InvalidInput(f"{text!r} sets nothing.", hint="Write it as thresholds.large_deal=50000.")
    return name.strip(), value
