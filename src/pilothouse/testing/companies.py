"""Made-up companies as four sources hold them, with the truth kept: for tests and benchmarks of identity resolution.

Each company is told of by some of CRM, billing, marketing and enrichment, with what goes wrong in each: legal forms
written differently, slips, capitals, missing fields, free-mail addresses instead of a domain, duplicates inside the CRM.
Hard on purpose: groups whose members share a domain and sometimes a switchboard, namesakes abroad, near names next door.
Beside the name, one of domain, phone and address is always told; a name alone identifies nobody.
"""

from __future__ import annotations

import random
import string
from collections.abc import Iterator
from dataclasses import dataclass

SYLLABLES = [
    "al",
    "be",
    "ca",
    "dor",
    "en",
    "fa",
    "gri",
    "hol",
    "in",
    "jo",
    "ka",
    "lum",
    "mer",
    "nor",
    "os",
    "pra",
    "qui",
    "ras",
    "sol",
    "tur",
    "ul",
    "ven",
    "wil",
    "xan",
    "yor",
    "zel",
    "bra",
    "cle",
    "dri",
    "fen",
    "gar",
    "har",
    "kes",
    "lin",
    "mon",
    "per",
    "ric",
    "sta",
    "tho",
    "van",
]
TRADES = [
    "Systems",
    "Foods",
    "Logistics",
    "Analytics",
    "Health",
    "Media",
    "Finance",
    "Materials",
    "Energy",
    "Robotics",
    "Retail",
    "Software",
    "Insurance",
    "Consulting",
    "Motors",
    "Textiles",
    "Pharma",
    "Optics",
    "Paper",
    "Steel",
    "Security",
    "Travel",
    "Design",
    "Labs",
    "Networks",
]
SOURCES = (("crm", 0.85), ("billing", 0.6), ("marketing", 0.5), ("enrichment", 0.6))


@dataclass(frozen=True, slots=True)
class Place:
    """A country: how often, its legal forms, top-level domain, dialling code and cities."""

    country: str
    often: int
    forms: tuple[str, ...]
    domain: str
    dial: str
    cities: tuple[str, ...]


