"""The picture of an account's people: who stands where, who is part of which deal, what is missing, all of it in words too."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from fastapi.testclient import TestClient
from tests.world import World

from pilothouse.data.deals import is_closed
from pilothouse.data.graph.department import department
from pilothouse.data.graph.relations import Relations, relations_of
from pilothouse.data.store import Observation
from pilothouse.surfaces.console.people_picture import MOST_COLUMNS, age_of, picture
from pilothouse.surfaces.server import build
from pilothouse.vocabulary.actors import SYSTEM_PERSON, Actor
from pilothouse.vocabulary.clock import stamp
from pilothouse.vocabulary.records import RecordRef, WriterKind

ACCOUNT = RecordRef("crm", "account", "b1")
PEOPLE = {
    "p1": ("Carla Ortiz", "CFO", (100,)),
    "p2": ("Ines Novak", "VP Sales", (2, 10, 40)),
    "p3": ("Omar <b>Haddad", "IT Director", (45,)),
    "p4": ("Lena Vogel", "Procurement Manager", ()),
    "p5": ("Sam Reed", "Engineer", (5,)),
    "p6": ("Ada Fink", "", ()),
    "p7": ("Jo Marsh", "Head of Operations", (20, 21)),
}


def tell(world: World, object_name: str, ident: str, **fields: object) -> None:
    ref = RecordRef("crm", object_name, ident)
    seen = Observation(ref, fields, world.clock.now(), WriterKind.IMPORT, "import:t")  # type: ignore[arg-type]
    world.app.store.observe([seen], Actor("gita"))


@pytest.fixture
def peopled(world: World) -> World:
    now = world.clock.now()
    tell(world, "account", "b1", name="Birch & Co")
    deals = {
        "d1": ("Birch – renewal", "p2"),
        "d2": ("Birch – new plant in the north", None),
        "d3": ("Birch – pilot", None),
    }
    for ident, (name, contact) in deals.items():
        tell(world, "opportunity", ident, name=name, account="b1", contact=contact, stage="Proposal", amount=1000)
    for ident, (name, title, ago) in PEOPLE.items():
        tell(world, "contact", ident, name=name, title=title or None, account="b1", email=f"{ident}@birch.example")
        for days in ago:
            deal = {"p2": "d1", "p3": "d2", "p5": "d2"}.get(ident)
            at = stamp(now - timedelta(days=days))
            tell(
                world, "activity", f"{ident}-{days}",
                kind="call", at=at, account="b1", contact=ident, opportunity=deal,
            )  # fmt: skip
    return world


def relations(world: World, moment: datetime | None = None) -> Relations:
    moment = moment or world.app.clock.now()
    account = world.app.graph.account(ACCOUNT, moment)
    deals = [deal for deal in account.node.deals if not is_closed(deal, world.app.definitions)]
    return relations_of(account, deals, moment)


def test_ties_and_gaps_come_from_what_records_tell(peopled: World) -> None:
    found = relations(peopled)
    ties = {(tie.person.id, tie.deal.id): (tie.named, tie.activities) for tie in found.ties}
    assert ties == {("p2", "d1"): (True, 3), ("p3", "d2"): (False, 1), ("p5", "d2"): (False, 1)}
    assert [each.person.ref.id for each in found.people if each.champion] == ["p2"]
    assert found.gaps == ("no executive touched in 60 days", "nobody is part of Birch – pilot")
    # A quarter later all of it has cooled.
    peopled.clock.advance(timedelta(days=100))
    later = relations(peopled)
    assert later.gaps[0] == "no champion" and not any(each.lately for each in later.people)


def test_the_picture_shows_everybody_or_says_how_many_more(peopled: World) -> None:
    for number in range(9):
        tell(peopled, "contact", f"q{number}", name=f"Twin {number}", title="Engineer", account="b1")
    found = relations(peopled)
    drawn = picture(found, peopled.app.clock.now())
    assert drawn is not None and len(drawn.columns) == MOST_COLUMNS and drawn.columns[-1][1] == "all others"
    more = sum(int(text.split()[1]) for _, _, text in drawn.more)
    assert len(drawn.dots) + more == len(found.people) == 16
    assert all(each.person.name in drawn.says for each in found.people) and all(gap in drawn.says for gap in found.gaps)
    for dot in drawn.dots:
        assert 0 < dot.x < drawn.width and 0 < dot.y < drawn.height
    assert len(drawn.lines) == 3 and sum(line.dashed for line in drawn.lines) == 2
    assert drawn.lines[0].width > drawn.lines[1].width  # engaged three times, and once


def test_ages_and_departments(peopled: World) -> None:
    now = peopled.app.clock.now()
    days = {0: "warm", 30: "warm", 31: "cool", 60: "cool", 61: "cold"}
    assert {ago: age_of(now - timedelta(days=ago), now) for ago in days} == days and age_of(None, now) == "never"
    titles = {
        "CFO": "finance", "VP Sales": "sales", "IT Director": "technology", "Procurement Manager": "procurement",
        "Vice President Marketing": "marketing", "General Counsel": "legal", "Head of Operations": "operations",
        "Founder": "management", "President": "management", "Analyst": "other", " ": "no title",
        "Visiting Fellow": "other",
    }  # fmt: skip
    assert {title: department(title) for title in titles} == titles


@pytest.fixture
def client(peopled: World) -> Iterator[TestClient]:
    with TestClient(build(peopled.app), follow_redirects=False) as client:
        link = peopled.app.credentials.issue_link("gita", SYSTEM_PERSON)
        client.cookies = client.get(f"/enter?token={link}").cookies
        yield client


def test_the_page_draws_it_and_says_the_same_in_a_table(client: TestClient) -> None:
    page = client.get(f"/records/{ACCOUNT}").text
    assert page.count('class="dot ') == len(PEOPLE) + 7  # those of the legend
    assert "no executive touched in 60 days" in page and 'aria-label="People by level and department.' in page
    assert "Omar <b>" not in page and "Omar &lt;b&gt;Haddad" in page
    rows = re.findall(r"<tr><td>[^<]*</td><td>[^<]*</td><td><a href=\"/records/crm/contact/", page)
    assert len(rows) == len(PEOPLE)
    assert 'style="' not in page  # the content security policy would drop it


def test_an_account_without_people_says_so(client: TestClient) -> None:
    assert "Nobody is known." in client.get("/records/crm/account/a2").text
