"""The files in a workspace's `enrichment/` folder, one a provider, and the providers they set up."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from pilothouse.connectors.enrichment.offline import Columns, OfflineProvider
from pilothouse.connectors.secrets import secret
from pilothouse.data.enrichment.answers import Budget, EnrichmentProvider, Terms
from pilothouse.data.schema import OBJECTS
from pilothouse.vocabulary.documents import Document, load_document


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class BudgetSetup(_Strict):
    """So many credits in each period."""

    credits: int = Field(ge=0)
    per: Literal["day", "month"] = "month"


class HttpSetup(_Strict):
    """A service over HTTP. `mapping` is a built-in one or a file beside this one; the rest overrides what it says."""

    mapping: str
    base_url: str = ""
    seconds: float = Field(default=20, gt=0, le=120)
    per_minute: int | None = Field(default=None, ge=1)
    least_likelihood: float = Field(default=0.5, ge=0, le=1)


class FileSetup(_Strict):
    """A file; a relative path counts from the workspace."""

    path: str
    object: Literal["account", "contact"] = "account"
    columns: Columns


class Setup(_Strict):
    """One provider. A service needs a budget; a file costs nothing."""

    provider: str = Field(pattern=r"^[a-z][a-z0-9_-]{0,39}$")
    http: HttpSetup | None = None
    file: FileSetup | None = None
    budget: BudgetSetup | None = None
    cache_days: int = Field(default=90, ge=1)
    not_found_days: int = Field(default=30, ge=1)

    @model_validator(mode="after")
    def _one_kind(self) -> Setup:
        if (self.http is None) == (self.file is None):
            raise ValueError("a provider is either http or file")
        if self.http is not None and self.budget is None:
            raise ValueError("a service needs a budget, such as {credits: 100, per: month}")
        return self


def load_providers(root: Path, state: Path, taken: Collection[str]) -> list[EnrichmentProvider]:
    """Return every provider that is set up; raises `DocumentError` or `InvalidInput` for the first problem.

    `taken` are names of systems that are connected otherwise.
    """
    names = set(taken)
    found: list[EnrichmentProvider] = []
    for path in sorted((root / "enrichment").glob("*.yaml")):
        document = load_document(path, Setup)
        setup = document.model
        if setup.provider in names:
            raise document.error(f"the name {setup.provider!r} is taken by another system", "provider")
        names.add(setup.provider)
        if setup.http is not None:
            found.append(_http(setup, setup.http, path.parent / "mappings", state))
        elif setup.file is not None:
            found.append(_file(document, setup.file, root, state))
    return found


def _http(setup: Setup, http: HttpSetup, folder: Path, state: Path) -> EnrichmentProvider:
    # What HTTP needs takes a while to load; workspaces without a service need not wait for it.
    from pilothouse.connectors.enrichment.http import HttpProvider
    from pilothouse.connectors.enrichment.mapping import load_mapping
    from pilothouse.connectors.enrichment.transport import Transport

    mapping = load_mapping(http.mapping, folder).model
    if http.per_minute is not None:
        mapping = mapping.model_copy(update={"per_minute": http.per_minute})
    transport = Transport(http.base_url or mapping.base_url, seconds=http.seconds)
    terms = _terms(setup, mapping.cost)
    secrets = state / "secrets"
    return HttpProvider(
        setup.provider, mapping, terms, transport, lambda name: secret(name, secrets), http.least_likelihood
    )


def _file(document: Document[Setup], file: FileSetup, root: Path, state: Path) -> EnrichmentProvider:
    setup, known = document.model, OBJECTS[file.object].fields
    for name in file.columns.fields:
        if name not in known:
            raise document.error(f"{file.object} has no field {name!r}", "file", "columns", "fields", name)
    index = state / "enrichment" / f"{setup.provider}.sqlite"
    provider = OfflineProvider(setup.provider, file.object, root / file.path, file.columns, _terms(setup, 0), index)
    if not provider.asks_by:
        asked = "email" if file.object == "contact" else "domain or name"
        raise document.error(f"name the column to look {file.object}s up by: {asked}", "file", "columns")
    return provider


def _terms(setup: Setup, cost: int) -> Terms:
    budget = Budget(setup.budget.credits, setup.budget.per) if setup.budget else None
    return Terms(cost, budget, setup.cache_days, setup.not_found_days)
