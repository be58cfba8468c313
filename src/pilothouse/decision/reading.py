"""Reads a policy folder: every file, every rule, and every problem with its file and line.

What must never happen here: a rule that is kept although something about it was not understood; a second file that
silently relaxes what a first one set; a setting that tries to relax what cannot be relaxed taken for a setting.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from difflib import get_close_matches
from fnmatch import fnmatchcase
from pathlib import Path

from pilothouse.conditions.conditions import Condition, ConditionError, Conditions
from pilothouse.conditions.placing import placed
from pilothouse.data.schema import OBJECTS
from pilothouse.decision.checks import Checks, Placed, ungoverned, unmentioned
from pilothouse.decision.facts import FORWARD_MOVE, declared
from pilothouse.decision.handing import Ask, CanariesFile, Handing, ReviewsFile, SpotChecksFile
from pilothouse.decision.tiers import NEEDS_A_PERSON, PROHIBITED, REVIEWED, irreversible, normal_stage
from pilothouse.decision.written import (
    THRESHOLD,
    TREATMENTS,
    LimitsFile,
    NotifyFile,
    Policy,
    PolicyFile,
    Rule,
    RuleFile,
    Threshold,
    kinds_of,
)
from pilothouse.vocabulary.capabilities import Capability, ChangeKind, Effect
from pilothouse.vocabulary.documents import Document, DocumentError, read_document

HANDING = ("reviews", "canaries", "spot_checks", "teams")
"""The sections about people who decide."""


class Reading:
    """One pass over a policy folder, gathering rules and problems."""

    def __init__(self, folder: Path, capabilities: Mapping[str, Capability]) -> None:
        self.folder, self.capabilities = folder, capabilities
        self.problems: list[DocumentError] = []
        self.thresholds: dict[str, Threshold] = {}
        self.rules: dict[str, list[Rule]] = {}
        self.seen: dict[str, str] = {}
        self.placed: list[Placed] = []
        self.single: dict[str, tuple[Document[PolicyFile], object]] = {}
        self.asks: dict[str, tuple[Document[PolicyFile], int, Ask]] = {}
        paths = sorted(folder.glob("*.yaml"))
        if not paths:
            self._note(
                DocumentError(folder, 0, "there is no policy file; where policy is silent everything is refused")
            )
        self.documents: list[Document[PolicyFile]] = []
        for path in paths:
            document, problems = read_document(path, PolicyFile)
            self.problems += problems
            self.documents += [document] if document is not None else []
        for document in self.documents:
            self._thresholds(document)
        self.whole = len(self.documents) == len(paths)
        self.kinds = _every_variable() | kinds_of(self.thresholds)
        self.conditions = Conditions(self.kinds)
        for document in self.documents:
            self._take(document)
        self._teams_asked()

    def policy(self, version: str, closed_stages: frozenset[str]) -> Policy:
        """Return what was read."""
        parts = {name: value for name, (_, value) in self.single.items()}
        file = PolicyFile.model_validate(parts)
        notify = file.notify or NotifyFile()
        return Policy(
            version=version,
            rules=self.rules,
            together={n: self.conditions.together([r.condition for r in mine]) for n, mine in self.rules.items()},
            bands=file.bands,
            limits=file.limits or LimitsFile(),
            discount_authority=file.discount_authority or 0.0,
            human_only=self._named(file.human_only or ()),
            notify_records=notify.above_records,
            notify_actions=self._named(notify.actions),
            closed_stages=frozenset(normal_stage(name) for name in closed_stages),
            conditions=self.conditions,
            thresholds=self.thresholds,
            messages=file.messages,
            handing=self.handing(),
        )

    def handing(self) -> Handing:
        """Return what was read about handing over to people."""
        parts = {name: self.single[name][1] for name in HANDING if name in self.single}
        file = PolicyFile.model_validate(parts)
        document = self.single["teams"][0] if "teams" in self.single else None
        places = {n: f"{document.path.name}:{document.line('teams', n)}" for n in file.teams or {}} if document else {}
        return Handing(
            reviews=file.reviews or ReviewsFile(),
            canaries=file.canaries or CanariesFile(),
            spot_checks=file.spot_checks or SpotChecksFile(),
            teams=file.teams or {},
            team_places=places,
            asks={name: ask for name, (_, _, ask) in self.asks.items()},
        )

    def strangers(self, people: Collection[str]) -> list[DocumentError]:
        """Return a problem for every person named here who is not among those known."""
        hint = "`pilothouse people add` adds somebody, `pilothouse people list` shows who is known."
        found: list[DocumentError] = []
        for place, problem in self.handing().unknown(people):
            file, _, line = place.rpartition(":")
            found.append(DocumentError(self.folder / file, int(line), problem, hint=hint))
        return found

    def silences(self) -> list[DocumentError]:
        """Return a problem for every capability that no rule speaks about."""
        hint = "Add a rule, `refuse` if so meant."
        return [
            DocumentError(self.folder, 0, f"policy is silent on {name}: it will be refused", hint=hint)
            for name in sorted(self.capabilities.keys() - self.rules.keys())
        ]

    def in_vain(
        self, policy: Policy, granted: Mapping[str, Sequence[str]], mentioned: Collection[str] | None = ()
    ) -> list[DocumentError]:
        """Return what the policy says in vain, and what is granted that it says nothing about; see `checks.py`."""
        return [
            *Checks(policy, self.placed, self.kinds).problems(),
            *(unmentioned(self.documents, self.placed, mentioned) if mentioned is not None else ()),
            *ungoverned(self.folder, granted, self.placed),
        ]

    def _note(self, *problems: DocumentError) -> None:
        self.problems += problems

    def _named(self, patterns: Sequence[str]) -> frozenset[str]:
        return frozenset(name for pattern in patterns for name in self.capabilities if fnmatchcase(name, pattern))

    def _take(self, document: Document[PolicyFile]) -> None:
        for index, written in enumerate(document.model.rules):
            self._rule(document, index, written)
        for section in ("bands", "limits", "notify", "human_only", "discount_authority", "messages", *HANDING):
            if section in document.model.model_fields_set:
                self._section(document, section)
        self._bands(document)
        for keys, patterns in _pattern_lists(document.model):
            self._patterns(document, keys, patterns)

    def _section(self, document: Document[PolicyFile], section: str) -> None:
        """Take a section; a second one elsewhere would silently relax the first."""
        earlier = self.single.setdefault(section, (document, getattr(document.model, section)))[0]
        if earlier is not document:
            place = f"{earlier.path.name}:{earlier.line(section)}"
            self._note(document.error(f"{section} stands also at {place}; keep one", section))

    def _rule(self, document: Document[PolicyFile], index: int, written: RuleFile) -> None:
        where = f"{document.path.name}:{document.line('rules', index)}"
        if written.id in self.seen:
            problem = f"the rule id {written.id!r} stands also at {self.seen[written.id]}"
            self._note(document.error(problem, "rules", index))
        self.seen.setdefault(written.id, where)
        names = self._named(written.applies_to)
        self._patterns(document, ("rules", index, "applies_to"), written.applies_to)
        condition = self._condition(document, index, written, names)
        if written.then == "auto":
            forward = condition is not None and FORWARD_MOVE in condition.needs
            self._cannot_be_auto(document, index, names, by_person=written.by == "person", forward=forward)
        self._escalation(document, index, written, condition)
        self._asks(document, index, written, where)
        if condition is None:
            return
        treatment = TREATMENTS[written.then]
        rule = Rule(
            written.id,
            condition,
            treatment,
            written.reason,
            written.by,
            written.effective_from,
            where,
            written.escalates,
            written.if_missing,
        )
        self.placed.append(Placed(rule, written, names, document, index))
        for name in names:
            self.rules.setdefault(name, []).append(rule)

    def _patterns(self, document: Document[PolicyFile], keys: tuple[str | int, ...], patterns: Sequence[str]) -> None:
        for number, pattern in enumerate(patterns):
            if not self._named([pattern]):
                near = get_close_matches(pattern, self.capabilities, 1)
                meant = f"; did you mean {near[0]!r}?" if near else ""
                self._note(document.error(f"no capability is called {pattern!r}{meant}", *keys, number))

    def _condition(
        self, document: Document[PolicyFile], index: int, written: RuleFile, names: frozenset[str]
    ) -> Condition | None:
        try:
            condition = self.conditions.compile(written.when)
        except ConditionError as error:
            self._note(*placed(document, error, written.when, "rules", index, "when", about=f"rule {written.id}"))
            return None
        for object_name in sorted({self.capabilities[name].object for name in names} & OBJECTS.keys()):
            here = declared(frozenset({object_name})).keys()
            foreign = sorted(each for each in condition.needs - here if not each.startswith(THRESHOLD))
            if foreign:
                problem = f"{foreign[0]!r} does not exist on {object_name}, to which this rule applies"
                self._note(document.error(problem, "rules", index, "when"))
        return condition

    def _asks(self, document: Document[PolicyFile], index: int, written: RuleFile, where: str) -> None:
        if not written.ask:
            return
        if written.then not in ("review", "person"):
            problem = f"rule {written.id} asks {written.ask}, and hands nothing over"
            self._note(document.error(problem, "rules", index, "ask", hint="Write `then: review` or `then: person`."))
        self.asks[written.id] = (document, index, Ask(written.ask, written.id, where))

    def _teams_asked(self) -> None:
        """A team that is not there, or has nobody in it, is an error: the act would otherwise go to anybody."""
        if self.problems:
            return
        teams = self.handing().teams
        for document, index, ask in self.asks.values():
            if ask.kind == "team" and not teams.get(ask.name):
                near = get_close_matches(ask.name, teams, 1)
                meant = f"; did you mean {near[0]!r}?" if near else ""
                self._note(
                    document.error(f"no team with anybody in it is called {ask.name!r}{meant}", "rules", index, "ask")
                )

    def _thresholds(self, document: Document[PolicyFile]) -> None:
        for name, value in document.model.thresholds.items():
            if name in self.thresholds:
                self._note(document.error(f"the threshold {name!r} stands in another file too", "thresholds", name))
            self.thresholds[name] = value

    def _escalation(
        self, document: Document[PolicyFile], index: int, written: RuleFile, condition: Condition | None
    ) -> None:
        """R-075: a rule that hands over by how much something is needs the number in `thresholds`."""
        if written.then == "auto" and written.if_missing == "holds":
            problem = f"rule {written.id}: what is not known cannot be a reason to let something run"
            self._note(document.error(problem, "rules", index, "if_missing", hint="Write `refuse` or `skip`."))
        if not written.escalates:
            return
        if written.then == "auto":
            problem = f"rule {written.id} escalates, and lets the act run by itself"
            self._note(document.error(problem, "rules", index, "then", hint="Write `review` or `person`."))
        if condition is not None and not any(each.startswith(THRESHOLD) for each in condition.needs):
            problem = f"rule {written.id} escalates without a threshold"
            hint = "Put the number or the list under `thresholds:` and compare with `threshold.<name>`."
            self._note(document.error(problem, "rules", index, "when", hint=hint))

    def _cannot_be_auto(
        self, document: Document[PolicyFile], index: int, names: frozenset[str], *, by_person: bool, forward: bool
    ) -> None:
        for name in sorted(names):
            if forward and self.capabilities[name].change is ChangeKind.STAGE_MOVE:
                continue  # the one move that may be freed; the engine asks for the rest of it
            why = _never_auto(self.capabilities[name], by_person=by_person)
            if why:
                problem = f"{name} {why}; no rule can make it run by itself"
                self._note(document.error(problem, "rules", index, "then", hint="Write `person` or `review`."))

    def _bands(self, document: Document[PolicyFile]) -> None:
        for name, band in document.model.bands.items():
            if name != "default" and name not in self.capabilities:
                self._note(document.error(f"no capability is called {name!r}", "bands", name))
            if band.block_below > band.auto_above:
                self._note(document.error("block_below lies above auto_above", "bands", name))


def _pattern_lists(file: PolicyFile) -> Iterator[tuple[tuple[str, ...], Sequence[str]]]:
    yield ("human_only",), file.human_only or ()
    yield ("notify", "actions"), file.notify.actions if file.notify else ()


def _never_auto(capability: Capability, *, by_person: bool) -> str:
    if capability.effect is not Effect.WRITE and not capability.external:
        return ""
    if irreversible(capability):
        return "cannot be undone or reaches people outside"
    kinds = NEEDS_A_PERSON.keys() | REVIEWED.keys() | PROHIBITED.keys()
    return "" if by_person or capability.change not in kinds else f"is a {capability.change.value.replace('_', ' ')}"


def _every_variable() -> dict[str, str]:
    # A field that two objects declare with different types can be mentioned by rules of neither.
    variables: dict[str, str] = {}
    clash: set[str] = set()
    for name in OBJECTS:
        for variable, kind in declared(frozenset({name})).items():
            if variables.setdefault(variable, kind) != kind:
                clash.add(variable)
    return {name: kind for name, kind in variables.items() if name not in clash}
