"""``byleave ingest``: manifests, licenses and detections, which may have a hundred million rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from pipelines.commands.options import (
    IsoDate,
    files_argument,
    json_option,
    runner_options,
    share_option,
    show,
    store_argument,
)
from pipelines.plurals import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipelines.runner import Runner
    from pipelines.store.store import Dataset
    from pipelines.store.tables import Table

_SAME_BYTES = {"entries": "rows", "held": "held"}


@click.group()
def ingest() -> None:
    """Take in manifests, license snapshots, opt-out lists, and what else is known of items."""


@ingest.command()
@store_argument
@files_argument
@click.option("--format", "fmt", required=True, metavar="FORMAT", help="yfcc100m, openverse or canonical.")
@click.option("--snapshot", required=True, help="Name of the new snapshot, such as 2014-05.")
@click.option("--onto", default=None, metavar="SNAPSHOT", help="Add the files to this snapshot.")
@click.option(
    "--received-on",
    default=None,
    type=IsoDate(to_come=False),
    metavar="DATE",
    help="Day on which it came in: a release as of an earlier day does not know it. [default: any day]",
)
@share_option
@runner_options
@json_option
def manifest(
    store: str,
    files: tuple[str, ...],
    fmt: str,
    snapshot: str,
    onto: str | None,
    received_on: str | None,
    max_quarantined_share: float | None,
    runner: Runner,
    as_json: bool,
) -> None:
    """Take in a manifest: the list of items.

    Files may be plain, .gz or .bz2, here or at URLs such as 'gs://inbox/*.tsv'. Rows that cannot be read go
    to quarantine, with their place and reason.

    \b
    Example:
      byleave ingest manifest yfcc.store yfcc100m_dataset-*.bz2 --format yfcc100m --snapshot 2014-05
    """
    from pipelines.ingest import ingest_manifest
    from pipelines.ingest_plans import accepted_share
    from pipelines.optouts.reuploads import reuploads_of
    from pipelines.store.store import open_store

    opened = open_store(store)
    table = ingest_manifest(
        opened,
        files,
        fmt=fmt,
        snapshot=snapshot,
        onto=onto,
        received_on=received_on,
        runner=runner,
        max_quarantined_share=accepted_share(full=False)
        if max_quarantined_share is None
        else max_quarantined_share,
    )
    _show(table, "item", opened.dataset, as_json, reuploads_of(opened, table))


@ingest.command()
@store_argument
@files_argument
@click.option(
    "--format",
    "fmt",
    default="canonical",
    show_default=True,
    help="canonical, csv, yfcc100m, openverse, flickr-photos, flickr-info, flickr-history or ml5.",
)
@click.option(
    "--observed-on",
    required=True,
    type=IsoDate(to_come=False),
    metavar="DATE",
    help="Day of rows that do not say it.",
)
@click.option(
    "--received-on",
    default=None,
    type=IsoDate(to_come=False),
    metavar="DATE",
    help="Day on which it came in, if it came late: a release as of an earlier day does not know it."
    " [default: --observed-on]",
)
@click.option("--observer", default=None, metavar="NAME", help="Who looked. [default: the dataset's source]")
@click.option(
    "--full", is_flag=True, help="It lists everything that was there: what it does not list was missing."
)
@click.option(
    "--snapshot",
    default=None,
    help="Name of the snapshot. [default: the day it came in, and the observer unless it is the source]",
)
@share_option
@runner_options
@json_option
def licenses(
    store: str,
    files: tuple[str, ...],
    fmt: str,
    observed_on: str,
    received_on: str | None,
    observer: str | None,
    full: bool,
    snapshot: str | None,
    max_quarantined_share: float | None,
    runner: Runner,
    as_json: bool,
) -> None:
    """Take in a license snapshot: what items' licenses and visibility were on a day.

    \b
    Example:
      byleave ingest licenses yfcc.store licenses.parquet --observed-on 2026-11-01
      byleave ingest licenses yfcc.store old.csv --observed-on 2019-05-01 --received-on 2026-11-20 \\
        --observer archive
    """
    from pipelines.ingest import ingest_licenses
    from pipelines.store.store import open_store

    opened = open_store(store)
    table = ingest_licenses(
        opened,
        files,
        fmt=fmt,
        observed_on=observed_on,
        received_on=received_on,
        observer=observer,
        full=full,
        snapshot=snapshot,
        runner=runner,
        max_quarantined_share=max_quarantined_share,
    )
    _show(table, "observation", opened.dataset, as_json)


@ingest.command()
@store_argument
@files_argument
@click.option("--format", "fmt", default="canonical", show_default=True, help="canonical or csv.")
@click.option(
    "--observed-on",
    required=True,
    type=IsoDate(to_come=False),
    metavar="DATE",
    help="Day of rows that do not say it.",
)
@click.option(
    "--received-on",
    default=None,
    type=IsoDate(to_come=False),
    metavar="DATE",
    help="Day on which it came in, if it came late. [default: --observed-on]",
)
@click.option("--snapshot", default=None, help="Name of the snapshot. [default: the day it came in]")
@share_option
@runner_options
@json_option
def detections(
    store: str,
    files: tuple[str, ...],
    fmt: str,
    observed_on: str,
    received_on: str | None,
    snapshot: str | None,
    max_quarantined_share: float | None,
    runner: Runner,
    as_json: bool,
) -> None:
    """Take in detections: whether people are in items, as a detector or a person saw it.

    Of several looks at an item the newest counts, of those of one day one that saw people. What a manifest
    says of an item counts if nobody looked.

    \b
    Example:
      byleave ingest detections yfcc.store faces.csv --format csv --observed-on 2026-11-01
    """
    from pipelines.ingest import ingest_detections
    from pipelines.ingest_plans import MAX_QUARANTINED_SHARE
    from pipelines.store.store import open_store

    opened = open_store(store)
    table = ingest_detections(
        opened,
        files,
        fmt=fmt,
        observed_on=observed_on,
        received_on=received_on,
        snapshot=snapshot,
        runner=runner,
        max_quarantined_share=MAX_QUARANTINED_SHARE
        if max_quarantined_share is None
        else max_quarantined_share,
    )
    _show(table, "detection", opened.dataset, as_json)


def _show(table: Table, what: str, dataset: Dataset, as_json: bool, reuploads: Sequence[Table] = ()) -> None:
    from pipelines.store.tables import LICENSES, MANIFESTS
    from transforms.domain import subbuckets

    counts = table.counts
    looked = {"observer": table.observer or dataset.source, "full": table.full}
    buckets = len(subbuckets.by_home(table.buckets, dataset.buckets))
    same_bytes = {name: sum(each.counts[of] for each in reuploads) for name, of in _SAME_BYTES.items()}
    result = {
        "snapshot": table.name,
        "date": table.date or None,
        **(looked if table.kind == LICENSES else {}),
        "digest": table.digest,
        **counts,
        "unparsable_cells": dict(table.unparsable),
        "buckets": buckets,
        "files": len(table.files),
        **({"same_bytes": same_bytes} if table.kind == MANIFESTS else {}),
    }
    # What goes by item finds its bucket by a manifest, when it is needed: detections, licenses without owner.
    places = f" in {counted(buckets, 'bucket')}" if buckets else ", by item"
    text = (
        f"{table.kind} {table.name}: {counted(counts['rows'], what)}{places}\n"
        f"  {counted(counts['rows_read'], 'row')} read from {counted(len(table.files), 'file')},"
        f" {counted(counts['duplicates'], 'duplicate')}, {counts['quarantined']:,} in quarantine"
    )
    cells = ", ".join(f"{column} {count:,}" for column, count in sorted(table.unparsable.items()) if count)
    text += f"\n  cells that could not be read, now null: {cells}" if cells else ""
    if reuploads:
        entries = counted(same_bytes["entries"], "opt-out", "opt-outs")
        text += f"\n  {entries} of the bytes of items that were opted out before, {same_bytes['held']:,} held"
    show(result, text, as_json=as_json)
