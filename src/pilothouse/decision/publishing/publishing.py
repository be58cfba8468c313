"""Proposing, approving, rejecting and rolling back versions; every act is an entry by a named person.

The two-person rule is asked under the ledger's write lock: who proposed a version never decides on it (X-18).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from pilothouse.decision.policy import Policy
from pilothouse.decision.publishing.content import FOLDERS, MOST_BYTES, Content, diff, hash_of, spread, too_large
from pilothouse.decision.publishing.rules import Rules, read_rules
from pilothouse.decision.publishing.versions import (
    Version,
    VersionStatus,
    in_force,
    last_published,
    version_of_row,
    versions,
)
from pilothouse.decision.replaying.attached import Attached, newest_replay, replay_at
from pilothouse.directory.people import read_person
from pilothouse.directory.roles import permissions_of
from pilothouse.ledger.entries import Draft
from pilothouse.ledger.ledger import Ledger
from pilothouse.vocabulary.actors import SYSTEM_PERSON, Actor
from pilothouse.vocabulary.capabilities import Capability
from pilothouse.vocabulary.clock import Clock, stamp
from pilothouse.vocabulary.documents import DocumentError
from pilothouse.vocabulary.errors import Conflict, Forbidden, InvalidInput, NotFound
from pilothouse.vocabulary.values import Json

PROPOSE, APPROVE, ROLLBACK = "propose_policy", "approve_policy", "rollback"
WHO = {
    PROPOSE: "RevOps and admins propose policy.",
    APPROVE: "Policy, definitions and contracts are RevOps' to approve.",
    ROLLBACK: "RevOps and admins roll policy back.",
}


class PolicyVersions:
    """Every version that was ever proposed, and the acts on them."""

    def __init__(self, ledger: Ledger, clock: Clock, capabilities: Mapping[str, Capability]) -> None:
        self._ledger, self._clock, self._capabilities = ledger, clock, capabilities

    def list(self) -> list[Version]:
        """Return every version, the newest first."""
        with self._ledger.engine.connect() as connection:
            rows = connection.execute(select(versions).order_by(versions.c.number.desc())).all()
        return [version_of_row(row) for row in rows]

    def get(self, named: str) -> Version:
        """Return a version by its id, or short as `v3`; raises `NotFound`."""
        wanted = versions.c.id == named
        if named[:1] == "v" and named[1:].isdecimal() and len(named) < 10:
            wanted = versions.c.number == int(named[1:])
        with self._ledger.engine.connect() as connection:
            row = connection.execute(select(versions).where(wanted)).first()
        if row is None:
            raise NotFound(
                f"there is no policy version {named!r}.",
                hint="`pilothouse policy versions` lists them; what was decided before the first stands in git.",
            )
        return version_of_row(row)

    def in_force(self) -> Version | None:
        """Return the version in force, None when nothing was published and the folder counts."""
        with self._ledger.engine.connect() as connection:
            found = in_force(connection, self._clock.now())
        return self.get(found) if found else None

    def last(self) -> Version | None:
        """Return what was published last, in force already or not: what the next version is written against."""
        with self._ledger.engine.connect() as connection:
            found = last_published(connection)
        return self.get(found) if found else None

    def replay_of(self, version: Version) -> Attached | None:
        """Return the newest replay of a version's text against what it replaces, or would; None when there is none."""
        if version.replay is not None:
            return replay_at(self._ledger, version.replay)
        if version.status is not VersionStatus.PROPOSED:
            return None
        replaced = self.get(version.base).hash if version.base else ""
        return newest_replay(self._ledger, version.hash, replaced)

    def base_of(self, version: Version) -> Content:
        """Return the text that a version was written against, empty for the first."""
        return self.get(version.base).content if version.base else {}

    def rules(self, named: str) -> Rules:
        """Return everything a version decides, compiled from the ledger's text; raises `NotFound`, `InvalidInput`."""
        version = self.get(named)
        return self.read(version.content, version.id)

    def load(self, named: str) -> Policy:
        """Return the policy of a version, compiled from the ledger's text; raises `NotFound`, `InvalidInput`."""
        return self.rules(named).policy

    def read(self, content: Content, version: str = "") -> Rules:
        """Compile a text; raises `DocumentError` for one that cannot be read. Without a version it is named by its hash."""
        with spread(content) as root:
            try:
                return read_rules(root, self._capabilities, version or hash_of(content))
            except DocumentError as error:
                raise error.within(root) from None

    def propose(
        self,
        content: Content,
        by: str,
        note: str,
        *,
        commit: str = "",
        effective: datetime | None = None,
        cases: int = 0,
    ) -> Version:
        """Propose a text as the next version; it has no effect until another person publishes it.

        `cases` tells how many golden cases came out as wanted. Raises `InvalidInput` for a text that cannot be read or a
        day that has passed, `Conflict` when the text is what was published last, `Forbidden`.
        """
        if not note.strip():
            raise InvalidInput("a note is needed.", hint="Say in a sentence what changes and why: --note.")
        if too_large(content):
            raise InvalidInput(f"the text is larger than {MOST_BYTES:,} bytes.", hint="Leave out what is no rule.")
        self.read(content)
        last = self.last()
        if last is not None and last.content == content:
            raise Conflict(f"this is what {last.id} says already.", hint="Change a file first.", code="no_change")
        if effective is not None and effective <= self._clock.now():
            raise InvalidInput("the effective date has passed.", hint="Leave it out to publish at once.")
        if effective is not None and last is None:
            raise InvalidInput(
                "the first version takes effect at once: until then the folder would still decide.",
                hint="Leave the date out.",
            )
        body = self._body(content, by, note, last.id if last else "")
        body |= {"commit": commit, "cases": cases, "wanted_from": stamp(effective) if effective else ""}
        changed = diff(last.content if last else {}, content)
        body["summary"] = [{"path": each.path, "added": each.added, "removed": each.removed} for each in changed]
        draft = Draft("policy.proposed", Actor(by), {**body, "content": dict(content)}, subject="policy")
        self._ledger.append([draft], guard=lambda connection: _may(connection, by, PROPOSE))
        return self.get(body["version"])

    def approve(self, named: str, by: str, content_hash: str = "") -> Version:
        """Publish a proposed version, as somebody who may approve it and did not propose it.

        `content_hash` is the text that the approver saw, where a page showed one. Which replay of it was there to be seen
        is written down with the approval, or that there was none. Raises `Forbidden`, and `Conflict` when it waits no
        longer or another version was published since it was proposed.
        """
        version = self.get(named)
        if content_hash and content_hash != version.hash:
            raise Conflict(f"{version.id} is not the text you saw.", hint="Look at it again.")
        self.read(version.content)  # the systems may offer other capabilities by now
        now = self._clock.now()
        effective, replay = max(version.wanted_from or now, now), self.replay_of(version)
        body: dict[str, Json] = {"version": version.id, "hash": version.hash, "by": by}
        body |= {"effective_from": stamp(effective), "replay": replay.position if replay else None}
        self._ledger.append([Draft("policy.published", Actor(by), body, subject="policy")], guard=_other(version, by))
        return self.get(version.id)

    def reject(self, named: str, by: str, reason: str) -> Version:
        """Turn a proposed version down. Its author may take it back; anybody else needs the right to approve."""
        version = self.get(named)
        _reasoned(reason)
        body = {"version": version.id, "by": by, "reason": reason}

        def allowed(connection: Connection) -> None:
            if by != version.author:
                _may(connection, by, APPROVE)

        self._ledger.append([Draft("policy.rejected", Actor(by), body, subject="policy")], guard=allowed)
        return self.get(version.id)

    def rollback(self, named: str, by: str, reason: str) -> Version:
        """Put an earlier published version's text back in force, at once and by one person; it becomes a new version.

        Two people stood behind the text when it was published, or it is the one that is shipped; whoever approves policy
        is told of it. Raises `Conflict` for a version that was never published and for one whose text is in force already,
        `Forbidden`, `InvalidInput`.
        """
        old = self.get(named)
        _reasoned(reason)
        if old.status is not VersionStatus.PUBLISHED:
            raise Conflict(f"{old.id} was never published.", hint="Roll back to one that was.")
        self.read(old.content)
        last, standing = self.last(), self.in_force()
        assert last is not None
        if last.content == old.content and standing is not None and standing.id == last.id:
            text = "" if last.id == old.id else f" with the text of {old.id}"
            raise Conflict(
                f"{last.id} is in force already{text}.",
                hint="`pilothouse policy versions` lists those to go back to; `pilothouse policy pull` writes its files.",
                code="in_force",
            )
        body = self._body(old.content, by, f"Back to {old.id}: {reason}", last.id)
        body |= {"commit": old.commit, "cases": old.cases, "wanted_from": "", "restores": old.id, "reason": reason}

        def allowed(connection: Connection) -> None:
            _may(connection, by, ROLLBACK)

        self._ledger.append([Draft("policy.rolled_back", Actor(by), body, subject="policy")], guard=allowed)
        return self.get(body["version"])

    def bootstrap(self, content: Content, shipped: Content) -> Version:
        """Put the text that is shipped in force as the first version of a new workspace, recorded as such.

        Nobody wrote it and nobody approved it here; raises `Forbidden` for any other text, `Conflict` for a workspace
        that has versions already.
        """
        if content != shipped:
            raise Forbidden(
                "only the text that is shipped needs no second person.", hint="Propose it, and have it approved."
            )
        self.read(content)
        body = self._body(content, SYSTEM_PERSON, "The rules as they are shipped.", "")
        body |= {"commit": "", "cases": 0, "wanted_from": "", "bootstrap": True, "summary": []}
        actor, version = Actor(SYSTEM_PERSON), body["version"]
        decided = {
            "version": version,
            "hash": body["hash"],
            "by": SYSTEM_PERSON,
            "effective_from": stamp(self._clock.now()),
            "bootstrap": True,
        }

        def first(connection: Connection) -> None:
            if connection.execute(select(versions.c.id).limit(1)).first() is not None:
                raise Conflict("this workspace has policy versions already.", hint="Propose the next one.")

        drafts = [
            Draft("policy.proposed", actor, {**body, "content": dict(content)}, subject="policy"),
            Draft("policy.published", actor, decided, subject="policy"),
        ]
        self._ledger.append(drafts, guard=first)
        return self.get(version)

    def _body(self, content: Content, by: str, note: str, base: str) -> dict[str, Any]:
        # Two who propose at the same moment take the same number; the table refuses one of them.
        newest = next(iter(self.list()), None)
        number, hashed = (newest.number + 1 if newest else 1), hash_of(content)
        artefacts: list[Json] = [name for name in FOLDERS if any(path.startswith(name + "/") for path in content)]
        body: dict[str, Any] = {
            "number": number,
            "version": f"v{number}-{hashed}",
            "hash": hashed,
            "artefacts": artefacts,
        }
        return body | {"author": by, "note": note.strip(), "base": base}


def _may(connection: Connection, person: str, verb: str) -> None:
    found = read_person(connection, person)
    if not found.active or verb not in permissions_of(found.role).may:
        raise Forbidden(f"{person} ({found.role}) may not do this.", hint=WHO[verb])


def _other(version: Version, by: str) -> Callable[[Connection], None]:
    def check(connection: Connection) -> None:
        _may(connection, by, APPROVE)
        if by == version.author:
            raise Forbidden(
                f"{by} proposed {version.id} and cannot approve it.",
                hint="Ask somebody else of RevOps; two people always.",
            )

    return check


def _reasoned(reason: str) -> None:
    if not reason.strip():
        raise InvalidInput("a reason is needed.", hint="Say in a sentence why.")
