"""What a store holds in blobs, by name: the catalog's views read these, and those of :mod:`.documents`.

Knows tables and releases, and no SQL: `sql/views/` says what users see of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import pyarrow as pa

from pipelines.ledger import ledger_of
from pipelines.progress import UNWATCHED, Watch
from pipelines.release_inputs import choose_inputs, inputs_of
from pipelines.runner import Runner
from pipelines.store.blobs import Blob
from pipelines.store.releases import Release
from pipelines.store.store import Store
from pipelines.store.tables import ALIASES, CONSENTS, KINDS, LICENSES, MANIFESTS, OPT_OUTS, SIGNALS, Table
from transforms.domain import schemas
from transforms.domain.policy import Policy

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
            of = given(release)
            found = _buckets(store.tables.held(MANIFESTS, of.content["inputs"]["manifest"], of.version))
        case "quarantine":
            found = _each_once(Blob.from_json(split["quarantine"]) for _, split in quarantined(store))
        case _ if name in _OF_TABLES:
            tables = store.tables.all(_OF_TABLES[name])
            found = _each_once(blob for table in tables for blob in blobs_of_table(table))
        case "ledger":
            found = _ledger(store, watch)
        case "released_ledger":
            found = _ledger_of(store, given(release), watch)
        case _:
            found = (blob for _, blob in sorted(given(release).parts[name].items()))
    return list(found)


def given(release: Release | None) -> Release:
    """The release, for a name of :data:`OF_A_RELEASE`."""
    assert release is not None, "a name of OF_A_RELEASE was asked for without a release"
    return release


def _buckets(table: Table) -> Iterator[Blob]:
    return (blob for _, blob in sorted(table.buckets.items()))


def _each_once(blobs: Iterable[Blob]) -> Iterator[Blob]:
    return iter(dict.fromkeys(blobs))


def blobs_of_table(table: Table) -> Iterator[Blob]:
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


def all_tables(store: Store) -> Iterator[Table]:
    """Every table that was taken in."""
    return (table for kind in KINDS for table in store.tables.all(kind))


def quarantined(store: Store) -> Iterator[tuple[Table, Any]]:
    """The splits of which rows are in quarantine, each with its table."""
    return ((table, split) for table in all_tables(store) for split in table.splits if split["quarantine"])
