"""What is settled (X-02 to X-12, I8, I10) holds for what a call writes, whatever it is called and whatever files say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pilothouse.connectors.twin.capabilities import CAPABILITIES
from pilothouse.data.contracts import FieldRule
from pilothouse.decision.engine import decide
from pilothouse.decision.facts import Facts
from pilothouse.decision.modes import Disposition, effective
from pilothouse.decision.policy import Policy, load_policy
from pilothouse.vocabulary.actors import AgentRef, Role
from pilothouse.vocabulary.capabilities import Blast, Capability, ChangeKind, Effect
from pilothouse.vocabulary.records import FieldChange, WriterKind
from pilothouse.vocabulary.verdicts import Mode, Reason, Tier, Treatment, Verdict

KNOWN = {capability.name: capability for capability in CAPABILITIES}
T = Treatment
GENEROUS = "rules:\n  - {id: anything-goes, applies_to: [crm.account.update, crm.contact.update], then: auto, reason: Anything goes here.}\n"


def named(name: str, **changed: Any) -> Capability:
    """A capability under a name that a generous policy lets run, so that only what is built in can hold it back."""
    return replace(KNOWN[name], name="crm.account.update", **changed)


@pytest.fixture(scope="module")
def generous(tmp_path_factory: pytest.TempPathFactory) -> Policy:
    folder = tmp_path_factory.mktemp("policy")
    (folder / "p.yaml").write_text(GENEROUS + "discount_authority: 10\n")
    return load_policy(folder, KNOWN, frozenset({"Closed Won", "Closed Lost"}))


def facts(capability: Capability, *changes: FieldChange, **more: Any) -> Facts:
    given: dict[str, Any] = {
        "capability": capability, "agent": AgentRef("a", "1"), "person": "ana", "role": Role.REVOPS, "mode": Mode.LIVE,
        "confidence": 0.99, "object": capability.object, "record": {}, "changes": changes,
        "now": datetime(2026, 1, 1, tzinfo=UTC), "human_initiated": False,
        "contract_rules": {change.field: FieldRule(review="never") for change in changes},
    }  # fmt: skip
    return Facts(**{**given, **more})


UPDATE = named("crm.account.update")
STAGE = named("crm.opportunity.stage")
DRAFT = named("crm.quote.draft")
SEND = named("crm.message.send")


def fill(field: str, value: Any = "x") -> FieldChange:
    return FieldChange(field, None, value)


def over(field: str, before: Any, after: Any, kind: WriterKind | None = WriterKind.IMPORT) -> FieldChange:
    return FieldChange(field, before, after, kind)


SETTLED: Mapping[str, tuple[Facts, Treatment, Tier, str]] = {
    "an update that fills a price": (facts(UPDATE, fill("price", 5.0), object="product"), T.REFUSE, Tier.TX, "prohibited"),
    "an update of a quote's amount": (
        facts(UPDATE, over("amount", 1.0, 2.0), object="quote"), T.REFUSE, Tier.TX, "prohibited"),
    "an update of terms, oddly spelt": (facts(UPDATE, fill("Payment_Terms")), T.REFUSE, Tier.TX, "prohibited"),
    "a draft onto a quote that was sent": (
        facts(DRAFT, over("amount", 100.0, 1.0), record={"amount": 100.0, "status": "sent"}),
        T.REFUSE, Tier.TX, "prohibited"),
    "a draft that fills the discount of a sent quote": (
        facts(DRAFT, fill("discount", 1), record={"status": "sent"}), T.REFUSE, Tier.TX, "prohibited"),
    "a draft onto a message that exists": (
        facts(named("crm.message.draft"), over("subject", "a", "b"), record={"subject": "a"}),
        T.REVIEW, Tier.T2, "draft_on_existing"),
    "a new draft": (facts(DRAFT, fill("amount", 100.0)), T.AUTO, Tier.T0, "rule"),
    "a draft that says it is external": (facts(replace(DRAFT, external=True)), T.PERSON, Tier.T3, "irreversible"),
    "a read that nobody classified": (
        facts(replace(UPDATE, effect=Effect.READ, change=ChangeKind.UNCLASSIFIED)), T.PERSON, Tier.T3, "human_only"),
    "a discount as text": (facts(DRAFT, arguments={"discount": "5"}), T.PERSON, Tier.T3, "discount_escalated"),
    "a discount that is no number": (
        facts(DRAFT, arguments={"discount": float("nan")}), T.PERSON, Tier.T3, "discount_escalated"),
    "a discount deep inside": (
        facts(DRAFT, arguments={"lines": [{"unit": {"discount_percent": [12]}}]}),
        T.PERSON, Tier.T3, "discount_escalated"),
    "a discount at the authority": (facts(DRAFT, arguments={"discount": 10}), T.AUTO, Tier.T0, "rule"),
    "a stage by a field update": (facts(UPDATE, fill("stage", "New")), T.REFUSE, Tier.T1, "own_action_type"),
    "a deal won by a field update": (facts(UPDATE, fill("is_won", True)), T.REFUSE, Tier.T3, "own_action_type"),
    "an open move": (facts(STAGE, over("stage", "New", "Proposal")), T.REVIEW, Tier.T2, "reviewed_kind"),
    "a closed stage with spaces": (
        facts(STAGE, over("stage", "New", "  closed \t WON ")), T.PERSON, Tier.T3, "closed_stage"),
    "out of a closed stage": (facts(STAGE, over("stage", "Closed Lost", "New")), T.PERSON, Tier.T3, "closed_stage"),
    "a move of a deal that is marked closed": (
        facts(STAGE, over("stage", "New", "Proposal"), record={"is_closed": True}), T.PERSON, Tier.T3, "closed_stage"),
    "a person's own move into a closed stage": (
        facts(STAGE, over("stage", "New", "Closed Won"), agent=None, human_initiated=True),
        T.PERSON, Tier.T3, "closed_stage"),
    "a first owner": (facts(named("crm.account.assign"), fill("owner")), T.AUTO, Tier.T1, "rule"),
    "an account's owner by a field update": (
        facts(UPDATE, over("owner", "omar", "rosa")), T.PERSON, Tier.T3, "owner_change"),
    "an owner taken away": (facts(UPDATE, over("owner", "omar", None)), T.PERSON, Tier.T3, "owner_change"),
    "one lead's owner": (
        facts(named("crm.contact.reassign"), over("owner", "omar", "rosa")), T.REVIEW, Tier.T2, "owner_change"),
    "six leads' owners, allowance or not": (
        facts(named("crm.contact.reassign"), over("owner", "o", "r"), write_set_records=6, bulk_allowance=100),
        T.PERSON, Tier.T3, "owner_change"),
    "a deal's owner by the lead's action": (
        facts(named("crm.contact.reassign", object="opportunity"), over("owner", "o", "r")),
        T.PERSON, Tier.T3, "owner_change"),
    "50 recipients": (facts(SEND, recipients=50), T.PERSON, Tier.T3, "human_only"),
    "51 recipients": (facts(SEND, recipients=51), T.REFUSE, Tier.T3, "too_many_recipients"),
    "51 recipients, one by one": (
        facts(SEND, recipients=1, write_set_recipients=51), T.REFUSE, Tier.T3, "too_many_recipients"),
    "51 recipients that a person began": (
        facts(SEND, recipients=51, human_initiated=True), T.PERSON, Tier.T3, "human_only"),
    "a first message to a prospect": (facts(SEND, recipients=1, new_prospects=1), T.REFUSE, Tier.T3, "new_prospect"),
    "a message about a contract": (facts(SEND, recipients=1, contract_related=True), T.REFUSE, Tier.T3, "contract_related"),
    "a contract": (facts(named("crm.account.merge", change=ChangeKind.CONTRACT)), T.REFUSE, Tier.T3, "contract_related"),
    "what reaches far and cannot be undone": (
        facts(named("crm.opportunity.close", blast=Blast.HIGH, change=ChangeKind.FIELD_UPDATE)), T.REFUSE, Tier.T3, "needs_initiation"),
    "the same, begun by a person": (
        facts(named("crm.opportunity.close", blast=Blast.HIGH, change=ChangeKind.FIELD_UPDATE), human_initiated=True), T.PERSON, Tier.T3, "irreversible"),
    "a merge that can be taken apart": (
        facts(replace(UPDATE, change=ChangeKind.MERGE), fill("parent")), T.REVIEW, Tier.T2, "reviewed_kind"),
    "a message, though it were called reversible": (
        facts(replace(UPDATE, change=ChangeKind.MESSAGE), agent=None, human_initiated=True),
        T.PERSON, Tier.T3, "human_only"),
    "more than certain": (facts(UPDATE, fill("city"), confidence=1.01), T.REFUSE, Tier.T1, "confidence_invalid"),
    "no confidence at all": (
        facts(UPDATE, fill("city"), confidence=float("nan")), T.REFUSE, Tier.T1, "confidence_invalid"),
    "six records in one call": (facts(UPDATE, fill("city"), records=6), T.REVIEW, Tier.T2, "write_set"),
    "an agent's value replaced": (
        facts(UPDATE, over("city", "a", "b", WriterKind.AGENT)), T.AUTO, Tier.T1, "rule"),
    "an enrichment's value replaced": (
        facts(UPDATE, over("city", "a", "b", WriterKind.ENRICHMENT)), T.AUTO, Tier.T1, "rule"),
    "a stronger system's value replaced": (
        facts(UPDATE, over("city", "a", "b", WriterKind.SYSTEM)), T.REVIEW, Tier.T2, "overwrites_stronger"),
    "an import's value where the contract ranks imports higher": (
        facts(UPDATE, over("city", "a", "b"), precedence=(WriterKind.PERSON, WriterKind.IMPORT, WriterKind.AGENT)),
        T.REVIEW, Tier.T2, "overwrites_stronger"),
    "a person's value, though the contract ranks agents first": (
        facts(UPDATE, over("city", "a", "b", WriterKind.PERSON), precedence=(WriterKind.AGENT, WriterKind.PERSON)),
        T.REVIEW, Tier.T2, "overwrites_person"),
    "nobody knows whose value": (
        facts(UPDATE, over("city", "a", "b", None)), T.REVIEW, Tier.T2, "overwrites_person"),
    "an auditor's own write": (
        facts(UPDATE, fill("city"), agent=None, role=Role.AUDITOR), T.REFUSE, Tier.T1, "role_may_not"),
    "a rep who puts values back": (
        facts(replace(UPDATE, change=ChangeKind.RESTORE), fill("city"), agent=None, role=Role.REP),
        T.REFUSE, Tier.T1, "role_may_not"),
    "RevOps who puts values back": (
        facts(replace(UPDATE, change=ChangeKind.RESTORE), over("city", "a", "b", WriterKind.AGENT), agent=None),
        T.AUTO, Tier.T1, "rule"),
    "RevOps who reopens a deal by putting its stage back": (
        facts(replace(UPDATE, change=ChangeKind.RESTORE), over("stage", "Closed Won", "New"), agent=None),
        T.PERSON, Tier.T3, "closed_stage"),
}  # fmt: skip


@pytest.mark.parametrize("name", SETTLED)
def test_the_most_generous_policy_cannot_relax(generous: Policy, name: str) -> None:
    given, treatment, tier, code = SETTLED[name]
    verdict = decide(given, generous)
    assert (verdict.treatment, verdict.tier, verdict.code) == (treatment, tier, code), verdict.as_json()


def test_without_closed_stages_no_move_can_be_shown_to_stay_open(tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text(GENEROUS)
    verdict = decide(facts(STAGE, over("stage", "New", "Proposal")), load_policy(tmp_path, KNOWN))
    assert (verdict.treatment, verdict.code) == (T.PERSON, "closed_stage")


def test_a_persons_value_and_its_date_stand_in_the_sentence(generous: Policy) -> None:
    at = datetime(2026, 1, 2, tzinfo=UTC)
    change = FieldChange("phone", "+49 1", "+49 2", WriterKind.PERSON, "rosa", at)
    said = decide(facts(UPDATE, change), generous).sentence
    assert "rosa" in said and "'+49 1'" in said and "2026-01-02" in said


def test_a_sentence_about_a_contact_names_no_personal_value(generous: Policy) -> None:
    at = datetime(2026, 1, 2, tzinfo=UTC)
    change = FieldChange("phone", "+49 1", "+49 2", WriterKind.PERSON, "rosa", at)
    verdict = decide(facts(UPDATE, change, object="contact"), generous)
    assert "rosa wrote phone on 2026-01-02" in verdict.sentence and "+49" not in str(verdict.as_json())


def test_many_and_far_are_reviewed_as_a_batch_and_told(generous: Policy) -> None:
    many = decide(facts(UPDATE, fill("city"), write_set_records=6), generous)
    far = decide(facts(replace(UPDATE, blast=Blast.HIGH), fill("city")), generous)
    one = decide(facts(UPDATE, fill("city"), confidence=0.7), generous)
    drafts = decide(facts(DRAFT, write_set_records=60), generous)
    assert [(each.batch, each.notify) for each in (many, far, one, drafts)] == [
        (True, True), (True, False), (False, False), (False, False),
    ]  # fmt: skip


@pytest.mark.parametrize("odd", [10**400, -(10**400), float("inf"), float("nan"), True, "7", [], {}, None, "\ud800"])
def test_odd_values_in_a_record_give_a_verdict_and_no_crash(tmp_path: Path, odd: Any) -> None:
    when = "record.annual_revenue > 5.0 || record.employee_count > 5 || record.city == 'x' || true"
    (tmp_path / "p.yaml").write_text(
        GENEROUS.replace("then:", f'when: "{when}", then:').replace(", crm.contact.update", "")
    )
    policy = load_policy(tmp_path, KNOWN)
    good: dict[str, Any] = {"annual_revenue": 1.0, "employee_count": 1, "city": "y"}
    assert decide(facts(UPDATE, fill("phone"), record=good), policy).treatment is T.AUTO
    for field in ("annual_revenue", "employee_count") if odd != "\ud800" else ("city",):
        if field == "annual_revenue" and odd is None:
            continue
        verdict = decide(facts(UPDATE, fill("phone"), record={**good, field: odd}), policy)
        assert (verdict.treatment, verdict.code) == (T.REFUSE, "policy_error")


KINDS = st.sampled_from([kind for kind in ChangeKind if kind not in (ChangeKind.READ, ChangeKind.DRAFT)])
FIELDS = st.sampled_from(["city", "stage", "is_won", "owner", "amount", "price", "discount"])


@st.composite
def any_facts(draw: st.DrawFn) -> Facts:
    """Anything that an agent could ask for, through any capability somebody could have classified."""
    capability = replace(
        UPDATE,
        change=draw(KINDS),
        effect=draw(st.sampled_from(Effect)),
        blast=draw(st.sampled_from(Blast)),
        external=draw(st.booleans()),
        if_wrong=draw(st.sampled_from(["", "Undo it."])),
        recipients_argument=draw(st.sampled_from(["", "recipients"])),
        object=draw(st.sampled_from(["account", "opportunity", "quote", "contact"])),
    )
    change = FieldChange(
        draw(FIELDS), draw(st.sampled_from([None, "New", 1.0])), draw(st.sampled_from(["Closed Won", "x", 2.0, None])),
        draw(st.sampled_from([None, *WriterKind])),
    )  # fmt: skip
    return facts(
        capability, change,
        confidence=draw(st.floats(0, 1)), records=draw(st.integers(1, 10)), recipients=draw(st.integers(0, 60)),
        write_set_records=draw(st.integers(1, 20)), write_set_recipients=draw(st.integers(0, 60)),
        bulk_allowance=draw(st.sampled_from([0, 10, 1000])), human_initiated=draw(st.booleans()),
        new_prospects=draw(st.integers(0, 1)), contract_related=draw(st.booleans()),
        stage_forward=draw(st.booleans()), bootstrap=draw(st.booleans()),
    )  # fmt: skip


@settings(max_examples=100, deadline=None)
@given(any_facts(), st.data())
def test_nothing_that_makes_an_act_graver_makes_it_freer(generous: Policy, some: Facts, data: st.DataObject) -> None:
    graver: dict[str, Any] = {
        "confidence": data.draw(st.floats(0, some.confidence)),
        "records": some.records + data.draw(st.integers(0, 20)),
        "recipients": some.recipients + data.draw(st.integers(0, 60)),
        "write_set_records": some.write_set_records + data.draw(st.integers(0, 20)),
        "write_set_recipients": some.write_set_recipients + data.draw(st.integers(0, 60)),
        "bulk_allowance": 0,
        "calibrated": data.draw(st.none() | st.floats(0, 1)),
        "uncalibrated": True,
        "stage_forward": False,
        "bootstrap": True,
        "human_initiated": False,
        "new_prospects": 1,
        "contract_related": True,
        "capability": replace(some.capability, blast=Blast.HIGH, external=True, if_wrong=""),
        "contract_rules": {},
    }
    before = decide(some, generous)
    for name in sorted(graver):
        after = decide(replace(some, **{name: graver[name]}), generous)
        assert after.treatment >= before.treatment, name
    assert decide(replace(some, **graver), generous).treatment >= before.treatment


@settings(max_examples=100, deadline=None)
@given(any_facts())
def test_whatever_runs_alone_can_be_undone_stays_inside_and_is_no_price_stage_or_owner(
    generous: Policy, some: Facts
) -> None:
    verdict = decide(some, generous)
    if verdict.treatment is T.AUTO:
        capability, change = some.capability, some.changes[0]
        assert capability.reversible and not capability.external
        assert capability.blast is Blast.LOW or capability.recipients_argument
        assert change.field not in ("price", "discount", "is_won") and some.confidence > 0.85
        assert change.field != "stage" or (
            some.stage_forward and not some.bootstrap and not some.record.get("is_closed")
        )
        assert change.field != "owner" or change.fills_empty
        assert max(some.records, some.write_set_records) <= max(5, some.bulk_allowance)
    if verdict.treatment is T.PERSON:
        assert verdict.tier is Tier.T3  # so that its proposer cannot approve it (I10)


REASON = Reason("x", "A reason.", T.AUTO)


@pytest.mark.parametrize(
    ("treatment", "tier", "mode", "wanted"),
    [
        (T.AUTO, Tier.T1, Mode.LIVE, Disposition.EXECUTE),
        (T.AUTO, Tier.T1, Mode.ASSISTED, Disposition.HOLD),
        (T.AUTO, Tier.T0, Mode.ASSISTED, Disposition.EXECUTE),
        (T.AUTO, Tier.T0, Mode.SHADOW, Disposition.SHADOW),
        (T.REVIEW, Tier.T2, Mode.LIVE, Disposition.HOLD),
        (T.PERSON, Tier.T3, Mode.LIVE, Disposition.HOLD),
        (T.PERSON, Tier.T3, Mode.SHADOW, Disposition.SHADOW),
        (T.REFUSE, Tier.T1, Mode.SHADOW, Disposition.REFUSE),
        (T.AUTO, Tier.TX, Mode.LIVE, Disposition.REFUSE),
        (T.AUTO, Tier.T1, None, Disposition.SHADOW),
    ],
)
def test_a_mode_only_makes_stricter(treatment: Treatment, tier: Tier, mode: Mode | None, wanted: Disposition) -> None:
    verdict = Verdict(treatment, tier, (replace(REASON, treatment=treatment),), "v")
    assert effective(verdict, mode) is wanted
