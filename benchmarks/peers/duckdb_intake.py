"""DuckDB counts, of each target, the items and owners of the manifest that it meets.

python -m benchmarks.peers.duckdb_intake STORE TARGETS OUT. One join for each kind; URLs are cut to their
normal form by regular expressions, as a user would write it who has seen these URLs. Tried too: one join on
a union of all keys of a row, which took longer.
"""

from __future__ import annotations

import sys

import duckdb

from benchmarks.peers.release_inputs import manifest_files

_NORMAL = "rtrim(replace(regexp_replace({}, '^https?://', ''), '%40', '@'), '/')"


def main() -> None:
    """Count, and write what was counted."""
    store, targets, out = sys.argv[1:]
    items = manifest_files(store)
    duckdb.execute("set enable_progress_bar = false")
    duckdb.execute(f"create view items as select * from read_parquet({items})")
    duckdb.execute(f"create table targets as select kind, source, key from '{targets}'")
    urls = " union ".join(
        f"select {_NORMAL.format(name)} as key, source, item_id, owner_id from items"
        for name in ("page_url", "image_url")
    )
    duckdb.execute(f"""
        copy (
            with met as (
                select t.kind, t.source, t.key, i.source as of, i.item_id, i.owner_id
                from targets t join items i on t.kind = 'item' and t.source = i.source and t.key = i.item_id
                union all
                select t.kind, t.source, t.key, i.source, i.item_id, i.owner_id
                from targets t join items i on t.kind = 'owner' and t.source = i.source and t.key = i.owner_id
                union all
                select t.kind, t.source, t.key, i.source, i.item_id, i.owner_id
                from targets t join ({urls}) i on t.kind = 'url' and t.key = i.key
            ), counted as (
                select kind, source, key, count(*) as items,
                       count(distinct (of, owner_id)) filter (owner_id is not null) as owners
                from met group by all
            )
            select t.kind, t.source, t.key, coalesce(items, 0)::bigint as items,
                   coalesce(owners, 0)::bigint as owners
            from targets t left join counted c
                on t.kind = c.kind and t.key = c.key and t.source is not distinct from c.source
            order by t.kind, t.source nulls last, t.key
        ) to '{out}' (format parquet)""")


if __name__ == "__main__":
    main()
