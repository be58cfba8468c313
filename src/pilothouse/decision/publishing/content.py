"""The text of a version: the files of policy, definitions and contracts, by their path in the workspace.

What must never happen here: a file outside these folders read or written; a file left out without a word.
"""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import TypeAlias

from pilothouse.vocabulary.errors import InvalidInput
from pilothouse.vocabulary.values import canonical

Content: TypeAlias = Mapping[str, str]
FOLDERS = ("policy", "definitions", "contracts")
"""What a version holds. All of it is RevOps' to approve (X-18)."""
MOST_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class FileDiff:
    """How one file differs: lines added and removed, and the unified diff line by line."""

    path: str
    added: int
    removed: int
    lines: tuple[str, ...]


def gather(root: Path) -> dict[str, str]:
    """Return the files of a workspace that a version holds; raises `InvalidInput` for what is no text."""
    found: dict[str, str] = {}
    for path in sorted(each for name in FOLDERS for each in (root / name).glob("**/*.yaml")):
        try:
            found[path.relative_to(root).as_posix()] = path.read_bytes().decode("utf-8")
        except UnicodeDecodeError:
            raise InvalidInput(f"{path} is not UTF-8 text.", hint="Save it as UTF-8.") from None
    return found


def too_large(content: Content) -> bool:
    """Tell whether a text is larger than a version may be."""
    return sum(len(text.encode()) for text in content.values()) > MOST_BYTES


def hash_of(content: Content) -> str:
    """Return 12 hexadecimal digits of the SHA-256 over paths and texts."""
    return hashlib.sha256(canonical(dict(content)).encode()).hexdigest()[:12]


def diff(old: Content, new: Content) -> list[FileDiff]:
    """Return how each file differs; files that are the same are left out."""
    found: list[FileDiff] = []
    for path in sorted(old.keys() | new.keys()):
        before, after = old.get(path, ""), new.get(path, "")
        if before == after and (path in old) is (path in new):
            continue
        lines = tuple(
            difflib.unified_diff(
                before.splitlines(), after.splitlines(), f"{path} before", f"{path} after", lineterm=""
            )
        )
        changes = [line for line in lines if not line.startswith(("+++", "---", "@@"))]
        found.append(
            FileDiff(path, sum(e.startswith("+") for e in changes), sum(e.startswith("-") for e in changes), lines)
        )
    return found


@contextmanager
def spread(content: Content) -> Generator[Path]:
    """Lay a version's files out in a folder for as long as they are read."""
    with TemporaryDirectory(prefix="pilothouse-policy-") as name:
        root = Path(name)
        for folder in FOLDERS:
            (root / folder).mkdir()
        _write(root, content)
        yield root


def write_back(root: Path, content: Content, replaced: Content) -> None:
    """Write a version's files into a workspace, and remove those that only the replaced version held."""
    _write(root, content)
    for path in replaced.keys() - content.keys():
        _inside(root, path).unlink(missing_ok=True)


def _write(root: Path, content: Content) -> None:
    for path, text in content.items():
        target = _inside(root, path)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(text.encode("utf-8"))


def _inside(root: Path, path: str) -> Path:
    parts = PurePosixPath(path).parts
    if parts[0] not in FOLDERS or ".." in parts or not path.endswith(".yaml"):
        raise InvalidInput(f"{path!r} is no file of a policy version.", hint="The ledger may have been tampered with.")
    return root / path
