"""`pilothouse.toml`, and where everything in a workspace lies."""

from __future__ import annotations

import shutil
import subprocess
import tomllib
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pilothouse.decision.autonomy.limits import AutonomyLimits
from pilothouse.vocabulary.errors import InvalidInput

STARTER = Path(__file__).parent / "starter"
FILE = "pilothouse.toml"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class DatabaseConfig(_Strict):
    """Where the ledger and its projections live. Relative SQLite paths count from the workspace."""

    url: str = "sqlite:///state/pilothouse.sqlite"


class TwinConfig(_Strict):
    """The embedded system of record."""

    path: str = "state/twin.sqlite"


class ServerConfig(_Strict):
    """Where the console and the API listen; the loopback address unless told otherwise."""

    host: str = "127.0.0.1"
    port: int = Field(default=8321, ge=1, le=65535)


class Config(_Strict):
    """Everything in `pilothouse.toml`."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._-]{0,60}$")
    database: DatabaseConfig = DatabaseConfig()
    twin: TwinConfig = TwinConfig()
    server: ServerConfig = ServerConfig()
    autonomy: AutonomyLimits = AutonomyLimits()


@dataclass(frozen=True, slots=True)
class Workspace:
    """A workspace folder and its settings."""

    root: Path
    config: Config

    def folder(self, name: str) -> Path:
        """Return one of the folders under git: policy, contracts, definitions, agents, library."""
        return self.root / name

    @property
    def state(self) -> Path:
        """The folder of keys, retained checkpoints and embedded databases; never under git."""
        return self.root / "state"

    @property
    def database_url(self) -> str:
        """The database's URL with an absolute path for SQLite."""
        url = self.config.database.url
        prefix = "sqlite:///"
        if url.startswith(prefix) and not url.startswith(prefix + "/"):
            return prefix + str(self.root / url.removeprefix(prefix))
        return url

    @property
    def twin_path(self) -> Path:
        """The twin's file."""
        return self.root / self.config.twin.path


def open_workspace(root: Path) -> Workspace:
    """Read a workspace's settings; raises `InvalidInput` when there is none or it does not fit."""
    path = root / FILE
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
        config = Config.model_validate(content)
    except FileNotFoundError:
        raise InvalidInput(f"{root} is no workspace: it has no {FILE}.", hint="`pilothouse init` makes one.") from None
    except tomllib.TOMLDecodeError as error:
        raise InvalidInput(f"{path}: not valid TOML: {error}.") from None
    except ValidationError as error:
        first = error.errors()[0]
        raise InvalidInput(f"{path}: {'.'.join(map(str, first['loc']))}: {first['msg']}.") from None
    return Workspace(root.resolve(), config)


def init_workspace(root: Path) -> Workspace:
    """Write a new workspace and put it under git; raises `InvalidInput` when the folder holds one already."""
    if (root / FILE).exists():
        raise InvalidInput(f"{root} holds a workspace already.", hint="Choose another folder.")
    shutil.copytree(STARTER, root, dirs_exist_ok=True)
    (root / "gitignore").rename(root / ".gitignore")
    (root / "state").mkdir(mode=0o700, exist_ok=True)
    _commit(root)
    return open_workspace(root)


def _commit(root: Path) -> None:
    author = ("-c", "user.name=Pilothouse", "-c", "user.email=pilothouse@localhost")
    try:
        for arguments in (["init", "-q"], ["add", "-A"], [*author, "commit", "-q", "-m", "The workspace as it begins"]):
            subprocess.run(["git", "-C", str(root), *arguments], check=True, capture_output=True, timeout=30)
    except (OSError, subprocess.SubprocessError):
        return  # Without git the policy's version is its content hash alone.
