"""License drift in DuckDB, over the raw dumps of two days: what a maintainer would write by hand instead.

    python -m benchmarks.peers.duckdb_drift QUESTION RAW_FROM RAW_TO [MEMORY_LIMIT]

Prints the answer as JSON. What is in the first dump and not in the second went missing. Found by trying, on
10M rows: grouping by owner first, so that each owner is counted once, took half the time of
`count(distinct owner_id)`, and a join half that of one aggregate over both dumps.
"""

from __future__ import annotations

import itertools
import json
import sys
import tempfile

import duckdb

from transforms.domain.license_changes import compare
from transforms.domain.licenses import UNKNOWN
from transforms.synth.history import LICENSES

THREADS = 2


def ask(question: str, raw_from: str, raw_to: str, memory_limit: str = "") -> list[tuple[object, ...]]:
    """The answer to `by-license`, `by-direction`, or, of the second dump alone, `as-of`.

    Args:
        question: one of these.
        raw_from: the folder of the first dump.
        raw_to: of the second.
        memory_limit: as DuckDB writes it; empty: its own, 80 % of the machine.
    """
    with tempfile.TemporaryDirectory() as spilled, duckdb.connect(config={"threads": THREADS}) as connection:
        connection.execute("set preserve_insertion_order = false")
        connection.execute(f"set temp_directory = '{spilled}'")
        if memory_limit:
            connection.execute(f"set memory_limit = '{memory_limit}'")
        if question == "by-direction":
            connection.execute("create table directions (license_from text, license_to text, direction text)")
            connection.executemany("insert into directions values (?, ?, ?)", _directions())
        return connection.execute(_QUERIES[question].format(before=raw_from, after=raw_to)).fetchall()


_MOVES = f"""
    select
        a.owner_id,
        a.license as license_from,
        coalesce(b.license, '{UNKNOWN}') as license_to,
        count(*) as items
    from read_parquet('{{before}}/*.parquet') a
    left join read_parquet('{{after}}/*.parquet') b using (item_id)
    group by all"""

_QUERIES = {
    "as-of": """
        select license, count(*) from read_parquet('{after}/*.parquet') group by all order by all""",
    "by-license": f"""
        select license_from, license_to, sum(items)::bigint, count(*)
        from ({_MOVES}) group by all order by all""",
    "by-direction": f"""
        select direction, sum(items)::bigint, count(*)
        from (
            select owner_id, direction, sum(items) as items
            from ({_MOVES}) join directions using (license_from, license_to) group by all
        )
        group by all order by all""",
}


def _directions() -> list[tuple[str, str, str]]:
    return [(a, b, compare(a, b)) for a, b in itertools.product([*LICENSES, UNKNOWN], repeat=2)]


def main() -> None:
    """Read the words of the command line, and print the answer."""
    print(json.dumps(ask(*sys.argv[1:])))


if __name__ == "__main__":
    main()
