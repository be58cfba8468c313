"""The data audit: how good the data is that agents would work on, in numbers with thresholds beside them.

Each measure says how many of how many records are sound, names records that are not, and whether the share meets the
threshold. What could not be measured says so; it is never counted as met. The first audit is the baseline for good: it is
an entry like every later one, and nothing rewrites it.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, cast

from pilothouse.data.defining.answers import Answer
from pilothouse.data.defining.evaluating import Evaluator
from pilothouse.data.defining.facts import FIRMOGRAPHIC
from pilothouse.data.defining.surroundings import StoreSource
from pilothouse.data.definitions import Definitions
from pilothouse.data.freshness import Schedule, said_at
from pilothouse.data.identity.entities import Entities
from pilothouse.data.schema import OBJECTS, FieldType
from pilothouse.data.store import DataStore, Record
from pilothouse.ledger.entries import Draft, Entry
from pilothouse.ledger.ledger import Ledger
from pilothouse.vocabulary.actors import Actor
from pilothouse.vocabulary.clock import stamp, unstamp
from pilothouse.vocabulary.records import is_empty
from pilothouse.vocabulary.values import Json

AUDITED = ("account", "contact", "opportunity")
OPEN, PHANTOM, ACTIVE = "open_deal", "phantom", "active_deal"
"""The terms that the audit asks for."""
STALE_AFTER = timedelta(days=365)
EXAMPLES = 5
KIND = "quality.audited"


@dataclass(frozen=True, slots=True)
class Measure:
    """One share: `sound` of `of` records. `needed` is the least share that meets the threshold; None means none is set.

    `of` is 0 where nothing could be measured, and `sentence` then says why.
    """

    group: str
    name: str
    object: str
    sound: int
    of: int
    needed: float | None
    sentence: str
    examples: tuple[str, ...] = ()

    @property
    def share(self) -> float | None:
        """The share that is sound, None when nothing was measured."""
        return self.sound / self.of if self.of else None

    @property
    def met(self) -> bool | None:
        """Whether the threshold is met; None when none is set. What was not measured is not met."""
        if self.needed is None:
            return None
        return self.share is not None and self.share >= self.needed

    @property
    def key(self) -> str:
        """What joins this measure to the same one in another audit."""
        return f"{self.object}.{self.group}.{self.name}"


@dataclass(frozen=True)
class Audit:
    """Every measure, as of a moment, of the records of one system and of what others tell of the same.

    `position` and `made` are where and when it was written down.
    """

    system: str
    as_of: datetime
    measures: tuple[Measure, ...]
    position: int | None = None
    made: datetime | None = None

    def by_key(self) -> Mapping[str, Measure]:
        """Return the measures by key."""
        return {measure.key: measure for measure in self.measures}


class Quality:
    """Audits, and remembers what audits found."""

    def __init__(self, ledger: Ledger, store: DataStore, entities: Entities, definitions: Definitions) -> None:
        self._ledger, self._store, self._entities, self._definitions = ledger, store, entities, definitions

    def audit(self, system: str, as_of: datetime, by: Actor) -> Audit:
        """Measure a system's records as they are known now, and write the result down."""
        look = _Look(self._store, self._entities, self._definitions, system, as_of)
        audit = Audit(system, as_of, tuple(look.measures()))
        body: dict[str, Json] = {
            "system": system,
            "as_of": stamp(as_of),
            "measures": [_json(m) for m in audit.measures],
        }
        [entry] = self._ledger.append([Draft(KIND, by, body, subject=f"system/{system}")])
        return Audit(system, as_of, audit.measures, entry.position, entry.at)

    def audits(self, system: str) -> Iterator[Audit]:
        """Yield the audits of a system, the first one first."""
        for entry in self._ledger.entries(kinds={KIND}, subject=f"system/{system}"):
            yield _audit(entry)

    def baseline(self, system: str) -> Audit | None:
        """Return the first audit ever made of a system."""
        return next(self.audits(system), None)

    def latest(self, system: str) -> Audit | None:
        """Return the last audit of a system."""
        return next(iter(deque(self.audits(system), maxlen=1)), None)


