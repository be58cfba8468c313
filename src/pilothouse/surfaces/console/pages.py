"""The pages. Each reads, renders, or hands a form on to the same calls that REST and command line make."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Annotated, Any, cast
from urllib.parse import urlencode

import orjson
from fastapi import APIRouter, Depends, FastAPI, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from fastapi.staticfiles import StaticFiles
from fastapi.templating import Jinja2Templates

from pilothouse.assembly import SYSTEM, App
from pilothouse.directory.credentials import Session
from pilothouse.directory.roles import permissions_of
from pilothouse.gateway.rollback import Fate, Scope, apply, plan
from pilothouse.handoff.queue import Review
from pilothouse.ledger.actions import actions_list
from pilothouse.observability.story import audit_line, story_of
from pilothouse.orchestration.schedules.scheduler import DONE
from pilothouse.surfaces.auth import COOKIE, Pilothouse, pilothouse_of, require, session_of
from pilothouse.surfaces.canaries import canary_said
from pilothouse.surfaces.merges import merge_in_words
from pilothouse.surfaces.moments import when
from pilothouse.vocabulary.actors import AgentRef
from pilothouse.vocabulary.errors import Conflict, Forbidden, InvalidInput, PilothouseError, Unauthenticated
from pilothouse.vocabulary.outcomes import ReviewStatus
from pilothouse.vocabulary.records import RecordRef
from pilothouse.vocabulary.values import Json

HERE = Path(__file__).parent
templates = Jinja2Templates(HERE / "templates")
router = APIRouter(include_in_schema=False)
Text = Annotated[str, Form()]


def mount_console(web: FastAPI) -> None:
    """Add the console's pages and files to the web application."""
    web.mount("/static", StaticFiles(directory=HERE / "static"), name="static")
    from pilothouse.surfaces.console.account_pages import router as account_router
    from pilothouse.surfaces.console.autonomy_pages import router as autonomy_router
    from pilothouse.surfaces.console.batch_pages import router as batch_router
    from pilothouse.surfaces.console.data_pages import router as data_router
    from pilothouse.surfaces.console.definition_pages import router as definition_router
    from pilothouse.surfaces.console.identity_pages import router as identity_router
    from pilothouse.surfaces.console.inbox_pages import router as inbox_router
    from pilothouse.surfaces.console.incident_pages import router as incident_router
    from pilothouse.surfaces.console.oversight_pages import router as oversight_router
    from pilothouse.surfaces.console.policy_pages import router as policy_router
    from pilothouse.surfaces.console.question_pages import router as question_router
    from pilothouse.surfaces.console.replay_pages import router as replay_router
    from pilothouse.surfaces.console.threshold_pages import router as threshold_router
    from pilothouse.surfaces.console.unsubscribe import router as unsubscribe_router

    web.include_router(unsubscribe_router)
    web.include_router(router)
    web.include_router(replay_router)
    web.include_router(threshold_router)
    web.include_router(account_router)
    web.include_router(batch_router)
    web.include_router(oversight_router)
    web.include_router(question_router)
    web.include_router(autonomy_router)
    web.include_router(data_router)
    web.include_router(definition_router)
    web.include_router(identity_router)
    web.include_router(incident_router)
    web.include_router(inbox_router)
    web.include_router(policy_router)
    filters = cast("dict[str, Any]", templates.env.filters)  # pyright: ignore[reportUnknownMemberType]
    filters |= {"show": show, "plain": show_plain}


def show(value: Json) -> str:
    """Render a value for a person."""
    if value is None or value == "":
        return "–"
    if isinstance(value, float) and value.is_integer():
        return f"{value:,.0f}"
    return str(value)


def signed_in(request: Request) -> Session:
    """Return the session; raises `Unauthenticated`, which leads to the log-in page."""
    session = session_of(request)
    if session is None:
        raise Unauthenticated("nobody is logged in.")
    return session


def posted(request: Request, csrf: Text = "") -> Session:
    """Return the session of a form that carries its CSRF token."""
    session = signed_in(request)
    if not session.csrf_matches(csrf):
        raise Forbidden("this form is not yours, or too old.", hint="Open the page again.")
    return session


SignedIn = Annotated[Session, Depends(signed_in)]
Posted = Annotated[Session, Depends(posted)]


