"""The release in Polars' streaming engine, over the same tables: what a user would write by hand instead.

python -m benchmarks.peers.polars_release STORE OUT [--only-kept]
"""

from __future__ import annotations

import functools
import operator
import sys
from pathlib import Path

import polars as pl

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


def _judged(inputs: ReleaseInputs, manifest: pl.LazyFrame) -> pl.LazyFrame:
    """``manifest`` with license then and now, and every reason to leave a row out."""
    opted = pl.read_parquet(inputs.opt_outs, columns=["kind", "key"])
    rows = manifest.with_columns(license_then=pl.col("license"))
    for place, files in enumerate(inputs.snapshots):
        look = pl.scan_parquet(files).select(
            "item_id", pl.col("license").alias(f"now{place}"), pl.col("visibility").alias(f"seen{place}")
        )
        rows = rows.join(look, on="item_id", how="left", maintain_order="none")
    places = range(len(inputs.snapshots))
    now = pl.coalesce([*(f"now{place}" for place in places), "license_then"])
    seen = pl.coalesce([*(f"seen{place}" for place in places), pl.lit("unknown")])
    said = {kind: opted.filter(pl.col("kind") == kind)["key"].implode() for kind in ("item", "owner")}
    refused = ~now.is_in([*inputs.allowed, UNKNOWN])
    withdrawn = (now == ALL_RIGHTS_RESERVED) & ~pl.col("license_then").is_in(NEVER_WITHDRAWN)
    met = {
        "opt_out_item": pl.col("item_id").is_in(said["item"]),
        "opt_out_owner": pl.col("owner_id").is_in(said["owner"]).fill_null(False),
        "opt_out_tag": _says_no("tags") | _says_no("machine_tags"),
        "license_unknown": now == UNKNOWN,
        "license_withdrawn": withdrawn,
        "license_not_allowed": refused,
    }
    hidden = [(seen == name).cast(pl.UInt32) * bit for name, bit in VISIBILITY_REASONS.items()]
    bits = [*hidden, *(rows_.cast(pl.UInt32) * BIT[name] for name, rows_ in met.items())]
    return rows.with_columns(license_now=now, reasons=functools.reduce(operator.or_, bits)).drop(
        f"{name}{place}" for place in places for name in ("now", "seen")
    )


def _says_no(tags: str) -> pl.Expr:
    return pl.col(tags).list.eval(pl.element().str.contains(NOCV)).list.any().fill_null(False)


def only_kept(inputs: ReleaseInputs, out: Path) -> None:
    """The kept rows, in one query."""
    _write(
        _judged(inputs, pl.scan_parquet(inputs.manifest))
        .filter(pl.col("reasons") == 0)
        .with_columns(license=pl.col("license_now"))
        .drop("reasons"),
        out / "items.parquet",
    )


def whole(inputs: ReleaseInputs, out: Path) -> None:
    """The kept rows, an account of the others, and the tallies of both."""
    manifest = pl.scan_parquet(inputs.manifest)
    narrow = manifest.select(
        "item_id",
        "owner_id",
        "license",
        "media_type",
        "tags",
        "machine_tags",
        upload_year=pl.col("uploaded_at").dt.year().cast(pl.Int16),
    )
    named = (pl.col("reasons") != 0) | (pl.col("license_now") != pl.col("license_then"))
    groups = (
        _judged(inputs, narrow)
        .group_by("owner_id", *_GRAIN, "reasons")
        .agg(items=pl.len(), named=pl.col("item_id").filter(named))
        .collect(engine="streaming")
    )
    exceptions = (
        groups.lazy()
        .select("owner_id", "license_now", "reasons", item_id="named")
        .explode("item_id")
        .filter(pl.col("item_id").is_not_null())
        .collect()
    )
    looked_up = exceptions.lazy().select("item_id", "license_now", "reasons")
    now = pl.coalesce("license_now", "license")
    _write(
        manifest.join(looked_up, on="item_id", how="left", maintain_order="none")
        .filter(pl.col("reasons").fill_null(0) == 0)
        .with_columns(license=now, license_then=pl.col("license"), license_now=now)
        .drop("reasons"),
        out / "items.parquet",
    )
    first = pl.DataFrame(first_reasons(), {"bit": pl.UInt32, "first_reason": pl.String}, orient="row").lazy()
    pairs = groups.select("license_then", "license_now").unique().rows()
    meant = pl.DataFrame(directions(pairs), ["license_then", "license_now", "direction"], orient="row").lazy()
    lowest = (pl.col("reasons") & (~pl.col("reasons") + 1)).alias("bit")
    _write(
        exceptions.lazy()
        .filter(pl.col("reasons") != 0)
        .with_columns(lowest, source=pl.lit(inputs.source))
        .join(first, on="bit")
        .select("source", "item_id", "owner_id", "first_reason", "reasons"),
        out / "excluded.parquet",
    )
    _write(
        groups.lazy()
        .group_by("owner_id", *_GRAIN, lowest)
        .agg(pl.col("items").sum())
        .group_by(*_GRAIN, "bit")
        .agg(items=pl.col("items").sum().cast(pl.Int64), owners=pl.col("owner_id").count().cast(pl.Int64))
        .join(meant, on=["license_then", "license_now"])
        .join(first, on="bit", how="left")
        .with_columns(verdict=pl.when(pl.col("bit") == 0).then(pl.lit("kept")).otherwise(pl.lit("excluded")))
        .drop("bit"),
        out / "tallies.parquet",
    )
    _write(
        groups.lazy()
        .filter(pl.col("reasons") != 0)
        .with_columns(lowest)
        .join(first.select(reason_bit="bit", reason="first_reason"), how="cross")
        .filter(pl.col("reasons") & pl.col("reason_bit") != 0)
        .group_by("reason")
        .agg(
            items=pl.col("items").sum().cast(pl.Int64),
            owners=pl.col("owner_id").drop_nulls().n_unique().cast(pl.Int64),
            first_items=pl.col("items").filter(pl.col("bit") == pl.col("reason_bit")).sum().cast(pl.Int64),
        ),
        out / "exclusions.parquet",
    )


def _write(rows: pl.LazyFrame, file: Path) -> None:
    rows.sink_parquet(
        file,
        compression="zstd",
        compression_level=1,
        row_group_size=122_880,
        maintain_order=False,
        engine="streaming",
    )


def main() -> None:
    """Read the words of the command line, and write the release."""
    store, out, *words = sys.argv[1:]
    Path(out).mkdir(parents=True)
    cut = only_kept if words == ["--only-kept"] else whole
    cut(release_inputs(store), Path(out))


if __name__ == "__main__":
    main()
