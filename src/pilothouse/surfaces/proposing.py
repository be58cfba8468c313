"""Proposing a version: of the workspace's files, or of what was published last with one threshold changed.

What must never happen here: a text proposed with a problem or a golden case that comes out otherwise; files that lag
behind taking back, without a word, what others published since.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pilothouse.assembly import App, Desk
from pilothouse.decision.publishing.checking import check_rules
from pilothouse.decision.publishing.content import Content, gather, spread
from pilothouse.decision.publishing.testing import every_case
from pilothouse.decision.publishing.versions import Version
from pilothouse.decision.replaying.attached import Attached
from pilothouse.decision.replaying.report import Window
from pilothouse.decision.versions import commit_of
from pilothouse.directory.people import read_people
from pilothouse.gateway.agents import Agents
from pilothouse.surfaces.following import taken_back
from pilothouse.surfaces.replaying import replay_version, too_many, with_changes
from pilothouse.vocabulary.documents import DocumentError
from pilothouse.vocabulary.errors import Conflict, InvalidInput


class Unsound(InvalidInput):
    """A text has problems; each names its file and line."""

    code = "invalid_document"

    def __init__(self, problems: Sequence[DocumentError]) -> None:
        more = f" And {len(problems) - 1} more." if len(problems) > 1 else ""
        super().__init__(f"{problems[0].message}.{more}", hint=problems[0].hint)
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Proposed:
    """A version that was proposed with one threshold changed, and its replay; None where the window was too long."""

    version: Version
    replay: Attached | None


def problems_in(desk: Desk, root: Path) -> list[DocumentError]:
    """Return every problem of a text that lies in a folder, gaps in what it covers among them."""
    with desk.ledger.engine.connect() as connection:
        # Before anybody was added, every name would be a stranger's.
        people = {each.id for each in read_people(connection)} or None
    return check_rules(root, desk.registry.capabilities, dict(Agents.granted(desk.ledger)), people)


def propose_files(
    desk: Desk, by: str, note: str, *, effective: datetime | None = None, take_back: bool = False
) -> Version:
    """Propose the workspace's files as the next version.

    Raises `Unsound`, `InvalidInput` for a golden case that is not as wanted, and `Conflict` where the files would take
    back what others published since, unless that is meant (`take_back`).
    """
    root, content = desk.workspace.root, gather(desk.workspace.root)
    lost = [] if take_back else taken_back(desk.versions, content)
    if lost:
        raise Conflict(
            f"these files would take back what was published since: {'; '.join(lost)}.",
            hint="`pilothouse policy pull` brings them up to date and leaves your edits; `publish --take-back` means it.",
            code="files_behind",
        )
    commit = commit_of(root / "policy")
    return _propose(desk, root, content, by, note, commit=commit, effective=effective)


def propose_threshold(
    pilothouse: App, name: str, written: str, by: str, note: str, window: Window, *, seen: str | None = None
) -> Proposed:
    """Propose what was published last with one threshold changed, and write down what it would have done.

    `seen` is the version that somebody looked at. Raises as `with_changes` and `propose_files` do, and `Conflict` when
    nothing was published yet or another version was published since they looked.
    """
    last = pilothouse.versions.last()
    if last is None:
        raise Conflict(
            "nothing was published yet, so there is nothing to change one line of.",
            hint="Propose the workspace's files first: the page Policy, or `pilothouse policy publish`.",
        )
    if seen is not None and seen != last.id:
        raise Conflict(f"{last.id} was published since you looked.", hint="Look at it again.", code="policy_moved")
    content = with_changes(pilothouse, {name: written}).content
    with spread(content) as root:
        version = _propose(pilothouse.desk, root, content, by, note)
    replay = None if too_many(pilothouse, window) else replay_version(pilothouse, version.id, window, by)
    return Proposed(version, replay)


def _propose(
    desk: Desk, root: Path, content: Content, by: str, note: str, *, commit: str = "", effective: datetime | None = None
) -> Version:
    problems = problems_in(desk, root)
    if problems:
        raise Unsound([each.within(root) for each in problems])
    results = every_case(root, desk.registry.capabilities)
    failed = [each for each in results if each.problem]
    if failed:
        raise InvalidInput(
            f"{len(failed)} golden case(s) do not come out as wanted; the first at {failed[0].where}: {failed[0].problem}.",
            hint="`pilothouse policy test` shows them all.",
        )
    return desk.versions.propose(content, by, note, commit=commit, effective=effective, cases=len(results))
