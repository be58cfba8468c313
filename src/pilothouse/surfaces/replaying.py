"""Which two policies? A folder, the one in force, or it with one number changed, as all faces name them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pilothouse.assembly import App
from pilothouse.connectors.twin.capabilities import CAPABILITIES
from pilothouse.data.defining.reading import load_definitions
from pilothouse.decision.policy import Policy, load_policy
from pilothouse.decision.replaying.changing import changed
from pilothouse.decision.replaying.replay import Replayer, text_of
from pilothouse.decision.replaying.report import Report, Window
from pilothouse.observability.replaying import more_than, replay
from pilothouse.vocabulary.capabilities import Capability
from pilothouse.vocabulary.errors import InvalidInput, NotFound, TooLarge

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
    """Return the policy of a folder; the empty name is the workspace's own, and `in-force` the one in force."""
    if named == "in-force":
        return pilothouse.policy
    folder = folder_of(pilothouse.workspace.folder("policy"), named)
    return load_policy(folder, pilothouse.gateway.door.registry.capabilities, pilothouse.definitions.closed_stages)


def folder_of(own: Path, named: str) -> Path:
    """Return the policy folder that a name means: itself, or the `policy` folder in a workspace."""
    folder = Path(named) if named else own
    if (folder / "policy").is_dir():
        folder = folder / "policy"
    if not folder.is_dir():
        raise NotFound(f"there is no folder {named!r}.", hint="Name a folder with policy files, or `in-force`.")
    return folder.resolve()


def load_replayer(root: Path, folder: Path, changes: Mapping[str, str]) -> Replayer:
    """Return the replayer of a workspace's policy and what is proposed, made anew in a process of its own."""
    known: dict[str, Capability] = {each.name: each for each in CAPABILITIES}
    closed = load_definitions(root / "definitions").closed_stages
    current = load_policy(root / "policy", known, closed)
    new = with_changes(current, changes) if changes else load_policy(folder, known, closed)
    return Replayer(current, new, known)


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
