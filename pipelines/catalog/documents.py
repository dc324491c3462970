"""Rows that code makes of a store's documents, or knows by itself: the rest of what the views read."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pyarrow as pa

from pipelines.catalog.holdings import all_tables, blobs_of_table, given, quarantined
from pipelines.release_inputs import OTHERS
from pipelines.store.blobs import Blob
from pipelines.store.releases import Release
from pipelines.store.store import Store
from pipelines.store.tables import MANIFESTS
from transforms.domain.license_changes import directions_table
from transforms.domain.licenses import PERMISSIONS, terms_table
from transforms.domain.purposes import BROADER, PEOPLE_SENSITIVE, PURPOSES
from transforms.domain.reasons import PRECEDENCE, REASONS

_text, _count, _day = pa.string(), pa.int64(), pa.date32()

IN_CODE = {
    "snapshots": pa.schema(
        {
            "place": _count,  # among all snapshots, in the order of their dates
            "kind": _text,
            "snapshot": _text,
            "date": _day,
            "rows": _count,
            "rows_read": _count,
            "duplicates": _count,
            "quarantined": _count,
            "files": pa.list_(_text),
            "onto": _text,
            "digest": _text,
        }
    ),
    # To which snapshot the rows of a blob belong: equal rows of two snapshots are one blob.
    "places": pa.schema({"path": _text, "kind": _text, "snapshot": _text, "date": _day, "observer": _text}),
    "splits": pa.schema(
        {
            "path": _text,
            "kind": _text,
            "snapshot": _text,
            "file": _text,
            "offset_bytes": _count,
            "first_line": _count,  # lines before the split
        }
    ),
    "purposes": pa.schema(
        {"place": _count, "purpose": _text, "broader": _text, "people_sensitive": pa.bool_()}
    ),
    "reasons": pa.schema({"place": _count, "rank": _count, "reason": _text}),
    "directions": pa.schema({"license_from": _text, "license_to": _text, "direction": _text}),
    "license_terms": pa.schema(
        {
            **dict.fromkeys(("id", "unit", "version", "jurisdiction"), _text),
            **dict.fromkeys((*PERMISSIONS, "share_alike", "attribution", "public_domain"), pa.bool_()),
            **dict.fromkeys(("spdx_id", "url"), _text),
            "flickr_id": pa.int8(),
        }
    ),
    "inputs": pa.schema(
        {"version": _text, "kind": _text, "snapshot": _text, "digest": _text, "rows": _count}
    ),
    "releases": pa.schema(
        {
            "place": _count,
            "version": _text,
            "digest": _text,
            "dataset": _text,
            "purpose": _text,
            "as_of": _day,
            "rows": _count,
            "kept": _count,
            "excluded": _count,
            "manifest": _text,
            "policy_digest": _text,
        }
    ),
}
"""Rows that code makes of documents, or knows, each with its schema."""


def rows_of(store: Store, name: str, release: Release | None, path_of: Callable[[Blob], str]) -> pa.Table:
    """The rows of ``name``, one of :data:`IN_CODE`; arguments as :func:`blobs_of`.

    ``path_of`` says where DuckDB finds a blob: the path by which it tells from which snapshot a row is.
    """
    rows: Iterable[tuple[Any, ...]]
    match name:
        case "directions":
            return directions_table().cast(IN_CODE[name])
        case "license_terms":
            return terms_table().cast(IN_CODE[name])
        case "purposes":
            rows = (
                (place, name, BROADER.get(name), name in PEOPLE_SENSITIVE)
                for place, name in enumerate(PURPOSES)
            )
        case "reasons":
            rows = ((place, PRECEDENCE.index(name), name) for place, name in enumerate(REASONS))
        case "snapshots":
            rows = _snapshots(store)
        case "places":
            rows = _places(store, path_of)
        case "splits":
            rows = _splits(store, path_of)
        case "inputs":
            rows = _inputs(given(release))
        case "releases":
            rows = _releases(store)
        case _:
            raise KeyError(name)
    return _table(IN_CODE[name], rows)


def describe(release: Release) -> pa.Table:
    """One release as the one row of `releases`."""
    return _table(IN_CODE["releases"], [(0, *_release(release))])


def _table(schema: pa.Schema, rows: Iterable[tuple[Any, ...]]) -> pa.Table:
    return pa.Table.from_pylist([dict(zip(schema.names, row, strict=True)) for row in rows], schema=schema)


def _date(text: str) -> datetime.date | None:
    return datetime.date.fromisoformat(text) if text else None


def _snapshots(store: Store) -> Iterator[tuple[Any, ...]]:
    for place, table in enumerate(all_tables(store)):
        counts = [table.counts.get(name, 0) for name in ("rows", "rows_read", "duplicates", "quarantined")]
        files = [file["name"] for file in table.files]
        yield place, table.kind, table.name, _date(table.date), *counts, files, table.onto, table.digest


def _places(store: Store, path_of: Callable[[Blob], str]) -> Iterator[tuple[Any, ...]]:
    for table in all_tables(store):
        for blob in dict.fromkeys(blobs_of_table(table)):
            # A table says who looked only where that is not the dataset's own source.
            yield (
                path_of(blob),
                table.kind,
                table.name,
                _date(table.date),
                table.observer or store.dataset.source,
            )


def _splits(store: Store, path_of: Callable[[Blob], str]) -> Iterator[tuple[Any, ...]]:
    for table, split in quarantined(store):
        path = path_of(Blob.from_json(split["quarantine"]))
        yield path, table.kind, table.name, split["file"], split["offset_bytes"], split["first_line"]


def _inputs(release: Release) -> Iterator[tuple[Any, ...]]:
    inputs = release.content["inputs"]
    others = ((kind, inputs.get(name, ())) for name, kind in OTHERS.items() if name != "earlier")
    stated = [(MANIFESTS, [inputs["manifest"]]), *others]
    for kind, tables in stated:
        for table in tables:
            yield release.version, kind, table["name"], table["digest"], table["rows"]


def _release(release: Release) -> tuple[Any, ...]:
    content, counts = release.content, release.content["counts"]
    return (
        release.version,
        release.digest,
        content["dataset"],
        content["purpose"],
        _date(content["as_of"]),
        counts["rows"],
        counts["kept"],
        counts["excluded"],
        content["inputs"]["manifest"]["name"],
        content["policy"]["digest"],
    )


def _releases(store: Store) -> Iterator[tuple[Any, ...]]:
    for place, release in enumerate(store.releases.all()):
        yield place, *_release(release)
