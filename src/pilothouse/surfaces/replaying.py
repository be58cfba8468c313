"""Which two texts? A version, a folder, the workspace's files, or what was published last with numbers changed.

Whatever is replayed is a whole text, so that its replay can be found again by whoever decides on the same text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from pilothouse.assembly import App
from pilothouse.decision.policy import Policy
from pilothouse.decision.publishing.content import FOLDERS, Content, gather, spread
from pilothouse.decision.publishing.editing import edited
from pilothouse.decision.publishing.rules import read_rules
from pilothouse.decision.replaying.attached import Attached, attach
from pilothouse.decision.replaying.replay import Replayer
from pilothouse.decision.replaying.report import Report, Window
from pilothouse.observability.replaying import more_than, replay
from pilothouse.vocabulary.capabilities import Capability
from pilothouse.vocabulary.errors import InvalidInput, NotFound, TooLarge

VERSION = re.compile(r"v\d+(-[0-9a-f]+)?")
MOST_IN_A_REQUEST = 20_000
"""Decisions that are replayed while somebody waits for a page; for more there is the command line."""


@dataclass(frozen=True, slots=True)
class Text:
    """A text and the policy that it comes to. The policy's version names the text: a version's id, or a hash."""

    content: Content
    policy: Policy


def replaced(pilothouse: App) -> Text:
    """Return what the next version replaces: what was published last, or the files where nothing ever was."""
    last, policy = pilothouse.versions.last(), pilothouse.policy
    if last is None:
        return Text(gather(pilothouse.workspace.root), policy)
    return Text(last.content, policy if policy.version == last.id else pilothouse.versions.load(last.id))


def named(pilothouse: App, name: str = "") -> Text:
    """Return the text of a version or of a folder; the empty name is the workspace's files, `in-force` what is in force.

    A folder with policy files alone is taken with the definitions and contracts that were published last. Raises
    `NotFound` for what is not there, `DocumentError` for a text with a problem in it.
    """
    versions = pilothouse.versions
    if name == "in-force":
        standing = versions.in_force()
        return Text(standing.content if standing else gather(pilothouse.workspace.root), pilothouse.policy)
    if name and not Path(name).is_dir() and VERSION.fullmatch(name):
        found = versions.get(name)
        return Text(found.content, versions.load(found.id))
    content = _folder(pilothouse, name) if name else gather(pilothouse.workspace.root)
    return Text(content, versions.read(content).policy)


def with_changes(pilothouse: App, changes: Mapping[str, str]) -> Text:
    """Return what was published last with thresholds changed, each in its own line; raises as `editing.edited` does."""
    text = replaced(pilothouse)

    def read(content: Content) -> Policy:
        return pilothouse.versions.read(content).policy

    for name, written in changes.items():
        content = edited(text.content, text.policy, name, written, read)
        text = Text(content, read(content))
    return text


def proposed(pilothouse: App, name: str = "", changes: Mapping[str, str] | None = None) -> Text:
    """Return what is to be tried: what was published last with changes, or what has a name."""
    return with_changes(pilothouse, changes) if changes else named(pilothouse, name)


def _folder(pilothouse: App, name: str) -> dict[str, str]:
    folder = Path(name)
    if not folder.is_dir():
        raise NotFound(
            f"there is no folder {name!r}.",
            hint="Name a folder with policy files, a version as `policy versions` lists it, or `in-force`.",
        )
    if (folder / "policy").is_dir():
        mine = gather(folder)
    else:
        mine = {
            f"policy/{path.relative_to(folder).as_posix()}": _read(path) for path in sorted(folder.glob("**/*.yaml"))
        }
    missing = tuple(f"{each}/" for each in FOLDERS if not any(path.startswith(f"{each}/") for path in mine))
    rest: Content = replaced(pilothouse).content if missing else {}
    return {**{path: text for path, text in rest.items() if path.startswith(missing)}, **mine}


def _read(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8")
    except UnicodeDecodeError:
        raise InvalidInput(f"{path} is not UTF-8 text.", hint="Save it as UTF-8.") from None


def replayer_of(capabilities: Mapping[str, Capability], *texts: tuple[Content, str]) -> Replayer:
    """Compile the texts in force and proposed, each with its name, in a process of its own."""
    policies: list[Policy] = []
    for content, version in texts:
        with spread(content) as root:
            policies.append(read_rules(root, capabilities, version).policy)
    current, new = policies
    return Replayer(current, new, capabilities)


def replay_of(pilothouse: App, window: Window, new: Text, workers: int = 1) -> Report:
    """Replay a text against what the next version replaces, however many decisions there are."""
    old, known = replaced(pilothouse), dict(pilothouse.gateway.door.registry.capabilities)
    load = partial(replayer_of, known, *((each.content, each.policy.version) for each in (old, new)))
    replayer = Replayer(old.policy, new.policy, known)
    return replay(pilothouse.ledger, replayer, window, workers=workers, load=load)


def replay_within(pilothouse: App, window: Window, new: Text) -> Report:
    """Replay while somebody waits for the answer; raises `TooLarge` where the command line is the place for it."""
    if too_many(pilothouse, window):
        raise TooLarge(
            f"there are more than {MOST_IN_A_REQUEST:,} decisions in this window.",
            hint="Choose a shorter one, or run `pilothouse policy replay` on the command line.",
        )
    return replay_of(pilothouse, window, new)


def too_many(pilothouse: App, window: Window) -> bool:
    """Tell whether a window holds more decisions than are replayed while somebody waits."""
    return more_than(pilothouse.ledger, window, MOST_IN_A_REQUEST)


def replay_version(pilothouse: App, version: str, window: Window, by: str) -> Attached:
    """Replay a version while somebody waits, and write it down for whoever decides on it; raises `TooLarge`."""
    return attach(pilothouse.ledger, replay_within(pilothouse, window, named(pilothouse, version)), by)


def within_workspace(pilothouse: App, name: str) -> str:
    """Return a version, or a folder that somebody named in a page or a request; raises `NotFound` for one outside the
    workspace."""
    if VERSION.fullmatch(name):
        return name
    root = pilothouse.workspace.root.resolve()
    folder = (root / name).resolve()
    if not folder.is_relative_to(root):
        raise NotFound(f"there is no folder {name!r} in the workspace.", hint="Name one below the workspace's own.")
    return str(folder)


def setting_of(text: str) -> tuple[str, str]:
    """Read `name=value`; raises `InvalidInput` for anything else."""
    name, equals, value = text.partition("=")
    if not equals:
        raise InvalidInput(f"{text!r} sets nothing.", hint="Write it as thresholds.large_deal=50000.")
    return name.strip(), value
