"""Which text is it? The hash of a folder's files, and the git commit they stand in.

What must never happen here: an answer about another repository, because the caller's surroundings point at one.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from pilothouse.vocabulary.documents import content_hash


def version_of(folder: Path) -> str:
    """Return the hash of the policy's text and, where there is one, the git commit it stands in ("+" when edited)."""
    commit = commit_of(folder)
    return content_hash(folder) + (f"@{commit}" if commit else "")


def commit_of(folder: Path) -> str:
    """Return the git commit a folder stands in ("+" when edited since); the empty string where there is none."""
    commit = git(folder, "rev-parse", "--short=10", "HEAD")
    return f"{commit}+" if commit and git(folder, "status", "--porcelain", "--", ".") else commit or ""


def git(folder: Path, *arguments: str) -> str | None:
    """Run git in a folder; returns what it printed, None when there is no git or it fails.

    Variables such as GIT_DIR, which git sets for its hooks, would send the command to another repository.
    """
    surroundings = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments], capture_output=True, text=True, timeout=30, env=surroundings
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
