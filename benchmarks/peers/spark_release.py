"""The release in Spark, on this machine alone, over the same tables.

    python -m benchmarks.peers.spark_release STORE OUT [--only-kept]

The form is Polars' and DuckDB's: a narrow pass that groups by owner and grain and remembers the exceptions,
then a wide pass against these few, broadcast. Settings: fewer partitions in a shuffle than the default of
200, which is meant for a cluster; adaptive execution, as is the default; no user interface; 12 GiB for the
driver, in which everything runs here.
"""

from __future__ import annotations

import functools
import operator
import sys
from pathlib import Path

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as f

from benchmarks.peers.release_inputs import (
    NEVER_WITHDRAWN,
    NOCV,
    VISIBILITY_REASONS,
    ReleaseInputs,
    directions,
    first_reasons,
    release_inputs,
)
from transforms.domain.licenses import ALL_RIGHTS_RESERVED, UNKNOWN
from transforms.domain.reasons import BIT

_GRAIN = ["license_then", "license_now", "upload_year", "media_type"]


def _session(out: Path) -> SparkSession:
    return (
        SparkSession.builder.master("local[*]")
        .config("spark.driver.memory", "12g")
        .config("spark.ui.enabled", "false")
        .config("spark.ui.showConsoleProgress", "false")
        .config("spark.sql.shuffle.partitions", "32")
        .config("spark.sql.parquet.compression.codec", "zstd")
        .config("spark.local.dir", str(out / "spilled"))
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.hadoop.parquet.compression.codec.zstd.level", "1")
        .config("spark.log.level", "ERROR")
        .getOrCreate()
    )


def _judged(spark: SparkSession, inputs: ReleaseInputs, manifest: DataFrame) -> DataFrame:
    """``manifest`` with license then and now, and every reason to leave a row out."""
    opted = spark.read.parquet(*inputs.opt_outs)
    rows = manifest.withColumn("license_then", f.col("license"))
    for place, files in enumerate(inputs.snapshots):
        look = spark.read.parquet(*files).select(
            "item_id", f.col("license").alias(f"now{place}"), f.col("visibility").alias(f"seen{place}")
        )
        rows = rows.join(look, "item_id", "left")
    for kind in ("item", "owner"):
        said = opted.where(f.col("kind") == kind).select(
            f.col("key").alias(f"{kind}_id"), f.lit(True).alias(kind)
        )
        rows = rows.join(f.broadcast(said.distinct()), f"{kind}_id", "left")
    places = range(len(inputs.snapshots))
    now = f.coalesce(*(f.col(f"now{place}") for place in places), "license_then")
    seen = f.coalesce(*(f.col(f"seen{place}") for place in places), f.lit("unknown"))
    withdrawn = (now == ALL_RIGHTS_RESERVED) & ~f.col("license_then").isin(*NEVER_WITHDRAWN)
    met: dict[str, Column] = {
        "opt_out_item": f.coalesce("item", f.lit(False)),
        "opt_out_owner": f.coalesce("owner", f.lit(False)),
        "opt_out_tag": _says_no("tags") | _says_no("machine_tags"),
        "license_unknown": now == UNKNOWN,
        "license_withdrawn": withdrawn,
        "license_not_allowed": ~now.isin(*inputs.allowed, UNKNOWN),
    }
    bits = [(seen == name).cast("int") * bit for name, bit in VISIBILITY_REASONS.items()]
    bits += [holds.cast("int") * BIT[name] for name, holds in met.items()]
    rows = rows.withColumn("license_now", now)
    rows = rows.withColumn("reasons", functools.reduce(operator.add, bits))
    return rows.drop("item", "owner", *(f"{name}{place}" for place in places for name in ("now", "seen")))


def _says_no(tags: str) -> Column:
    pattern = NOCV.replace("^", r"(^|\n)").replace("$", r"(\n|$)")
    return f.coalesce(f.array_join(tags, "\n").rlike(pattern), f.lit(False))


