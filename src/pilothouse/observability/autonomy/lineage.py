"""Which agents an agent comes from, declared or not, so that a bad one does not come back clean under another name.

What must never happen here: a good record inherited.
"""

from __future__ import annotations

from collections.abc import Sequence

from pilothouse.directory.registered import Manifest, Registered
from pilothouse.vocabulary.actors import AgentRef


def relatives(of: Manifest, every: Sequence[Registered]) -> dict[AgentRef, str]:
    """Return the agents that one comes from or probably is, each with why it is taken for one.

    Other versions of its name; what it says it succeeds, and what that succeeded; and whoever has the same owner, the
    same contract and the same grants: that is probably the same agent under another name.
    """
    known = {each.ref: each.manifest for each in every}
    found: dict[AgentRef, str] = {}
    for manifest in known.values():
        if manifest.ref == of.ref:
            continue
        if manifest.name == of.name:
            found[manifest.ref] = "another version"
        elif _alike(manifest, of):
            found[manifest.ref] = "probably the same agent: same owner, contract and grants"
    waiting = [of, *(known[ref] for ref in found)]
    while waiting:
        before = waiting.pop().succeeds
        ref = AgentRef.parse(before) if before else None
        if ref is not None and ref != of.ref and found.get(ref) != "succeeded":
            found[ref] = "succeeded"
            waiting += [known[ref]] if ref in known else []
    return dict(sorted(found.items(), key=lambda each: str(each[0])))


def _alike(one: Manifest, other: Manifest) -> bool:
    return (one.owner, one.contract, set(one.grants)) == (other.owner, other.contract, set(other.grants))