class _Look:
    """One pass over a system's records."""

    def __init__(
        self, store: DataStore, entities: Entities, definitions: Definitions, system: str, as_of: datetime
    ) -> None:
        self.entities, self.definitions, self.system, self.as_of = entities, definitions, system, as_of
        self.every = {name: list(store.living(name)) for name in (*AUDITED, "activity", "product", "user")}
        self.here = {name: [r for r in records if r.ref.system == system] for name, records in self.every.items()}
        self.ask = Evaluator(definitions, StoreSource(store), as_of)

    def measures(self) -> Iterator[Measure]:
        for name in AUDITED:
            yield from self._completeness(name)
            yield from self._references(name)
        yield from (self._duplicates(name) for name in ("account", "contact"))
        yield self._stages_known()
        yield self._stages_kept()
        yield self._phantoms()
        yield self._active()
        yield from self._staleness()
        yield from self._agreement()
        yield from self._gaps()

    def _share(
        self,
        group: str,
        name: str,
        object_name: str,
        records: Sequence[Record],
        sound: Callable[[Record], bool],
        sentence: str,
        needed: float | None = None,
    ) -> Measure:
        bad = [str(record.ref) for record in records if not sound(record)]
        told = sentence if records else f"{name}: there is nothing to measure."
        good = len(records) - len(bad)
        return Measure(group, name, object_name, good, len(records), needed, told, tuple(bad[:EXAMPLES]))

    def _completeness(self, name: str) -> Iterator[Measure]:
        records = self.here[name]
        spec = OBJECTS[name].fields
        told = {field for record in records for field, value in record.fields.items() if not is_empty(value.value)}
        required = [field for field, each in spec.items() if each.required]
        words = f"have all of {', '.join(required)}"
        yield self._share("complete", "required fields", name, records, partial(_has, required), words, 0.80)
        for field in spec:
            if field in told or spec[field].required:
                yield self._share("filled", field, name, records, partial(_has, [field]), f"have a value in {field}")

    def _references(self, name: str) -> Iterator[Measure]:
        for field, spec in OBJECTS[name].fields.items():
            if spec.type is not FieldType.REFERENCE or not self.here.get(spec.to):
                continue
            known = {record.ref.id for record in self.here[spec.to]}
            naming = [record for record in self.here[name] if record.text(field)]
            if naming:
                leads = partial(_leads, field, known)
                yield self._share("reference", field, name, naming, leads, f"have in {field} a {spec.to} that exists")

    def _duplicates(self, name: str) -> Measure:
        of = {record: entity for entity, records in self.entities.current(name).items() for record in records}
        if not of:
            words = "Not measured: `pilothouse resolve` works out who is who."
            return Measure("unique", "no duplicates", name, 0, 0, 0.97, words)
        shared = Counter(of.get(str(record.ref), str(record.ref)) for record in self.here[name])
        first = set[str]()

        def alone(record: Record) -> bool:
            entity = of.get(str(record.ref), str(record.ref))
            if shared[entity] == 1 or entity not in first:
                first.add(entity)
                return True
            return False

        return self._share("unique", "no duplicates", name, self.here[name], alone, "are no duplicate of another", 0.97)

    def _stages_known(self) -> Measure:
        staged = [deal for deal in self.here["opportunity"] if deal.text("stage")]
        return self._share(
            "definition", "stage", "opportunity", staged, self._defined, "are in a stage that is defined"
        )

    def _defined(self, deal: Record) -> bool:
        return self.definitions.stage(deal.text("stage")) is not None

    def _stages_kept(self) -> Measure:
        return self._share(
            "definition", "stage and facts agree", "opportunity", self.here["opportunity"], self._agrees,
            "contradict nothing that their stage asks, as definitions/ has it", 0.90,
        )  # fmt: skip

    def _agrees(self, deal: Record) -> bool:
        return self.ask.stage_check(deal).answer is not Answer.NO

    def _phantoms(self) -> Measure:
        words = "of the open deals are not older than every deal that ever closed here"
        return self._of_open("no phantoms", PHANTOM, lambda answer: answer is not Answer.YES, words)

    def _active(self) -> Measure:
        words = "of the open deals had an activity within 30 days"
        return self._of_open("recent activity", ACTIVE, lambda answer: answer is Answer.YES, words, 0.80)

    def _of_open(
        self, name: str, term: str, sound: Callable[[Answer], bool], words: str, needed: float | None = None
    ) -> Measure:
        """Measure the open deals by a defined term; where the company has no such term, say so."""
        lacking = [each for each in (OPEN, term) if not self.definitions.has(each)]
        if lacking:
            told = f"Not measured: definitions/ has no term {lacking[0]!r}."
            return Measure("pipeline", name, "opportunity", 0, 0, needed, told)
        deals = [deal for deal in self.here["opportunity"] if self.ask.answer(OPEN, deal) is Answer.YES]
        return self._share(
            "pipeline", name, "opportunity", deals, lambda deal: sound(self.ask.answer(term, deal)), words, needed
        )

    def _staleness(self) -> Iterator[Measure]:
        oldest = self.as_of - STALE_AFTER
        for field in FIRMOGRAPHIC:
            told = [record for record in self.here["account"] if not is_empty(record.value(field))]
            if told:
                yield self._share(
                    "fresh",
                    field,
                    "account",
                    told,
                    partial(_fresh, field, oldest, self.definitions.survivorship.schedule),
                    f"with {field} were told of it, or told again, within a year",
                )

    def _agreement(self) -> Iterator[Measure]:
        """Sources that contradict one another about the same account."""
        by_ref = {str(record.ref): record for record in self.every["account"]}
        groups = [
            [by_ref[ref] for ref in records if ref in by_ref] for records in self.entities.current("account").values()
        ]
        for field in ("industry", "country"):
            told = [[r for r in group if r.text(field)] for group in groups]
            several = [group[0] for group in told if len({each.ref.system for each in group}) > 1]
            values = {str(group[0].ref): {each.text(field).casefold() for each in group} for group in told if group}
            if several:
                words = f"of the accounts that several sources tell of have one {field}"
                yield self._share("agreement", field, "account", several, partial(_agreed, values), words)

    def _gaps(self) -> Iterator[Measure]:
        """What other sources know that this system does not."""
        at_home = {
            ref
            for records in self.entities.current("account").values()
            if any(ref.startswith(f"{self.system}/") for ref in records)
            for ref in records
        }
        if not at_home:
            return
        for system in sorted({record.ref.system for record in self.every["account"]} - {self.system}):
            theirs = [record for record in self.every["account"] if record.ref.system == system]
            words = f"of the accounts in {system} are known in {self.system}"
            yield self._share("integration", system, "account", theirs, partial(_at_home, at_home), words)


