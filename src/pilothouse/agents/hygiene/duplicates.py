"""Records of one system that are one account or contact: the one that holds less is proposed to go into the other.

What a record holds is counted: its filled fields and the records that refer to it; of equals the lower id stays. One who
opted out of messages stays in any case, so that the merge cannot lose it. The confidence is the resolution's. What
must never happen here: a merge of records of which a person said that they differ; a merge that a person rejected, or took
apart, proposed again as if nothing had been said, or dropped without a word.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from pilothouse.agents.hygiene.proposing import merge, seen
from pilothouse.data.golden.agreement import agree
from pilothouse.data.schema import OBJECTS, FieldType
from pilothouse.data.store import Record
from pilothouse.data.view import DataView
from pilothouse.vocabulary.actions import Evidence
from pilothouse.vocabulary.findings import Finding
from pilothouse.vocabulary.records import is_empty

KIND = "duplicate"
SHOWN_BY: Mapping[str, Sequence[str]] = {
    "account": ("name", "domain", "website", "phone"),
    "contact": ("name", "email", "phone", "account"),
}
"""By object, the fields that tell one from another."""


def duplicates(view: DataView, as_of: datetime) -> Iterator[Finding]:
    """Propose a merge for each record that another of the same system stands for better."""
    for object_name in SHOWN_BY:
        groups = view.duplicates(object_name)
        links = _links(view, object_name) if groups else Counter[str]()
        for sure, records in groups:
            ranked = sorted(records, key=lambda each: _rank(each, links))
            for gone in ranked[1:]:
                if not any(view.judged_different(gone.ref, each.ref) for each in records):
                    yield _settled(view, _finding(gone, ranked[0], links, sure, view.judged_same([gone, ranked[0]])))


def _settled(view: DataView, finding: Finding) -> Finding:
    """Keep a finding whose merge was decided against, without proposing it; a later word that they are the same undoes that."""
    said = view.decided(finding.proposal.idempotency_key) if finding.proposal is not None else ""
    if not said:
        return finding
    how = "say `pilothouse entities different` if they are two, or `same` to have it proposed anew"
    return replace(
        finding, sentence=f"{finding.sentence} Not proposed again: {said} They stand apart; {how}.", proposal=None
    )


def _links(view: DataView, object_name: str) -> Counter[str]:
    """Return how many readable records of this system refer to each record of an object, by its id."""
    found: Counter[str] = Counter()
    for other, spec in OBJECTS.items():
        names = [name for name, of in spec.fields.items() if of.type is FieldType.REFERENCE and of.to == object_name]
        for record in view.records(other) if names else ():
            found.update(text for name in names if (text := record.text(name)))
    return found


def _filled(record: Record) -> int:
    return sum(not is_empty(value.value) for value in record.fields.values())


def _rank(record: Record, links: Counter[str]) -> tuple[bool, int, str]:
    holds = _filled(record) + links[record.ref.id]
    return record.value("opted_out") is not True, -holds, record.ref.id


def _finding(gone: Record, stays: Record, links: Counter[str], sure: float, since: str) -> Finding:
    shared = _shared(gone, stays)
    by = f"the same {' and '.join(shared)}" if shared else "who is who as resolved"
    sentence = (
        f"{_named(gone)} and {_named(stays)} are one {gone.ref.object} ({by}, sure to {sure:.2f}). "
        f"{gone.ref.id} ({_holds(gone, links)}) goes into {stays.ref.id} ({_holds(stays, links)})."
    )
    evidence: list[Evidence] = []
    for name in shared or ["name"]:
        evidence += [
            seen(gone, name, f"{name} of the one that goes"),
            seen(stays, name, f"{name} of the one that stays"),
        ]
    proposal = merge(gone, stays, intent=sentence, confidence=sure, evidence=evidence, since=since)
    return Finding(KIND, gone.ref, sentence, "", proposal)


def _shared(one: Record, other: Record) -> list[str]:
    """Return the fields of which both records say the same, spelling aside."""
    return [
        name
        for name in SHOWN_BY[one.ref.object]
        if not is_empty(one.value(name))
        and not is_empty(other.value(name))
        and agree(one.ref.object, name, one.value(name), other.value(name))
    ]


def _named(record: Record) -> str:
    return f"{record.text('name') or record.text('email')!r} ({record.ref.id})"


def _holds(record: Record, links: Counter[str]) -> str:
    return f"{_filled(record)} fields filled, {links[record.ref.id]} records refer to it"
