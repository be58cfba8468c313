"""A proof of a thousand rules finds the one that is wrong, and asks no more than a proof of a few."""

from __future__ import annotations

from pathlib import Path

import pytest
from benchmarks.prove import KNOWN, load, policy_of

from pilothouse.conditions.logic import Bool, Search
from pilothouse.decision.engine import decide
from pilothouse.decision.proving.findings import findings
from pilothouse.decision.proving.prove import prove
from pilothouse.decision.proving.scenes import scenes
from pilothouse.vocabulary.verdicts import Treatment

UPSIDE_DOWN = """  - id: planted
    applies_to: [crm.account.update]
    when: confidence > 0.97 && account.country == 'Japan'
    then: person
    by: agent
    if_missing: skip
    reason: Whoever is surer is let do less."""
NEVER = UPSIDE_DOWN.replace("confidence > 0.97", "account.employee_count > 500 && account.employee_count < 400")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Every question to the solver, as how many terms it had."""
    questions: list[int] = []
    possible = Search.possible

    def counted(self: Search, *terms: Bool) -> bool:
        questions.append(len(terms))
        return possible(self, *terms)

    monkeypatch.setattr(Search, "possible", counted)
    return questions


def place_of(folder: Path, rule: str) -> str:
    [(path, line)] = [
        (path.name, number)
        for path in folder.glob("*.yaml")
        for number, text in enumerate(path.read_text().splitlines(), 1)
        if text == f"  - id: {rule}"
    ]
    return f"{path}:{line}"


def test_the_one_rule_of_a_thousand_that_is_wrong_is_found_with_its_place(tmp_path: Path) -> None:
    policy_of(1000, tmp_path, planted=(777, UPSIDE_DOWN))
    policy = load(tmp_path)
    assert len({rule.id for rules in policy.rules.values() for rule in rules}) == 1000
    claims = {each.letter: each for each in prove(policy, KNOWN)}
    assert {letter: each.status for letter, each in claims.items() if letter != "g"} == dict.fromkeys("adef", "proved")
    assert claims["g"].status == "refuted"
    shown = claims["g"].counterexamples[0]
    assert (shown.rule, shown.where) == ("planted", place_of(tmp_path, "planted"))
    assert "With less confidence" in shown.sentence and "account.country is 'Japan'" in shown.sentence
    sure, less = shown.facts
    assert less.confidence < sure.confidence
    assert decide(less, policy).treatment < decide(sure, policy).treatment is Treatment.PERSON


def test_a_proof_of_many_rules_asks_as_often_as_one_of_few(tmp_path: Path, asked: list[int]) -> None:
    few, many = tmp_path / "few", tmp_path / "many"
    counted: list[int] = []
    for folder, rules in ((few, 50), (many, 400)):
        folder.mkdir()
        policy_of(rules, folder)
        asked.clear()
        assert {each.status for each in prove(load(folder), KNOWN)} == {"proved"}
        counted.append(len(asked))
    assert counted[1] == counted[0] <= 7 * len(list(scenes(KNOWN)))


def test_what_rules_decide_is_asked_a_few_times_for_each(tmp_path: Path, asked: list[int]) -> None:
    policy_of(300, tmp_path, planted=(177, NEVER))
    policy = load(tmp_path)
    found = {each.rule: each for each in findings(policy, KNOWN)}
    assert (found["planted"].kind, found["planted"].where) == ("unreachable", place_of(tmp_path, "planted"))
    spoken = sum(len(policy.rules.get(scene.capability.name, ())) for scene in scenes(KNOWN))
    assert (
        len(asked) <= 4 * spoken
    )  # one for each treatment that a rule comes to, one for silence, one for its condition
