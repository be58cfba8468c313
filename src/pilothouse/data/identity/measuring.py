"""Measuring the weights of evidence on the data itself, without labels, by Splink: expectation maximisation.

Only the numbers come from Splink. Pairs are found and weighed in `pairs`, because a record that is new must be weighed
against a million others with exactly the numbers, and in exactly the way, that those were weighed with.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Any

import duckdb
import numpy as np
from duckdb import DuckDBPyConnection

from pilothouse.data.identity.index import Index
from pilothouse.data.identity.model import ELSE, LEARN_FROM, Comparison, Level, Model
from pilothouse.data.identity.weights import Weights, shipped

SAMPLE_PAIRS = 2_000_000
MEMORY = "2GB"


def measure(index: Index) -> Weights:
    """Return the weights for the records of an index; the shipped ones where there are few, or nothing to learn."""
    connection, model, count = index.connection, index.model, index.count()
    base = shipped(model, count, index.told())
    if count < LEARN_FROM:
        return base
    from splink import DuckDBAPI, Linker

    logging.getLogger("splink").setLevel(logging.ERROR)
    # In a database of its own: Splink makes tables as it likes, and may fail on the way to trying another.
    with duckdb.connect() as apart:
        apart.execute(f"SET memory_limit='{MEMORY}'")
        apart.execute("SET enable_progress_bar=false")
        copied: Any = connection.sql("SELECT * FROM features").to_arrow_table()
        apart.register("copied", copied)
        apart.execute("CREATE TABLE compared AS SELECT * FROM copied")
        apart.unregister("copied")
        del copied
        api: Any = DuckDBAPI(connection=apart)
        linker = Linker(api.register("compared"), settings(model, count), log_level=None)
        try:
            learn(linker, apart, model, "compared")
        except ValueError:
            # Splink takes the logarithm of a chance that came to nothing: no two of these records match, and they teach
            # nothing. What is shipped stands.
            return base
        found = {each.name: _levels(linker, each) for each in model.comparisons}
        learned: Any = linker.misc.save_model_to_json()
        # Where nothing matched surely, one pair in all is the least that can be said; a chance of none has no bits.
        least = 2 / (count * (count - 1))
        chance = min(max(float(learned["probability_two_random_records_match"]), least), 0.5)
    bits = {name: tuple(float(np.log2(m / u)) for m, u in each) for name, each in found.items()}
    shares = {
        level.frequency_of: found[each.name][number][1]
        for each in model.comparisons
        for number, level in enumerate(each.levels)
        if level.frequency_of
    }
    frequencies = {name: (u, base.frequencies[name][1]) for name, u in shares.items()}
    return replace(
        base, prior=float(np.log2(chance / (1 - chance))), bits=bits, frequencies=frequencies, common=index.common()
    )


def learn(linker: Any, connection: DuckDBPyConnection, model: Model, table: str) -> None:
    """Estimate m, u and the chance that two records match, from a table of features."""
    from splink import block_on

    rules = [block_on(*columns) for columns in model.surely]
    linker.training.estimate_probability_two_random_records_match(rules, recall=0.8)
    linker.training.estimate_u_using_random_sampling(max_pairs=SAMPLE_PAIRS, seed=1)
    for columns in model.learn_by:
        # Where no two records share these there is nothing to learn, and Splink would lose the comparison over trying.
        shared = " AND ".join(f"{column} IS NOT NULL" for column in columns)
        query = f"SELECT 1 FROM {table} WHERE {shared} GROUP BY {', '.join(columns)} HAVING count(*)>1 LIMIT 1"  # noqa: S608
        if connection.execute(query).fetchall():
            linker.training.estimate_parameters_using_expectation_maximisation(block_on(*columns))


def settings(model: Model, count: int) -> Any:
    """Return our comparisons in Splink's words, for so many records; they are written for DuckDB, and Splink translates."""
    import splink.comparison_level_library as levels
    from splink import SettingsCreator, block_on
    from splink.comparison_library import CustomComparison

    def level(each: Level) -> Any:
        if each.when == ELSE:
            made: Any = levels.ElseLevel()
        else:
            made = levels.CustomLevel(each.when, each.says, base_dialect_str="duckdb")
        made = made.configure(m_probability=each.m, u_probability=each.u)
        return made.configure(tf_adjustment_column=each.frequency_of) if each.frequency_of else made

    def comparison(each: Comparison) -> Any:
        nothing = levels.NullLevel(each.column)
        return CustomComparison(
            output_column_name=each.name, comparison_levels=[nothing, *(level(one) for one in each.levels)]
        )

    return SettingsCreator(
        link_type="dedupe_only",
        unique_id_column_name="unique_id",
        comparisons=[comparison(each) for each in model.comparisons],
        blocking_rules_to_generate_predictions=[block_on(*columns) for columns in model.blocking],
        probability_two_random_records_match=min(0.5, 1 / max(2, count)),
        max_iterations=15,
    )


def _levels(linker: Any, comparison: Comparison) -> list[tuple[float, float]]:
    """Return m and u of each level that says something."""
    found = next(each for each in linker._settings_obj.comparisons if each.output_column_name == comparison.name)
    told = [each for each in found.comparison_levels if not each.is_null_level]
    return [(max(float(each.m_probability), 1e-9), max(float(each.u_probability), 1e-9)) for each in told]
