"""Whether two releases are the same: rows by an order-independent digest, tables by their rows.

The count, and the sum of a hash over the columns in which a decision shows are compared for items; for
the account of what was left out and the tallies, every row.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import duckdb

from pipelines.store.store import open_store

Files = Mapping[str, list[str]]
"""Parquet files by part: `items`, and where a release has them `excluded`, `tallies`, `exclusions`."""

_DIGESTS = {
    "items": "source, item_id, owner_id, license, license_then, license_now, title, description, len(tags),"
    " taken_at, uploaded_at, longitude, latitude, image_url",
    "excluded": "source, item_id, owner_id, first_reason, reasons::bigint",
    "tallies": "license_then, license_now, direction, upload_year::bigint, media_type, verdict, first_reason,"
    " sum(items)::bigint, sum(owners)::bigint",
    "exclusions": "reason, sum(items)::bigint, sum(owners)::bigint, sum(first_items)::bigint",
}
_ADDED_UP = frozenset({"tallies", "exclusions"})  # byleave's are in parts that add up


def released_by_byleave(url: str, version: str) -> Files:
    """The files of a release in a store."""
    store = open_store(url)
    parts = store.releases.get(version).parts
    return {
        name: [str(Path(store.url) / blob.path) for blob in blobs.values()] for name, blobs in parts.items()
    }


def released_by_peer(out: Path) -> Files:
    """The files that a peer wrote: a file or a folder of files for each part."""
    return {
        name: found
        for name in _DIGESTS
        if (
            found := sorted(
                str(file) for file in [*out.glob(f"{name}*.parquet"), *out.glob(f"{name}/**/*.parquet")]
            )
        )
    }


def differing(a: Files, b: Files) -> list[str]:
    """The parts, among those that both have, in which the two releases differ, and how."""
    faults = []
    for name in _DIGESTS:
        if name in a and name in b:
            ours, theirs = (_digest(name, files[name]) for files in (a, b))
            if ours != theirs:
                faults.append(
                    f"{name}: {ours[0]:,} rows with digest {ours[1]}, {theirs[0]:,} with {theirs[1]}"
                )
    if "items" not in a or "items" not in b:
        faults.append("items: one of the two has none")
    return faults


def _digest(name: str, files: list[str]) -> tuple[int, int]:
    """How many rows, and a digest that does not depend on their order."""
    columns = _DIGESTS[name]
    grain = "" if name not in _ADDED_UP else "group by " + ", ".join(
        column for column in columns.split(", ") if not column.startswith("sum(")
    )  # fmt: skip
    rows = f"select hash({_row(columns)}) as h from read_parquet($files) {grain}"
    found = duckdb.execute(f"select count(*), sum(h::hugeint) from ({rows})", {"files": files}).fetchone()
    return (int(found[0]), int(found[1] or 0)) if found else (0, 0)


def _row(columns: str) -> str:
    return ", ".join(columns.split(", "))