def _has(fields: Sequence[str], record: Record) -> bool:
    return all(not is_empty(record.value(field)) for field in fields)


def _leads(field: str, known: Collection[str], record: Record) -> bool:
    return record.text(field) in known


def _fresh(field: str, oldest: datetime, schedule: Schedule, record: Record) -> bool:
    return said_at(record.ref.object, field, record.fields[field], schedule) >= oldest


def _agreed(values: Mapping[str, Collection[str]], record: Record) -> bool:
    return len(values[str(record.ref)]) == 1


def _at_home(refs: Collection[str], record: Record) -> bool:
    return str(record.ref) in refs


def _json(measure: Measure) -> dict[str, Json]:
    return {
        "group": measure.group,
        "name": measure.name,
        "object": measure.object,
        "sound": measure.sound,
        "of": measure.of,
        "needed": measure.needed,
        "sentence": measure.sentence,
        "examples": list(measure.examples),
    }


def _audit(entry: Entry) -> Audit:
    raw = cast("list[dict[str, Any]]", entry.body["measures"])
    measures = tuple(Measure(**{**each, "examples": tuple(each["examples"])}) for each in raw)  # pyright: ignore[reportArgumentType]
    return Audit(entry.body["system"], unstamp(entry.body["as_of"]), measures, entry.position, entry.at)


def change(now: Measure, before: Iterable[Measure]) -> float | None:
    """Return by how much a share changed since an earlier audit, None where one of the two was not measured."""
    then = next((each for each in before if each.key == now.key), None)
    if then is None or then.share is None or now.share is None:
        return None
    return now.share - then.share
