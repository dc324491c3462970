"""Shipping `stats.duckdb` with a release: counts that anyone may see, beside the version file.

The catalog gives exact counts, :mod:`transforms.published` says what of them to withhold, and the rest is
written. That is noted first: a run that died in between is mended by the next, which withholds the same.
"""

from __future__ import annotations

import datetime
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from pipelines.catalog import documents
from pipelines.catalog.views import open_released, write_tables
from pipelines.progress import UNWATCHED, Watch
from pipelines.store.disclosures import Disclosure, Disclosures
from pipelines.store.releases import Release
from pipelines.store.store import Store
from transforms.disclosure import Cell, Cells, History, Key
from transforms.published import DRIFT, TABLES, decide

_KINDS = {"upload_year": pa.int16(), "month": pa.date32()}


def ship_stats(store: Store, release: Release, watch: Watch = UNWATCHED) -> str:
    """The URL of the release's `stats.duckdb`, made now if it is not there.

    It is made after the release is committed and from nothing but the release and what earlier files told.
    DuckDB's files differ from byte to byte each time they are written: no digest covers this one, and byleave
    itself never reads it.
    """
    path = store.releases.stats_path(release.version)
    if not store.backend.exists(path):
        tables = published(release, disclose(store, release, watch))
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "stats.duckdb"
            write_tables(file, tables)
            with store.backend.upload(".duckdb") as upload:
                upload.file.write(file.read_bytes())
                upload.create(path)
    return f"{store.url}/{path}"


def disclose(store: Store, release: Release, watch: Watch = UNWATCHED) -> Disclosure:
    """What the statistics of a release tell: decided and noted now, or as it was noted before."""
    log, k = Disclosures(store.backend, store.dataset.path), store.dataset.smallest_count
    counted: tuple[dict[str, Cell], dict[str, Cells]] | None = None
    while True:
        before = log.all()
        for each in before:
            if (each.version, each.release) == (release.version, release.digest):
                return each
        counted = counted or count(store, release, watch)
        histories = {name: History() for name in TABLES}
        for each in before:
            for name, withheld in (each.withheld or {}).items():
                histories[name].add(each.tables[name], withheld)
        decided = decide(*counted, histories, len(before) + 1, k)
        mine = Disclosure(release.version, release.digest, k, counted[1], decided)
        if log.add(len(before) + 1, mine):
            return mine


def count(
    store: Store, release: Release, watch: Watch = UNWATCHED
) -> tuple[dict[str, Cell], dict[str, Cells]]:
    """The exact counts of a release: what was `kept` and `excluded`, and each of :data:`TABLES`.

    Items are exact. Distinct owners are at least as many as is said: tallies have them in smaller cells, and
    of the cells of a bucket the one with most owners counts.
    """
    found: dict[str, Cells] = {}
    with open_released(store, release, watch) as catalog:

        def cells(keys: str, where: str = "true") -> dict[Key, Cell]:
            rows = catalog.execute(
                f"select {keys}, sum(items)::bigint, sum(owners)::bigint from"
                f" (select path, {keys}, sum(items) as items, max(owners) as owners"
                f" from stored.tallies where {where} group by all) group by all"
            ).fetchall()
            return _cells(rows)

        totals = {str(key[0]): cell for key, cell in cells("verdict").items()}
        for name, table in TABLES.items():
            if name == DRIFT:
                found[name] = _drift_ever(catalog)
            else:
                where = "first_reason is not null" if "first_reason" in table.keys else "true"
                found[name] = cells(", ".join(table.keys), where)
    return totals, found


def _drift_ever(catalog: duckdb.DuckDBPyConnection) -> Cells:
    """All changes by month. Before the first day of which anything is known there can be none.

    Asked from that day on, and not from the beginning of time, the rows that begin on it are not joined: at
    least one for most items. The day has to be a literal for DuckDB to see that.
    """
    (first,) = catalog.execute("select min(valid_from) from license_ledger").fetchall()[0]
    if first is None:
        return {}
    return _cells(catalog.execute(f"from drift_by_month(date '{first}', date '9999-12-31')").fetchall())


def published(release: Release, disclosure: Disclosure) -> dict[str, pa.Table]:
    """The tables of the file: what may be seen of a disclosure, and how much may not."""
    about = documents.describe(release).drop_columns(["place"])
    if disclosure.withheld is None:
        for name in ("rows", "kept", "excluded"):
            place = about.schema.get_field_index(name)
            about = about.set_column(place, name, pa.nulls(1, pa.int64()))
    tables = {"releases": about}
    for name, cells in disclosure.tables.items():
        withheld = disclosure.withheld[name].threads if disclosure.withheld is not None else cells
        tables[name] = _table(name, {key: cell for key, cell in cells.items() if key not in withheld})
    names = list(disclosure.tables)
    cells_in = [len(disclosure.tables[name]) for name in names]
    tables["withheld"] = pa.table(
        {
            "table_name": pa.array(names, pa.string()),
            "cells": pa.array(
                [n - len(tables[name]) for name, n in zip(names, cells_in, strict=True)], pa.int64()
            ),
            "of_cells": pa.array(cells_in, pa.int64()),
            "k": pa.array([disclosure.k] * len(names), pa.int64()),
        }
    )
    return tables


def _cells(rows: list[tuple[Any, ...]]) -> dict[Key, Cell]:
    return {
        tuple(None if part is None else str(part) for part in key): Cell(items, owners)
        for *key, items, owners in rows
    }


def _table(name: str, cells: Mapping[Key, Cell]) -> pa.Table:
    """A published table, the largest cells first."""
    keys = TABLES[name].keys
    rows = sorted(cells, key=lambda key: (-cells[key].items, [part or "" for part in key]))
    columns = {
        column: pa.array([_typed(column, key[place]) for key in rows], _KINDS.get(column, pa.string()))
        for place, column in enumerate(keys)
    }
    items = pa.array([cells[key].items for key in rows], pa.int64())
    owners = pa.array([cells[key].owners for key in rows], pa.int64())
    return pa.table({**columns, "items": items, **({"owners": owners} if name == DRIFT else {})})


def _typed(column: str, part: str | None) -> Any:
    if part is None:
        return None
    match column:
        case "upload_year":
            return int(part)
        case "month":
            return datetime.date.fromisoformat(part)
    return part
