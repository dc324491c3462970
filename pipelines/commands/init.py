"""``byleave init``."""

from __future__ import annotations

import tomllib
from typing import Any

import click

from pipelines.commands.options import json_option, show, store_argument
from pipelines.config import shipped


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
