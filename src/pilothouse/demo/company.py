"""Generating the company: its CRM export, what billing and enrichment know, and the list of what was broken."""

from __future__ import annotations

import csv
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from pilothouse.demo import words
from pilothouse.demo.signals import write_signals

ACCOUNTS, CONTACTS, OPEN, CLOSED = 220, 640, 90, 420
LONGEST_CYCLE = 150
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Defect:
    """Something broken on purpose: what kind, in which record, in which field, and the right value where there is one."""

    kind: str
    record: str
    field: str
    right: Any = None


@dataclass
class Company:
    """The generated tables by source and file, and the truth about their defects."""

    as_of: date
    tables: dict[tuple[str, str], list[Row]] = field(default_factory=dict[tuple[str, str], list[Row]])
    truth: list[Defect] = field(default_factory=list[Defect])
    signals: int = 0

    def add(self, source: str, file: str, row: Row) -> None:
        """Add a row to a file of a source."""
        self.tables.setdefault((source, file), []).append(row)

    @property
    def planted(self) -> Counter[str]:
        """How many defects of each kind."""
        return Counter(defect.kind for defect in self.truth)


def generate(folder: Path, *, seed: int = 7, as_of: date) -> Company:
    """Write `folder/<source>/<file>.csv` for crm, billing and enrichment; the same seed and day give the same bytes."""
    dice, company = random.Random(seed), Company(as_of)  # noqa: S311 - made-up data, not secrets
    users = _users(company)
    for name, series, price in words.PRODUCTS:
        company.add("crm", "products", {"Id": name, "Name": name, "Family": series, "Price": price})
    accounts = _accounts(company, dice, users)
    contacts = _contacts(company, dice, accounts)
    _deals(company, dice, accounts, contacts, users)
    company.add("crm", "accounts", {"Id": "", "Name": "A row without an id", "OwnerId": "omar"})
    _mirror(company, seed)
    _write(company, folder)
    path = folder / "signals" / "events.jsonl"
    company.signals = write_signals(path, accounts, contacts, seed=seed, as_of=as_of)
    return company


def _mirror(company: Company, seed: int) -> None:
    """Let billing know every third open deal that it can place, with a name of its own and a date a few days off."""
    dice = random.Random(seed * 17 + 3)  # noqa: S311 - made-up data, not secrets
    billed = {row["id"][1:]: row["name"] for row in company.tables[("billing", "accounts")]}
    for row in company.tables[("crm", "opportunities")][:OPEN:3]:
        account = billed.get(row["AccountId"][1:])
        if account is None:
            continue
        closes = date.fromisoformat(row["CloseDate"]) + timedelta(days=dice.randint(0, 6))
        told = {"id": f"Q{row['Id'][1:]}", "name": f"Quote {row['Product']} {account}", "account": account}
        told |= {"stage": row["StageName"], "amount": row["Amount"], "close_date": closes.isoformat()}
        company.add("billing", "opportunities", {**told, "is_closed": "false", "updated_at": company.as_of.isoformat()})


def _users(company: Company) -> list[str]:
    team = (
        ("rosa", "Rosa Conte", "lena"),
        ("omar", "Omar Falk", "lena"),
        ("mina", "Mina Sato", "lena"),
        ("lena", "Lena Weiss", ""),
    )
    for ident, name, manager in team:
        row = {"Id": ident, "Name": name, "Email": f"{ident}@pilot-demo.example", "ManagerId": manager}
        company.add("crm", "users", {**row, "IsActive": "true"})
    return [ident for ident, _, _ in team[:3]]


def _day(company: Company, dice: random.Random, low: int, high: int) -> str:
    return (company.as_of - timedelta(days=dice.randint(low, high))).isoformat()


def _accounts(company: Company, dice: random.Random, users: Sequence[str]) -> list[Row]:
    made: list[Row] = [_acme(company, users, number) for number in range(4)]
    names = [f"{first} {trade}" for first in words.COMPANY for trade in words.TRADE]
    dice.shuffle(names)
    for number, name in enumerate(names[: ACCOUNTS - len(made)], len(made)):
        made.append(_account(company, dice, users, number, name))
    return made


