"""Reads a definitions folder: every file, every term and stage, and every problem with its file and line.

What must never happen here: a term kept although something about it was not understood; terms that refer in a circle.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from pilothouse.conditions.conditions import Condition, ConditionError, Conditions
from pilothouse.conditions.placing import placed
from pilothouse.data.defining.variables import STAGED, declared, terms_in
from pilothouse.data.defining.written import DefinitionsFile, PartFile, StageFile, TermFile
from pilothouse.data.definitions import Criterion, Definitions, Stage, Term
from pilothouse.data.golden.survivorship import FILE as SURVIVORSHIP
from pilothouse.data.golden.survivorship import Survivorship, load_survivorship
from pilothouse.data.schema import OBJECTS
from pilothouse.vocabulary.documents import Document, DocumentError, Key, content_hash, read_document

File = Document[DefinitionsFile]
Place = tuple[File, int]


def load_definitions(folder: Path) -> Definitions:
    """Read every definitions file; raises the first `DocumentError`."""
    reading = Reading(folder)
    if reading.problems:
        raise reading.problems[0]
    return reading.definitions()


def check_definitions(folder: Path) -> list[DocumentError]:
    """Return every problem in a definitions folder, in file and line order."""
    return Reading(folder).problems


class Reading:
    """One pass over a definitions folder, gathering terms, stages and problems."""

    def __init__(self, folder: Path) -> None:
        self.problems: list[DocumentError] = []
        self._hash = content_hash(folder, "*.yaml")
        self._files: list[File] = []
        for path in sorted(each for each in folder.glob("*.yaml") if each.name != SURVIVORSHIP):
            document, problems = read_document(path, DefinitionsFile)
            self.problems += problems
            if document is not None:
                self._files.append(document)
        self._survivorship = self._read_survivorship(folder)
        self._named = self._names()
        homes = {name: file.model.terms[index].object for name, (file, index) in self._named.items()}
        self._conditions = {name: Conditions(declared(name, homes)) for name in OBJECTS}
        self._terms = [self._term(file, index) for file, index in self._named.values()]
        self._stages, self._stages_version = self._read_stages()
        self._circles({each.name: each for each in self._terms if each is not None})
        self.problems.sort(key=lambda each: (str(each.path), each.line))

    def definitions(self) -> Definitions:
        """Return what was read."""
        terms = tuple(each for each in self._terms if each is not None)
        return Definitions(tuple(self._stages), terms, self._stages_version, self._survivorship, self._conditions)

    def _read_survivorship(self, folder: Path) -> Survivorship:
        try:
            return load_survivorship(folder)
        except DocumentError as error:
            self._note(error)
            return Survivorship()

    def _names(self) -> dict[str, Place]:
        found: dict[str, Place] = {}
        for file in self._files:
            for index, term in enumerate(file.model.terms):
                if term.name in found:
                    other, where = found[term.name]
                    place = f"{other.path.name}:{other.line('terms', where)}"
                    self._note(file.error(f"the term {term.name!r} stands also at {place}", "terms", index, "name"))
                elif term.object not in OBJECTS:
                    known = ", ".join(sorted(OBJECTS))
                    self._note(file.error(f"{term.object!r} is no object; known: {known}", "terms", index, "object"))
                else:
                    found[term.name] = (file, index)
        return found

    def _term(self, file: File, index: int) -> Term | None:
        written: TermFile = file.model.terms[index]
        about = f"term {written.name}"
        if not written.all and not written.any:
            self._note(file.error(f"{about} says under neither `all` nor `any` when it holds", "terms", index))
            return None
        before = len(self.problems)
        every = self._criteria(file, written.object, written.all, about, "terms", index, "all")
        some = self._criteria(file, written.object, written.any, about, "terms", index, "any")
        if len(self.problems) > before:
            return None
        conditions = [each.condition for each in (*every, *some)]
        return Term(
            name=written.name,
            object=written.object,
            meaning=written.meaning,
            owner=written.owner,
            all=every,
            any=some,
            together=self._conditions[written.object].together(conditions),
            refers=frozenset(name for each in conditions for name in terms_in(each.needs)),
            version=f"{file.model.version}-{self._hash}",
            where=_where(file, "terms", index),
        )

    def _read_stages(self) -> tuple[list[Stage], str]:
        found: list[Stage] = []
        seen: set[str] = set()
        version = ""
        for file in self._files:
            for index, written in enumerate(file.model.stages):
                version = f"{file.model.version}-{self._hash}"
                for name in (written.name, *written.also):
                    if name.casefold() in seen:
                        self._note(file.error(f"the stage name {name!r} stands twice", "stages", index))
                    seen.add(name.casefold())
                found.append(self._stage(file, index, written))
        return found, version

    def _stage(self, file: File, index: int, written: StageFile) -> Stage:
        about = f"stage {written.name}"
        if written.won and not written.closed:
            self._note(file.error(f"{about} is won and not closed", "stages", index, "won"))
        entry = self._criteria(file, STAGED, written.entry, about, "stages", index, "entry")
        left = self._criteria(file, STAGED, written.exit, about, "stages", index, "exit")
        where = _where(file, "stages", index)
        return Stage(written.name, written.closed, written.won, written.also, entry, left, where)

    def _criteria(
        self, file: File, object_name: str, parts: Sequence[PartFile], about: str, *keys: Key
    ) -> tuple[Criterion, ...]:
        found: list[Criterion] = []
        for number, part in enumerate(parts):
            condition = self._compiled(file, object_name, part, about, *keys, number)
            if condition is not None:
                found.append(Criterion(condition, part.words, _where(file, *keys, number)))
        return tuple(found)

    def _compiled(self, file: File, object_name: str, part: PartFile, about: str, *keys: Key) -> Condition | None:
        try:
            return self._conditions[object_name].compile(part.when)
        except ConditionError as error:
            self.problems += placed(file, error, part.when, *keys, "when", about=about)
            return None

    def _circles(self, terms: Mapping[str, Term]) -> None:
        """Note every term that refers to itself by way of others, with the way."""
        for name in terms:
            way = _way_back(name, terms)
            if way:
                file, index = self._named[name]
                told = " → ".join(way)
                self._note(file.error(f"term {name} refers to itself: {told}", "terms", index))

    def _note(self, problem: DocumentError) -> None:
        self.problems.append(problem)


def _way_back(start: str, terms: Mapping[str, Term]) -> tuple[str, ...]:
    ways = [(start, each) for each in sorted(terms[start].refers)]
    seen: set[str] = set()
    while ways:
        way = ways.pop()
        if way[-1] == start:
            return way
        if way[-1] not in seen and way[-1] in terms:
            seen.add(way[-1])
            ways += [(*way, each) for each in sorted(terms[way[-1]].refers)]
    return ()


def _where(file: File, *keys: Key) -> str:
    return f"{file.path.name}:{file.line(*keys)}"
