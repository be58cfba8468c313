"""The whole agent on one screen: look through the view with every detector, propose what each finding calls for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from pilothouse.agents.hygiene.contradictions import contradictions
from pilothouse.agents.hygiene.dormant import dormant_deals
from pilothouse.agents.hygiene.fill import fill_from_other_sources
from pilothouse.agents.hygiene.missing import missing_required
from pilothouse.agents.hygiene.orphans import orphan_references
from pilothouse.agents.hygiene.spelling import misspelt_values
from pilothouse.data.view import DataView
from pilothouse.vocabulary.actors import AgentRef
from pilothouse.vocabulary.findings import Finding

Detector = Callable[[DataView, datetime], Iterator[Finding]]
DETECTORS: tuple[Detector, ...] = (
    fill_from_other_sources,
    misspelt_values,
    orphan_references,
    contradictions,
    missing_required,
    dormant_deals,
)


class HygieneAgent:
    """Perceive (the view), reason (the detectors), propose (their findings)."""

    ref = AgentRef("hygiene", "1")

    def propose(self, view: DataView, as_of: datetime) -> Sequence[Finding]:
        """Return every finding, with at most one proposal for a field of a record."""
        findings: list[Finding] = []
        proposed: set[tuple[str, str]] = set()
        mended: set[tuple[str, str]] = set()
        for detect in DETECTORS:
            for finding in detect(view, as_of):
                if finding.kind.startswith("missing") and (str(finding.record), finding.field) in mended:
                    continue
                findings.append(_once(finding, proposed))
                mended.add((str(finding.record), finding.field))
        return findings


def _once(finding: Finding, proposed: set[tuple[str, str]]) -> Finding:
    """Drop a second proposal for the same field: the first detector's stands, the finding remains."""
    if finding.proposal is None:
        return finding
    field = "flags" if finding.proposal.capability.endswith(".flag") else finding.field
    place = (str(finding.record), field)
    if place in proposed:
        return replace(finding, proposal=None)
    proposed.add(place)
    return finding
