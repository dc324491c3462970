"""``byleave init`` and ``byleave ingest``."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any

import click

from pipelines.commands.options import (
    IsoDate,
    counted,
    files_argument,
    intake_options,
    json_option,
    requester_key_option,
    runner_options,
    share_option,
    show,
    store_argument,
)
from pipelines.config import shipped

if TYPE_CHECKING:
    from pipelines.runner import Runner
    from pipelines.store.store import Dataset
    from pipelines.store.tables import Table
    from transforms.intake import Rules


@click.command()
@store_argument
@click.option(
    "--dataset",
    required=True,
    help="Name of the dataset; one that ships has its settings: yfcc100m, openverse.",
)
@click.option(
    "--buckets", type=int, default=None, help="A power of two. [default: 1024, which suits 100M items]"
)
@click.option("--source", default=None, help="Platform whose ids bare ids are. [default: flickr]")
@click.option(
    "--smallest-count",
    type=int,
    default=None,
    help="Published statistics state no fewer items or owners. [default: 10]",
)
@json_option
def init(
    store: str,
    dataset: str,
    buckets: int | None,
    source: str | None,
    smallest_count: int | None,
    as_json: bool,
) -> None:
    """Create a store for one dataset: STORE is a folder, or gs://bucket/path.

    \b
    Example:
      byleave init yfcc.store --dataset yfcc100m
    """
    from pipelines.store.store import Dataset, create_store

    settings: dict[str, Any] = {"source": "flickr", "buckets": 1024}
    file = shipped("configs") / "datasets" / f"{dataset}.toml"
    if file.is_file():
        settings |= tomllib.loads(file.read_text())
    given = {"source": source, "buckets": buckets, "smallest_count": smallest_count}
    settings |= {name: value for name, value in given.items() if value is not None}
    created = create_store(store, Dataset(dataset, **settings))
    result = {"store": created.url, "dataset": dataset, **settings}
    show(
        result,
        f"{store}: dataset {dataset}, {settings['buckets']} buckets, ids of {settings['source']}",
        as_json=as_json,
    )


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
    type=IsoDate(),
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
    _show(table, "item", opened.dataset, as_json)


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
    "--observed-on", required=True, type=IsoDate(), metavar="DATE", help="Day of rows that do not say it."
)
@click.option(
    "--received-on",
    default=None,
    type=IsoDate(),
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
    "--observed-on", required=True, type=IsoDate(), metavar="DATE", help="Day of rows that do not say it."
)
@click.option(
    "--received-on",
    default=None,
    type=IsoDate(),
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


@ingest.command(name="opt-outs")
@store_argument
@files_argument
@click.option(
    "--received-on", required=True, type=IsoDate(), metavar="DATE", help="Day on which the list came in."
)
@click.option("--allow-empty", is_flag=True, help="Take in a list without entries.")
@click.option(
    "--purposes",
    default=None,
    metavar="NAMES",
    help="What entries cover that do not say it, such as 'search;commercial'. [default: all]",
)
@click.option("--origin", default=None, metavar="NAME", help="Through whom entries came that do not say it.")
@intake_options
@requester_key_option
@runner_options
@json_option
def opt_outs(
    store: str,
    files: tuple[str, ...],
    received_on: str,
    allow_empty: bool,
    purposes: str | None,
    origin: str | None,
    rules: Rules,
    requester_key: str | None,
    runner: Runner,
    as_json: bool,
) -> None:
    """Take in opt-outs: items, owners, URLs, hosts, content hashes, tags.

    Files are text with one target a line, CSV, JSON lines, a registry's answers, a block list of hosts, or a
    filled form. People who ask are kept as keyed hashes.

    \b
    Example:
      byleave ingest opt-outs yfcc.store opt-outs.txt --received-on 2026-11-10
      byleave ingest opt-outs yfcc.store hosts.txt --received-on 2026-11-10 --purposes generative-training
    """
    from pipelines.ingest import ingest_opt_outs
    from pipelines.steps.opt_outs import KIND_COUNTS
    from pipelines.store.store import open_store
    from transforms.formats.optouts.fields import purposes_option

    table = ingest_opt_outs(
        open_store(store),
        files,
        received_on=received_on,
        runner=runner,
        allow_empty=allow_empty,
        purposes=purposes_option(purposes),
        origin=origin,
        requester_key=requester_key,
        rules=rules,
    )
    counts = table.counts
    said = [counted(counts[name], kind, name) for kind, name in KIND_COUNTS.items() if counts[name]]
    said += [f"{counts[state]:,} {state}" for state in ("held", "withdrawn") if counts[state]]
    result = {"list": table.name, "received_on": received_on, "digest": table.digest, **counts}
    show(
        result,
        f"opt-outs {table.name}: {counted(counts['rows'], 'entry', 'entries')} ({', '.join(said) or 'none'})",
        as_json=as_json,
    )


def _show(table: Table, what: str, dataset: Dataset, as_json: bool) -> None:
    from pipelines.store.tables import LICENSES
    from transforms.domain import subbuckets

    counts = table.counts
    looked = {"observer": table.observer or dataset.source, "full": table.full}
    buckets = len(subbuckets.by_home(table.buckets, dataset.buckets))
    result = {
        "snapshot": table.name,
        "date": table.date or None,
        **(looked if table.kind == LICENSES else {}),
        "digest": table.digest,
        **counts,
        "unparsable_cells": dict(table.unparsable),
        "buckets": buckets,
        "files": len(table.files),
    }
    # Of licenses, rows that name no owner find their bucket by a manifest, when they are needed.
    places = counted(buckets, "bucket") if buckets else "no bucket yet, for no row names an owner"
    text = (
        f"{table.kind} {table.name}: {counted(counts['rows'], what)} in {places}\n"
        f"  {counts['rows_read']:,} rows read from {counted(len(table.files), 'file')},"
        f" {counts['duplicates']:,} duplicates, {counts['quarantined']:,} in quarantine"
    )
    cells = ", ".join(f"{column} {count:,}" for column, count in sorted(table.unparsable.items()) if count)
    show(
        result,
        text + (f"\n  cells that could not be read, now null: {cells}" if cells else ""),
        as_json=as_json,
    )
