"""What an ingest comes to: the table made of its results, committed once, or found to be there already."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from pipelines.actions import Action, Done
from pipelines.raw.inputs import Inputs
from pipelines.steps import partition
from pipelines.store.blobs import Blob
from pipelines.store.memo import Result
from pipelines.store.store import Store
from pipelines.store.tables import MANIFESTS, Table
from pipelines.threads import in_threads
from transforms.domain.errors import RefusedError, StateError
from transforms.formats import registry


@dataclass(frozen=True)
class Premises:
    """What a snapshot is besides its rows; each as :class:`Table` has it."""

    date: str
    onto: str | None = None
    observed_on: str = ""
    observer: str = ""
    full: bool = False

    @staticmethod
    def of(table: Table) -> Premises:
        return Premises(table.date, table.onto, table.observed_on, table.observer, table.full)

    def __str__(self) -> str:
        words = [f"of the day {self.date or 'none'}"]
        words += [f"onto {self.onto}"] if self.onto else []
        words += [f"observed on {self.observed_on}"] if self.observed_on else []
        words += [f"by {self.observer}"] if self.observer else []
        return ", ".join([*words, "full"] if self.full else words)


def files_of(pinned: Inputs, fmt: str) -> tuple[Mapping[str, Any], ...]:
    """What a table states of the files that it is made of."""
    return tuple(
        {"name": file.path, "bytes": file.bytes, "sha256": file.sha256, "format": fmt}
        for file in pinned.files
    )


def same(existing: Table, files: Sequence[Mapping[str, Any]], premises: Premises) -> Table:
    """``existing``, if it was made of the same bytes in the same way."""
    if (others := Premises.of(existing)) != premises:
        raise StateError(
            f"{existing.kind}: {existing.name!r} exists, and is {others}, not {premises}. Snapshots are"
            " written once: choose another name"
        )
    found, asked = (sorted(map(_told_by, each)) for each in (existing.files, files))
    if found != asked:
        raise StateError(
            f"{existing.kind}: {existing.name!r} exists and was made of other files"
            f" ({', '.join(f['name'] for f in existing.files)}). Snapshots are written once: choose another"
            " name"
        )
    return existing


def _told_by(file: Mapping[str, Any]) -> tuple[str, ...]:
    """What of a file its rows depend on."""
    by_name = registry.tells_by_name(file["format"])
    return file["sha256"], file["format"], PurePosixPath(file["name"]).name if by_name else ""


def table_of(
    before: Table,
    name: str,
    premises: Premises,
    partitioned: Sequence[Done],
    merged: Sequence[Done],
    files: Sequence[Mapping[str, Any]],
    shards: Mapping[int, Blob],
) -> Table:
    """The table that the results make, on top of ``before``."""
    replaced = {key for done in merged for key, *_ in done.action.refs["before"]}
    buckets = {key: blob for key, blob in before.buckets.items() if key not in replaced}
    for done in merged:
        if done.action.refs["part"] == "buckets" and "bucket" in done.result.blobs:
            buckets[done.action.refs["bucket"]] = done.result.blobs["bucket"]
    counts = {
        name: before.counts.get(name, 0) + sum(done.result.counts[name] for done in source)
        for name, source in (("rows_read", partitioned), ("duplicates", merged), ("quarantined", partitioned))
    }
    rows = sum(blob.rows for blob in buckets.values())
    if before.kind != MANIFESTS:
        rows += sum(blob.rows for blob in shards.values())
    unparsable = Counter(before.unparsable)
    for done in partitioned:
        unparsable.update(done.result.counts_by("unparsable"))
    return Table(
        before.kind,
        name,
        date=premises.date,
        buckets=buckets,
        shards=shards,
        counts={"rows": rows, **counts},
        files=tuple(files),
        splits=(*before.splits, *map(_split, partitioned)),
        onto=premises.onto,
        unparsable=unparsable,
        dated=any(done.result.counts.get("dated", 0) for done in partitioned),
        observed_on=premises.observed_on,
        observer=premises.observer,
        full=premises.full,
        foreign=before.foreign or any(done.result.counts.get("foreign", 0) for done in partitioned),
    )


def _split(done: Done) -> Mapping[str, Any]:
    split, quarantine = done.action.refs["split"], done.result.blobs.get("quarantine")
    return {
        "file": split["path"],
        # Rows of Parquet are numbered within their file, wherever it was cut.
        "offset_bytes": 0 if "row_groups" in split["settings"] else split["offset_bytes"],
        "first_line": split["first_line"],
        "rows_read": done.result.counts["rows_read"],
        "quarantine": quarantine.to_json() if quarantine else None,
    }


def commit(store: Store, table: Table, done: Iterable[Done]) -> Table:
    """Check that no row was lost, make the snapshot visible, and drop what only carried rows to it."""
    counts = table.counts
    if counts["rows_read"] != counts["rows"] + counts["duplicates"] + counts["quarantined"]:
        raise RefusedError(
            f"{table.kind} {table.name}: {counts['rows_read']:,} rows were read, and {counts['rows']:,} rows,"
            f" {counts['duplicates']:,} duplicates and {counts['quarantined']:,} in quarantine do not add up"
            " to them. Nothing was published; this is a defect of byleave"
        )
    store.tables.commit(table)
    drop_carried(store, (each.result for each in done))
    return table


def remembered(store: Store, actions: Iterable[Action]) -> Iterable[Result]:
    """What the actions of a run that is over made, as far as it is remembered."""
    keys = [partition.STAGE.key(action) for action in actions]
    at_once = store.backend.reads_at_once
    found = in_threads(lambda key: store.memos.find(partition.STAGE.name, key), keys, at_once)
    return (result for result in found if result is not None)


def drop_carried(store: Store, results: Iterable[Result]) -> None:
    """Drop the routed files, which only carried rows to a snapshot that stands.

    A run that was killed before it came to this is followed by one that finds the snapshot, and does it.
    """
    groups = (group for result in results for group in result.routed.values())
    files = [routed.file for group in groups for routed in group]
    for _ in in_threads(store.blobs.remove, files, store.backend.reads_at_once):
        pass