PLACES = (
    Place("United States", 35, ("Inc", "LLC", "Corp"), "com", "+1", ("Austin", "Boston", "Denver", "Chicago", "Reno")),
    Place("Germany", 15, ("GmbH", "AG"), "de", "+49", ("Berlin", "Hamburg", "Munich", "Ulm", "Bonn")),
    Place("United Kingdom", 14, ("Ltd", "PLC"), "co.uk", "+44", ("London", "Leeds", "York", "Bath")),
    Place("France", 9, ("SAS", "SA", "SARL"), "fr", "+33", ("Paris", "Lyon", "Lille")),
    Place("Canada", 6, ("Inc", "Ltd"), "ca", "+1", ("Toronto", "Calgary")),
    Place("Netherlands", 5, ("BV", "NV"), "nl", "+31", ("Delft", "Breda", "Utrecht")),
    Place("India", 5, ("Pvt Ltd",), "in", "+91", ("Pune", "Mumbai")),
    Place("Spain", 4, ("SL", "SA"), "es", "+34", ("Madrid", "Bilbao")),
    Place("Japan", 4, ("KK",), "co.jp", "+81", ("Osaka", "Kobe")),
    Place("Sweden", 3, ("AB",), "se", "+46", ("Malmo", "Lund")),
)
SPELLINGS = {
    "GmbH": ("GmbH", "Gesellschaft mit beschränkter Haftung", ""), "AG": ("AG", "Aktiengesellschaft", ""),
    "Inc": ("Inc", "Inc.", "Incorporated", "Corp. Inc.", ""), "LLC": ("LLC", "L.L.C.", ""),
    "Corp": ("Corp", "Corporation", "Corp.", ""), "Ltd": ("Ltd", "Limited", "Ltd.", ""), "PLC": ("PLC", "p.l.c.", ""),
    "SAS": ("SAS", "S.A.S.", ""), "SA": ("SA", "S.A.", ""), "SARL": ("SARL", "S.A.R.L.", ""), "BV": ("BV", "B.V.", ""),
    "NV": ("NV", "N.V.", ""), "SL": ("SL", "S.L.", ""), "AB": ("AB", "Aktiebolag", ""), "KK": ("KK", "K.K.", ""),
    "Pvt Ltd": ("Pvt Ltd", "Private Limited", ""),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Told:
    """One record of one source. `truth` is the company it is about; the rest are fields as the source has them."""

    source: str
    truth: int
    name: str
    domain: str
    country: str
    city: str
    phone: str
    address: str
    postcode: str


@dataclass(frozen=True, slots=True)
class _Company:
    name: str
    form: str
    place: Place
    city: str
    domain: str
    phone: str
    street: str
    postcode: str


def companies(records: int, seed: int = 1) -> list[Told]:
    """Return so many records, the same for the same seed."""
    made: list[Told] = []
    maker = _Maker(random.Random(seed), records)  # noqa: S311  made to be repeated, not to be secret
    for truth, company in enumerate(maker.companies()):
        made += maker.told(company, truth)
        if len(made) >= records:
            return made[:records]
    raise AssertionError("companies never end")


class _Maker:
    def __init__(self, dice: random.Random, records: int) -> None:
        self.dice = dice
        self.words = [
            "".join(dice.choice(SYLLABLES) for _ in range(dice.choice((2, 2, 3)))).capitalize()
            for _ in range(max(200, records // 12))
        ]
        self.taken: set[str] = set()

    def companies(self) -> Iterator[_Company]:
        while True:
            company = self._company(self._name())
            yield company
            kind = self.dice.random()
            if kind < 0.06:
                yield from self._group(company)
            elif kind < 0.10:
                yield self._namesake(company)
            elif kind < 0.13:
                yield self._neighbour(company)

    def _word(self) -> str:
        return self.words[int(len(self.words) * self.dice.random() ** 1.6)]

    def _name(self) -> str:
        kind = self.dice.random()
        if kind < 0.70:
            return f"{self._word()} {self.dice.choice(TRADES)}"
        return f"{self._word()} {self._word()}" if kind < 0.85 else self._word()

    def _company(self, name: str, place: Place | None = None, domain: str = "") -> _Company:
        place = place or self.dice.choices(PLACES, [each.often for each in PLACES])[0]
        label = "".join(letter for letter in name.lower() if letter.isalnum())
        if self.dice.random() > 0.7:
            label = f"{name.split()[0].lower()}{self.dice.randrange(100)}"
        phone = f"{place.dial} {self.dice.randrange(100, 999)} {self.dice.randrange(10**6, 10**7)}"
        street, postcode = f"{self.dice.randrange(1, 300)} {self._word()} St", str(self.dice.randrange(10**4, 10**5))
        form, city = self.dice.choice(place.forms), self.dice.choice(place.cities)
        return _Company(name, form, place, city, domain or self._own(label, place), phone, street, postcode)

    def _own(self, label: str, place: Place) -> str:
        """A domain belongs to one owner."""
        domain, number = f"{label}.{place.domain}", 2
        while domain in self.taken:
            domain, number = f"{label}{number}.{place.domain}", number + 1
        self.taken.add(domain)
        return domain

    def _group(self, parent: _Company) -> Iterator[_Company]:
        for _ in range(self.dice.choice((1, 2, 2, 3, 5))):
            member = self._company(parent.name, domain=parent.domain)
            kind = self.dice.random()
            if kind < 0.5:
                name = f"{parent.name} {member.place.country}"
            elif kind < 0.8:
                name = f"{parent.name} {self.dice.choice(TRADES)}"
            else:
                name = parent.name if member.place != parent.place else f"{parent.name} {member.city}"
            phone = parent.phone if self.dice.random() < 0.1 else member.phone
            yield _Company(
                name, member.form, member.place, member.city, parent.domain, phone, member.street, member.postcode
            )

    def _namesake(self, company: _Company) -> _Company:
        return self._company(company.name, self.dice.choice([each for each in PLACES if each != company.place]))

    def _neighbour(self, company: _Company) -> _Company:
        near = self._slip(company.name.split()[0])
        return self._company(f"{near} {self.dice.choice(TRADES)}", company.place)

    def _slip(self, text: str) -> str:
        if len(text) < 5:
            return text
        at = self.dice.randrange(1, len(text) - 1)
        match self.dice.randrange(3):
            case 0:
                return text[:at] + text[at + 1 :]
            case 1:
                return text[:at] + text[at + 1] + text[at] + text[at + 2 :]
            case _:
                return text[:at] + self.dice.choice(string.ascii_lowercase) + text[at + 1 :]

    def told(self, company: _Company, truth: int) -> list[Told]:
        roll = self.dice.random
        sources = [source for source, often in SOURCES if roll() < often] or ["crm"]
        if roll() < 0.08:
            sources.append("crm")
        return [self._record(company, truth, source) for source in sources]

    def _record(self, company: _Company, truth: int, source: str) -> Told:
        roll, always = self.dice.random, self.dice.randrange(3)
        name = self._slip(company.name) if roll() < 0.07 else company.name
        name = f"The {name}" if roll() < 0.05 else name
        form = self.dice.choice(SPELLINGS[company.form]) if roll() < 0.6 else company.form
        full = f"{name} {form}".strip()
        domain = company.domain if always == 0 or roll() < (0.45 if source == "billing" else 0.78) else ""
        if domain and roll() < 0.02:
            domain = self.dice.choice(("gmail.com", "outlook.com"))
        located = source != "marketing"
        phone = company.phone if always == 1 or roll() < 0.5 else ""
        return Told(
            source,
            truth,
            full.upper() if roll() < 0.1 else full,
            domain,
            company.place.country if roll() < 0.85 else "",
            company.city if roll() < 0.7 else "",
            phone.replace(" ", "-") if roll() < 0.5 else phone,
            company.street if always == 2 or (located and roll() < 0.6) else "",
            company.postcode if always == 2 or (located and roll() < 0.6) else "",
        )
