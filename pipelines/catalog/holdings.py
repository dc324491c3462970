"""What a store holds, by name: rows in blobs, and rows that code makes. The catalog's views read these.

Knows tables and releases, and no SQL: `sql/views/` says what users see of it.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pyarrow as pa

from pipelines.ledger import ledger_of
from pipelines.progress import UNWATCHED, Watch
from pipelines.release_inputs import OTHERS, choose_inputs, inputs_of
from pipelines.runner import Runner
from pipelines.store.blobs import Blob
from pipelines.store.releases import Release
from pipelines.store.store import Store
from pipelines.store.tables import ALIASES, CONSENTS, KINDS, LICENSES, MANIFESTS, OPT_OUTS, SIGNALS, Table
from transforms.domain import schemas
from transforms.domain.license_changes import directions_table
from transforms.domain.licenses import PERMISSIONS, terms_table
from transforms.domain.policy import Policy
from transforms.domain.purposes import BROADER, PEOPLE_SENSITIVE, PURPOSES
from transforms.domain.reasons import PRECEDENCE, REASONS

_text, _count, _day = pa.string(), pa.int64(), pa.date32()

IN_BLOBS = {
    "manifest": schemas.MANIFEST,
    "released_manifest": schemas.MANIFEST,
    "quarantine": schemas.QUARANTINE,
    "licenses": schemas.LICENSES,
    "opt_outs": schemas.OPT_OUTS,
    "consents": schemas.CONSENTS,
    "aliases": schemas.ALIASES,
    "signals": schemas.SIGNALS,
    "items": schemas.ITEMS,
    "excluded": schemas.EXCLUDED,
    "tallies": schemas.TALLIES,
    "exclusions": schemas.EXCLUSIONS,
    "ledger": schemas.LEDGER,
}
"""Rows that lie in Parquet blobs, each with its schema."""

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

_OF_TABLES = {
    "licenses": LICENSES,
    "opt_outs": OPT_OUTS,
    "consents": CONSENTS,
    "aliases": ALIASES,
    "signals": SIGNALS,
}
"""The names whose rows are those of all tables of a kind."""

OF_A_RELEASE = frozenset({"released_manifest", "items", "excluded", "tallies", "exclusions", "inputs"})
"""The names that mean something only for a release."""


def blobs_of(store: Store, name: str, release: Release | None, watch: Watch = UNWATCHED) -> list[Blob]:
    """The blobs that hold ``name``, one of :data:`IN_BLOBS`, or `released_ledger`.

    A ledger is made where it is not remembered.

    Of two buckets that hold the same rows, such as equal counts, one blob comes twice. Where it is the blob
    that says what a row belongs to (quarantine, snapshots and lists), it comes once, whoever shares it.

    Args:
        store: to look in.
        name: of the rows.
        release: whose rows are meant, for the names in :data:`OF_A_RELEASE`.
        watch: shows how far the ledger is.

    Raises:
        IntegrityError: the manifest of the release is not the one that it was cut from.
    """
    found: Iterator[Blob]
    match name:
        case "manifest":
            newest = store.tables.newest(MANIFESTS)
            found = _buckets(newest) if newest else iter(())
        case "released_manifest":
            of = _given(release)
            found = _buckets(store.tables.held(MANIFESTS, of.content["inputs"]["manifest"], of.version))
        case "quarantine":
            found = _each_once(Blob.from_json(split["quarantine"]) for _, split in _quarantined(store))
        case _ if name in _OF_TABLES:
            tables = store.tables.all(_OF_TABLES[name])
            found = _each_once(blob for table in tables for blob in _rows_of(table))
        case "ledger":
            found = _ledger(store, watch)
        case "released_ledger":
            found = _ledger_of(store, _given(release), watch)
        case _:
            found = (blob for _, blob in sorted(_given(release).parts[name].items()))
    return list(found)


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
            rows = _inputs(_given(release))
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


def _given(release: Release | None) -> Release:
    assert release is not None, "a name of OF_A_RELEASE was asked for without a release"
    return release


def _date(text: str) -> datetime.date | None:
    return datetime.date.fromisoformat(text) if text else None


def _buckets(table: Table) -> Iterator[Blob]:
    return (blob for _, blob in sorted(table.buckets.items()))


def _each_once(blobs: Iterable[Blob]) -> Iterator[Blob]:
    return iter(dict.fromkeys(blobs))


def _rows_of(table: Table) -> Iterator[Blob]:
    """The blobs that together hold the rows of a license snapshot or a list."""
    if table.kind == LICENSES:
        yield from _buckets(table)
        yield from (blob for _, blob in sorted(table.shards.items()))
    elif "entries" in table.blobs:
        yield table.blobs["entries"]


def _ledger(store: Store, watch: Watch) -> Iterator[Blob]:
    """The ledger of the newest manifest and every snapshot; empty where there is nothing to make it of."""
    if store.tables.newest(MANIFESTS) is None or not store.tables.names(LICENSES):
        return
    inputs = choose_inputs(store, as_of=None, without_opt_outs=True)
    ledger = ledger_of(store, inputs, Runner(watch=watch))
    yield from (blob for _, blob in sorted(ledger.buckets.items()))


def _ledger_of(store: Store, release: Release, watch: Watch) -> Iterator[Blob]:
    """The ledger that the release was joined with."""
    inputs = inputs_of(store, release)
    if inputs.licenses:
        observers = Policy.from_dict(release.content["policy"]).observers
        ledger = ledger_of(store, inputs, Runner(watch=watch), observers)
        yield from (blob for _, blob in sorted(ledger.buckets.items()))


def _all(store: Store) -> Iterator[Table]:
    return (table for kind in KINDS for table in store.tables.all(kind))


def _snapshots(store: Store) -> Iterator[tuple[Any, ...]]:
    for place, table in enumerate(_all(store)):
        counts = [table.counts.get(name, 0) for name in ("rows", "rows_read", "duplicates", "quarantined")]
        files = [file["name"] for file in table.files]
        yield place, table.kind, table.name, _date(table.date), *counts, files, table.onto, table.digest


def _places(store: Store, path_of: Callable[[Blob], str]) -> Iterator[tuple[Any, ...]]:
    for table in _all(store):
        for blob in dict.fromkeys(_rows_of(table)):
            # A table says who looked only where that is not the dataset's own source.
            yield (
                path_of(blob),
                table.kind,
                table.name,
                _date(table.date),
                table.observer or store.dataset.source,
            )


def _quarantined(store: Store) -> Iterator[tuple[Table, Any]]:
    return ((table, split) for table in _all(store) for split in table.splits if split["quarantine"])


def _splits(store: Store, path_of: Callable[[Blob], str]) -> Iterator[tuple[Any, ...]]:
    for table, split in _quarantined(store):
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