def _acme(company: Company, users: Sequence[str], number: int) -> Row:
    """Three spellings of one company, and a foreign one that only has the same name."""
    name = ("Acme Corp", "Acme Corporation", "Acme Corp. Inc.", "Acme")[number]
    foreign = number == 3
    row = {
        "Id": f"A{number:04}", "Name": name, "Website": "https://acme-works.example" if not foreign else "https://acme.jp",
        "Industry": "manufacturing", "NumberOfEmployees": 1200, "AnnualRevenue": 90_000_000,
        "BillingCountry": "Japan" if foreign else "United States", "BillingCity": "Springfield", "Phone": "",
        "OwnerId": users[0], "LastModifiedDate": (company.as_of - timedelta(days=90)).isoformat(), "IsDeleted": "false",
    }  # fmt: skip
    company.add("crm", "accounts", row)
    return row


def _account(company: Company, dice: random.Random, users: Sequence[str], number: int, name: str) -> Row:
    ident, domain = f"A{number:04}", name.lower().replace(" ", "-") + ".example"
    right: Row = {
        "industry": dice.choice(words.INDUSTRIES), "employee_count": dice.randint(20, 9000),
        "annual_revenue": dice.randint(1, 400) * 1_000_000, "country": dice.choice(words.COUNTRIES),
        "city": dice.choice(words.CITIES), "phone": f"+1 555 {dice.randint(1000000, 9999999)}",
    }  # fmt: skip
    shown = dict(right)
    disputed = number % 31 == 1
    if disputed:
        shown["industry"] = ""
        company.truth.append(Defect("disputed", ident, "industry"))
    else:
        _break_account(company, dice, ident, right, shown)
    row = {
        "Id": ident, "Name": f"{name} {dice.choice(words.LEGAL)}", "Website": f"https://{domain}",
        "Industry": shown["industry"], "NumberOfEmployees": shown["employee_count"],
        "AnnualRevenue": shown["annual_revenue"], "BillingCountry": shown["country"], "BillingCity": shown["city"],
        "Phone": shown["phone"], "OwnerId": dice.choice(users), "LastModifiedDate": _day(company, dice, 30, 400),
        "IsDeleted": "false",
    }  # fmt: skip
    company.add("crm", "accounts", row)
    other = {"id": f"E{number:04}", "name": name, "domain": domain, "updated_at": _day(company, dice, 1, 60)}
    company.add("enrichment", "accounts", {**other, **right, "phone": ""})
    if number % 2 or disputed:
        bill = {"id": f"B{number:04}", "name": f"{name} {dice.choice(words.LEGAL)}", "domain": domain}
        told = ("energy" if right["industry"] != "energy" else "media") if disputed else right["industry"]
        known = {"industry": told, "country": right["country"], "phone": right["phone"]}
        company.add("billing", "accounts", {**bill, **known, "updated_at": _day(company, dice, 1, 200)})
    return row


def _break_account(company: Company, dice: random.Random, ident: str, right: Row, shown: Row) -> None:
    for name in ("industry", "country"):
        wrong = words.MISSPELT[name].get(right[name])
        if wrong and dice.random() < 0.12:
            shown[name] = wrong
            company.truth.append(Defect("misspelt", ident, name, right[name]))
    for name in ("industry", "employee_count", "phone"):
        if shown[name] == right[name] and dice.random() < 0.10:
            shown[name] = ""
            company.truth.append(Defect("empty", ident, name, right[name]))


def _contacts(company: Company, dice: random.Random, accounts: Sequence[Row]) -> list[Row]:
    made: list[Row] = []
    for number in range(CONTACTS):
        account = accounts[number % len(accounts)]
        first, last = dice.choice(words.FIRST), dice.choice(words.LAST)
        host = account["Website"].removeprefix("https://")
        email, title = f"{first}.{last}{number}@{host}".lower(), dice.choice(words.TITLES)
        shown = title if dice.random() > 0.08 else ""
        ident = f"C{number:04}"
        if not shown:
            company.truth.append(Defect("empty", ident, "title", title))
            row = {"id": f"EC{number:04}", "email": email, "title": title, "updated_at": _day(company, dice, 1, 90)}
            company.add("enrichment", "contacts", row)
        row = {
            "Id": ident, "FirstName": first, "LastName": last, "Name": f"{first} {last}", "Email": email,
            "Title": shown, "Phone": f"+1 555 {dice.randint(1000000, 9999999)}", "AccountId": account["Id"],
            "OwnerId": account["OwnerId"], "HasOptedOutOfEmail": "true" if dice.random() < 0.1 else "false",
            "LastModifiedDate": _day(company, dice, 10, 400), "IsDeleted": "false",
        }  # fmt: skip
        company.add("crm", "contacts", row)
        made.append(row)
    return made


