"""Replays read from the ledger: decisions page by page, with what people said about those that flip.

What must never happen here: an entry written; a page of entries kept.
"""

from __future__ import annotations

import gc
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import islice
from multiprocessing import get_context
from statistics import median
from typing import Any

from sqlalchemy import Connection, func, select

from pilothouse.decision.replaying.differences import differences
from pilothouse.decision.replaying.recorded import KINDS, Recorded, recorded_of
from pilothouse.decision.replaying.replay import Outcome, Replayer
from pilothouse.decision.replaying.report import Report, TimeToDecide, Window, notes_on
from pilothouse.decision.replaying.tally import Fate, Tally
from pilothouse.handoff.overrides import decision_of
from pilothouse.handoff.queue import review_of
from pilothouse.handoff.tables import reviews
from pilothouse.ledger.actions import actions
from pilothouse.ledger.database import open_database
from pilothouse.ledger.ledger import Ledger
from pilothouse.ledger.tables import entries
from pilothouse.vocabulary.actors import SYSTEM_PERSON
from pilothouse.vocabulary.clock import SystemClock, stamp, unstamp
from pilothouse.vocabulary.outcomes import ActionStatus, ReviewStatus

PAGE, SPAN, PART = 1000, 5000, 20_000
"""Decisions looked up together, and ledger positions that are read, and that a worker takes, at a time."""
Seen = Callable[[Outcome, Fate | None], None]


def replay(
    ledger: Ledger,
    replayer: Replayer,
    window: Window,
    *,
    workers: int = 1,
    load: Callable[[], Replayer] | None = None,
) -> Report:
    """Make every decision of a window again; writes nothing.

    With several workers, `load` must be something that a new process can be sent and that returns the same replayer.
    """
    size = ledger.size()
    if workers > 1 and load is not None:
        tally = _in_parallel(ledger, load, window, size, workers)
    else:
        tally = tally_of(ledger, replayer, window, 0, size)
    current, proposed = replayer.current, replayer.proposed
    times = times_to_decide(ledger, window)
    notes = notes_on(current, proposed)
    changes = tuple(differences(current, proposed))
    return Report(window, size, current.version, proposed.version, tally, times, notes, changes)


def tally_of(
    ledger: Ledger, replayer: Replayer, window: Window, begin: int, end: int, seen: Seen | None = None
) -> Tally:
    """Count what a replay of the entries from `begin` up to, not including, `end` comes to; `seen` is told of each."""
    tally = Tally()
    decisions = recorded(ledger, window, begin, end)
    while page := list(islice(decisions, PAGE)):
        outcomes = [replayer(each) for each in page]
        with ledger.engine.connect() as connection:
            fates = fates_of(connection, [each.recorded for each in outcomes if each.flips])
        for outcome in outcomes:
            fate = fates.get(outcome.recorded.position)
            tally.add(outcome, fate)
            if seen is not None:
                seen(outcome, fate)
    return tally


def recorded(ledger: Ledger, window: Window, begin: int, end: int) -> Iterator[Recorded]:
    """Yield the decisions of a window in order of position."""
    for start in range(begin, end, SPAN):
        stop = min(start + SPAN, end)
        for entry in ledger.entries(after=start - 1, before=stop, kinds=KINDS, since=window.since, until=window.until):
            found = recorded_of(entry)
            if found is not None and _fits(found, window):
                yield found


def more_than(ledger: Ledger, window: Window, most: int) -> bool:
    """Tell whether there may be more decisions in a window than `most`, without reading them."""
    columns = entries.c
    query = select(columns.position).where(columns.kind.in_(sorted(KINDS)))
    if window.since is not None:
        query = query.where(columns.at >= stamp(window.since))
    if window.until is not None:
        query = query.where(columns.at < stamp(window.until))
    if window.agent:
        named = columns.agent.startswith(f"{window.agent}@", autoescape=True)
        query = query.where((columns.agent == window.agent) | named)
    with ledger.engine.connect() as connection:
        found = connection.execute(select(func.count()).select_from(query.limit(most + 1).subquery())).scalar_one()
    return found > most


def _fits(found: Recorded, window: Window) -> bool:
    if window.agent and found.agent != window.agent and found.agent.partition("@")[0] != window.agent:
        return False
    return window.action_type in ("", found.action_type, found.action_type.partition(":")[0])


def fates_of(connection: Connection, found: Sequence[Recorded]) -> dict[int, Fate]:
    """Return, by position, what people said about acts: the decision on each one's review, and whether it was undone."""
    if not found:
        return {}
    asked = {each.review for each in found if each.review}
    rows = connection.execute(select(reviews).where(reviews.c.id.in_(asked))) if asked else ()
    said = {row.id: review_of(row) for row in rows}
    mine = actions.c.id.in_({each.action for each in found})
    taken_back = select(actions.c.id).where(mine, actions.c.status == ActionStatus.UNDONE.value)
    undone = set(connection.execute(taken_back).scalars())
    fates: dict[int, Fate] = {}
    for each in found:
        review = said.get(each.review)
        decision = decision_of(review) if review else ""
        by, at = (review.decided_by, review.decided_at) if review and decision else ("", None)
        fates[each.position] = Fate(decision, by, at, each.action in undone)
    return fates


def times_to_decide(ledger: Ledger, window: Window) -> dict[str, TimeToDecide]:
    """Return the median time from asking to deciding of each action type, of every decision up to the window's end."""
    decided = (ReviewStatus.APPROVED.value, ReviewStatus.USED.value, ReviewStatus.REJECTED.value)
    query = select(reviews.c.action_type, reviews.c.opened_at, reviews.c.decided_at).where(
        reviews.c.status.in_(decided), reviews.c.decided_by.not_in(("", SYSTEM_PERSON))
    )
    if window.until is not None:
        query = query.where(reviews.c.decided_at < stamp(window.until))
    taken: defaultdict[str, list[float]] = defaultdict(list)
    with ledger.engine.connect() as connection:
        for row in connection.execute(query):
            taken[row.action_type].append((unstamp(row.decided_at) - unstamp(row.opened_at)).total_seconds())
    return {name: TimeToDecide(median(seconds), len(seconds)) for name, seconds in taken.items()}


_worker: dict[str, Any] = {}


def _in_parallel(ledger: Ledger, load: Callable[[], Replayer], window: Window, size: int, workers: int) -> Tally:
    url = ledger.engine.url.render_as_string(hide_password=False)
    whole = Tally()
    with ProcessPoolExecutor(workers, get_context("spawn"), _begin, (url, load)) as pool:
        parts = [(begin, min(begin + PART, size)) for begin in range(0, size, PART)]
        for part in pool.map(partial(_part, window), parts):
            whole.merge(part)
    return whole


def _begin(url: str, load: Callable[[], Replayer]) -> None:
    # Nothing here refers to itself, so looking for that often costs a tenth of the time and finds nothing.
    gc.freeze()
    gc.set_threshold(100_000, 20, 20)
    _worker.update(ledger=Ledger(open_database(url), SystemClock()), replayer=load())


def _part(window: Window, part: tuple[int, int]) -> Tally:
    return tally_of(_worker["ledger"], _worker["replayer"], window, *part)
