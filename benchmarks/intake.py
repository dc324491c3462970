"""Intake: 100,000 requests are weighed against the manifest, as `byleave opt-outs check` and the ingest do.

At most a quarter each are owners, items by their id, and items by the address of their page; the rest are
URLs that no item has: where these would be is not known, so that they are looked for everywhere. The peer is
asked how many items and owners each target meets, of Parquet files that are the manifest's own buckets, and
gets the targets as byleave understood them.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.measure import measure
from benchmarks.release import copy_of
from benchmarks.results import BYLEAVE, Results
from benchmarks.worlds import byleave
from pipelines.store.store import close_stores, open_store
from pipelines.store.tables import MANIFESTS

REQUESTS = 100_000
_DAY = "2026-11-20"


def compare(results: Results, store: Path, rounds: int, peers: Sequence[str]) -> None:
    """Check, take in, and take in once more; and the counting alone by DuckDB, if it is among ``peers``.

    Raises:
        SystemExit: the peer counts otherwise.
    """
    scratch = store.with_name(store.name + "-intake")
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    asked = scratch / "requests.csv"
    _write_requests(store, asked)
    words = (str(asked), "--received-on", _DAY)
    for place in range(1, rounds + 1):
        fresh = copy_of(store, scratch / "byleave")
        for variant, command in (
            ("check", ("opt-outs", "check")),
            ("ingest after check", ("ingest", "opt-outs")),
            ("check again", ("opt-outs", "check")),
        ):
            figures = byleave(*command, str(fresh), *words, folder=fresh)
            results.add("intake", variant, BYLEAVE, figures, round=place)
        ours = scratch / "byleave.parquet"
        write_weights(str(fresh), asked, ours)
        if "duckdb" in peers:
            theirs = scratch / "duckdb.parquet"
            peer = [
                sys.executable,
                "-m",
                "benchmarks.peers.duckdb_intake",
                str(fresh),
                str(ours),
                str(theirs),
            ]
            results.add("intake", "check", "duckdb", measure(peer, scratch), round=place)
            if not pq.read_table(ours).equals(pq.read_table(theirs)):
                raise SystemExit("duckdb counts otherwise than byleave")
        close_stores()
        shutil.rmtree(fresh)
    shutil.rmtree(scratch)


def _write_requests(store: Path, out: Path) -> None:
    """Every n-th row of the manifest asks for something; the same requests for the same store."""
    opened = open_store(str(store))
    manifest = opened.tables.newest(MANIFESTS)
    assert manifest is not None
    each = REQUESTS // 4
    step = max(1, manifest.counts["rows"] // (2 * each) - 1)
    columns = ["item_id", "owner_id", "page_url"]
    rows = pa.concat_tables(
        opened.blobs.get_table(blob, columns).take(pa.array(range(0, blob.rows, step)))
        for _, blob in sorted(manifest.buckets.items())
    )
    owners = rows["owner_id"].drop_null().unique().slice(0, each).to_pylist()
    items = rows["item_id"].slice(0, each).to_pylist()
    pages = rows["page_url"].slice(each, each).drop_null().to_pylist()
    nobody = range(REQUESTS - len(owners) - len(items) - len(pages))
    targets = [*owners, *items, *pages, *(f"https://nobody.example/{number}" for number in nobody)]
    out.write_text("\n".join(["target", *targets, ""]), encoding="utf-8")
    close_stores()


def write_weights(store: str, asked: Path, out: Path) -> None:
    """What each target meets, as byleave remembers it; those that meet nothing are in it too."""
    from pipelines.optouts.dryrun import check_opt_outs
    from pipelines.runner import Runner
    from transforms.intake import Rules, targets_of, told

    found = check_opt_outs(
        open_store(store), [str(asked)], received_on=_DAY, runner=Runner(), rules=Rules(only_items=True)
    )
    targets = targets_of(found.intake.entries)
    pq.write_table(told(targets, found.intake.weighing.weights), out)
