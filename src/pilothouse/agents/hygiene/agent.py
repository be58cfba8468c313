"""The whole agent on one screen: look through the view with every detector, propose what each finding calls for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from pilothouse.agents.hygiene.contradictions import contradictions
from pilothouse.agents.hygiene.differing import values_that_differ
from pilothouse.agents.hygiene.dormant import dormant_deals
from pilothouse.agents.hygiene.duplicates import KIND as DUPLICATE
from pilothouse.agents.hygiene.duplicates import duplicates
from pilothouse.agents.hygiene.fill import fill_from_other_sources
from pilothouse.agents.hygiene.missing import missing_required
from pilothouse.agents.hygiene.orphans import orphan_references
from pilothouse.agents.hygiene.outdated import outdated_values
from pilothouse.agents.hygiene.proposing import flag
from pilothouse.agents.hygiene.spelling import misspelt_values
from pilothouse.data.view import DataView
from pilothouse.vocabulary.actors import AgentRef
from pilothouse.vocabulary.findings import Finding
from pilothouse.vocabulary.records import RecordRef

MOST = 1000
"""Characters of a flag's note."""
Detector = Callable[[DataView, datetime], Iterator[Finding]]
DETECTORS: tuple[Detector, ...] = (
    fill_from_other_sources,
    misspelt_values,
    values_that_differ,
    orphan_references,
    contradictions,
    missing_required,
    dormant_deals,
    outdated_values,
    duplicates,
)


class HygieneAgent:
    """Perceive (the view), reason (the detectors), propose (their findings)."""

    ref = AgentRef("hygiene", "1")

    def propose(self, view: DataView, as_of: datetime) -> Sequence[Finding]:
        """Return every finding, with at most one proposal for a field of a record."""
        findings: list[Finding] = []
        flags: dict[RecordRef, list[int]] = {}
        proposed: set[tuple[str, str]] = set()
        mended: set[tuple[str, str]] = set()
        for detect in DETECTORS:
            for finding in detect(view, as_of):
                if finding.kind.startswith("missing") and (str(finding.record), finding.field) in mended:
                    continue
                if _is_flag(finding):
                    flags.setdefault(finding.record, []).append(len(findings))
                findings.append(_once(finding, proposed))
                mended.add((str(finding.record), finding.field))
        going = {each.record for each in findings if each.kind == DUPLICATE and each.proposal is not None}
        for ref, places in flags.items():
            _flag_once(view, ref, findings, places, going=ref in going)
        return findings


def _is_flag(finding: Finding) -> bool:
    return finding.proposal is not None and finding.proposal.capability.endswith(".flag")


def _flag_once(view: DataView, ref: RecordRef, findings: list[Finding], places: Sequence[int], *, going: bool) -> None:
    """Make one flag of all that is to be flagged on a record, and none when it carries just these already.

    A record holds one flag; two proposals for it would take turns in overwriting each other at every run. One that is
    `going` into another gets none: a merge writes its flag, and would find it changed when a person has decided.
    """
    asked = [proposal for place in places if (proposal := findings[place].proposal) is not None]
    codes = sorted({str(each.arguments["code"]) for each in asked})
    for place in places:
        findings[place] = replace(findings[place], proposal=None)
    record = view.record(ref)
    if going or record is None or record.text("flags").startswith(f"{', '.join(codes)}:"):
        return
    notes = list(dict.fromkeys(str(each.arguments["note"]) for each in asked))
    evidence = [fact for each in asked for fact in each.evidence]
    sure = min(each.confidence for each in asked)
    one = flag(record, ", ".join(codes), " ".join(notes)[:MOST], confidence=sure, evidence=evidence)
    findings[places[0]] = replace(findings[places[0]], proposal=one)


def _once(finding: Finding, proposed: set[tuple[str, str]]) -> Finding:
    """Drop a second proposal for the same field: the first detector's stands, the finding remains."""
    if finding.proposal is None or _is_flag(finding):
        return finding
    place = (str(finding.record), finding.field)
    if place in proposed:
        return replace(finding, proposal=None)
    proposed.add(place)
    return finding
