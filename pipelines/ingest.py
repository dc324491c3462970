"""Ingest: raw files become tables. Jobs wire stages together; what happens to rows stands in `transforms`.

::

    manifests:  Partition ─► Index ─► Merge      licenses, detections:  Partition ─► Merge
    opt-outs:   OptOuts
"""

from __future__ import annotations

from collections.abc import Sequence

from pipelines.actions import Action
from pipelines.ingest_plans import (
    MAX_QUARANTINED_SHARE,
    PlanIndex,
    PlanLookMerge,
    PlanManifestMerge,
    PlanPartition,
    accepted_share,
)
from pipelines.ingest_tables import Premises, commit, drop_carried, files_of, remembered, same, table_of
from pipelines.jobs import Job
from pipelines.lists import pin
from pipelines.optouts.intake import take_in, told_how, weigh_list
from pipelines.optouts.reuploads import cover_reuploads
from pipelines.raw import files as raw_files
from pipelines.raw import inputs, planning
from pipelines.requesterkey import key_file
from pipelines.runner import Runner
from pipelines.steps import index, merge, opt_outs, partition
from pipelines.store.probe import probe
from pipelines.store.store import Store
from pipelines.store.tables import DETECTIONS, LICENSES, MANIFESTS, Table, check_name
from transforms.domain import subbuckets
from transforms.domain.errors import ConfigError, InputError
from transforms.domain.schemas import OPT_OUTS as OPT_OUTS_SCHEMA
from transforms.formats import registry
from transforms.intake import Rules

SPLIT_BYTES = 64 << 20


def ingest_manifest(
    store: Store,
    paths: Sequence[str],
    *,
    fmt: str,
    snapshot: str,
    runner: Runner,
    onto: str | None = None,
    received_on: str | None = None,
    max_quarantined_share: float = MAX_QUARANTINED_SHARE,
    split_bytes: int = SPLIT_BYTES,
) -> Table:
    """The manifest snapshot made of ``paths``, on top of the snapshot ``onto`` if given.

    Releases as of an earlier day than ``received_on`` do not know it. Without that day it is of the day of
    ``onto``, or of none: then releases of any day know it. The bytes that opted-out items have by it are in
    the ledger before it is visible.

    Raises:
        ConfigError: it was received before the snapshot that it adds to.
        InputError: a file cannot be read or is not of the format; then no snapshot appears.
        StateError: the snapshot exists and was made of something else.
    """
    check_name(snapshot, "snapshot")
    before = store.tables.get(MANIFESTS, onto) if onto else Table(MANIFESTS, "")
    date = received_on or before.date
    if date < before.date:
        raise ConfigError(
            f"manifest {snapshot!r}: received on {date}, before {onto!r}, to which it adds and which was"
            f" received on {before.date}. Name that day or a later one: --received-on"
        )
    fmt = registry.find_format(MANIFESTS, fmt).name
    pinned = _pin(paths, fmt, runner, split_bytes)
    files = (*before.files, *files_of(pinned, fmt))
    settings = {"source": store.dataset.source}
    actions = _partition(store, pinned, MANIFESTS, fmt, settings)
    if (existing := store.tables.find(MANIFESTS, snapshot)) is not None:
        drop_carried(store, remembered(store, actions))
        cover_reuploads(store, same(existing, files, Premises(date, onto)), runner.watch)
        return existing
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
    table = table_of(before, snapshot, Premises(date, onto), partitioned, merged, files, shards)
    cover_reuploads(store, table, runner.watch)
    return commit(store, table, [*partitioned, *indexed])


def ingest_licenses(
    store: Store,
    paths: Sequence[str],
    *,
    fmt: str,
    observed_on: str,
    runner: Runner,
    received_on: str | None = None,
    observer: str | None = None,
    full: bool = False,
    snapshot: str | None = None,
    max_quarantined_share: float | None = None,
    split_bytes: int = SPLIT_BYTES,
) -> Table:
    """The license snapshot made of ``paths``.

    Args:
        store: that takes it in.
        paths: of its files.
        fmt: the format of all of them.
        observed_on: ISO date of rows that state none.
        runner: of the work.
        received_on: ISO date since when it is known; ``observed_on`` if it is not given.
        observer: who looked; the dataset's source if it is not given.
        full: whether it lists everything that was there.
        snapshot: its name; if it is not given the day on which it was received, followed by the observer
            where that is not the dataset's source.
        max_quarantined_share: of rows that cannot be read, above which it is refused; if it is not
            given see :func:`pipelines.ingest_plans.accepted_share`.
        split_bytes: how much of a file is read at once.

    Raises:
        ConfigError: it was received before it was observed.
        InputError: a file cannot be read or is not of the format; then no snapshot appears.
        StateError: the snapshot exists and was made of something else.
    """
    date = received_on or observed_on
    if date < observed_on:
        raise ConfigError(
            f"licenses: received on {date}, before the day {observed_on} on which they were observed. Name"
            " that day or a later one: --received-on"
        )
    other = "" if observer in (None, store.dataset.source) else check_name(str(observer), "observer")
    name = check_name(snapshot or "-".join(filter(None, (date, other))), "snapshot")
    premises = Premises(date, None, "" if observed_on == date else observed_on, other, full)
    share = accepted_share(full) if max_quarantined_share is None else max_quarantined_share
    return _ingest_looks(store, Table(LICENSES, name), premises, paths, fmt, runner, share, split_bytes)


