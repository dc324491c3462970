"""Stores of a few rows written by hand, each of which a test knows by its name."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from byhand import ByHand
from worlds import rows

from pipelines.consents import ingest_consents
from pipelines.ingest import ingest_licenses, ingest_manifest, ingest_opt_outs
from pipelines.store.releases import Release
from pipelines.store.store import Store
from pipelines.store.tables import MANIFESTS
from transforms.domain import schemas
from transforms.domain.reasons import REASONS


def item(source: str, item_id: str, owner_id: str | None, **more: Any) -> dict[str, Any]:
    page = f"https://www.flickr.com/photos/{owner_id}/{item_id}/" if source == "flickr" and owner_id else None
    return {
        "source": source,
        "item_id": item_id,
        "owner_id": owner_id,
        "license": "CC-BY-2.0",
        "media_type": "photo",
        "page_url": page,
        **more,
    }


def write(folder: Path, name: str, values: list[dict[str, Any]], schema: pa.Schema) -> str:
    file = folder / name
    pq.write_table(pa.Table.from_pylist(values, schema=schema), file)
    return str(file)


def looks(values: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Every item is there to be seen by all."""
    day = datetime.date(2026, 11, 1)
    seen = {"visibility": "public", "observed_on": day, "license": "CC-BY-2.0"}
    return [{n: each[n] for n in ("source", "item_id", "owner_id")} | seen for each in values]


def fill(store: Store, folder: Path, *parts: list[dict[str, Any]]) -> None:
    """The manifest `a` of all parts, and a look at all of its items."""
    files = [write(folder, f"items-{n}.parquet", part, schemas.MANIFEST) for n, part in enumerate(parts)]
    ingest_manifest(store, files, fmt="canonical", snapshot="a", runner=ByHand())
    whole = rows(store, store.tables.get(MANIFESTS, "a").buckets.values(), schemas.MANIFEST).to_pylist()
    file = write(folder, "licenses.parquet", looks(whole), schemas.LICENSES)
    ingest_licenses(store, [file], fmt="canonical", observed_on="2026-11-01", runner=ByHand())


def opt_out(store: Store, folder: Path, *lines: str, day: str = "2026-11-10", name: str = "list.txt") -> None:
    file = folder / name
    file.write_text("\n".join([*lines, ""]), encoding="utf-8")
    ingest_opt_outs(store, [str(file)], received_on=day, runner=ByHand())


def left_out(store: Store, release: Release) -> dict[tuple[str, str], list[str]]:
    """Each item that was left out, and every reason for it."""
    excluded = rows(store, release.parts["excluded"].values(), schemas.EXCLUDED).to_pylist()
    return {
        (row["source"], row["item_id"]): [r for place, r in enumerate(REASONS) if row["reasons"] >> place & 1]
        for row in excluded
    }


def said(store: Store, folder: Path, *lines: str, day: str = "2026-11-10") -> None:
    """A list of consents, as CSV."""
    file = folder / "consents.csv"
    file.write_text("\n".join([*lines, ""]), encoding="utf-8")
    ingest_consents(store, [str(file)], received_on=day)
