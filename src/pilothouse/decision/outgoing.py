"""What a message to people outside must be, by region: sender, postal address, a way out, consent, hours (R-229).

Sources of the settings: 16 CFR 316 (CAN-SPAM: valid postal address, working opt-out), ePrivacy Directive 2002/58/EC
art. 13 (prior consent, soft opt-in), RFC 2369 and RFC 8058 (List-Unsubscribe). They are settings, and no legal advice:
somebody signs off that they fit (`handoff/compliance.py`).

What must never happen here: a country that nobody wrote rules for treated more freely than the rules for `others`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time
from typing import Literal
from zoneinfo import ZoneInfo, available_timezones

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from pilothouse.vocabulary.values import Json

SATURDAY = 5


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Sender(_Strict):
    """Who writes: the name and the postal address that every message shows."""

    name: str = Field(min_length=2)
    address: str = Field(min_length=10)


class Region(_Strict):
    """The rules for people in some countries.

    `consent`: not needed, needed for the first message, or needed always. Nothing is sent from `quiet_from` to
    `quiet_until`, by the clocks of any of `timezones`, nor on Saturdays and Sundays where `weekends` is false.
    """

    countries: tuple[str, ...] = ()
    consent: Literal["none", "first_message", "always"] = "always"
    quiet_from: time = time(20)
    quiet_until: time = time(8)
    weekends: bool = False
    timezones: tuple[str, ...] = ("UTC",)

    @field_validator("timezones")
    @classmethod
    def _known(cls, given: tuple[str, ...]) -> tuple[str, ...]:
        unknown = [each for each in given if each not in available_timezones()]
        if unknown or not given:
            raise ValueError(f"there is no time zone {unknown[0]!r}" if unknown else "name at least one time zone")
        return given


class MessagesFile(_Strict):
    """The section `messages` of the policy. Without it nothing goes out. `others` is for every country not named.

    `unsubscribe` is the address under which this server's page `/unsubscribe` is reached from outside, for each
    recipient's own link is made below it; or a mail address that somebody reads.
    """

    sender: Sender
    unsubscribe: str = Field(pattern=r"^((https://[^\s/?#]+|http://127\.0\.0\.1(:\d+)?)(/[^\s?#]*)?|mailto:\S+)$")
    regions: dict[str, Region] = {}
    others: Region = Region()

    @model_validator(mode="after")
    def _each_country_once(self) -> MessagesFile:
        named = [_plain(country) for region in self.regions.values() for country in region.countries]
        twice = sorted({each for each in named if named.count(each) > 1})
        if twice:
            raise ValueError(f"{twice[0]!r} stands in more than one region")
        return self

    @property
    def in_the_header(self) -> str:
        """Return in words what the header of each recipient's copy leads to."""
        own = self.unsubscribe.startswith("http")
        return f"a link of their own below {self.unsubscribe}" if own else self.unsubscribe

    def region(self, country: str) -> tuple[str, Region]:
        """Return the name and rules of a country's region."""
        wanted = _plain(country)
        for name, region in self.regions.items():
            if wanted in {_plain(each) for each in region.countries}:
                return name, region
        return "others", self.others


@dataclass(frozen=True, slots=True)
class Addressee:
    """One person a message would go to."""

    country: str
    consent: bool
    first: bool


@dataclass(frozen=True, slots=True)
class Objection:
    """Why a message may not go out as it is, or not now. `passing` is true when only time stands against it."""

    code: str
    sentence: str
    passing: bool = False


def objections(
    arguments: Mapping[str, Json] | None, to: Sequence[Addressee], rules: MessagesFile | None, now: datetime
) -> Iterator[Objection]:
    """Yield what speaks against sending; what time does not cure comes first. No `arguments`: no text goes out yet."""
    if rules is None:
        hint = "RevOps writes a section `messages` under policy/, with sender, way out and regions."
        yield Objection("no_message_rules", f"Policy says nothing about messages, so none goes out. {hint}")
        return
    if arguments is not None:
        yield from _of_the_text(arguments, rules)
    for person in to:
        name, region = rules.region(person.country)
        needed = region.consent == "always" or (region.consent == "first_message" and person.first)
        if needed and not person.consent:
            kind = "a first message" if region.consent == "first_message" else "every message"
            yield Objection("no_consent", f"In {name} {kind} needs consent, and somebody addressed gave none.")
    for name, region in sorted(dict(rules.region(person.country) for person in to).items()):
        where = quiet_in(region, now)
        if where:
            sentence = f"In {name} nothing is sent now ({where}); it goes out when the hours allow."
            yield Objection("quiet_hours", sentence, passing=True)


def _of_the_text(arguments: Mapping[str, Json], rules: MessagesFile) -> Iterator[Objection]:
    body, sender = _plain(str(arguments.get("body") or "")), rules.sender
    advice = "`pilothouse compliance complete` adds what is missing."
    if _plain(sender.address) not in body or _plain(sender.name) not in body:
        yield Objection("no_postal_address", f"The text does not name the sender and their postal address; {advice}")
    way_out = str(arguments.get("unsubscribe") or "")
    if not _leads_to(way_out, rules.unsubscribe) or _plain(way_out) not in body:
        yield Objection("no_unsubscribe", f"The message shows no way to unsubscribe at {rules.unsubscribe}; {advice}")


def _leads_to(way_out: str, rule: str) -> bool:
    """True for the way out itself and for what stands below it; another host that begins alike is none."""
    below = rule if rule.endswith("/") else f"{rule}/"
    return way_out == rule or way_out.startswith((below, f"{rule}?"))


def complete(arguments: Mapping[str, Json], rules: MessagesFile) -> dict[str, Json]:
    """Return a message's arguments with the sender, the postal address and the way out added where they are missing."""
    given = dict(arguments)
    if not _leads_to(str(given.get("unsubscribe") or ""), rules.unsubscribe):
        given["unsubscribe"] = rules.unsubscribe
    missing = {each.code for each in _of_the_text(given, rules)}
    body = str(given.get("body") or "").rstrip()
    lines = [f"{rules.sender.name}, {rules.sender.address}"] if "no_postal_address" in missing else []
    lines += [f"Unsubscribe: {given['unsubscribe']}"] if "no_unsubscribe" in missing else []
    given["body"] = "\n".join([body, "", "-- ", *lines]) if lines else body
    return given


def quiet_in(region: Region, now: datetime) -> str:
    """Return why the hours are against sending, by the strictest of the region's clocks; empty when they are not."""
    for zone in region.timezones:
        here = now.astimezone(ZoneInfo(zone))
        if not region.weekends and here.weekday() >= SATURDAY:
            return f"it is {here:%A} in {zone}"
        start, end, clock = region.quiet_from, region.quiet_until, here.time()
        quiet = start <= clock < end if start <= end else clock >= start or clock < end
        if quiet:
            return f"it is {here:%H:%M} in {zone}"
    return ""


def _plain(text: str) -> str:
    return " ".join(text.split()).casefold()
