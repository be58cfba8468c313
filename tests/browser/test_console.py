"""The console in a real Chromium: the main paths, by mouse and by keyboard, with and without JavaScript."""

from __future__ import annotations

import re
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import uvicorn
from playwright.sync_api import Browser, Page, expect, sync_playwright

from pilothouse.demo.stage import Stage, set_stage
from pilothouse.ledger.actions import fields_written
from pilothouse.surfaces.server import build

pytestmark = pytest.mark.browser
OPTIONS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync"]


@dataclass
class Running:
    """The demo, served."""

    stage: Stage
    address: str

    def enter(self, page: Page, person: str = "noah") -> None:
        token = self.stage.app.credentials.issue_link(person, "ada")
        page.goto(f"{self.address}/enter?token={token}")


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    stage = set_stage(tmp_path_factory.mktemp("console") / "w")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = uvicorn.Server(uvicorn.Config(build(stage.app), host="127.0.0.1", port=port, log_level="warning"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    for _ in range(200):
        if server.started:
            break
        time.sleep(0.05)
    yield Running(stage, f"http://127.0.0.1:{port}")
    server.should_exit = True
    thread.join(timeout=10)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = shutil.which("chromium")
    if path is None:
        pytest.fail("no Chromium; run scripts/install-services")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=OPTIONS)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    yield page
    context.close()
    assert problems == []


def waiting(page: Page, running: Running) -> int:
    page.goto(f"{running.address}/reviews")
    return page.locator("tbody tr").count()


def ready(page: Page) -> str:
    """Wait until the page's script listens; return the address."""
    page.wait_for_url(re.compile(r"/reviews/rev_"))
    page.wait_for_load_state("load")
    return page.url


def test_the_overview_tells_what_is_going_on(page: Page, running: Running) -> None:
    running.enter(page)
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()
    assert int(page.get_by_role("link", name="waiting for a person").locator("b").inner_text()) == len(
        running.stage.app.reviews.list()
    )
    page.get_by_role("link", name="Skip to content").focus()
    expect(page.get_by_role("link", name="Skip to content")).to_be_in_viewport()


def test_reviewing_by_keyboard_approve_reject_next(page: Page, running: Running) -> None:
    running.enter(page)
    before = waiting(page, running)
    page.locator("tbody a").first.click()
    first = ready(page)
    page.keyboard.press("j")
    page.wait_for_url(lambda url: url != first)
    second = ready(page)
    page.keyboard.press("a")
    assert page.url == second  # one key alone approves nothing
    expect(page.get_by_role("button", name="Approve")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(".said")).to_contain_text("Executed")
    assert ready(page).partition("?")[0] != second
    page.keyboard.press("r")
    page.keyboard.type("not what they do")
    page.keyboard.press("Enter")
    expect(page.locator(".said")).to_contain_text("Rejected")
    assert waiting(page, running) == before - 2


def test_typing_words_into_the_page_decides_nothing(page: Page, running: Running) -> None:
    running.enter(page)
    before = waiting(page, running)
    page.locator("tbody a").first.click()
    ready(page)
    page.keyboard.type("what a shame")
    assert waiting(page, running) == before


def test_enter_in_an_edited_value_never_approves(page: Page, running: Running) -> None:
    running.enter(page)
    before = waiting(page, running)
    page.locator("tbody a").first.click()
    field = page.locator("input[name^=value-]").first
    field.fill("renewables")
    field.press("Enter")
    assert waiting(page, running) == before


def test_editing_approves_the_persons_value(page: Page, running: Running) -> None:
    running.enter(page)
    waiting(page, running)
    page.get_by_role("row").filter(has_text="industry").get_by_role("link").first.click()
    review = page.url.rpartition("/")[2]
    page.locator("input[name=value-industry]").fill("renewables")
    page.get_by_role("button", name="Approve").click()
    expect(page.locator(".said")).to_contain_text("Executed")
    found = running.stage.app.reviews.get(review)
    assert found.edited == {"industry": "renewables"} and found.decided_by == "noah"


def test_the_story_of_an_action_leads_to_its_undoing(page: Page, running: Running) -> None:
    running.enter(page)
    page.goto(f"{running.address}/actions?status=executed&agent=hygiene")
    page.locator("tbody a").last.click()
    for title in ("Agent", "Authorised by", "Intent", "Action"):
        expect(page.locator(".audit").get_by_role("columnheader", name=title, exact=True)).to_be_visible()
    expect(page.get_by_text("action.intended")).to_be_visible()
    page.get_by_role("link", name="Undo this").click()
    expect(page.locator(".tiles .green b")).to_have_text("1")
    page.get_by_label("Reason").fill("a drill")
    page.get_by_role("button", name="Restore 1 value(s)").click()
    expect(page.locator(".said")).to_contain_text("1 record(s) restored.")


def test_rolling_back_leaves_a_persons_edit_alone(page: Page, running: Running) -> None:
    app = running.stage.app
    with app.ledger.engine.connect() as connection:
        written = fields_written(connection, agent="hygiene", field="industry")
    ident = next(row.record_id for row in written if row.undone_by == "")
    app.twin.edit_as("rosa", "account", ident, {"industry": "rosa's own word"})
    running.enter(page)
    page.goto(f"{running.address}/rollback?agent=hygiene@1&field=industry")
    expect(page.get_by_role("cell", name="rosa's own word")).to_be_visible()
    page.get_by_label("Reason").fill("wrong source")
    page.get_by_role("button", name="Restore").click()
    expect(page.locator(".said")).to_contain_text("restored")
    assert next(a for a in app.twin.records("account") if a["id"] == ident)["industry"] == "rosa's own word"


def test_an_agent_is_suspended_at_once(page: Page, running: Running) -> None:
    running.enter(page)
    page.goto(f"{running.address}/agents")
    expect(page.get_by_role("heading", name="Will not do", exact=True)).to_be_visible()
    page.get_by_label("Reason").fill("a drill")
    page.get_by_role("button", name="Suspend at once").click()
    expect(page.locator(".chip.red")).to_have_text("suspended")
    page.get_by_label("Reason").fill("over")
    page.get_by_role("button", name="Resume").click()
    expect(page.locator(".said")).to_contain_text("active again")


def test_a_rep_sees_their_reviews_and_no_more(page: Page, running: Running) -> None:
    running.enter(page, "rosa")
    expect(page.get_by_role("link", name="Rollback")).to_have_count(0)
    assert waiting(page, running) == len(running.stage.app.reviews.list(owner="rosa"))


def test_everything_works_without_javascript(browser: Browser, running: Running) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    running.enter(page)
    before = waiting(page, running)
    page.locator("tbody a").first.click()
    page.get_by_role("button", name="Approve").click()
    expect(page.locator(".said")).to_contain_text("Executed")
    assert waiting(page, running) == before - 1
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_label("Password")).to_be_visible()
    page.goto(f"{running.address}/reviews")
    expect(page.get_by_label("Password")).to_be_visible()
    context.close()