def _deals(
    company: Company, dice: random.Random, accounts: Sequence[Row], contacts: Sequence[Row], users: Sequence[str]
) -> None:
    for number in range(OPEN + CLOSED):
        account = dice.choice(accounts)
        product, _, price = dice.choice(words.PRODUCTS)
        is_open = number < OPEN
        stale = is_open and number % 9 == 4
        begun, ended = _dates(company, dice, is_open, phantom=is_open and number % 9 == 0, stale=stale)
        won = dice.random() < 0.55
        stage = dice.choice(words.OPEN_STAGES) if is_open else ("Closed Won" if won else "Closed Lost")
        row = {
            "Id": f"D{number:04}", "Name": f"{account['Name']} – {product}", "AccountId": account["Id"],
            "Product": product, "StageName": stage, "Amount": price * dice.randint(1, 12),
            "CreatedDate": begun.isoformat(), "EngagedDate": begun.isoformat(), "CloseDate": ended.isoformat(),
            "OwnerId": account["OwnerId"], "IsClosed": str(not is_open).lower(),
            "IsWon": str(won and not is_open).lower(), "LastModifiedDate": _day(company, dice, 1, 30), "IsDeleted": "false",
        }  # fmt: skip
        _break_deal(company, number, row, product)
        company.add("crm", "opportunities", row)
        _activities(company, dice, row, begun, ended, stale=stale)


def _dates(company: Company, dice: random.Random, is_open: bool, *, phantom: bool, stale: bool) -> tuple[date, date]:
    if not is_open:
        ended = company.as_of - timedelta(days=dice.randint(5, 500))
        return ended - timedelta(days=dice.randint(10, LONGEST_CYCLE)), ended
    low, high = (LONGEST_CYCLE + 60, 500) if phantom else (60 if stale else 5, LONGEST_CYCLE - 10)
    age = dice.randint(low, high)
    return company.as_of - timedelta(days=age), company.as_of + timedelta(days=dice.randint(5, 90))


def _break_deal(company: Company, number: int, row: Row, product: str) -> None:
    ident = row["Id"]
    if number < OPEN and number % 9 == 0:
        company.truth.append(Defect("phantom", ident, "flags"))
    elif number < OPEN and number % 9 == 4:
        company.truth.append(Defect("stale", ident, "flags"))
    if number % 17 == 3:
        row["Product"] = product.replace(" ", "")
        if row["Product"] != product:
            company.truth.append(Defect("orphan", ident, "product", product))
    if number % 23 == 5:
        row["AccountId"] = ""
        company.truth.append(Defect("missing", ident, "account"))
    if number % 29 == 7:
        row["EngagedDate"] = ""
        company.truth.append(Defect("missing", ident, "engaged_date"))
    if number >= OPEN and number % 41 == 2:
        row["CloseDate"] = ""
        company.truth.append(Defect("contradiction", ident, "close_date"))


def _activities(company: Company, dice: random.Random, deal: Row, begun: date, ended: date, *, stale: bool) -> None:
    last = min(ended, company.as_of)
    if stale:
        last = company.as_of - timedelta(days=50)
    else:
        last -= timedelta(days=dice.randint(0, 5))
    when = {last, *(begun + (last - begun) * share / 3 for share in range(1, 3))}
    for number, day in enumerate(sorted(when)):
        kind = dice.choice(("Call", "Email", "Meeting"))
        row = {
            "Id": f"{deal['Id']}-{number}",
            "Type": kind,
            "Subject": f"{kind} about {deal['Name']}",
            "WhatId": deal["Id"],
        }
        moment = {"ActivityDate": day.isoformat(), "LastModifiedDate": day.isoformat(), "IsDeleted": "false"}
        company.add("crm", "tasks", {**row, "AccountId": deal["AccountId"], "OwnerId": deal["OwnerId"], **moment})


def _write(company: Company, folder: Path) -> None:
    for (source, name), rows in company.tables.items():
        path = folder / source / f"{name}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(rows[0]), restval="", lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
