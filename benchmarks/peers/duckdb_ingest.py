"""Ingest in DuckDB: a TSV in YFCC100M's form, decoded and written as sorted Parquet, partitioned by owner.

    python -m benchmarks.peers.duckdb_ingest OUT PARTITIONS FILES...

Reading, decoding, sorting by (partition, owner, item) and ``COPY ... PARTITION_BY`` are one statement.
Items that come twice are found by a narrow pass over the file before it, and lose all rows but one. Tried,
by CPU time on 2M rows: a temporary table in between, about as fast (1.07 of it); `distinct on` over whole
rows, 1.26. On 0.5M rows without that question: a temporary table and a ``COPY`` for each partition, 1.08.

What byleave's ingest does besides, and this does not: quarantine with reasons, checks of ids, normal forms
of owners, a rule for which of two rows stays, the item index, digests, checksums of pages, fsync.
"""

from __future__ import annotations

import sys

import duckdb
import pyarrow as pa

from benchmarks.peers.columns import YFCC100M
from transforms.domain.license_spellings import normalize


def main() -> None:
    """Read the words of the command line, and write the partitions."""
    out, partitions, *files = sys.argv[1:]
    connection = duckdb.connect()
    connection.execute("set preserve_insertion_order = false")
    connection.execute(f"set temp_directory = '{out}.spilled'")
    columns = ", ".join(f"'{name}': 'varchar'" for name in YFCC100M)
    listed = ", ".join(f"'{file}'" for file in files)
    connection.execute(f"""
        create view lines as from read_csv([{listed}], columns = {{{columns}}},
            delim = '\t', header = false, quote = '', escape = '', nullstr = '')""")
    raw = "coalesce(license_url, license_name)"
    # One narrow pass for what must be known first: how licenses are written, and which items come twice.
    connection.execute(f"""
        create temp table items as
        select item_id, count(*)::uinteger as rows, any_value({raw}) as license_raw
        from lines group by item_id""")
    found = connection.execute("select distinct license_raw from items where license_raw is not null")
    spelled = [row[0] for row in found.fetchall()]
    connection.execute("create temp table licenses (license_raw text, license text)")
    meant = normalize(pa.array(spelled, pa.string())).to_pylist()
    connection.executemany("insert into licenses values (?, ?)", list(zip(spelled, meant, strict=True)))
    connection.execute("create temp table twice as select item_id from items where rows > 1")
    connection.execute("drop table items")
    decoded = ", ".join(
        f"{_decoded(name)} as {name}" for name in ("owner_name", "title", "description", "capture_device")
    )
    rows = f"""
        select 'flickr' as source, item_id, {_decoded("owner_id")} as owner_id, {raw} as license_raw,
            case marker when '0' then 'photo' when '1' then 'video' else 'unknown' end as media_type,
            {decoded}, {_list("tags")} as tags, {_list("machine_tags")} as machine_tags,
            try_cast(taken_at as timestamp_ms) as taken_at,
            make_timestamp_ms(try_cast(uploaded_at as bigint) * 1000)::timestamp_ms as uploaded_at,
            try_cast(longitude as double) as longitude, try_cast(latitude as double) as latitude,
            try_cast(accuracy as tinyint) as accuracy, page_url, image_url,
            hash(coalesce({_decoded("owner_id")}, item_id)) % {int(partitions)} as part
        from lines"""
    connection.execute(f"""
        copy (
            with decoded as ({rows}), once as (
                from decoded where item_id not in (from twice)
                union all
                select distinct on (item_id) * from decoded where item_id in (from twice)
            )
            select once.*, coalesce(l.license, 'unknown') as license
            from once left join licenses l using (license_raw)
            order by part, owner_id, item_id
        ) to '{out}' (format parquet, compression zstd, compression_level 1, partition_by (part))""")


def _decoded(column: str) -> str:
    return f"url_decode(replace({column}, '+', ' '))"


def _list(column: str) -> str:
    return f"list_transform(string_split({column}, ','), lambda tag: {_decoded('tag')})"


if __name__ == "__main__":
    main()
