"""Ingest: raw files become tables. Jobs wire stages together; what happens to rows stands in `transforms`.

::

    manifests:  Partition ─► Index ─► Merge      licenses:  Partition ─► Merge      opt-outs:  OptOuts
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from pipelines.actions import Action, Done
from pipelines.ingest_plans import PlanIndex, PlanLicenseMerge, PlanManifestMerge, PlanPartition
from pipelines.jobs import Job
from pipelines.raw import files as raw_files
from pipelines.raw import inputs, planning
from pipelines.runner import Runner
from pipelines.steps import index, merge, opt_outs, partition
from pipelines.store.blobs import Blob
from pipelines.store.memo import Result
from pipelines.store.probe import probe
from pipelines.store.store import Store
from pipelines.store.tables import LICENSES, MANIFESTS, OPT_OUTS, Table, check_name
from pipelines.threads import in_threads
from transforms.domain import subbuckets
from transforms.domain.errors import InputError, RefusedError, StateError
from transforms.formats import registry

SPLIT_BYTES = 64 << 20


def ingest_manifest(
    store: Store,
    paths: Sequence[str],
    *,
    fmt: str,
    snapshot: str,
    runner: Runner,
    onto: str | None = None,
    max_quarantined_share: float = 0.01,
    split_bytes: int = SPLIT_BYTES,
) -> Table:
    """The manifest snapshot made of ``paths``, on top of the snapshot ``onto`` if given.

    Raises:
        InputError: a file cannot be read or is not of the format; then no snapshot appears.
        StateError: the snapshot exists and was made of something else.
    """
    check_name(snapshot, "snapshot")
    before = store.tables.get(MANIFESTS, onto) if onto else Table(MANIFESTS, "")
    fmt = registry.find_format(MANIFESTS, fmt).name
    pinned = _pin(paths, fmt, runner, split_bytes)
    files = (*before.files, *_files(pinned, fmt))
    settings = {"source": store.dataset.source}
    actions = _partition(store, pinned, MANIFESTS, fmt, settings)
    if (existing := store.tables.find(MANIFESTS, snapshot)) is not None:
        _drop_carried(store, _remembered(store, actions))
        return _same(existing, files, "", onto)
    probe(store.backend)
    job = Job(
        f"manifest {snapshot}",
        (
            (partition.STAGE, PlanPartition(actions)),
            (index.STAGE, PlanIndex(store.dataset.buckets, before.shards, max_quarantined_share)),
            (merge.STAGE, PlanManifestMerge(store.dataset.buckets, subbuckets.LIMIT_ROWS, before.buckets)),
        ),
    )
    partitioned, indexed, merged = runner.run(store, job)
    shards = {**before.shards, **{d.action.refs["shard"]: d.result.blobs["index"] for d in indexed}}
    table = _table(before, snapshot, "", partitioned, merged, files, shards=shards, onto=onto)
    return _commit(store, table, [*partitioned, *indexed])


def ingest_licenses(
    store: Store,
    paths: Sequence[str],
    *,
    fmt: str,
    observed_on: str,
    runner: Runner,
    snapshot: str | None = None,
    max_quarantined_share: float = 0.01,
    split_bytes: int = SPLIT_BYTES,
) -> Table:
    """The license snapshot made of ``paths``; named by its day unless ``snapshot`` names it.

    Raises:
        InputError: a file cannot be read or is not of the format; then no snapshot appears.
        StateError: the snapshot exists and was made of something else.
    """
    name = check_name(snapshot or observed_on, "snapshot")
    fmt = registry.find_format(LICENSES, fmt).name
    pinned = _pin(paths, fmt, runner, split_bytes)
    files = _files(pinned, fmt)
    settings = {"source": store.dataset.source, "observed_on": observed_on}
    actions = _partition(store, pinned, LICENSES, fmt, settings)
    if (existing := store.tables.find(LICENSES, name)) is not None:
        _drop_carried(store, _remembered(store, actions))
        return _same(existing, files, observed_on, None)
    probe(store.backend)
    job = Job(
        f"licenses {name}",
        ((partition.STAGE, PlanPartition(actions)), (merge.STAGE, PlanLicenseMerge(max_quarantined_share))),
    )
    partitioned, merged = runner.run(store, job)
    shards = {
        d.action.refs["bucket"]: d.result.blobs["bucket"] for d in merged if d.action.refs["part"] == "shards"
    }
    before = Table(LICENSES, "")
    return _commit(
        store, _table(before, name, observed_on, partitioned, merged, files, shards=shards), partitioned
    )


def ingest_opt_outs(
    store: Store, paths: Sequence[str], *, received_on: str, runner: Runner, allow_empty: bool = False
) -> Table:
    """The opt-out list made of ``paths``, named by the day and its content.

    Raises:
        InputError: an entry is not understood, with its line; or the list is empty and may not be.
    """
    pinned = planning.plan(raw_files.expand(paths), None, split_bytes=0)
    action = opt_outs.action(
        pinned.splits,
        source=store.dataset.source,
        received_on=received_on,
        buckets=store.dataset.buckets,
        shards=store.dataset.shards,
    )
    result = opt_outs.STAGE.perform(store, action)
    if not result.counts["rows"] and not allow_empty:
        raise InputError(
            f"{', '.join(paths)}: the list is empty. If nobody opted out, say so with --allow-empty"
        )
    table = Table(
        OPT_OUTS,
        f"{received_on}-{result.blobs['entries'].digest[:8]}",
        date=received_on,
        routed={name: routed[0] for name, routed in result.routed.items()},
        blobs=result.blobs,
        counts={**result.counts, "rows_read": result.counts["rows"], "duplicates": 0, "quarantined": 0},
        files=_files(pinned, "opt-outs"),
    )
    if store.tables.find(OPT_OUTS, table.name) is None:
        probe(store.backend)
        store.tables.commit(table)
    return store.tables.get(OPT_OUTS, table.name)


def _pin(paths: Sequence[str], fmt: str, runner: Runner, split_bytes: int) -> inputs.Inputs:
    """The splits of ``paths``, each with the digest that its bytes have now."""
    reader = registry.FORMATS[fmt]
    paths = raw_files.expand(paths)
    with runner.watch.counting("reading", planning.total_bytes(paths)) as report:
        return planning.plan(paths, reader, split_bytes=split_bytes, report=report)


def _files(pinned: inputs.Inputs, fmt: str) -> tuple[Mapping[str, Any], ...]:
    return tuple(
        {"name": file.path, "bytes": file.bytes, "sha256": file.sha256, "format": fmt}
        for file in pinned.files
    )


def _same(existing: Table, files: Sequence[Mapping[str, Any]], date: str, onto: str | None) -> Table:
    """``existing``, if it was made of the same bytes in the same way."""
    if (existing.date, existing.onto) != (date, onto):
        raise StateError(
            f"{existing.kind}: {existing.name!r} exists, of the day {existing.date or 'none'}, onto"
            f" {existing.onto or 'nothing'}. Snapshots are written once: choose another name"
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


def _partition(
    store: Store, pinned: inputs.Inputs, kind: str, fmt: str, settings: dict[str, str]
) -> tuple[Action, ...]:
    return tuple(
        partition.action(
            split,
            kind=kind,
            fmt=fmt,
            buckets=store.dataset.buckets,
            shards=store.dataset.shards,
            settings=settings,
        )
        for split in pinned.splits
    )


def _table(
    before: Table,
    name: str,
    date: str,
    partitioned: Sequence[Done],
    merged: Sequence[Done],
    files: Sequence[Mapping[str, Any]],
    *,
    shards: Mapping[int, Blob],
    onto: str | None = None,
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
    if before.kind == LICENSES:
        rows += sum(blob.rows for blob in shards.values())
    unparsable = Counter(before.unparsable)
    for done in partitioned:
        unparsable.update(done.result.counts_by("unparsable"))
    return Table(
        before.kind,
        name,
        date=date,
        buckets=buckets,
        shards=shards,
        counts={"rows": rows, **counts},
        files=tuple(files),
        splits=(*before.splits, *map(_split, partitioned)),
        onto=onto,
        unparsable=unparsable,
        dated=any(done.result.counts.get("dated", 0) for done in partitioned),
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


def _commit(store: Store, table: Table, done: Iterable[Done]) -> Table:
    """Check that no row was lost, make the snapshot visible, and drop what only carried rows to it."""
    counts = table.counts
    if counts["rows_read"] != counts["rows"] + counts["duplicates"] + counts["quarantined"]:
        raise RefusedError(
            f"{table.kind} {table.name}: {counts['rows_read']:,} rows were read, and {counts['rows']:,} rows,"
            f" {counts['duplicates']:,} duplicates and {counts['quarantined']:,} in quarantine do not add up"
            " to them. Nothing was published; this is a defect of byleave"
        )
    store.tables.commit(table)
    _drop_carried(store, (each.result for each in done))
    return table


def _remembered(store: Store, actions: Iterable[Action]) -> Iterable[Result]:
    """What the actions of a run that is over made, as far as it is remembered."""
    keys = [partition.STAGE.key(action) for action in actions]
    at_once = store.backend.reads_at_once
    found = in_threads(lambda key: store.memos.find(partition.STAGE.name, key), keys, at_once)
    return (result for result in found if result is not None)


def _drop_carried(store: Store, results: Iterable[Result]) -> None:
    """Drop the routed files, which only carried rows to a snapshot that stands.

    A run that was killed before it came to this is followed by one that finds the snapshot, and does it.
    """
    groups = (group for result in results for group in result.routed.values())
    files = [routed.file for group in groups for routed in group]
    for _ in in_threads(store.blobs.remove, files, store.backend.reads_at_once):
        pass
