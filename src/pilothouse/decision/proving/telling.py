"""What a proof comes to, and a counterexample in words that whoever wrote the rule understands."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from pilothouse.decision.facts import Facts
from pilothouse.decision.written import Policy
from pilothouse.vocabulary.capabilities import Capability
from pilothouse.vocabulary.verdicts import Treatment, Verdict

COMES_TO = {
    Treatment.AUTO: "nobody is asked",
    Treatment.REVIEW: "it is reviewed",
    Treatment.PERSON: "a person decides",
    Treatment.REFUSE: "it is refused",
}


@dataclass(frozen=True, slots=True)
class Counterexample:
    """One input that breaks a claim, as the engine itself judged it. `where` is the file and line of the rule."""

    sentence: str
    action: str
    rule: str
    where: str
    facts: tuple[Facts, ...]


@dataclass(frozen=True, slots=True)
class Claim:
    """One thing that is never to be, and whether it was shown.

    `proved`: there is no such input. `refuted`: there is one, and the engine does it. `unproved`: neither could be shown,
    `doubts` say why. `situations` counts what was asked: an action type on an object, or another case.
    """

    letter: str
    title: str
    status: Literal["proved", "refuted", "unproved"]
    situations: int
    counterexamples: tuple[Counterexample, ...] = ()
    doubts: tuple[str, ...] = ()


def claim(letter: str, title: str, situations: int, counterexamples: list[Counterexample], doubts: list[str]) -> Claim:
    """Return what was found about a claim."""
    status = "refuted" if counterexamples else "unproved" if doubts else "proved"
    return Claim(letter, title, status, situations, tuple(counterexamples), tuple(dict.fromkeys(doubts)))


def in_words(facts: Facts) -> str:
    """Return what is done, by whom and how, leaving out what is as usual."""
    who = f"agent {facts.agent} for {facts.person}" if facts.agent else f"{facts.person} ({facts.role.value})"
    sure = f", confidence {facts.confidence:.6g}" if facts.agent else ""
    told = "; ".join(_told(facts))
    return f"{facts.capability.name} on {_a(facts.object)} by {who}{sure}" + (f" ({told})" if told else "")


def _a(noun: str) -> str:
    return f"{'an' if noun[:1] in 'aeiou' else 'a'} {noun}"


def _told(facts: Facts) -> Iterator[str]:
    for change in facts.changes:
        was = "was empty" if change.fills_empty else f"was {change.before!r}"
        yield f"{change.field} {was}, becomes {change.after!r}"
    for name in ("records", "recipients", "write_set_records", "write_set_recipients", "bulk_allowance"):
        usual = 1 if name in ("records", "write_set_records") else 0
        if getattr(facts, name) != usual:
            yield f"{name.replace('_', ' ')} {getattr(facts, name)}"
    for name in ("new_prospects", "executives", "evidence_undated", "evidence_age_days"):
        if getattr(facts, name):
            yield f"{name.replace('_', ' ')} {getattr(facts, name)}"
    for name in (
        "human_initiated",
        "contract_related",
        "evidence_stale",
        "undone",
        "rejected",
        "ambiguity",
        "stage_forward",
        "bootstrap",
    ):
        if getattr(facts, name):
            yield name.replace("_", " ")
    yield from (f"record.{name} is {value!r}" for name, value in facts.record.items() if name != "id")
    yield from (f"account.{name} is {value!r}" for name, value in facts.account.items())
    if facts.account_id:
        yield f"the account is {facts.account_id}"
    if facts.countries:
        yield f"addressed in {', '.join(facts.countries)}"
    yield _classified(facts.capability)


def _classified(capability: Capability) -> str:
    undo = "can be undone" if capability.reversible else "cannot be undone"
    out = ", goes outside" if capability.external else ""
    return f"{undo}{out}, {capability.blast.value} reach, {capability.change.value.replace('_', ' ')}"


def place_of(rule: str, policy: Policy) -> str:
    """Return file and line of a rule, empty when there is none of this name."""
    return next((each.where for rules in policy.rules.values() for each in rules if each.id == rule), "")


def lets(facts: Facts, verdict: Verdict, policy: Policy) -> tuple[str, str, str]:
    """Return the rule behind a verdict, its place, and both as the end of a sentence."""
    rule = verdict.rule
    where = place_of(rule, policy)
    return rule, where, f"; rule {rule} ({where}) lets it" if rule else ""