def page(request: Request, name: str, session: Session | None, status: int = 200, **values: Any) -> HTMLResponse:
    """Render a page."""
    may = permissions_of(session.person.role).may if session else frozenset[str]()
    pilothouse = pilothouse_of(request)
    asked = {"named": partial(named, pilothouse), "merge_in_words": partial(merge_in_words, pilothouse)}
    # Whoever acts by hand while agents are suspended is told so on every page.
    suspended = pilothouse.gateway.door.agents.suspensions() if session else ()
    unread = pilothouse.notifications.inbox.unread(session.person.id) if session else 0
    context = {"session": session, "may": may, "suspensions": suspended, "unread": unread, **asked, **values}
    return templates.TemplateResponse(request, name, context, status_code=status)


def named(pilothouse: App, record: RecordRef | str) -> str:
    """Return what people call a record."""
    return pilothouse.store.title(RecordRef.parse(record) if isinstance(record, str) else record)


def problem_page(request: Request, error: PilothouseError, status: int) -> Response:
    """Render what is wrong and what to do next."""
    return page(request, "problem.html", session_of(request), status, error=error)


def go(path: str, said: str = "") -> RedirectResponse:
    """Lead to another page, with a word about what was done."""
    return RedirectResponse(f"{path}?{urlencode({'said': said})}" if said else path, 303)


def _entered(request: Request, session: Session, onward: str = "") -> RedirectResponse:
    response = go(onward if is_own_path(onward) else "/")
    secure = request.url.scheme == "https"
    response.set_cookie(COOKIE, session.cookie, httponly=True, samesite="strict", secure=secure)
    return response


def is_own_path(path: str) -> bool:
    """True for a path of this console: nobody is led elsewhere after having logged in."""
    return path.startswith("/") and not path.startswith("//") and path.isprintable() and "\\" not in path


@router.get("/login")
def login(request: Request, next: str = "") -> Response:
    """The log-in form."""
    return page(request, "login.html", None, next=next if is_own_path(next) else "")


@router.post("/login")
def log_in(
    request: Request, pilothouse: Pilothouse, email: Text = "", password: Text = "", next: Text = ""
) -> Response:
    """Log in, and go on to where somebody wanted to."""
    try:
        return _entered(request, pilothouse.credentials.log_in(email, password), next)
    except Unauthenticated as error:
        onward = next if is_own_path(next) else ""
        return page(request, "login.html", None, 401, error=error, email=email, next=onward)


@router.get("/welcome")
def welcome(request: Request, token: str = "") -> Response:
    """The form that a one-time link leads to."""
    return page(request, "welcome.html", None, token=token)


@router.post("/welcome")
def set_password(request: Request, pilothouse: Pilothouse, token: Text = "", password: Text = "") -> Response:
    """Set the first password and log in."""
    try:
        return _entered(request, pilothouse.credentials.redeem_link(token, password))
    except (Unauthenticated, InvalidInput) as error:
        return page(request, "welcome.html", None, 400, token=token, error=error)


@router.get("/enter")
def enter(request: Request, pilothouse: Pilothouse, token: str = "") -> Response:
    """Enter once by a one-time link, as the demo prints it."""
    try:
        response = _entered(request, pilothouse.credentials.enter_by_link(token))
    except Unauthenticated as error:
        return page(request, "login.html", None, 401, error=error)
    return response


@router.post("/logout")
def log_out(request: Request, session: Posted, pilothouse: Pilothouse) -> Response:
    """Log out."""
    pilothouse.credentials.log_out(request.cookies.get(COOKIE, ""))
    response = go("/login")
    response.delete_cookie(COOKIE)
    return response


@router.get("/")
def overview(request: Request, session: SignedIn, pilothouse: Pilothouse) -> Response:
    """What is going on, at a glance."""
    since = pilothouse.clock.now() - timedelta(days=7)
    with pilothouse.ledger.engine.connect() as connection:
        rows = actions_list(connection, since=since)
    waiting = waiting_for(session, pilothouse)
    return page(
        request,
        "overview.html",
        session,
        counts=Counter(row.status for row in rows),
        waiting=waiting,
        others=waiting_for_others(session, pilothouse),
        refused=[row for row in rows if row.status == "refused"][:6],
        latest=rows[:8],
        agents=pilothouse.gateway.door.agents.all(),
        entries=pilothouse.ledger.size(),
        policy=pilothouse.policy.version,
        audit=pilothouse.quality.latest(SYSTEM),
        measured=pilothouse.pipeline.latest(SYSTEM),
        failed=[each for each in pilothouse.scheduler.standing() if each.last and each.last.outcome not in ("", DONE)],
        alerts=pilothouse.notifications.inbox.alerts(),
    )


def waiting_for(session: Session, pilothouse: Pilothouse) -> list[Review]:
    """Return the open reviews that somebody may look at, those due first on top."""
    owner = None if "review" in permissions_of(session.person.role).may else session.person.id
    return pilothouse.reviews.list(owner=owner, status=ReviewStatus.OPEN)


