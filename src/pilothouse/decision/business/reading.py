"""Reads `policy/business/`: every clause, and every problem with its file and line.

What must never happen here: a clause kept although something about it was not understood; a second file that silently
replaces what a first one says.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path

from pilothouse.conditions.conditions import Condition, ConditionError
from pilothouse.conditions.placing import placed
from pilothouse.data.defining.variables import terms_in
from pilothouse.data.defining.written import PartFile
from pilothouse.data.definitions import Criterion, Definitions, Term
from pilothouse.data.schema import OBJECTS
from pilothouse.decision.business.policy import BusinessPolicy, Clause, Fit, Routing, Table, plain
from pilothouse.decision.business.written import BusinessFile, ClauseFile, FitFile, RoutingFile, TableFile
from pilothouse.decision.written import Threshold, kinds_of, values_of
from pilothouse.vocabulary.documents import Document, DocumentError, Key, read_document

File = Document[BusinessFile]
FOR_ALL_OF = ("icp", "priority", "routing")


def load_business(
    folder: Path, definitions: Definitions, version: str, thresholds: Mapping[str, Threshold] | None = None
) -> BusinessPolicy:
    """Read a folder of business policy, which may be empty; raises the first `DocumentError`.

    `thresholds` are those of the policy beside it, which its conditions may compare with as rules do.
    """
    reading = Reading(folder, definitions, thresholds or {})
    if reading.problems:
        raise reading.problems[0]
    return reading.policy(version)


def check_business(
    folder: Path, definitions: Definitions, thresholds: Mapping[str, Threshold] | None = None
) -> list[DocumentError]:
    """Return every problem in a folder of business policy, in file and line order."""
    return Reading(folder, definitions, thresholds or {}).problems


class Reading:
    """One pass over a folder of business policy."""

    def __init__(self, folder: Path, definitions: Definitions, thresholds: Mapping[str, Threshold]) -> None:
        self.problems: list[DocumentError] = []
        kinds = kinds_of(thresholds)
        conditions = {name: each.beside(kinds) for name, each in definitions.conditions.items()}
        self._definitions = replace(definitions, conditions=conditions, constants=values_of(thresholds))
        self._terms: dict[str, Term] = {}
        self._single: dict[str, tuple[File, int]] = {}
        self._fit: Fit | None = None
        self._routing: Routing | None = None
        self._triggers: list[Clause] = []
        self._disqualifiers: list[Clause] = []
        self._priority: list[Clause] = []
        for path in sorted(folder.glob("*.yaml")):
            document, problems = read_document(path, BusinessFile)
            self.problems += problems
            if document is not None:
                self._take(document)
        self.problems.sort(key=lambda each: (str(each.path), each.line))

    def policy(self, version: str) -> BusinessPolicy:
        """Return what was read; `version` is what its answers cite."""
        terms = tuple(replace(each, version=version) for each in self._terms.values())
        return BusinessPolicy(
            version,
            replace(self._definitions, terms=(*self._definitions.terms, *terms)),
            self._fit,
            tuple(self._triggers),
            tuple(self._disqualifiers),
            tuple(self._priority),
            self._routing,
        )

    def _take(self, file: File) -> None:
        model = file.model
        for section in FOR_ALL_OF:
            if getattr(model, section) is not None:
                self._once(file, section)
        if model.icp is not None:
            self._fit = self._levels(file, model.icp)
        for number, trigger in enumerate(model.triggers):
            clause = self._clause(file, trigger, trigger.object, "triggers", number)
            self._triggers += [replace(each, gives=trigger.starts) for each in clause]
        for number, out in enumerate(model.disqualifiers):
            self._disqualifiers += self._clause(file, out, out.object, "disqualifiers", number)
        for number, weight in enumerate(model.priority.weights if model.priority else ()):
            assert model.priority is not None
            clause = self._clause(file, weight, model.priority.object, "priority", "weights", number)
            self._priority += [replace(each, points=weight.points) for each in clause]
        if model.routing is not None:
            self._routing = self._tables(file, model.routing)

    def _once(self, file: File, section: str) -> None:
        earlier, line = self._single.setdefault(section, (file, file.line(section)))
        if earlier is not file:
            self._note(file.error(f"{section} stands also at {earlier.path.name}:{line}; keep one", section))

    def _levels(self, file: File, written: FitFile) -> Fit:
        levels: list[Clause] = []
        for number, level in enumerate(written.levels):
            clause = self._clause(file, level, written.object, "icp", "levels", number)
            levels += [replace(each, gives=level.id, confidence=level.confidence) for each in clause]
        return Fit(written.object, tuple(levels), written.otherwise.id, written.otherwise.reason)

    def _clause(self, file: File, written: ClauseFile, object_name: str, *keys: Key) -> list[Clause]:
        """Return the clause in a list; nothing where something about it is wrong."""
        about, term = f"{keys[0]} {written.id}", f"{keys[0]}.{written.id}"
        if not self._object(file, object_name, about, *keys):
            return []
        if not written.all and not written.any:
            self._note(file.error(f"{about} says under neither `all` nor `any` when it holds", *keys))
            return []
        if term in self._terms:
            self._note(file.error(f"{about} stands also at {self._terms[term].where}", *keys))
        before = len(self.problems)
        every = self._criteria(file, object_name, written.all, about, *keys, "all")
        some = self._criteria(file, object_name, written.any, about, *keys, "any")
        if len(self.problems) > before:
            return []
        where = f"{file.path.name}:{file.line(*keys)}"
        conditions = [each.condition for each in (*every, *some)]
        self._terms[term] = Term(
            name=term,
            object=object_name,
            meaning=written.reason,
            owner="revops",
            all=every,
            any=some,
            together=self._definitions.conditions[object_name].together(conditions),
            refers=frozenset(name for each in conditions for name in terms_in(each.needs)),
            version="",
            where=where,
        )
        return [Clause(written.id, term, object_name, written.reason, where, written.if_missing == "skip")]

    def _criteria(
        self, file: File, object_name: str, parts: Sequence[PartFile], about: str, *keys: Key
    ) -> tuple[Criterion, ...]:
        found: list[Criterion] = []
        for number, part in enumerate(parts):
            condition = self._compiled(file, object_name, part, about, *keys, number)
            if condition is not None:
                found.append(Criterion(condition, part.words, f"{file.path.name}:{file.line(*keys, number)}"))
        return tuple(found)

    def _compiled(self, file: File, object_name: str, part: PartFile, about: str, *keys: Key) -> Condition | None:
        try:
            return self._definitions.conditions[object_name].compile(part.when)
        except ConditionError as error:
            self._note(*placed(file, error, part.when, *keys, about=about))
            return None

    def _tables(self, file: File, written: RoutingFile) -> Routing | None:
        if not self._object(file, written.object, "routing", "routing"):
            return None
        tables = [self._table(file, written.object, number, each) for number, each in enumerate(written.tables)]
        return Routing(written.object, tuple(tables), written.unowned.to, written.unowned.reason)

    def _table(self, file: File, object_name: str, number: int, written: TableFile) -> Table:
        keys = ("routing", "tables", number)
        fields = OBJECTS[object_name].fields
        if written.field not in fields:
            problem = f"table {written.id}: {object_name} has no field {written.field!r}{_meant(written.field, fields)}"
            self._note(file.error(problem, *keys, "field"))
        owners: dict[str, str] = {}
        for value, owner in written.owners.items():
            if owners.setdefault(plain(value), owner) != owner:
                problem = f"table {written.id}: {value!r} belongs to {owner} here and to {owners[plain(value)]} above"
                self._note(file.error(problem, *keys, "owners", value))
        where = f"{file.path.name}:{file.line(*keys)}"
        return Table(written.id, written.field, owners, written.reason, where, written.if_missing == "skip")

    def _object(self, file: File, object_name: str, about: str, *keys: Key) -> bool:
        if object_name in OBJECTS:
            return True
        problem = f"{about}: {object_name!r} is no object{_meant(object_name, OBJECTS)}"
        self._note(file.error(problem, *keys, "object"))
        return False

    def _note(self, *problems: DocumentError) -> None:
        self.problems += problems


def _meant(name: str, known: Mapping[str, object]) -> str:
    near = get_close_matches(name, known, 1)
    return f"; did you mean {near[0]!r}?" if near else f"; known: {', '.join(sorted(known))}"
