"""Everything agents wrote and people decided, as tables to learn from: one row a value written, one a review, one a judgement.

Drawn from the ledger alone. Values of an erased person are gone from it, and so from every export made afterwards; the
data card says how long the ledger was, so that two exports can be told apart and one made again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, cast

import orjson

from pilothouse.ledger.entries import Entry
from pilothouse.ledger.ledger import Ledger
from pilothouse.vocabulary.clock import stamp
from pilothouse.vocabulary.errors import InvalidInput
from pilothouse.vocabulary.values import Json, canonical

Form = Literal["jsonl", "parquet"]
Row = Mapping[str, Any]
TABLES = {
    "writes": "One row for each field that an action wrote: before, after, who asked, how sure, who approved, whether undone.",
    "reviews": "One row for each decided review: what was proposed, what a person made of it, how long it took.",
    "judgements": "One row for each time a person said that two records are the same, or are not.",
}
DECIDED = {
    "review.approved": "approved",
    "review.edited": "edited",
    "review.rejected": "rejected",
    "review.expired": "expired",
}


def export_dataset(ledger: Ledger, folder: Path, form: Form = "jsonl") -> dict[str, int]:
    """Write the tables and a data card into a folder; returns the number of rows of each.

    Raises `InvalidInput` when the folder holds something already: a data set is never mixed with an older one.
    """
    if folder.exists() and any(folder.iterdir()):
        raise InvalidInput(f"{folder} is not empty.", hint="A data set is not mixed with another: name a new folder.")
    folder.mkdir(parents=True, exist_ok=True)
    size = ledger.size()
    rows = {"writes": list(_writes(ledger)), "reviews": list(_reviews(ledger)), "judgements": list(_judgements(ledger))}
    for name, table in rows.items():
        _save(folder / f"{name}.{form}", table, form)
    counts = {name: len(table) for name, table in rows.items()}
    (folder / "README.md").write_text(_card(rows, size, stamp(ledger.clock.now())), encoding="utf-8")
    return counts


def _writes(ledger: Ledger) -> Iterator[Row]:
    undone = {
        (entry.action, name): entry.actor.person
        for entry in ledger.entries(kinds={"action.undone"})
        for name in entry.body["fields"]
    }
    for entry in ledger.entries(kinds={"action.executed"}):
        body = entry.body
        before, after = _values(entry, "before"), _values(entry, "after")
        for name in body["fields"]:
            yield {
                "at": stamp(entry.at),
                "action": entry.action,
                "agent": str(entry.actor.agent or ""),
                "person": entry.actor.person,
                "capability": body["capability"],
                "action_type": body["action_type"],
                "record": entry.subject,
                "field": name,
                "before": canonical(before.get(name)),
                "after": canonical(after.get(name)),
                "confidence": body["confidence"],
                "mode": body["mode"],
                "approved_by": body["decided_by"],
                "edited_by": body.get("edited_by", ""),
                "undone_by": undone.get((entry.action, name), ""),
                "erased": entry.erased,
            }


def _reviews(ledger: Ledger) -> Iterator[Row]:
    asked: dict[str, Entry] = {}
    for entry in ledger.entries(kinds={"review.opened", *DECIDED}):
        if entry.kind == "review.opened":
            asked[entry.body["review"]] = entry
            continue
        question = asked.pop(entry.body["review"], None)
        if question is not None:
            yield _review(question, entry)


def _review(question: Entry, answer: Entry) -> Row:
    proposed = cast("dict[str, Json]", _values(question, "payload").get("arguments", {}))
    decision = DECIDED[answer.kind]
    chosen = {"edited": _values(answer, "arguments"), "approved": proposed}.get(decision)
    return {
        "asked_at": stamp(question.at),
        "decided_at": stamp(answer.at),
        "seconds": (answer.at - question.at).total_seconds(),
        "review": question.body["review"],
        "action": question.action,
        "agent": str(question.actor.agent or ""),
        "action_type": question.body["action_type"],
        "record": question.subject,
        "confidence": question.body["confidence"],
        "tier": question.body["tier"],
        "reason": question.body["code"],
        "proposed": canonical(proposed),
        "decision": decision,
        "chosen": canonical(chosen),
        "by": answer.body["by"],
        "note": answer.value("note", ""),
        "erased": question.erased,
    }


def _values(entry: Entry, name: str) -> dict[str, Json]:
    return cast("dict[str, Json]", entry.value(name) or {})


def _judgements(ledger: Ledger) -> Iterator[Row]:
    for entry in ledger.entries(kinds={"identity.judged"}):
        told = {key: entry.body[key] for key in ("one", "other", "same", "by")}
        yield {"at": stamp(entry.at), **told, "why": entry.value("why", "")}


def _save(path: Path, rows: Sequence[Row], form: Form) -> None:
    if form == "jsonl":
        path.write_bytes(b"".join(orjson.dumps(dict(row)) + b"\n" for row in rows))
        return
    import pyarrow  # pyright: ignore[reportMissingTypeStubs]
    from pyarrow import parquet  # pyright: ignore[reportMissingTypeStubs]

    arrow: Any = pyarrow
    writer: Any = parquet
    writer.write_table(arrow.Table.from_pylist([dict(row) for row in rows]), path)


def _card(rows: Mapping[str, Sequence[Row]], size: int, at: str) -> str:
    lines = [
        "# What agents wrote and people decided",
        "",
        f"Exported {at} from a ledger of {size} entries. Values are JSON text. It may hold personal data: treat it as the CRM.",
        "People's decisions are labels with a bias: they were asked about what policy held, not about a random sample.",
        "",
    ]
    for name, meaning in TABLES.items():
        columns = ", ".join(rows[name][0]) if rows[name] else "–"
        lines += [f"## {name}: {len(rows[name])} rows", "", meaning, "", f"Columns: {columns}", ""]
    return "\n".join(lines)
