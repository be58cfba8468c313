"""Credentials: from the environment, or from the state folder; never from a file under git."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path

from pilothouse.vocabulary.errors import InvalidInput

SECRET_NAME = re.compile(r"\w{1,100}")


def secret(name: str, folder: Path) -> str:
    """Return a credential from the environment, else from a file of its name that nobody else may read.

    The empty string when there is none. Raises `InvalidInput` for a file that others may read.
    """
    if not SECRET_NAME.fullmatch(name):
        return ""
    if value := os.environ.get(name, "").strip():
        return value
    path = folder / name
    if not path.is_file():
        return ""
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise InvalidInput(f"{path} may be read by others.", hint=f"chmod 600 {path}")
    return path.read_text(encoding="utf-8").strip()
