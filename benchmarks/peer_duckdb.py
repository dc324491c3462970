"""The release as one DuckDB statement over the same tables: what a user would write by hand instead.

Reads the manifest's and the license snapshots' Parquet blobs and the opt-out entries of a store, joins,
decides as `research.toml` does, and writes the kept rows, zstd-compressed. It tallies nothing, keeps no
account of what it left out, checks no digest, and starts from the beginning each time.

    python -m benchmarks.peer_duckdb STORE OUT.parquet
"""

from __future__ import annotations

import sys
from pathlib import Path

import duckdb

from pipelines.store.store import open_store
from pipelines.store.tables import LICENSES, MANIFESTS, OPT_OUTS

_STATEMENT = """
copy (
    with looks as (
        select
            item_id,
            arg_max(license, observed_on) as license_now,
            arg_max(visibility, observed_on) as visibility
        from read_parquet($looks) group by item_id
    ),
    opted as (select kind, key from read_parquet($entries))
    select m.* exclude (license), coalesce(l.license_now, m.license) as license, m.license as license_then
    from read_parquet($manifest) m left join looks l using (item_id)
    where l.visibility = 'public'
      and (coalesce(l.license_now, m.license) like 'CC%')
      and m.item_id not in (select key from opted where kind = 'item')
      and (m.owner_id is null or m.owner_id not in (select key from opted where kind = 'owner'))
      and not coalesce(list_has_any(
            list_transform(m.tags, lambda t: regexp_replace(lower(t), '[ _-]', '', 'g')), ['nocv']), false)
) to '{out}' (format parquet, compression zstd, compression_level 1)
"""


def main(url: str, out: str) -> None:
    """Cut the release of the newest tables in the store at ``url`` into the file ``out``."""
    store = open_store(url)

    def paths(kind: str) -> list[str]:
        tables = store.tables.all(kind)
        blobs = [blob for table in tables for blob in (*table.buckets.values(), *table.shards.values())]
        return [str(Path(store.url) / blob.path) for blob in blobs]

    manifest = store.tables.get(MANIFESTS, store.tables.names(MANIFESTS)[-1])
    entries = [str(Path(store.url) / t.blobs["entries"].path) for t in store.tables.all(OPT_OUTS)]
    connection = duckdb.connect()
    # Found by trying: insertion order costs memory and nobody reads it here.
    connection.execute("set preserve_insertion_order = false")
    arguments = {
        "looks": paths(LICENSES),
        "entries": entries,
        "manifest": [str(Path(store.url) / blob.path) for blob in manifest.buckets.values()],
    }
    connection.execute(_STATEMENT.format(out=out), arguments)
    rows = connection.execute(f"select count(*) from read_parquet('{out}')").fetchone()
    print(rows[0] if rows else 0)


if __name__ == "__main__":
    main(*sys.argv[1:])
