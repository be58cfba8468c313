"""`schedules/*.yaml`: what runs when, on which system, and under whose name."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field

from pilothouse.orchestration.schedules.times import Times, cron, every
from pilothouse.vocabulary.actors import SYSTEM_PERSON
from pilothouse.vocabulary.documents import Document, load_document
from pilothouse.vocabulary.values import digest


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Declared(_Strict):
    """One schedule as it is written. `do` is a job and, for some, its name: `resolve`, `enrich NAME`, `run AGENT`."""

    name: str = Field(pattern=r"^[a-z][a-z0-9-]{0,60}$")
    do: str = Field(min_length=1)
    person: str = Field(alias="as", min_length=1)
    cron: str | None = None
    every: str | None = None
    system: str = "crm"
    paused: bool = False


class ScheduleFile(_Strict):
    """One file under `schedules/`. `timezone` is that of its cron times, as in Europe/Berlin."""

    version: int = Field(ge=1)
    timezone: str = "UTC"
    schedules: tuple[Declared, ...] = ()


@dataclass(frozen=True, slots=True)
class Schedule:
    """What runs when: a job with its argument (empty where it takes none), on a system, under a person's name.

    `mark` tells one way of writing its times from another: a schedule whose times were changed is due by the new ones only.
    """

    name: str
    job: str
    argument: str
    system: str
    person: str
    words: str
    paused: bool
    times: Times
    mark: str


def load_schedules(folder: Path, jobs: Mapping[str, Collection[str] | None]) -> tuple[Schedule, ...]:
    """Read every file, in order of names; raises `DocumentError` for anything that could not run as it is written.

    `jobs` holds, by job, the names that it can be given; None for a job that takes no name.
    """
    found: dict[str, Schedule] = {}
    for path in sorted(folder.glob("*.yaml")):
        document = load_document(path, ScheduleFile)
        zone = _zone(document)
        for index, each in enumerate(document.model.schedules):
            if each.name in found:
                raise document.error(f"{each.name!r} stands twice", "schedules", index, "name")
            found[each.name] = _schedule(document, index, each, zone, jobs)
    return tuple(found.values())


def _zone(document: Document[ScheduleFile]) -> ZoneInfo:
    try:
        return ZoneInfo(document.model.timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        name = document.model.timezone
        raise document.error(
            f"there is no time zone {name!r}", "timezone", hint="Write UTC or Europe/Berlin."
        ) from None


def _schedule(
    document: Document[ScheduleFile],
    index: int,
    each: Declared,
    zone: ZoneInfo,
    jobs: Mapping[str, Collection[str] | None],
) -> Schedule:
    place = ("schedules", index)
    words: Sequence[str] = each.do.split()
    job, argument = words[0] if words else "", " ".join(words[1:])
    if job not in jobs:
        raise document.error(f"nothing is called {job!r}; there is: {', '.join(jobs)}", *place, "do")
    names = jobs[job]
    if names is None and argument:
        raise document.error(f"{job} takes no name", *place, "do")
    if names is not None and argument not in names:
        known = ", ".join(sorted(names)) or "none is set up"
        raise document.error(f"{job} knows no {argument!r}; there is: {known}", *place, "do")
    if each.person == SYSTEM_PERSON:
        raise document.error("nothing runs in the system's name; name a person of the directory", *place, "as")
    if (each.cron is None) == (each.every is None):
        raise document.error(f"{each.name}: say either cron or every", *place)
    try:
        times = every(each.every) if each.every is not None else cron(each.cron or "", zone)
    except ValueError as error:
        raise document.error(str(error), *place, "every" if each.every is not None else "cron") from None
    said = f"every {each.every}" if each.every is not None else f"{each.cron} ({zone.key})"
    mark = digest([said, each.paused])
    return Schedule(each.name, job, argument, each.system, each.person, said, each.paused, times, mark)
