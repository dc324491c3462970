"""Ingest in Polars' streaming engine: the same TSV, read, decoded and written as sorted, partitioned Parquet.

    python -m benchmarks.peers.polars_ingest OUT PARTITIONS FILES...

Polars has no decoder of URLs. It is lent byleave's own, over the columns of a batch: replacing escape by
escape, or `urllib` cell by cell, would be slower. One sort of the whole puts partitions and their rows in
order.
"""

from __future__ import annotations

import sys

import polars as pl
import pyarrow as pa

from benchmarks.peers.columns import YFCC100M
from transforms.domain.license_spellings import normalize
from transforms.formats.formencoding import decode


def _decoded(texts: pl.Series) -> pl.Series:
    column = decode(texts.to_arrow().cast(pa.string()))
    return pl.Series(texts.name, pl.from_arrow(column), pl.String)


def _decoded_lists(lists: pl.Series) -> pl.Series:
    written = lists.to_arrow()
    values = decode(written.values.cast(pa.string())).cast(pa.large_string())
    mask = written.is_null() if written.null_count else None
    column = pa.LargeListArray.from_arrays(written.offsets, values, mask=mask)
    return pl.Series(lists.name, pl.from_arrow(column), pl.List(pl.String))


def _licenses(raw: pl.Series) -> pl.Series:
    return pl.Series(raw.name, pl.from_arrow(normalize(raw.to_arrow().cast(pa.string()))), pl.String)


def main() -> None:
    """Read the words of the command line, and write the partitions."""
    out, partitions, *files = sys.argv[1:]
    lines = pl.scan_csv(
        files,
        separator="\t",
        has_header=False,
        quote_char=None,
        schema=dict.fromkeys(YFCC100M, pl.String),
        raise_if_empty=False,
    )
    texts = ["owner_id", "owner_name", "title", "description", "capture_device"]
    raw = pl.coalesce("license_url", "license_name")
    rows = lines.select(
        "item_id",
        "page_url",
        "image_url",
        source=pl.lit("flickr"),
        license_raw=raw,
        license=raw.map_batches(_licenses, pl.String, is_elementwise=True),
        media_type=pl.col("marker").replace_strict({"0": "photo", "1": "video"}, default="unknown"),
        taken_at=pl.col("taken_at").str.to_datetime("%Y-%m-%d %H:%M:%S%.f", time_unit="ms", strict=False),
        uploaded_at=(pl.col("uploaded_at").cast(pl.Int64, strict=False) * 1000).cast(pl.Datetime("ms")),
        longitude=pl.col("longitude").cast(pl.Float64, strict=False),
        latitude=pl.col("latitude").cast(pl.Float64, strict=False),
        accuracy=pl.col("accuracy").cast(pl.Int8, strict=False),
        **{name: pl.col(name).map_batches(_decoded, pl.String, is_elementwise=True) for name in texts},
        **{
            name: pl.col(name)
            .str.split(",")
            .map_batches(_decoded_lists, pl.List(pl.String), is_elementwise=True)
            for name in ("tags", "machine_tags")
        },
    )
    home = pl.coalesce("owner_id", "item_id").hash() % int(partitions)
    (
        rows.unique("item_id", keep="any")
        .with_columns(part=home)
        .sort("part", "owner_id", "item_id")
        .sink_parquet(
            pl.PartitionBy(out, key="part"),
            compression="zstd",
            compression_level=1,
            row_group_size=122_880,
            mkdir=True,
            engine="streaming",
        )
    )


if __name__ == "__main__":
    main()
