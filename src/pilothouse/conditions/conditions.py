"""Conditions in CEL, checked for names and types when they are loaded.

CEL's `||` and `&&` swallow an error on one side when the other decides, so a rule that mentions a missing field could
still say yes. Therefore every variable a condition mentions is asked for *before* it is evaluated; if one is missing
the condition is in error, and an error refuses. What it mentions is read from the checked tree (`checked_tree.py`).
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from cel_expr_python import cel  # pyright: ignore[reportMissingTypeStubs]

from pilothouse.conditions.checked_tree import UnknownNode, mentioned

MOST_CHARACTERS = 1000
TYPES = {
    "STRING": cel.Type.STRING,
    "DOUBLE": cel.Type.DOUBLE,
    "INT": cel.Type.INT,
    "BOOL": cel.Type.BOOL,
    "TIMESTAMP": cel.Type.TIMESTAMP,
    "LIST_STRING": cel.Type.List(cel.Type.STRING),
}
_PROBLEM = re.compile(r"ERROR: <input>:(\d+):(\d+): ([^\n]*)")
_UNDECLARED = re.compile(r"undeclared reference to '([^']+)'")


class ConditionError(Exception):
    """A condition that cannot be compiled, or cannot be evaluated on these facts. The message is a sentence.

    `problems` holds every problem with the row of the condition's text (from 1) on which it stands.
    """

    def __init__(self, *problems: str, rows: Sequence[int] = ()) -> None:
        super().__init__("; ".join(problems))
        self.problems = tuple(zip(rows or [1] * len(problems), problems, strict=True))


class MissingValue(ConditionError):
    """A condition mentions a value that is not there."""


@dataclass(frozen=True, slots=True)
class Condition:
    """A compiled condition and the variables it needs."""

    source: str
    program: Any
    needs: frozenset[str]

    def holds(self, values: Mapping[str, Any], activation: Any) -> bool:
        """Evaluate; raises `MissingValue` for a missing variable, `ConditionError` for an error or no boolean."""
        if not self.needs <= values.keys():
            missing = sorted(self.needs - values.keys())
            raise MissingValue(f"{', '.join(missing)} has no value here")
        try:
            answer = self.program.eval(activation).plain_value()
        except (RuntimeError, TypeError, ValueError, OverflowError):
            answer = None
        if not isinstance(answer, bool):
            # No word of the values: the sentence stands in the ledger for good, and they may be personal.
            raise ConditionError("it came to an error and neither to yes nor to no, as a division by zero would")
        return answer


@dataclass(frozen=True, slots=True)
class Together:
    """Conditions that are evaluated in one call, which takes a seventh of the time of as many calls."""

    program: Any
    size: int
    needs: frozenset[str]

    def answers(self, values: Mapping[str, Any], activation: Any) -> Sequence[bool] | None:
        """Return the answer of each, in order; None when any is in error, so that they must be asked one by one."""
        if self.program is None or not self.needs <= values.keys():
            return None
        try:
            answers = self.program.eval(activation).plain_value()
        except (RuntimeError, TypeError, ValueError, OverflowError):
            return None
        sound = isinstance(answers, list) and all(isinstance(each, bool) for each in cast("list[Any]", answers))
        return cast("list[bool]", answers) if sound and len(cast("list[Any]", answers)) == self.size else None


class Conditions:
    """Compiles conditions over one set of declared variables."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._variables, self._names = dict(variables), frozenset(variables)
        self._env = cel.NewEnv(variables={name: TYPES[kind] for name, kind in variables.items()})

    def beside(self, variables: Mapping[str, str]) -> Conditions:
        """Return a compiler that knows these variables too; what either compiled, the other's activations serve."""
        return Conditions({**self._variables, **variables}) if variables else self

    def compile(self, source: str) -> Condition:
        """Compile a condition; raises `ConditionError` with what is wrong and what was probably meant."""
        if len(source) > MOST_CHARACTERS:
            raise ConditionError(f"it is longer than {MOST_CHARACTERS} characters; split the rule")
        try:
            program = self._env.compile(source)
        except RuntimeError as error:
            raise self._explained(str(error)) from None
        if program.return_type().name() != "BOOL":
            raise ConditionError(f"it comes to {program.return_type().name()}; a condition must come to yes or no")
        return Condition(source, program, self._needs(program))

    def together(self, conditions: Sequence[Condition]) -> Together:
        """Return compiled conditions as one. Too many or too deep for one expression, they stay to be asked singly."""
        try:
            program = self._env.compile("[" + ",".join(f"(\n{each.source}\n)" for each in conditions) + "]")
        except RuntimeError:
            program = None
        needs = frozenset(name for each in conditions for name in each.needs)
        return Together(program, len(conditions), needs)

    def activation(self, values: Mapping[str, Any]) -> Any:
        """Prepare the values of declared variables for any number of conditions."""
        return self._env.Activation(dict(values))

    def _needs(self, program: Any) -> frozenset[str]:
        try:
            names = mentioned(program.serialize())
        except UnknownNode as error:
            raise ConditionError(str(error)) from None
        for name in sorted(names - self._names):
            raise ConditionError(f"{name!r} is the name of a type; a condition compares values")
        return names

    def _explained(self, error: str) -> ConditionError:
        found = _PROBLEM.findall(error)
        if not found:
            return ConditionError(error.partition("\n")[0])
        return ConditionError(
            *(self._sentence(f"at {row}:{column}: {text}") for row, column, text in found),
            rows=[int(row) for row, _, _ in found],
        )

    def _sentence(self, problem: str) -> str:
        undeclared = _UNDECLARED.search(problem)
        if undeclared:
            name = undeclared.group(1)
            near = difflib.get_close_matches(name, self._names, 1)
            return f"there is no {name!r}" + (f"; did you mean {near[0]!r}?" if near else "")
        if "(double, int)" in problem or "(int, double)" in problem:
            return (
                f"{problem}; write whole numbers next to a decimal one with a point, as in 5.0, and a field that holds whole "
                "numbers as double(record.employee_count)"
            )
        return problem