def only_kept(spark: SparkSession, inputs: ReleaseInputs, out: Path) -> None:
    """The kept rows, in one query."""
    rows = _judged(spark, inputs, spark.read.parquet(*inputs.manifest)).where("reasons = 0")
    _write(rows.withColumn("license", f.col("license_now")).drop("reasons"), out / "items")


def whole(spark: SparkSession, inputs: ReleaseInputs, out: Path) -> None:
    """The kept rows, an account of the others, and the tallies of both."""
    manifest = spark.read.parquet(*inputs.manifest)
    narrow = manifest.select(
        "item_id", "owner_id", "license", "media_type", "tags", "machine_tags",
        f.year("uploaded_at").cast("smallint").alias("upload_year"),
    )  # fmt: skip
    named = (f.col("reasons") != 0) | (f.col("license_now") != f.col("license_then"))
    groups = (
        _judged(spark, inputs, narrow)
        .groupBy("owner_id", *_GRAIN, "reasons")
        .agg(f.count("*").alias("items"), f.collect_list(f.when(named, f.col("item_id"))).alias("named"))
        .cache()
    )
    exceptions = groups.select("owner_id", "license_now", "reasons", f.explode("named").alias("item_id"))
    looked_up = exceptions.select("item_id", "license_now", "reasons")
    now = f.coalesce("license_now", "license")
    _write(
        manifest.join(f.broadcast(looked_up), "item_id", "left")
        .where("reasons is null or reasons = 0")
        .withColumn("license_then", f.col("license"))
        .withColumn("license_now", now)
        .withColumn("license", f.col("license_now"))
        .drop("reasons"),
        out / "items",
    )
    first = f.broadcast(spark.createDataFrame(first_reasons(), "bit int, first_reason string"))
    pairs = [(row[0], row[1]) for row in groups.select("license_then", "license_now").distinct().collect()]
    meant = f.broadcast(
        spark.createDataFrame(directions(pairs), "license_then string, license_now string, direction string")
    )
    lowest = f.col("reasons").bitwiseAND(-f.col("reasons"))
    _write(
        exceptions.where("reasons != 0")
        .withColumn("bit", lowest)
        .withColumn("source", f.lit(inputs.source))
        .join(first, "bit")
        .select("source", "item_id", "owner_id", "first_reason", "reasons"),
        out / "excluded",
    )
    _write(
        groups.withColumn("bit", lowest)
        .groupBy("owner_id", *_GRAIN, "bit")
        .agg(f.sum("items").alias("items"))
        .groupBy(*_GRAIN, "bit")
        .agg(f.sum("items").alias("items"), f.count("owner_id").alias("owners"))
        .join(meant, ["license_then", "license_now"])
        .join(first, "bit", "left")
        .withColumn("verdict", f.when(f.col("bit") == 0, "kept").otherwise("excluded"))
        .drop("bit"),
        out / "tallies",
    )
    reason = first.select(f.col("bit").alias("reason_bit"), f.col("first_reason").alias("reason"))
    _write(
        groups.where("reasons != 0")
        .withColumn("bit", lowest)
        .join(reason, f.col("reasons").bitwiseAND(f.col("reason_bit")) != 0)
        .groupBy("reason")
        .agg(
            f.sum("items").alias("items"),
            f.count_distinct("owner_id").alias("owners"),
            f.coalesce(f.sum(f.when(f.col("bit") == f.col("reason_bit"), f.col("items"))), f.lit(0)).alias(
                "first_items"
            ),
        ),
        out / "exclusions",
    )


def _write(rows: DataFrame, folder: Path) -> None:
    rows.write.parquet(str(folder))


def main() -> None:
    """Read the words of the command line, and write the release."""
    store, out, *words = sys.argv[1:]
    Path(out).mkdir(parents=True)
    spark = _session(Path(out))
    cut = only_kept if words == ["--only-kept"] else whole
    cut(spark, release_inputs(store), Path(out).resolve())
    spark.stop()


if __name__ == "__main__":
    main()
