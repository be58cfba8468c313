"""A stream of signals for the generated company: quiet accounts, warm ones, some that nobody has a deal with yet.

It has dice of its own, so that the rest of the company is the same with and without it.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

Row = Mapping[str, Any]
Event = dict[str, Any]
DAYS = 180
PAGES = ("/pricing", "/product", "/security", "/customers", "/docs/start", "/blog/forecasting", "/integrations")
ASSETS = ("Buyer's guide", "Security paper", "ROI worksheet", "Migration checklist")
TOPICS = ("revenue operations", "crm data quality", "sales forecasting", "pipeline hygiene")
TECHNOLOGY = ("Postgres", "Snowcat CRM", "Mailriver", "Ledgerly", "Quotebox")
ROLES = ("Revenue operations manager", "Sales enablement lead", "CRM administrator")
COLD, WARM, HOT = 0.35, 0.8, 1.0
"""Shares of accounts up to which one is cold, warm, hot."""


def write_signals(path: Path, accounts: Sequence[Row], contacts: Sequence[Row], *, seed: int, as_of: date) -> int:
    """Write CloudEvents, one a line and some of them broken, by time; returns how many."""
    dice = random.Random(seed * 31 + 5)  # noqa: S311 - made-up data, not secrets
    people: dict[str, list[Row]] = {}
    for each in contacts:
        people.setdefault(each["AccountId"], []).append(each)
    told = [event for each in accounts for event in _account(dice, each, people.get(each["Id"], []), as_of)]
    told.sort(key=lambda event: str(event["time"]))
    events = [{"specversion": "1.0", "id": f"s{number:06}", **event} for number, event in enumerate(told)]
    events += _broken(as_of)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(event, sort_keys=True) + "\n" for event in events), encoding="utf-8")
    return len(events)


def _account(dice: random.Random, account: Row, people: Sequence[Row], as_of: date) -> Iterator[Event]:
    warmth = dice.random()
    visits = 2 if warmth < COLD else 10 if warmth < WARM else 30
    host = str(account["Website"]).removeprefix("https://")
    about = {"subject": f"crm/account/{account['Id']}"}
    lately = warmth >= WARM
    for _ in range(dice.randint(0, visits)):
        seconds = {"page": dice.choice(PAGES), "seconds": dice.randint(4, 600)}
        yield _event(dice, as_of, "web", "web.visit", seconds, {"domain": host}, lately)
    for _ in range(dice.randint(0, visits // 5)):
        score = {"topic": dice.choice(TOPICS), "score": float(dice.randint(30, 100))}
        yield _event(dice, as_of, "intent", "intent.third_party", score, {"domain": host}, lately)
    if warmth >= COLD:
        yield from _company(dice, as_of, about)
        for person in people[:2]:
            yield from _person(dice, as_of, person, lately)
    if dice.random() < 0.3:
        yield from _usage(dice, as_of, about, growing=lately)


def _company(dice: random.Random, as_of: date, about: Row) -> Iterator[Event]:
    for share, type, data in (
        (0.08, "company.funding", {"amount": dice.randint(2, 80) * 1e6, "round": dice.choice("ABC")}),
        (0.25, "company.hiring", {"role": dice.choice(ROLES), "openings": dice.randint(1, 4)}),
        (0.20, "tech.installed", {"technology": dice.choice(TECHNOLOGY), "competitor": dice.random() < 0.3}),
        (0.10, "tech.removed", {"technology": dice.choice(TECHNOLOGY), "competitor": dice.random() < 0.5}),
        (0.08, "support.ticket", {"severity": dice.choice(("low", "normal", "high"))}),
    ):
        if dice.random() < share:
            yield _event(dice, as_of, "enrichment", type, data, about)


def _person(dice: random.Random, as_of: date, person: Row, lately: bool) -> Iterator[Event]:
    # Half of what mail tells is known by the address alone; identity says whose it is.
    by_record = {"subject": f"crm/contact/{person['Id']}"}
    about = by_record if dice.random() < 0.5 else {"email": person["Email"]}
    for _ in range(dice.randint(0, 3)):
        yield _event(dice, as_of, "mail", "email.reply", {"sentiment": round(dice.uniform(-0.4, 1), 2)}, about, lately)
    if dice.random() < 0.4:
        yield _event(dice, as_of, "web", "content.download", {"asset": dice.choice(ASSETS)}, about, lately)
    if dice.random() < 0.3:
        score = {"score": round(dice.uniform(-0.6, 1), 2), "channel": "call"}
        yield _event(dice, as_of, "calls", "conversation.sentiment", score, by_record, lately)
    if dice.random() < 0.05:
        yield _event(dice, as_of, "enrichment", "champion.left", {"successor_known": False}, by_record)


def _usage(dice: random.Random, as_of: date, about: Row, *, growing: bool) -> Iterator[Event]:
    level = dice.randint(5, 40)
    for week in range(DAYS // 7):
        count = int(level * (1.08 ** (DAYS // 7 - week) if not growing else 1.08**week))
        day = as_of - timedelta(days=DAYS - 7 * week)
        data = {"events": count, "users": max(1, count // 6)}
        yield {"source": "product", "type": "product.usage", "time": _at(dice, day), "data": data, **about}


def _event(
    dice: random.Random, as_of: date, source: str, type: str, data: Row, about: Row, lately: bool = False
) -> Event:
    ago = int(dice.triangular(1, DAYS, 1)) if lately else dice.randint(1, DAYS)
    moment = _at(dice, as_of - timedelta(days=ago))
    return {"source": source, "type": type, "time": moment, "data": dict(data), **about}


def _at(dice: random.Random, day: date) -> str:
    moment = datetime.combine(day, time(dice.randint(7, 18), dice.randint(0, 59), dice.randint(0, 59)), UTC)
    return moment.isoformat().replace("+00:00", "Z")


def _broken(as_of: date) -> list[Event]:
    """Return what sources get wrong: a type nobody knows, a missing attribute, a date to come, a type that is none."""
    good = {"specversion": "1.0", "source": "web", "domain": "alder-foods.example", "time": f"{as_of}T00:00:00Z"}
    return [
        {**good, "id": "x1", "type": "web.vist", "data": {"page": "/pricing"}},
        {**good, "id": "x2", "type": "web.visit", "data": {}},
        {**good, "id": "x3", "type": "web.visit", "data": {"page": "/"}, "time": f"{as_of.year + 30}-01-01T00:00:00Z"},
        {**good, "id": "x4", "type": "intent.third_party", "data": {"topic": "x", "score": "high"}},
    ]