def test_the_data_page_and_one_account_from_every_source(page: Page, running: Running) -> None:
    running.enter(page)
    page.goto(f"{running.address}/quality")
    page.get_by_role("heading", name="One company is one company").wait_for()
    before = page.locator("main").inner_text()
    assert "meets 80 %" in before and "change since" in before
    page.get_by_role("button", name="Measure again").click()
    page.get_by_text("Measured 5").wait_for()
    page.goto(f"{running.address}/records/crm/account/A0023")
    page.get_by_text("are this one account").wait_for()
    assert (
        page.locator("table.rows thead th").count() == 4 and page.get_by_role("heading", name="Timeline").is_visible()
    )
    counts = page.locator("table.golden").inner_text()
    assert "wrote it in" in counts and "Why this one" in counts
    assert page.locator(".chart rect").count() > 0
    every = page.locator(".timeline li").count()
    page.get_by_label("Timeline shows").select_option("action")
    page.get_by_role("button", name="Show", exact=True).click()
    assert 0 < page.locator(".timeline li").count() < every
    page.get_by_label("As of the end of").fill("2020-01-01")
    page.get_by_role("button", name="Show", exact=True).click()
    page.get_by_text("Nothing was known of it by 01 Jan 2020").wait_for()


def test_the_pipeline_page_shows_each_deal_once_and_what_signals_make(page: Page, running: Running) -> None:
    running.enter(page)
    page.goto(f"{running.address}/pipeline")
    measured = running.stage.app.pipeline.latest("crm")
    assert measured is not None
    page.get_by_role("heading", name="Derived from signals alone").wait_for()
    assert page.locator("tbody tr").count() == len(measured.deals) + len(measured.derived)
    page.get_by_role("button", name="Measure again").click()
    page.get_by_text(f"Measured {len(measured.deals)} open deals").wait_for()


def test_a_threshold_from_a_number_in_a_form_to_its_rollback(page: Page, browser: Browser, running: Running) -> None:
    versions = running.stage.app.versions
    first = versions.last()
    assert first is not None
    running.enter(page, "gita")
    page.goto(f"{running.address}/policy")
    page.get_by_role("link", name="Change a threshold").click()
    page.get_by_role("link", name="auto above").click()
    page.get_by_label("Another value").fill("0.97")
    page.get_by_role("button", name="Show what it would have done").click()
    told = page.locator("ul.tiles li").first.inner_text()
    assert versions.last() == first
    page.get_by_label("What changes, and why").fill("Surer, for a while.")
    page.get_by_role("button", name="Propose this change").click()
    expect(page.locator(".said")).to_contain_text("is proposed")
    expect(page.get_by_text("You proposed this; somebody else approves it.")).to_be_visible()
    expect(page.locator("ul.tiles li").first).to_have_text(told)
    context = browser.new_context(java_script_enabled=False)  # the other person needs no script
    other = context.new_page()
    running.enter(other, "noah")
    other.goto(page.url.partition("?")[0])
    expect(other.locator("ul.tiles li").first).to_have_text(told)
    expect(other.locator("pre .new")).to_contain_text("auto_above: 0.97")
    other.get_by_role("button", name="Approve and publish").click()
    expect(other.locator(".said")).to_contain_text("is published")
    assert running.stage.app.policy.bands["default"].auto_above == 0.97
    other.get_by_role("link", name="v2-").first.click()
    other.get_by_label("Why", exact=True).fill("Too many reviews.")
    other.get_by_role("button", name=f"Roll back to {first.id}").click()
    expect(other.locator(".said")).to_contain_text("is in force")
    assert running.stage.app.policy.bands["default"].auto_above == 0.85
    context.close()


def test_nothing_lies_over_the_note_wherever_somebody_has_scrolled_to(browser: Browser, running: Running) -> None:
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    running.enter(page)
    waiting = running.stage.app.reviews.list()
    seen = """() => { const note = document.getElementById("note"), box = note.getBoundingClientRect();
        return [box.top + 2, box.bottom - 2].every(y => document.elementFromPoint(box.left + 20, y) === note); }"""
    for path in [f"/reviews/{each.id}?said=Executed: {'a long word on what was done ' * 8}" for each in waiting[:6]]:
        page.goto(running.address + path)
        for scrolled in range(0, 400, 40):
            page.evaluate(f"window.scrollTo(0, {scrolled})")
            assert page.evaluate(seen), (path, scrolled)
    page.close()
