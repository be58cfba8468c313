"""The HTTP provider against a local server that answers in the shapes of the services, and in every wrong one."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.connectors.provider_server import Says, Server, serving

from pilothouse.connectors.enrichment.http import HttpProvider, filled
from pilothouse.connectors.enrichment.mapping import BUILT_IN, load_mapping
from pilothouse.connectors.enrichment.pace import Pace
from pilothouse.connectors.enrichment.setup import load_providers
from pilothouse.connectors.enrichment.transport import Transport, checked_base
from pilothouse.data.enrichment.answers import Answer, Budget, Lookup, Outcome, Terms
from pilothouse.vocabulary.documents import DocumentError
from pilothouse.vocabulary.errors import InvalidInput

KEY = "sk-very-secret-1"
ACME = Lookup("account", {"domain": "acme.example"})
APOLLO = {
    "organization": {
        "id": "5e66b6381e05b4008c8331b8",
        "name": "Acme",
        "website_url": "http://www.acme.example",
        "primary_domain": "acme.example",
        "primary_phone": {"number": "+1 202-555-0175", "source": "Owned"},
        "industry": "information technology & services",
        "estimated_num_employees": 1600,
        "annual_revenue": 100000000.0,
        "founded_year": 2015,
        "raw_address": "1 Main St, Springfield",
        "city": "Springfield",
        "country": "United States",
        "keywords": ["sales"],
    }
}
PDL = {
    "status": 200,
    "id": "aKCIYBNF9ey6o5CjHCCO4goHYKlf",
    "name": "acme",
    "display_name": "Acme",
    "website": "acme.example",
    "industry": "computer software",
    "employee_count": 1600,
    "founded": 2015,
    "location": {"country": "united states", "locality": "springfield", "street_address": "1 main st"},
    "likelihood": 8,
}
HUBSPOT = {
    "total": 1,
    "results": [
        {
            "id": "9876",
            "properties": {
                "name": "Acme",
                "domain": "acme.example",
                "industry": "COMPUTER_SOFTWARE",
                "numberofemployees": "1600",
                "annualrevenue": "100000000",
                "country": "United States",
                "founded_year": "2015",
                "phone": "",
            },
            "createdAt": "2019-10-30T03:30:17.883Z",
            "updatedAt": "2025-12-07T16:50:06.678Z",
            "archived": False,
        }
    ],
}


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as server:
        yield server


def provider(server: Server, mapping: str = "apollo", **more: Any) -> HttpProvider:
    document = load_mapping(mapping, Path("nowhere")).model.model_copy(update={"per_minute": 60_000})
    transport = Transport(server.url, seconds=more.pop("seconds", 5), largest=more.pop("largest", 100_000))
    terms = Terms(1, Budget(10, "month"))
    return HttpProvider(mapping, document, terms, transport, lambda name: KEY, **{"sleep": lambda s: None, **more})


def ask(server: Server, *says: Says, mapping: str = "apollo", lookup: Lookup = ACME, **more: Any) -> Answer:
    server.says = list(says)
    return provider(server, mapping, **more).ask(lookup)


def test_every_built_in_mapping_can_be_loaded() -> None:
    names = {path.stem for path in BUILT_IN.glob("*.yaml")}
    assert {"apollo", "people_data_labs", "hubspot"} == names
    assert all(load_mapping(name, Path("nowhere")).model.mapping == name for name in names)


def test_apollo(server: Server) -> None:
    answer = ask(server, Says(body=APOLLO))
    assert (answer.outcome, answer.charged, answer.id) == (Outcome.FOUND, True, "5e66b6381e05b4008c8331b8")
    assert answer.fields == {
        "name": "Acme", "domain": "acme.example", "website": "http://www.acme.example",
        "industry": "information technology & services", "employee_count": 1600, "annual_revenue": 100000000.0,
        "country": "United States", "city": "Springfield", "phone": "+1 202-555-0175",
        "address": "1 Main St, Springfield", "founded_year": 2015,
    }  # fmt: skip
    [sent] = server.sent
    assert (sent.method, sent.path) == ("GET", "/api/v1/organizations/enrich?domain=acme.example")
    assert sent.headers["x-api-key"] == KEY


def test_people_data_labs(server: Server) -> None:
    answer = ask(
        server,
        Says(body=PDL),
        mapping="people_data_labs",
        lookup=Lookup("account", {"domain": "acme.example", "name": "Acme Inc"}),
    )
    assert answer.likelihood == 0.93 and answer.fields["country"] == "United States" and answer.fields["name"] == "Acme"
    assert server.sent[0].path == "/v5/company/enrich?website=acme.example&name=Acme+Inc&min_likelihood=2"
    unsure = ask(server, Says(body={**PDL, "likelihood": 3}), mapping="people_data_labs")
    assert (unsure.outcome, unsure.charged) == (Outcome.NOT_FOUND, True) and "0.40 only" in unsure.sentence


def test_hubspot(server: Server) -> None:
    answer = ask(server, Says(body=HUBSPOT), mapping="hubspot")
    assert answer.at == datetime(2025, 12, 7, 16, 50, 6, 678000, tzinfo=UTC)
    assert answer.fields["employee_count"] == 1600 and answer.fields["industry"] == "computer software"
    assert "phone" not in answer.fields
    [sent] = server.sent
    assert (sent.method, sent.path) == ("POST", "/crm/v3/objects/companies/search")
    assert sent.body["filterGroups"][0]["filters"][0]["value"] == "acme.example"
    assert sent.headers["authorization"] == f"Bearer {KEY}"
    none = ask(server, Says(body={"total": 0, "results": []}), mapping="hubspot")
    assert (none.outcome, none.charged) == (Outcome.NOT_FOUND, True)
    two = {"total": 2, "results": HUBSPOT["results"] * 2}  # type: ignore[operator]
    assert ask(server, Says(body=two), mapping="hubspot").outcome is Outcome.NOT_FOUND


def test_hubspot_asks_by_name_and_country_in_its_own_words(server: Server) -> None:
    lookup = Lookup("account", {"name": 'Ac"me', "country": "Germany"})
    answer = ask(server, Says(body=HUBSPOT), mapping="hubspot", lookup=lookup)
    filters = server.sent[0].body["filterGroups"][0]["filters"]
    assert [(each["propertyName"], each["value"]) for each in filters] == [("name", 'Ac"me'), ("country", "Germany")]
    assert answer.outcome is Outcome.FOUND and answer.likelihood < 0.86


@pytest.mark.parametrize(
    ("says", "outcome", "charged"),
    [
        (Says(404, {"status": 404, "error": {"type": "not_found"}}), Outcome.NOT_FOUND, False),
        (Says(200, {"organization": None}), Outcome.NOT_FOUND, False),
        (Says(402, {"error": "payment required"}), Outcome.NO_CREDITS, False),
        (Says(401, {}), Outcome.REFUSED, False),
        (Says(403, {}), Outcome.REFUSED, False),
        (Says(422, {}), Outcome.BROKEN, False),
        (Says(500, {}), Outcome.BROKEN, False),
        (Says(200, b"<html>"), Outcome.BROKEN, True),
        (Says(200, b'{"organization": {"name": "Ac'), Outcome.BROKEN, True),
        (Says(200, ["a list"]), Outcome.BROKEN, True),
        (Says(200, {"organization": "a text"}), Outcome.BROKEN, True),
        (Says(200, {"organization": {"name": {"a": 1}, "founded_year": "soon"}}), Outcome.BROKEN, True),
        (Says(200, b"[" * 90_000), Outcome.BROKEN, True),
        (Says(200, {"organization": {"name": "x" * 200_000}}), Outcome.BROKEN, True),
        (Says(302, b"", {"location": "https://elsewhere.example/"}), Outcome.BROKEN, True),
        (Says(hang_up=True), Outcome.UNANSWERED, True),
    ],
)
def test_every_answer_has_an_outcome(server: Server, says: Says, outcome: Outcome, charged: bool) -> None:
    answer = ask(server, says)
    assert (answer.outcome, answer.charged) == (outcome, charged), answer
    assert len(server.sent) == 1 and KEY not in repr(answer)


def test_wrong_types_are_left_out_and_named_and_the_rest_stands(server: Server) -> None:
    organization = {
        "name": "Acme",
        "estimated_num_employees": "many",
        "annual_revenue": [1],
        "founded_year": 2015.5,
        "city": "",
    }
    answer = ask(server, Says(body={"organization": organization}))
    assert answer.fields == {"name": "Acme"} and set(answer.unusable) == {
        "employee_count",
        "annual_revenue",
        "founded_year",
    }
    assert "many" not in str(answer.unusable)


def test_silence_is_not_repeated_because_it_may_have_been_charged(server: Server) -> None:
    answer = ask(server, Says(body=APOLLO, delay=1.0), seconds=0.2)
    assert (answer.outcome, answer.charged, len(server.sent)) == (Outcome.UNANSWERED, True, 1)


def test_a_short_wait_is_waited_and_a_long_one_is_passed_on(server: Server) -> None:
    waits: list[float] = []
    busy = Says(429, {}, {"Retry-After": "7"})
    answer = ask(server, busy, Says(503, {}), Says(body=APOLLO), sleep=waits.append)
    assert (answer.outcome, len(server.sent), waits) == (Outcome.FOUND, 3, [7.0, 2.0])
    server.sent.clear()
    later = ask(server, Says(429, {}, {"Retry-After": "3600"}))
    assert (later.outcome, later.wait, later.charged, len(server.sent)) == (Outcome.LATER, 3600.0, False, 1)
    server.sent.clear()
    ever = ask(server, Says(429, {}, {"Retry-After": "Fri, 31 Dec 1999 23:59:59 GMT"}))
    assert (ever.outcome, ever.wait, len(server.sent)) == (Outcome.LATER, 0.0, 3)


def test_what_cannot_be_reached_is_for_later_and_costs_nothing(server: Server) -> None:
    unreachable = Server("http://127.0.0.1:9")
    answer = provider(unreachable).ask(ACME)
    assert (answer.outcome, answer.charged, answer.sentence) == (Outcome.LATER, False, "it cannot be reached.")


def test_another_domain_than_was_asked_for_is_half_a_match(server: Server) -> None:
    other = {"organization": {**APOLLO["organization"], "primary_domain": "other.example"}}
    assert ask(server, Says(body=other)).likelihood == 0.5
    moved = {"organization": {**APOLLO["organization"], "primary_domain": "https://www.ACME.example/en"}}
    assert ask(server, Says(body=moved)).likelihood == 0.95


@pytest.mark.parametrize(
    "url",
    ["http://api.example.com", "ftp://127.0.0.1", "https://user:pw@host.example", "https://", "file:///etc/passwd",
     "http://127.0.0.1.evil.example", "http://169.254.169.254", "https://host.example/?q=1"],
)  # fmt: skip
def test_only_https_or_the_loopback_address_is_asked(url: str) -> None:
    with pytest.raises(InvalidInput):
        checked_base(url)
    assert checked_base("https://api.example.com/") == "https://api.example.com"
    assert checked_base("http://[::1]:80") and checked_base("http://localhost:1")


@given(st.text(max_size=40))
@settings(max_examples=60)
def test_no_value_changes_the_shape_of_a_request(text: str) -> None:
    template = {"filters": [{"name": "x", "value": "{domain}"}], "also": "{name}", "n": 2}
    made = filled(template, {"domain": text})
    assert made == {"filters": [{"name": "x", "value": text}], "n": 2}


def test_a_header_that_cannot_be_sent_says_so_without_the_key(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    server.says = [Says(body=APOLLO)]
    bad = provider(server)
    bad.secret = lambda name: f"{KEY}\r\nx-evil: 1"
    answer = bad.ask(ACME)
    assert answer.outcome is Outcome.REFUSED and KEY not in repr(answer) and server.sent == []
    assert ask(server, Says(body=APOLLO)).outcome is Outcome.FOUND
    assert KEY not in caplog.text


def test_the_bucket_lets_a_few_through_at_once_and_then_keeps_the_pace() -> None:
    now, waits = [0.0], list[float]()

    def sleep(seconds: float) -> None:
        waits.append(round(seconds, 6))
        now[0] += seconds

    pace = Pace(60, lambda: now[0], sleep, burst=3)
    for _ in range(5):
        pace.wait()
    assert waits == [1.0, 1.0]
    now[0] += 60
    waits.clear()
    for _ in range(3):
        pace.wait()
    assert waits == []


def test_a_bucket_holds_its_rate_for_callers_at_once() -> None:
    waits: list[float] = []
    pace = Pace(60, lambda: 0.0, waits.append, burst=1)
    threads = [threading.Thread(target=pace.wait) for _ in range(5)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert sorted(waits) == [1.0, 2.0, 3.0, 4.0]


MAPPING = """
mapping: own
summary: Our own.
object: account
base_url: https://api.example.com
asks_by: [[domain]]
requests: {any: {path: /x, headers: {key: "${OUR_KEY}"}, query: {d: "{domain}"}}}
fields: {industry: sector}
"""


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (('"{domain}"', '"${OUR_KEY}"'), "headers alone"),
        (('"{domain}"', '"{phone}"'), "{phone} is nothing that is asked by"),
        (("industry: sector", "hue: sector"), "account has no field 'hue'"),
        (("industry: sector", "industry: '[['"), "not JMESPath"),
        (("[[domain]]", "[[moon]]"), "asks_by takes"),
        (("any:", "name:"), "no request says how to ask by domain"),
    ],
)
def test_a_mapping_that_cannot_work_is_refused_with_its_place(
    tmp_path: Path, change: tuple[str, str], says: str
) -> None:
    (tmp_path / "own.yaml").write_text(MAPPING.replace(*change))
    with pytest.raises(DocumentError) as refused:
        load_mapping("own.yaml", tmp_path)
    assert says in str(refused.value) and "own.yaml:" in str(refused.value)


def test_credentials_come_from_the_environment_or_a_file_that_only_we_may_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "enrichment").mkdir()
    (tmp_path / "enrichment" / "apollo.yaml").write_text(
        "provider: apollo\nhttp: {mapping: apollo}\nbudget: {credits: 5, per: day}\n"
    )
    state = tmp_path / "state"
    [made] = load_providers(tmp_path, state, {"crm"})
    monkeypatch.delenv("APOLLO_API_KEY", raising=False)
    assert "APOLLO_API_KEY" in made.unready()
    monkeypatch.setenv("APOLLO_API_KEY", KEY)
    assert made.unready() == ""
    monkeypatch.delenv("APOLLO_API_KEY")
    path = state / "secrets" / "APOLLO_API_KEY"
    path.parent.mkdir(parents=True)
    path.write_text(KEY + "\n")
    path.chmod(0o644)
    assert "read by others" in made.unready()
    path.chmod(0o600)
    assert made.unready() == ""


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("provider: crm\nhttp: {mapping: apollo}\nbudget: {credits: 5}\n", "taken"),
        ("provider: x\nhttp: {mapping: apollo}\n", "needs a budget"),
        ("provider: x\n", "either http or file"),
        ("provider: x\nhttp: {mapping: apolo}\nbudget: {credits: 5}\n", "there is no mapping 'apolo'"),
        (
            "provider: x\nhttp: {mapping: apollo, base_url: 'http://api.example.com'}\nbudget: {credits: 5}\n",
            "not https",
        ),
        ("provider: x\nfile: {path: a.csv, columns: {fields: {industry: s}}}\n", "look accounts up by"),
        ("provider: x\nfile: {path: a.csv, columns: {name: n, fields: {hue: s}}}\n", "account has no field 'hue'"),
    ],
)
def test_a_provider_that_cannot_be_is_refused(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "enrichment").mkdir()
    (tmp_path / "enrichment" / "x.yaml").write_text(text)
    with pytest.raises((DocumentError, InvalidInput), match=says):
        load_providers(tmp_path, tmp_path / "state", {"crm"})
