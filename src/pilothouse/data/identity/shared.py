"""What of a record depends on all the others, kept right while records come and change.

Of accounts: which words of a name are places or numbers (`marks`; a place is what any record has as its country or city),
and whether a name is used with one domain and one country only (`sole`). Each is a function of the records as they are, in
whatever order they came; what changes through a new record is found by what it shares with others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


def update_shared(connection: DuckDBPyConnection, object_name: str) -> None:
    """Bring the table `shared` up to date after `own` was, and add records whose part of it changed to `touched`.

    `touched` holds the `unique_id` of the records that are new or changed, `before` their features until now.
    """
    if object_name == "account":
        connection.execute(_PLACES)
        connection.execute(_REACHED)
        connection.execute(_MADE)
        connection.execute("INSERT INTO touched SELECT unique_id FROM made_shared EXCEPT SELECT unique_id FROM touched")
        connection.execute("DELETE FROM shared WHERE unique_id IN (SELECT unique_id FROM made_shared)")
        connection.execute("INSERT INTO shared SELECT * FROM made_shared")
        connection.execute("CREATE OR REPLACE TABLE places AS SELECT place FROM new_places")


SHARED = {
    "account": "unique_id BIGINT, marks VARCHAR[], sole BOOLEAN",
    "contact": "unique_id BIGINT",
}
_PLACES = """
    CREATE OR REPLACE TEMP TABLE new_places AS
    SELECT place FROM (SELECT DISTINCT land AS place FROM own UNION SELECT DISTINCT town FROM own) WHERE place<>''
"""
_REACHED = """
    CREATE OR REPLACE TEMP TABLE reached AS
    WITH moved AS (SELECT place FROM (FROM new_places EXCEPT FROM places)
            UNION ALL (FROM places EXCEPT FROM new_places)),
    every AS (SELECT list(place) AS places FROM moved),
    names AS (SELECT name_key FROM before UNION SELECT name_key FROM own SEMI JOIN touched USING (unique_id))
    SELECT unique_id FROM touched
    UNION SELECT unique_id FROM own SEMI JOIN names USING (name_key)
    UNION SELECT unique_id FROM own CROSS JOIN every WHERE list_has_any(words, places)
"""
# Only what differs from what was known is kept: the rest need not be compared again.
_MADE = """
    CREATE OR REPLACE TEMP TABLE made_shared AS
    WITH every AS (SELECT coalesce(list(place),[]) AS places FROM new_places),
    names AS (SELECT DISTINCT name_key FROM own SEMI JOIN reached USING (unique_id)),
    uses AS (SELECT name_key, count(DISTINCT domain)<=1 AND count(DISTINCT country)<=1 AS sole
        FROM own SEMI JOIN names USING (name_key) GROUP BY name_key)
    SELECT unique_id, list_filter(words, lambda w: list_contains(places,w) OR regexp_matches(w,'^([0-9]+|[ivx]+)$')) AS marks,
        coalesce(sole,false) AS sole
    FROM (SELECT unique_id, words, name_key FROM own SEMI JOIN reached USING (unique_id)) CROSS JOIN every LEFT JOIN uses USING (name_key)
    EXCEPT FROM shared
"""
