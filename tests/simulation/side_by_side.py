"""Callers on threads, side by side: run freely, or one at a time with every switch between them drawn beforehand.

In the drawn form only one caller runs at any moment. It may be stopped before each look into the ledger, before each
request to the twin and after it, and wherever it appends; which caller goes on, and which waiting submissions share a
commit and in what order, follows from a seed. So a failure comes again with the same seed, which it does not when the
operating system chooses.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from typing import Any
from zlib import crc32

from hypothesis import strategies as st
from tests.world import World

Act = Callable[[], object]
SEEDS = st.integers(0, 2**20).map(lambda drawn: crc32(str(drawn).encode()))
"""Small numbers, which are drawn oftenest, are spread out."""
PUT_LAST = 0.15
"""How likely a caller is put last, at each place where it may be."""
LONGEST = 60.0
"""Seconds after which a caller that does not come back is taken for stuck."""


def run_side_by_side(world: World, acts: Iterable[Act], seed: int) -> None:
    """Run all as the seed says; one seed in five leaves it to the operating system. Raises what any of them raised."""
    run_freely(acts) if seed % 5 == 0 else run_as_drawn(world, acts, seed)


def run_freely(acts: Iterable[Act]) -> None:
    """Start all at once and wait for all; raises what any of them raised."""
    callers = [Caller(act) for act in acts]
    gate = threading.Barrier(len(callers))
    for caller in callers:
        caller.begin = gate.wait
        caller.start()
    for caller in callers:
        caller.join(LONGEST)
    _raise_first(callers)


def run_as_drawn(world: World, acts: Iterable[Act], seed: int) -> None:
    """Run all, switching as the seed says; raises what any of them raised.

    Who runs goes on until a draw puts them last; were each step anybody's, short acts would always be over before long
    ones begin to matter. Every other seed makes those who append wait until everybody does, and then puts all of them
    in one commit.
    """
    chance = random.Random(seed)
    callers = [Caller(act) for act in acts]
    order = chance.sample(callers, len(callers))
    with _switching(world, callers) as waiting:
        for caller in callers:
            caller.begin = caller.turn
            caller.start()
        while True:
            ready = [each for each in order if each.is_ready]
            if waiting and (not ready or (seed % 2 and chance.random() < 0.3)):
                _commit(world, waiting, chance, whole=seed % 2 == 0)
            elif ready:
                ready[0].go_on()
                if chance.random() < PUT_LAST:
                    order.remove(ready[0])
                    order.append(ready[0])
            else:
                break
    _raise_first(callers)


class Caller(threading.Thread):
    """One caller, who keeps what was raised."""

    def __init__(self, act: Act) -> None:
        super().__init__(daemon=True)
        self.act, self.begin = act, lambda: None
        self.error: BaseException | None = None
        self.appending, self.over = None, False
        self._go, self._rests = threading.Semaphore(0), threading.Semaphore(0)

    def run(self) -> None:
        try:
            self.begin()
            self.act()
        except BaseException as error:  # it is the main thread's to judge
            self.error = error
        self.over = True
        self._rests.release()

    @property
    def is_ready(self) -> bool:
        """True when it waits for nothing but its turn."""
        return not self.over and (self.appending is None or self.appending.done.is_set())

    def go_on(self) -> None:
        """Called by the scheduler: run until it stops again."""
        self.appending = None
        self._go.release()
        assert self._rests.acquire(timeout=LONGEST), "a caller does not come back"

    def stop(self) -> None:
        """Called by the caller itself: let somebody else run, and wait for a turn."""
        self._rests.release()
        self.turn()

    def turn(self) -> None:
        """Called by the caller itself: wait for a turn."""
        self._go.acquire()

    def parks(self, submission: Any) -> None:
        """Called by the caller itself, which is about to wait for a commit."""
        self.appending = submission
        self._rests.release()


def _current() -> Caller | None:
    thread = threading.current_thread()
    return thread if isinstance(thread, Caller) else None


class _Waiting(list[Any]):
    """The ledger's queue of submissions, which says when somebody has put one in."""

    def append(self, submission: Any) -> None:
        super().append(submission)
        caller = _current()
        assert caller is not None
        caller.parks(submission)


def _commit(world: World, waiting: _Waiting, chance: random.Random, *, whole: bool) -> None:
    group = chance.sample(waiting, len(waiting) if whole else chance.randint(1, len(waiting)))
    for submission in group:
        waiting.remove(submission)
    world.app.ledger._write(group)  # pyright: ignore[reportPrivateUsage]


@contextmanager
def _switching(world: World, callers: list[Caller]) -> Generator[_Waiting, None, None]:
    """Let callers stop where they touch what they share; nobody among them leads a commit meanwhile."""
    ledger, twin = world.app.ledger, world.app.twin
    append, reading, waiting = ledger.append, ledger.reading, _Waiting()

    def appending(*given: Any, **named: Any) -> Any:
        caller = _current()
        try:
            return append(*given, **named)
        finally:
            if caller is not None:
                caller.turn()

    def looking() -> Any:
        caller = _current()
        if caller is not None:
            caller.stop()
        return reading()

    def asking(request: Callable[..., Any]) -> Callable[..., Any]:
        def ask(*given: Any, **named: Any) -> Any:
            caller = _current()
            if caller is None:
                return request(*given, **named)
            caller.stop()
            try:
                return request(*given, **named)
            finally:
                caller.stop()

        return ask

    requests = ("read", "write", "lookup", "edit_as")
    vars(ledger).update(append=appending, reading=looking, _waiting=waiting, _writing=True)
    vars(twin).update({name: asking(getattr(twin, name)) for name in requests})
    try:
        yield waiting
    finally:
        del ledger.append
        vars(ledger).update(reading=reading, _waiting=[], _writing=False)
        for name in requests:
            delattr(twin, name)


def _raise_first(callers: list[Caller]) -> None:
    assert all(each.over for each in callers), "a caller does not come back"
    errors = [each.error for each in callers if each.error is not None]
    if errors:
        raise errors[0]