def waiting_for_others(session: Session, pilothouse: Pilothouse) -> int:
    """Return how many open reviews wait that somebody may not look at."""
    if "review" in permissions_of(session.person.role).may:
        return 0
    every = pilothouse.reviews.list(status=ReviewStatus.OPEN)
    return sum(each.owner != session.person.id for each in every)


@router.get("/reviews")
def reviews(
    request: Request, session: SignedIn, pilothouse: Pilothouse, said: str = "", mine: bool = False
) -> Response:
    """The queue; with `mine`, what this person is asked."""
    waiting = [each for each in waiting_for(session, pilothouse) if not mine or each.owner == session.person.id]
    others = waiting_for_others(session, pilothouse)
    return page(request, "reviews.html", session, waiting=waiting, others=others, said=said, mine=mine)


@router.get("/reviews/{review}")
def review(
    request: Request, review: str, session: SignedIn, pilothouse: Pilothouse, said: str = "", notice: str = ""
) -> Response:
    """One review with everything needed to decide, and the way to the next; with `notice`, as a message led to it."""
    return _review_page(request, review, session, pilothouse, said=said, notice=notice)


def _review_page(
    request: Request,
    review: str,
    session: Session,
    pilothouse: Pilothouse,
    *,
    said: str = "",
    notice: str = "",
    error: PilothouseError | None = None,
    typed: Mapping[str, str] | None = None,
) -> Response:
    found = pilothouse.reviews.get(review)
    if found.owner != session.person.id:
        require(session.person, "review")
    pilothouse.reviews.show([review], session.person.id)
    ids = [each.id for each in waiting_for(session, pilothouse)]
    at = ids.index(review) if review in ids else -1
    following, preceding = (ids[(at + 1) % len(ids)], ids[max(at, 0) - 1]) if ids else ("", "")
    not_good = pilothouse.notifications.inbox.why_not(notice, found) if notice else ""
    values: dict[str, Any] = {
        "review": found,
        "following": following,
        "preceding": preceding,
        "place": at + 1,
        "count": len(ids),
        "said": said,
        "suspension": pilothouse.reviews.suspension(found),
        "notice": notice,
        "not_good": not_good,
        "error": error,
        "typed": typed or {},
    }
    return page(request, "review.html", session, 400 if error else 200, **values)


@router.post("/reviews/{review}")
async def decide(request: Request, review: str, session: Posted, pilothouse: Pilothouse) -> Response:
    """Approve, edit or reject, then go on to the next. What cannot be taken leads back here, with what was typed."""
    form = {name: str(value) for name, value in (await request.form()).items()}
    try:
        return _decided(review, session, pilothouse, form)
    except InvalidInput as error:
        notice = form.get("notice", "")
        return _review_page(request, review, session, pilothouse, notice=notice, error=error, typed=form)


def _decided(review: str, session: Session, pilothouse: Pilothouse, form: dict[str, str]) -> Response:
    after = form.get("next", "")
    by, seen = session.person.id, form.get("payload_hash", "")
    notice, inbox = form.get("notice", ""), pilothouse.notifications.inbox
    if notice:
        inbox.need_good(notice, pilothouse.reviews.get(review))
    if form.get("decision") == "reject":
        done = pilothouse.reviews.reject(review, by, form.get("note", ""))
        said = canary_said(pilothouse, done) or "Rejected."
        if notice:
            inbox.use(notice, review, by)
    elif form.get("decision") == "approve":
        found = pilothouse.reviews.get(review)
        edited = _edited(found, form)
        if edited:
            arguments = {**found.approved_action().arguments, **edited}
            done = pilothouse.gateway.edit(review, by, seen, arguments, form.get("note", ""))
        else:
            done = pilothouse.reviews.approve(review, by, seen, form.get("note", ""))
        if notice:
            inbox.use(notice, review, by)
        said = canary_said(pilothouse, done) or _taken_up(pilothouse, done)
    else:
        raise InvalidInput("the form says neither approve nor reject.", hint="Use one of the buttons.")
    return go(f"/reviews/{after}" if after and after != review else "/reviews", said)


def _taken_up(pilothouse: App, done: Review) -> str:
    no_evidence = pilothouse.reviews.why_no_evidence(done)
    result = pilothouse.gateway.resume(done.id)
    return f"{result.status.value.capitalize()}: {result.sentence} {no_evidence}".rstrip()


