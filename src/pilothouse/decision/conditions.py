"""Conditions in CEL, checked for names and types when they are loaded.

CEL's `||` and `&&` swallow an error on one side when the other decides, so a rule that mentions a missing field could
still say yes. Therefore every variable a condition mentions is asked for *before* it is evaluated; if one is missing
the condition is in error, and an error refuses.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cel_expr_python import cel  # pyright: ignore[reportMissingTypeStubs]

MOST_CHARACTERS = 1000
TYPES = {
    "STRING": cel.Type.STRING,
    "DOUBLE": cel.Type.DOUBLE,
    "INT": cel.Type.INT,
    "BOOL": cel.Type.BOOL,
    "LIST_STRING": cel.Type.List(cel.Type.STRING),
}
_LITERALS = re.compile(r"""[rbRB]{0,2}("(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')""")
_NAMES = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:\s*\.\s*[A-Za-z_][A-Za-z0-9_]*)*")
_MACROS = re.compile(r"\.\s*(all|exists|exists_one|map|filter)\s*\(")


class ConditionError(Exception):
    """A condition that cannot be compiled, or cannot be evaluated on these facts. The message is a sentence."""


@dataclass(frozen=True, slots=True)
class Condition:
    """A compiled condition and the variables it needs."""

    source: str
    program: Any
    needs: frozenset[str]

    def holds(self, values: Mapping[str, Any], activation: Any) -> bool:
        """Evaluate; raises `ConditionError` for a missing variable, an error, or an answer that is not a boolean."""
        missing = sorted(self.needs - values.keys())
        if missing:
            raise ConditionError(f"{', '.join(missing)} has no value here")
        result = self.program.eval(activation)
        if result.type().name() != "BOOL":
            raise ConditionError(f"it came to {result.plain_value()!r}, which is not yes or no")
        return bool(result.plain_value())


class Conditions:
    """Compiles conditions over one set of declared variables."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._names = frozenset(variables)
        self._env = cel.NewEnv(variables={name: TYPES[kind] for name, kind in variables.items()})

    def compile(self, source: str) -> Condition:
        """Compile a condition; raises `ConditionError` with what is wrong and what was probably meant."""
        if len(source) > MOST_CHARACTERS:
            raise ConditionError(f"it is longer than {MOST_CHARACTERS} characters; split the rule")
        bare = _LITERALS.sub('""', source)
        if _MACROS.search(bare):
            raise ConditionError("loops (all, exists, map, filter) are not allowed in a condition")
        try:
            program = self._env.compile(source)
        except RuntimeError as error:
            raise ConditionError(self._explain(str(error))) from None
        if program.return_type().name() != "BOOL":
            raise ConditionError(f"it comes to {program.return_type().name()}; a condition must come to yes or no")
        return Condition(source, program, self._mentioned(bare))

    def activation(self, values: Mapping[str, Any]) -> Any:
        """Prepare values for any number of conditions."""
        return self._env.Activation({name: value for name, value in values.items() if name in self._names})

    def _mentioned(self, bare: str) -> frozenset[str]:
        found: set[str] = set()
        for match in _NAMES.finditer(bare):
            parts = re.sub(r"\s", "", match.group()).split(".")
            # `record.name.startsWith(...)` mentions record.name: the longest declared beginning counts.
            beginnings = (".".join(parts[:length]) for length in range(len(parts), 0, -1))
            name = next((each for each in beginnings if each in self._names), None)
            if name is not None:
                found.add(name)
        return frozenset(found)

    def _explain(self, error: str) -> str:
        first = error.partition("\n")[0].replace("INVALID_ARGUMENT: ERROR: <input>:", "at ").strip()
        undeclared = re.search(r"undeclared reference to '([^']+)'", error)
        if undeclared:
            name = undeclared.group(1)
            near = difflib.get_close_matches(name, self._names, 1)
            return f"there is no {name!r}" + (f"; did you mean {near[0]!r}?" if near else "")
        if "(double, int)" in error or "(int, double)" in error:
            return f"{first}; write whole numbers next to a decimal field with a point, as in 5.0"
        return first
