"""How long won deals were silent in each stage, and that every answer says what it went by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st
from tests.data.test_definitions import NOW, SHIPPED, record

from pilothouse.data.deals import is_won
from pilothouse.data.defining.answers import Answer
from pilothouse.data.defining.evaluating import Evaluator
from pilothouse.data.pauses import SMALLEST_SAMPLE, longest_silence, pause_of, usual_pauses
from pilothouse.data.store import Record
from pilothouse.surfaces.defined import pauses_for
from pilothouse.vocabulary.records import FieldValue, WriterKind

DAYS = st.dates(date(2026, 1, 1), date(2026, 6, 30))


class Told:
    """Records, with the stages that deals were told to be in."""

    def __init__(self, records: Sequence[Record], stages: Mapping[str, Sequence[FieldValue]]) -> None:
        self._records, self._stages = records, stages

    def records_of(self, object_name: str, system: str) -> Sequence[Record]:
        return [each for each in self._records if each.ref.object == object_name]

    def histories(self, object_name: str, field: str, system: str) -> Mapping[str, Sequence[FieldValue]]:
        return self._stages if (object_name, field) == ("opportunity", "stage") else {}


def in_stage(name: str, at: date) -> FieldValue:
    moment = datetime(at.year, at.month, at.day, 9, tzinfo=UTC)
    return FieldValue(name, "crm", moment, WriterKind.IMPORT, "import")


def evaluator(won: int) -> Evaluator:
    """A system with an open deal in Proposal, silent for 21 days, and won deals that were silent for 30 there."""
    records = [record(ident="d", stage="Proposal"), record("activity", "v", opportunity="d", at="2026-05-11")]
    stages: dict[str, list[FieldValue]] = {}
    for number in range(won):
        ident = f"w{number}"
        records.append(record(ident=ident, stage="Closed Won", is_closed=True, is_won=True, close_date="2026-01-31"))
        records.append(record("activity", f"v{number}", opportunity=ident, at="2026-01-01"))
        stages[ident] = [in_stage("Proposal", date(2026, 1, 1)), in_stage("Closed Won", date(2026, 1, 31))]
    return Evaluator(SHIPPED, Told(records, stages), NOW)


def test_an_answer_says_what_its_pause_rests_on() -> None:
    deal = record(ident="d", stage="Proposal")
    learned, thin = evaluator(20).evaluate("stale", deal), evaluator(19).evaluate("stale", deal)
    assert learned.answer is Answer.NO
    assert "usual_pause_days = 30 (of 20 won deals nine in ten were silent in Proposal for no longer)" in learned.reason
    assert thin.answer is Answer.YES
    assert "usual_pause_days = 14 (the fallback: 19 won deals tell of Proposal, and it takes 20)" in thin.reason


def test_a_term_that_asks_for_the_pause_shows_it_for_every_open_stage() -> None:
    found = pauses_for(SHIPPED.term("stale"), evaluator(20), "crm")
    assert [each.stage for each in found] == ["Prospecting", "Engaging", "Proposal", "Negotiation"]
    assert [(each.days, each.deals, each.learned) for each in found][1:3] == [(14, 0, False), (30, 20, True)]
    assert pauses_for(SHIPPED.term("phantom"), evaluator(20), "crm") == []


def test_where_nothing_tells_of_activities_there_is_no_usual_pause() -> None:
    alone = Evaluator(SHIPPED, Told([record(ident="d", stage="Proposal")], {}), NOW)
    assert alone.evaluate("stale", record(ident="d", stage="Proposal")).answer is Answer.CANNOT_TELL
    assert pauses_for(SHIPPED.term("stale"), alone, "crm") == []


def test_a_deal_in_no_stage_that_is_defined_goes_by_the_fallback() -> None:
    found = evaluator(20).evaluate("stale", record(ident="d", stage="Limbo"))
    assert "a stage that is not defined, and it takes 20" in found.reason


def test_only_a_deal_that_says_nothing_else_is_won_by_its_stage() -> None:
    def won(**fields: object) -> bool:
        return is_won(record(**fields), SHIPPED)

    assert won(stage="Closed Won") and won(stage="Negotiation", is_closed=True, is_won=True)
    assert not won(stage="Closed Won", is_won=False) and not won(stage="Closed Lost")
    assert not won(stage="Negotiation", is_won=True), "it is still open"


def test_a_silence_that_ended_when_the_stage_began_was_in_the_stage_before() -> None:
    days = [date(2026, 1, 1), date(2026, 2, 1), date(2026, 2, 4)]
    assert longest_silence(days, date(2026, 1, 10), date(2026, 2, 1)) == 31
    assert longest_silence(days, date(2026, 2, 1), date(2026, 2, 8)) == 4
    assert longest_silence(days, date(2026, 1, 20), date(2026, 1, 25)) == 24, "it had gone on for that long"
    assert longest_silence(days, date(2025, 1, 1), date(2025, 2, 1)) is None


@given(st.lists(DAYS, min_size=1), DAYS, st.integers(0, 60))
def test_the_longest_silence_is_the_most_that_any_day_in_the_stage_saw(
    days: list[date], start: date, length: int
) -> None:
    heard, end = sorted(days), start + timedelta(days=length)

    def silence(on: date) -> int | None:
        before = [each for each in heard if each < on or (each == on == start)]
        return (on - before[-1]).days if before else None

    seen = [found for n in range(length + 1) if (found := silence(start + timedelta(days=n))) is not None]
    wanted = max(seen, default=0 if heard[0] <= end else None)
    assert longest_silence(heard, start, end) == wanted


@given(st.lists(st.integers(0, 400), min_size=SMALLEST_SAMPLE))
def test_nine_in_ten_were_silent_for_no_longer_and_no_shorter_pause_says_that(silences: list[int]) -> None:
    pause = pause_of("Proposal", silences).days
    assert 10 * sum(each <= pause for each in silences) >= 9 * len(silences)
    assert 10 * sum(each < pause for each in silences) < 9 * len(silences)


def test_a_stage_that_a_deal_came_back_to_counts_once() -> None:
    deal = record(ident="w", stage="Closed Won", is_closed=True, is_won=True)
    stages = [("Proposal", 1), ("Negotiation", 10), ("Proposal", 20), ("Closed Won", 28)]
    told = {"w": [in_stage(name, date(2026, 1, number)) for name, number in stages]}
    active = {"w": [date(2026, 1, 1), date(2026, 1, 12), date(2026, 1, 20)]}
    found = usual_pauses([(deal, date(2026, 1, 28))], active, told, SHIPPED)
    assert (found["Proposal"].deals, found["Negotiation"].deals, found["Engaging"].deals) == (1, 1, 0)