def _edited(found: Review, form: dict[str, str]) -> dict[str, Json]:
    """Return the values a reviewer changed in the form, in the type the proposal had."""
    if found.action is None:
        raise Conflict("the payload of this review was erased.", hint="Reject it.")
    changed: dict[str, Json] = {}
    for name, proposed in found.action.arguments.items():
        given = form.get(f"value-{name}")
        if given is None or given == show_plain(proposed):
            continue
        changed[name] = _like(proposed, given)
    return changed


def show_plain(value: Json) -> str:
    """Render a value as it stands in an input field."""
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def _like(proposed: Json, given: str) -> Json:
    if isinstance(proposed, str):
        return given
    try:
        return orjson.loads(given)
    except ValueError:
        raise InvalidInput(f"{given!r} is not a value like {proposed!r}.", hint="Go back and mend it.") from None


@router.get("/actions")
def actions(
    request: Request,
    session: SignedIn,
    pilothouse: Pilothouse,
    agent: str = "",
    status: str = "",
    since: str = "",
    type: str = "",
) -> Response:
    """What was done, refused, held, and why."""
    require(session.person, "read_ledger")
    begin = when(since or None, pilothouse.clock.now())
    with pilothouse.ledger.engine.connect() as connection:
        rows = actions_list(
            connection, agent=agent or None, status=status or None, since=begin, type=type or None, limit=200
        )
    return page(request, "actions.html", session, rows=rows, agent=agent, state=status, since=since, type=type)


@router.get("/actions/{action}")
def action(request: Request, action: str, session: SignedIn, pilothouse: Pilothouse) -> Response:
    """The whole story of one action."""
    require(session.person, "read_ledger")
    story = story_of(pilothouse.ledger, action)
    asked = pilothouse.questions.list(open_only=False, action=action)
    return page(
        request, "action.html", session, story=story, line=audit_line(story).split(" | "), asked=asked, about=action
    )


@router.get("/rollback")
def rollback(
    request: Request,
    session: SignedIn,
    pilothouse: Pilothouse,
    agent: str = "",
    since: str = "",
    until: str = "",
    field: str = "",
    action: str = "",
    said: str = "",
) -> Response:
    """Choose what to undo, and see exactly what would happen."""
    require(session.person, "rollback")
    planned = None
    if agent or action:
        pilothouse.take_in()
        planned = plan(pilothouse.gateway, _scope(pilothouse, agent, since, until, field, action))
    chosen = {"agent": agent, "since": since, "until": until, "field": field, "action": action}
    known = pilothouse.gateway.door.agents.all()
    return page(request, "rollback.html", session, plan=planned, Fate=Fate, chosen=chosen, agents=known, said=said)


@router.post("/rollback")
def roll_back(
    session: Posted,
    pilothouse: Pilothouse,
    agent: Text = "",
    since: Text = "",
    until: Text = "",
    field: Text = "",
    action: Text = "",
    reason: Text = "",
    severity: Text = "",
) -> Response:
    """Carry the rollback out."""
    pilothouse.take_in()
    scope = _scope(pilothouse, agent, since, until, field, action)
    grave = int(severity) if severity in ("1", "2", "3", "4") else None
    undone = apply(pilothouse.gateway, scope, session.person.id, reason, grave)
    left = [result for result in undone.results if result.status.value != "executed"]
    said = f"{undone.restored} record(s) restored." + (f" {len(left)} could not be: {left[0].sentence}" if left else "")
    return go("/rollback", said)


def _scope(pilothouse: Pilothouse, agent: str, since: str, until: str, field: str, action: str) -> Scope:
    now = pilothouse.clock.now()
    return Scope(agent or None, when(since or None, now), when(until or None, now), field or None, action or None)


@router.get("/agents")
def agents(request: Request, session: SignedIn, pilothouse: Pilothouse, said: str = "") -> Response:
    """Who may act, what each will and will not do, how far each has come."""
    every = pilothouse.gateway.door.agents.all()
    capabilities = pilothouse.gateway.door.registry.capabilities
    return page(request, "agents.html", session, agents=every, capabilities=capabilities, said=said)


@router.post("/agents/{agent}")
def stop_or_start(
    agent: str, session: Posted, pilothouse: Pilothouse, decision: Text = "", reason: Text = ""
) -> Response:
    """Suspend or resume an agent."""
    registry, ref = pilothouse.gateway.door.agents, AgentRef.parse(agent)
    if decision == "suspend":
        registry.suspend(ref, session.person.id, reason)
    else:
        registry.resume(ref, session.person.id, reason)
    return go("/agents", f"{agent} is {'suspended' if decision == 'suspend' else 'active again'}.")
