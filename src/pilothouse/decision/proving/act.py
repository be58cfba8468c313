"""One act of which nothing is known: a variable for everything that a decision may look at.

`Facts` with any number of changes are covered: fields that somebody looks at stand here by name, and beside them are
as many others as there are things to be told about a change, since what is asked of changes is only ever "is there one
that …" or "do all …". What must never happen here: facts that no values of these variables stand for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache

from pilothouse.conditions.expression import Call, Expression, Literal, expression, walk
from pilothouse.conditions.logic import (
    Bool,
    Number,
    a_bool,
    a_real,
    an_int,
    at_most,
    below,
    choose_number,
    equal,
    every,
    implies,
    no,
    real,
    same,
    some,
    truth,
    whole,
)
from pilothouse.conditions.symbolic import OPEN, Amount, Flag, Value
from pilothouse.conditions.words import Words, texts_of
from pilothouse.data.schema import OBJECTS, field_spec
from pilothouse.data.typed import KNOWN, LARGEST, TYPE_NAMES
from pilothouse.decision.facts import ALWAYS
from pilothouse.decision.tiers import CLOSING_FIELDS, PRICE_FIELDS, normal_stage
from pilothouse.decision.written import THRESHOLD, Policy, Rule
from pilothouse.vocabulary.actors import Role
from pilothouse.vocabulary.capabilities import Capability
from pilothouse.vocabulary.records import WriterKind
from pilothouse.vocabulary.verdicts import Mode

WRITERS = (None, *WriterKind)
ROLES = tuple(Role)
MODES = tuple(Mode)
ASKED = ("never", "overwrite", "always")
ODD_PRICE = "PRICE"
OTHERS = 6
"""Things to be told about a change: empty before; a person's; a stronger hand's; no terms; asks for review; asks for more
confidence. So many changes of fields that nobody names show every mixture of them."""
ORDINARY = {"agent": "agent@1", "agent.name": "agent", "person.id": "ana"}
DAYS = (1, 3_000_000)
COUNTS = (
    "recipients", "records", "write_set_records", "write_set_recipients", "bulk_allowance", "new_prospects",
    "executives", "evidence_undated", "share", "drawn",
)  # fmt: skip
SWITCHES = (
    "human_initiated", "contract_related", "contract_words", "evidence_stale", "undone", "rejected", "ambiguity",
    "excessive_discount", "held_back", "uncalibrated", "stage_forward", "bootstrap",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Scene:
    """What is done, on which object."""

    capability: Capability
    object: str


@dataclass(frozen=True, slots=True, eq=False)
class Change:
    """A change of one field, the same for every act: is there one, was the field empty, who wrote it last, the contract's terms for it."""

    there: Bool
    empty: Bool
    writer: Number
    terms: Bool
    asked: Number
    floor: Number


ChangeTest = Callable[[Change], Bool]


@dataclass(frozen=True, slots=True)
class Act:
    """The variables. `values` holds, by variable of conditions, whether it is known and its value."""

    scene: Scene
    words: Words
    by_agent: Bool
    role: Number
    mode: Number
    confidence: Number
    odd_confidence: Bool
    calibrated: tuple[Bool, Number]
    counts: Mapping[str, Number]
    switches: Mapping[str, Bool]
    exists: Bool
    day: Number
    closed_before: Bool
    closed_after: Bool
    is_closed: Bool
    outranks: Mapping[WriterKind, Bool]
    changes: Mapping[str, Change]
    values: Mapping[str, tuple[Bool, Value]]
    sense: tuple[Bool, ...]

    @property
    def sure(self) -> Number:
        """As `Facts.sure`; where the stated confidence is no number, neither is this one."""
        known, value = self.calibrated
        return choose_number(every([known, below(value, self.confidence)]), value, self.confidence)

    @property
    def fills_empty(self) -> Bool:
        """There are changes, and every one fills an empty field."""
        present = some(each.there for each in self.changes.values())
        return every([present, *(implies(each.there, each.empty) for each in self.changes.values())])

    @property
    def overwrites_person(self) -> Bool:
        """A value that a person wrote last would be replaced."""
        return self.any_change(_overwrites_person)

    def any_change(self, told: ChangeTest) -> Bool:
        """There is a change of which this is true, where it is there."""
        return some(told(each) for each in self.changes.values())

    def touched(self, *names: str) -> Bool:
        """One of these fields changes."""
        return some(self.changes[name].there for name in names)