def ingest_detections(
    store: Store,
    paths: Sequence[str],
    *,
    fmt: str,
    observed_on: str,
    runner: Runner,
    received_on: str | None = None,
    snapshot: str | None = None,
    max_quarantined_share: float = MAX_QUARANTINED_SHARE,
    split_bytes: int = SPLIT_BYTES,
) -> Table:
    """The snapshot of detections made of ``paths``: in which items people were seen, and in which not.

    The arguments are as of :func:`ingest_licenses`.

    Raises:
        ConfigError: it was received before it was observed.
        InputError: a file cannot be read or is not of the format; then no snapshot appears.
        StateError: the snapshot exists and was made of something else.
    """
    date = received_on or observed_on
    if date < observed_on:
        raise ConfigError(
            f"detections: received on {date}, before the day {observed_on} on which they were observed. Name"
            " that day or a later one: --received-on"
        )
    table = Table(DETECTIONS, check_name(snapshot or date, "snapshot"))
    premises = Premises(date, observed_on="" if observed_on == date else observed_on)
    return _ingest_looks(store, table, premises, paths, fmt, runner, max_quarantined_share, split_bytes)


def _ingest_looks(
    store: Store,
    new: Table,
    premises: Premises,
    paths: Sequence[str],
    fmt: str,
    runner: Runner,
    max_quarantined_share: float,
    split_bytes: int,
) -> Table:
    """The snapshot of which ``new`` has the kind and the name: what was seen of items on a day."""
    fmt = registry.find_format(new.kind, fmt).name
    pinned = _pin(paths, fmt, runner, split_bytes)
    files = files_of(pinned, fmt)
    settings = {
        "source": store.dataset.source,
        "observed_on": premises.observed_on or premises.date,
        "received_on": premises.date,
    }
    actions = _partition(store, pinned, new.kind, fmt, settings)
    if (existing := store.tables.find(new.kind, new.name)) is not None:
        drop_carried(store, remembered(store, actions))
        return same(existing, files, premises)
    probe(store.backend)
    merging = PlanLookMerge(max_quarantined_share, new.kind)
    stages = ((partition.STAGE, PlanPartition(actions)), (merge.STAGE, merging))
    partitioned, merged = runner.run(store, Job(f"{new.kind} {new.name}", stages))
    shards = {
        d.action.refs["bucket"]: d.result.blobs["bucket"] for d in merged if d.action.refs["part"] == "shards"
    }
    table = table_of(Table(new.kind, ""), new.name, premises, partitioned, merged, files, shards)
    return commit(store, table, partitioned)


def ingest_opt_outs(
    store: Store,
    paths: Sequence[str],
    *,
    received_on: str,
    runner: Runner,
    allow_empty: bool = False,
    purposes: int | None = None,
    origin: str | None = None,
    requester_key: str | None = None,
    rules: Rules | None = None,
) -> Table:
    """The opt-out list made of ``paths``, named by the day and its content.

    ``purposes``, a bit set, and ``origin`` are those of entries that do not say theirs; ``requester_key`` is
    the file of the key under which requesters are kept, instead of the one that the environment names.
    ``rules`` say what waits for a person.

    Raises:
        InputError: an entry is not understood, with its line; or the list is empty and may not be.
        ConfigError: a requester is named, and there is no key; or the key cannot be read.
    """
    pinned = pin(paths)
    action = opt_outs.action(
        pinned.splits,
        source=store.dataset.source,
        received_on=received_on,
        purposes=purposes,
        origin=origin,
        key_file=key_file(requester_key),
    )
    result = opt_outs.STAGE.perform(store, action)
    if not result.counts["rows"] and not allow_empty:
        raise InputError(
            f"{', '.join(paths)}: the list is empty. If nobody opted out, say so with --allow-empty"
        )
    entries = store.blobs.get_table(result.blobs["entries"], schema=OPT_OUTS_SCHEMA)
    rules = rules or Rules()
    files = told_how(files_of(pinned, "opt-outs"), origin=origin, only_items=rules.only_items)
    weighed = weigh_list(store, entries, files, received_on, rules, runner.watch)
    return take_in(store, weighed, files, received_on)


def _pin(paths: Sequence[str], fmt: str, runner: Runner, split_bytes: int) -> inputs.Inputs:
    """The splits of ``paths``, each with the digest that its bytes have now."""
    reader = registry.FORMATS[fmt]
    paths = raw_files.expand(paths)
    with runner.watch.counting("reading", planning.total_bytes(paths)) as report:
        return planning.plan(paths, reader, split_bytes=split_bytes, report=report)


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
