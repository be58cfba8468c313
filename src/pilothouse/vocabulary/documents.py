"""YAML files that people own, read so that an error can name file, line and what is wrong."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar, cast

import yaml
from pydantic import BaseModel, ValidationError

from pilothouse.vocabulary.errors import InvalidInput
from pilothouse.vocabulary.misfits import misfits

M = TypeVar("M", bound=BaseModel)
Key = str | int


class DocumentError(InvalidInput):
    """A problem in a file: `path`, `line` (from 1; 0 when the whole file is meant) and a sentence."""

    code = "invalid_document"

    def __init__(self, path: Path, line: int, problem: str, *, hint: str = "") -> None:
        super().__init__(f"{path}:{line}: {problem}", hint=hint)
        self.path, self.line, self.problem = path, line, problem

    def within(self, folder: Path) -> DocumentError:
        """Return the same with the path as it is seen from a folder: where the files lay while they were read is no help."""
        path = self.path.relative_to(folder) if self.path.is_relative_to(folder) else self.path
        return DocumentError(path, self.line, self.problem, hint=self.hint)


@dataclass(frozen=True)
class Document(Generic[M]):
    """A validated file: its model, and the line on which each value stands."""

    path: Path
    model: M
    lines: Mapping[tuple[Key, ...], int]

    def line(self, *keys: Key) -> int:
        """Return the line of the value under `keys`, or of the nearest parent that has one."""
        while keys:
            if keys in self.lines:
                return self.lines[keys]
            keys = keys[:-1]
        return 1

    def error(self, problem: str, *keys: Key, hint: str = "") -> DocumentError:
        """Return an error that points at the value under `keys`."""
        return DocumentError(self.path, self.line(*keys), problem, hint=hint)


def content_hash(folder: Path, pattern: str = "**/*.yaml") -> str:
    """Return 16 hexadecimal digits over the names and bytes of the files under a folder that fit a pattern."""
    content = hashlib.sha256()
    for path in sorted(folder.glob(pattern)):
        content.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return content.hexdigest()[:16]


def load_document(path: Path, model: type[M]) -> Document[M]:
    """Read and validate one YAML file.

    Raises `DocumentError` for a file that is missing, is not UTF-8, is not YAML, repeats a key, or does not fit the
    model; the error names the first offending line.
    """
    document, problems = read_document(path, model)
    if document is None:
        raise problems[0]
    return document


def read_document(path: Path, model: type[M]) -> tuple[Document[M] | None, list[DocumentError]]:
    """Read one YAML file as `load_document` does, and return every problem instead of raising the first."""
    try:
        data, lines = _parse(path)
    except DocumentError as error:
        return None, [error]
    try:
        return Document(path, model.model_validate(data, strict=False), lines), []
    except ValidationError as error:
        document = Document(path, cast(M, None), lines)
        return None, [document.error(each.sentence, *each.keys) for each in misfits(error, data, model)]


def entries_of(node: yaml.Node | None) -> dict[str, tuple[yaml.Node, yaml.Node]]:
    """Return the keys and values of a mapping as nodes, with their places in the text; nothing for what is none."""
    if not isinstance(node, yaml.MappingNode):
        return {}
    return {str(key.value): (key, value) for key, value in node.value}


def _parse(path: Path) -> tuple[Any, dict[tuple[Key, ...], int]]:
    try:
        text = path.read_text(encoding="utf-8")
        loader = yaml.SafeLoader(text)
        node = loader.get_single_node()
    except FileNotFoundError:
        raise DocumentError(path, 0, "the file does not exist") from None
    except UnicodeDecodeError as error:
        raise DocumentError(path, 0, f"the file is not UTF-8 text (byte {error.start})") from None
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        raise DocumentError(path, line, f"not valid YAML: {error.problem}") from None
    if node is None:
        raise DocumentError(path, 1, "the file is empty")
    lines: dict[tuple[Key, ...], int] = {}
    _walk(node, (), lines, path)
    return cast("Any", loader).construct_document(node), lines


def _walk(node: yaml.Node, keys: tuple[Key, ...], lines: dict[tuple[Key, ...], int], path: Path) -> None:
    lines[keys] = node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            name = str(key.value)
            if name in seen:
                raise DocumentError(path, key.start_mark.line + 1, f"the key {name!r} stands here twice")
            seen.add(name)
            _walk(value, (*keys, name), lines, path)
            lines[(*keys, name)] = key.start_mark.line + 1
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            _walk(value, (*keys, index), lines, path)
