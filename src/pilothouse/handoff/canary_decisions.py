"""What a decision about a canary is written down as.

What must never happen here: an entry of a kind from which anything could be carried out. A decision about a canary is never
a `review.approved`, so there is nothing that the gateway could take up.
"""

from __future__ import annotations

from typing import cast

from sqlalchemy import Connection, select

from pilothouse.handoff.tables import canaries
from pilothouse.ledger.entries import Draft
from pilothouse.vocabulary.values import Json, JsonObject, canonical, parse_json


def canary_decided(connection: Connection, draft: Draft) -> Draft:
    """Return the entry that stands in the place of a decision: what was decided, and whether the fault was caught.

    A rejection catches it, and so does a correction of the value that was planted.
    """
    row = connection.execute(select(canaries).where(canaries.c.review == draft.body["review"])).one()
    private = dict(draft.private or {})
    caught = draft.kind == "review.rejected" or (draft.kind == "review.edited" and _mended(row.wrong, private))
    body: JsonObject = {
        "review": draft.body["review"],
        "by": draft.body["by"],
        "decision": draft.kind.partition(".")[2],
        "caught": caught,
        "batch": draft.body.get("batch", ""),
        "batch_size": draft.body.get("batch_size", 0),
    }
    return Draft(
        "canary.decided", draft.actor, body, {"note": private.get("note", "")}, draft.data_subject, "", draft.subject
    )


def _mended(wrong: str, private: dict[str, Json]) -> bool:
    """True when the reviewer's values hold none of the planted ones; `wrong` is a JSON object of those."""
    chosen = cast("dict[str, Json]", private["arguments"])
    planted = cast("dict[str, Json]", parse_json(wrong or "{}"))
    return all(canonical(chosen.get(name)) != canonical(value) for name, value in planted.items())