@cache
def written_by(change: Change, writer: WriterKind | None) -> Bool:
    """The field was last written by this kind of hand."""
    return equal(change.writer, whole(WRITERS.index(writer)))


def outranks(kind: WriterKind) -> Bool:
    """The contract puts this kind of hand above agents."""
    return a_bool(f"{kind} outranks agents")


@cache
def _overwrites_person(change: Change) -> Bool:
    return every([change.there, no(change.empty), written_by(change, WriterKind.PERSON)])


def trees_of(rules: Iterable[Rule]) -> dict[str, Expression]:
    """Return the condition of each rule as a tree, by the rule's id."""
    return {rule.id: expression(rule.condition.program.serialize()) for rule in rules}


def an_act(scene: Scene, policy: Policy, trees: Mapping[str, Expression]) -> Act:
    """Return the act of which nothing is known but what is done and on which object."""
    needs = {each for rule in policy.rules.get(scene.capability.name, ()) for each in rule.condition.needs}
    wanted = {each.removeprefix(KNOWN) for each in needs if not each.startswith(THRESHOLD)}
    words = Words(_texts(scene, policy, trees))
    values = {name: _value(scene, name) for name in sorted(wanted | {"new.stage"}) if name not in ALWAYS}
    values |= {name: _of_always(name) for name in ALWAYS}
    act = Act(
        scene=scene,
        words=words,
        by_agent=a_bool("by an agent"),
        role=an_int("role"),
        mode=an_int("mode"),
        confidence=a_real("stated confidence"),
        odd_confidence=a_bool("confidence is no number"),
        calibrated=(a_bool("known calibrated"), a_real("calibrated")),
        counts={name: an_int(name) for name in COUNTS},
        switches={name: a_bool(name) for name in SWITCHES},
        exists=a_bool("the record exists"),
        day=an_int("day"),
        closed_before=a_bool("stage before is closed"),
        closed_after=a_bool("stage after is closed"),
        is_closed=a_bool("the record is closed"),
        outranks={kind: outranks(kind) for kind in WriterKind},
        changes={name: _change(name) for name in _fields(scene, policy, values, trees)},
        values=values,
        sense=(),
    )
    return _sensible(act, policy)


@cache
def _change(name: str) -> Change:
    return Change(
        a_bool(f"changes {name}"),
        a_bool(f"{name} was empty"),
        an_int(f"writer of {name}"),
        a_bool(f"terms for {name}"),
        an_int(f"review of {name}"),
        a_real(f"floor of {name}"),
    )


def _of_always(name: str) -> tuple[Bool, Value]:
    return a_bool(f"known {name}"), _variable(name, ALWAYS[name][0])


def _value(scene: Scene, name: str) -> tuple[Bool, Value]:
    side, _, field = name.partition(".")
    spec = field_spec("account" if side == "account" else scene.object, field)
    if spec is None:
        return truth(False), Flag(truth(False))
    return a_bool(f"known {name}"), _variable(name, TYPE_NAMES[spec.type])


def _variable(name: str, kind: str) -> Value:
    if kind == "BOOL":
        return Flag(a_bool(name))
    if kind == "INT":
        return Amount("INT", an_int(name))
    if kind in ("STRING", "DOUBLE"):
        return Amount("STRING" if kind == "STRING" else "DOUBLE", a_real(name))
    return OPEN


def _texts(scene: Scene, policy: Policy, trees: Mapping[str, Expression]) -> Iterable[str]:
    for rule in policy.rules.get(scene.capability.name, ()):
        yield from texts_of(trees[rule.id])
    for threshold in policy.thresholds.values():
        yield from threshold if isinstance(threshold, tuple) else ()
    yield from (scene.capability.name, scene.object, *policy.closed_stages, *Role, *ORDINARY.values())


