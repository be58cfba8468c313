"""Finding and comparing candidate pairs on a Spark cluster, where one machine is too small: the same settings, by Splink.

Everything else stays as it is: features are made in DuckDB, weights, groups and identifiers here. Needs the extra `spark`
(pyspark and a Java runtime). What must never happen here: another answer than on one machine.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pilothouse.data.identity.measuring import settings
from pilothouse.data.identity.pairs import common_columns
from pilothouse.vocabulary.errors import InvalidInput

if TYPE_CHECKING:
    from pilothouse.data.identity.index import Index

SIMILARITY = "uk.gov.moj.dash.linkage.JaroWinklerSimilarity"
"""The class in Splink's own jar that our conditions call `jaro_winkler_similarity`."""


def spark_engine(master: str, shared: Path | None = None) -> Callable[[Index], None]:
    """Return what compares all records of an index with one another on Spark.

    `master` is a Spark master's URL; `local[2]` runs it here with two threads. `shared` is a folder that this machine and
    all workers reach under the same path; a temporary one does for a local master. Raises `InvalidInput` where pyspark or
    a Java runtime is missing.
    """
    session = _session(master)

    def compare(index: Index) -> None:
        with tempfile.TemporaryDirectory(dir=shared, prefix="pilothouse-") as folder:
            _compare(index, session, Path(folder))

    return compare


def _session(master: str) -> Any:
    try:
        # By name: pyspark is an extra, and no type checker needs to know it.
        sql: Any = import_module("pyspark.sql")
        jar: Any = import_module("splink.internals.spark.jar_location")
    except ImportError:
        raise InvalidInput(
            "pyspark is not installed.", hint="Install Pilothouse with the extra `spark`, and a Java runtime."
        ) from None
    told = {
        "spark.jars": jar.similarity_jar_location(),
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.log.level": "ERROR",
    }
    if master.startswith("local"):
        told |= {"spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1"}
        told |= {"spark.sql.shuffle.partitions": "4"}
    builder: Any = sql.SparkSession.builder.appName("pilothouse").master(master)
    for name, value in told.items():
        builder = builder.config(name, value)
    try:
        session: Any = builder.getOrCreate()
    except Exception as error:
        raise InvalidInput(
            f"Spark does not start at {master}: {str(error).splitlines()[0]}", hint="Is a Java runtime installed?"
        ) from None
    session.udf.registerJavaFunction("jarowinkler_similarity", SIMILARITY, sql.types.DoubleType())
    return session


def _compare(index: Index, session: Any, folder: Path) -> None:
    from splink import Linker, SparkAPI

    index.connection.execute(f"COPY (FROM features) TO '{folder}/features.parquet' (FORMAT parquet)")
    session.sparkContext.setCheckpointDir(f"{folder}/checkpoints")
    parts = int(session.conf.get("spark.sql.shuffle.partitions"))
    api: Any = SparkAPI(spark_session=session, break_lineage_method="parquet", num_partitions_on_repartition=parts)
    features = session.read.parquet(f"{folder}/features.parquet")
    linker = Linker(api.register(features), settings(index.model, index.count()), log_level=None)
    found: Any = linker.inference.predict()
    levels = [f"gamma_{each.name}" for each in index.model.comparisons]
    found.as_spark_dataframe().select("unique_id_l", "unique_id_r", *levels).write.parquet(f"{folder}/pairs")
    _take(index, folder / "pairs")


def _take(index: Index, pairs: Path) -> None:
    """Put the pairs into the index as `pairs.compare_touched` would have."""
    model = index.model
    # Splink counts levels from the last to the first.
    levels = ", ".join(
        f"CASE WHEN gamma_{each.name}<0 THEN -1 ELSE {len(each.levels) - 1}-gamma_{each.name} END"
        for each in model.comparisons
    )
    common = common_columns(model)
    often = "".join(f", coalesce(o_{name}.k, 0)" for name in common)
    lookups = " ".join(
        f"LEFT JOIN often o_{name} ON o_{name}.field='{name}' AND o_{name}.value=first.{name}" for name in common
    )
    index.connection.execute("DELETE FROM pairs")
    index.connection.execute(f"""
        INSERT INTO pairs SELECT least_id, greatest_id, {levels}{often} FROM (
            SELECT found.*, CASE WHEN a.ref<b.ref THEN a.unique_id ELSE b.unique_id END AS least_id,
                CASE WHEN a.ref<b.ref THEN b.unique_id ELSE a.unique_id END AS greatest_id
            FROM read_parquet('{pairs}/*.parquet') found
            JOIN own a ON a.unique_id=unique_id_l JOIN own b ON b.unique_id=unique_id_r) found
        JOIN own first ON first.unique_id=least_id {lookups}
    """)  # noqa: S608
