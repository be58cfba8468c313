"""The HTTP provider: any service whose questions and answers a mapping file describes.

Only what certainly did nothing is tried again: a connection that was not made, a 429, a 503. A request that was sent and
not answered may have been charged, and is not repeated.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import quote

from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_attempt

from pilothouse.connectors.enrichment.mapping import PLACE, SECRET
from pilothouse.connectors.enrichment.mapping import Mapping as AnswerMapping
from pilothouse.connectors.enrichment.pace import Pace
from pilothouse.connectors.enrichment.reading import found_in, read_record
from pilothouse.connectors.enrichment.transport import Again, Reply, Transport, Unanswered, Unsendable, Unusable
from pilothouse.data.enrichment.answers import Answer, By, Lookup, Outcome, Terms
from pilothouse.vocabulary.errors import InvalidInput

ATTEMPTS, PATIENCE, UNTOLD = 3, 20.0, 60.0
"""Attempts in all; the longest wait, in seconds, within a run; the wait that is recorded where the provider named none."""
Secret = Callable[[str], str]


@dataclass
class HttpProvider:
    """Implements `EnrichmentProvider`. `secret` returns a credential by name, the empty string when there is none."""

    name: str
    mapping: AnswerMapping
    terms: Terms
    transport: Transport
    secret: Secret
    least_likelihood: float = 0.5
    sleep: Callable[[float], None] = time.sleep

    def __post_init__(self) -> None:
        self.object = self.mapping.object
        self.fields = frozenset(self.mapping.fields)
        self.asks_by: Sequence[By] = self.mapping.asks_by
        self._pace = Pace(self.mapping.per_minute, time.monotonic, self.sleep)

    def unready(self) -> str:
        """Return which credential is missing and where it goes, or what is wrong with it."""
        headers = (text for request in self.mapping.requests.values() for text in request.headers.values())
        try:
            missing = sorted({name for text in headers for name in SECRET.findall(text) if not self.secret(name)})
        except InvalidInput as problem:
            return str(problem)
        return f"set the environment variable {missing[0]}, or write state/secrets/{missing[0]}." if missing else ""

    def ask(self, lookup: Lookup) -> Answer:
        """Ask, and again where it is safe."""
        trying = Retrying(
            retry=retry_if_exception(_soon),
            stop=stop_after_attempt(ATTEMPTS),
            wait=_wait,
            sleep=self.sleep,
            reraise=True,
        )
        try:
            return trying(self._once, lookup)
        except Again as again:
            return Answer(Outcome.LATER, False, again.sentence, wait=UNTOLD if again.wait is None else again.wait)
        except Unanswered as silence:
            return Answer(Outcome.UNANSWERED, True, str(silence))
        except Unsendable as problem:
            return Answer(Outcome.REFUSED, False, str(problem))
        except Unusable as nothing:
            return Answer(Outcome.BROKEN, True, str(nothing))

    def _once(self, lookup: Lookup) -> Answer:
        self._pace.wait()
        request = self.mapping.request_by(lookup.by)
        reply = self.transport.exchange(
            request.method,
            PLACE.sub(lambda found: quote(lookup.given.get(found[1], ""), safe=""), request.path),
            {name: SECRET.sub(lambda found: self.secret(found[1]), text) for name, text in request.headers.items()},
            filled(request.query, lookup.given) or {},
            filled(request.body, lookup.given) if request.body is not None else None,
        )
        return self._answer(reply, lookup)

    def _answer(self, reply: Reply, lookup: Lookup) -> Answer:
        whatever = self.mapping.charged == "asked"
        if reply.status in self.mapping.not_found:
            return Answer(Outcome.NOT_FOUND, whatever)
        match reply.status:
            case 200:
                return self._told(reply.content, lookup)
            case 402:
                return Answer(Outcome.NO_CREDITS, False, "it says that your account there has no credits left (402).")
            case 401 | 403:
                return Answer(Outcome.REFUSED, False, f"it does not accept the credential ({reply.status}).")
            case status if status >= 500:
                return Answer(Outcome.BROKEN, whatever, f"it failed ({status}).")
            case status:
                return Answer(Outcome.BROKEN, whatever, f"it did not take the question ({status}).")

    def _told(self, content: Any, lookup: Lookup) -> Answer:
        try:
            record = found_in(self.mapping, content)
        except ValueError as error:
            return Answer(Outcome.BROKEN, True, f"its answer has another shape than the mapping says: {error}.")
        if record is None:
            return Answer(Outcome.NOT_FOUND, self.mapping.charged == "asked")
        answer = read_record(self.mapping, lookup, record, whole=content)
        if answer.likelihood < self.least_likelihood:
            sentence = f"its best match is likely to {answer.likelihood:.2f} only."
            return Answer(Outcome.NOT_FOUND, True, sentence, likelihood=answer.likelihood)
        if not answer.fields and answer.unusable:
            return Answer(Outcome.BROKEN, True, "none of its values fits.", unusable=answer.unusable)
        return answer


def filled(template: Any, given: Mapping[str, str]) -> Any:
    """Return a template with its placeholders replaced; None for a leaf of which something is not known, and left out."""
    if isinstance(template, str):
        known = all(name in given for name in PLACE.findall(template))
        return PLACE.sub(lambda found: given[found[1]], template) if known else None
    if isinstance(template, dict):
        parts = {key: filled(each, given) for key, each in cast("Mapping[str, Any]", template).items()}
        return {key: each for key, each in parts.items() if each is not None}
    if isinstance(template, list):
        return [each for part in cast("list[Any]", template) if (each := filled(part, given)) is not None]
    return template


def _soon(error: BaseException) -> bool:
    return isinstance(error, Again) and (error.wait or 0.0) <= PATIENCE


def _wait(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    told = error.wait if isinstance(error, Again) else None
    return told if told is not None else float(2 ** (state.attempt_number - 1))