def _fields(scene: Scene, policy: Policy, values: Mapping[str, object], trees: Mapping[str, Expression]) -> list[str]:
    """Return the fields that anything asks for by name, and as many others as make up for all the rest."""
    named = {*PRICE_FIELDS, ODD_PRICE, "stage", *CLOSING_FIELDS, "owner", "amount"}
    named |= {name.removeprefix("new.") for name in values if name.startswith("new.")}
    for rule in policy.rules.get(scene.capability.name, ()):
        named |= set(_literals(trees[rule.id])) if "change.fields" in rule.condition.needs else set()
    spec = OBJECTS.get(scene.object)
    free = [name for name in (spec.fields if spec else ()) if name not in named]
    return [*sorted(named), *(free + [f"field_{number}" for number in range(OTHERS)])[:OTHERS]]


def _literals(tree: Expression) -> Iterable[str]:
    for each in walk(tree):
        if isinstance(each, Call):
            yield from (a.value for a in each.arguments if isinstance(a, Literal) and isinstance(a.value, str))


def _sensible(act: Act, policy: Policy) -> Act:
    """Add what holds of all facts: counts are not negative, what is known stands on an existing record, and the like."""
    sense = [*_in_range(act), *_texts_sense(act), *_stages(act, policy)]
    for name, (known, value) in act.values.items():
        side, _, field = name.partition(".")
        if side == "record" and name not in ALWAYS:
            sense.append(implies(known, act.exists))
        if side == "new" and name not in ALWAYS:
            sense.append(implies(known, act.changes[field].there))
        if isinstance(value, Amount) and value.kind == "INT":
            sense += [at_most(whole(-LARGEST), value.term), at_most(value.term, whole(LARGEST - 1))]
    closed = act.values.get("record.is_closed")
    if closed is not None and isinstance(closed[1], Flag) and act.scene.object == "opportunity":
        sense.append(same(act.is_closed, every([closed[0], closed[1].term])))
    sense.append(implies(act.is_closed, act.exists))
    unnamed = act.outranks[WriterKind.AGENT]  # a contract that does not name agents puts every hand above them
    sense += [act.outranks[WriterKind.PERSON], *(implies(unnamed, each) for each in act.outranks.values())]
    return replace(act, sense=tuple(sense))


def _in_range(act: Act) -> Iterable[Bool]:
    yield from _among(act.role, len(ROLES))
    yield from _among(act.mode, len(MODES))
    yield from (at_most(whole(0), each) for each in act.counts.values())
    yield from (at_most(whole(DAYS[0]), act.day), at_most(act.day, whole(DAYS[1])))
    yield from (_sound(each) for each in act.changes.values())


@cache
def _sound(change: Change) -> Bool:
    ranges = (*_among(change.writer, len(WRITERS)), *_among(change.asked, len(ASKED)))
    return every([*ranges, at_most(real(0), change.floor), at_most(change.floor, real(1))])


def _among(number: Number, count: int) -> tuple[Bool, Bool]:
    return at_most(whole(0), number), at_most(number, whole(count - 1))


def _texts_sense(act: Act) -> Iterable[Bool]:
    """No text lies below the empty one, and a value that is there is not blank."""
    for name, (known, value) in act.values.items():
        if not isinstance(value, Amount) or value.kind != "STRING":
            continue
        yield at_most(real(0), value.term)
        if name not in ALWAYS:
            blank = [text for text in act.words.texts if not text.strip()]
            yield from (implies(known, no(equal(value.term, real(act.words.place(text))))) for text in blank)
    agent, named = act.values["agent"][1], act.values["agent.name"][1]
    assert isinstance(agent, Amount) and isinstance(named, Amount)
    for text in (agent, named):
        yield same(act.by_agent, no(equal(text.term, real(0))))


def _stages(act: Act, policy: Policy) -> Iterable[Bool]:
    """Tie "this stage is closed" to the stage's name, as far as a name is mentioned."""
    stage, (known, after) = act.changes["stage"], act.values["new.stage"]
    yield implies(act.closed_before, every([stage.there, no(stage.empty)]))
    yield implies(act.closed_after, stage.there)
    if act.scene.object != "opportunity" or not isinstance(after, Amount):
        return
    yield implies(act.closed_after, known)
    for text in act.words.texts:
        here = every([known, equal(after.term, real(act.words.place(text)))])
        yield implies(here, same(act.closed_after, truth(normal_stage(text) in policy.closed_stages)))
