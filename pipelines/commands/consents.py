"""byleave ingest consents."""

from __future__ import annotations

import click

from pipelines.commands.options import (
    IsoDate,
    files_argument,
    json_option,
    requester_key_option,
    show,
    store_argument,
)
from pipelines.plurals import counted


@click.command()
@store_argument
@files_argument
@click.option(
    "--received-on",
    required=True,
    type=IsoDate(to_come=False),
    metavar="DATE",
    help="Day on which the list came in.",
)
@requester_key_option
@json_option
def consents(
    store: str, files: tuple[str, ...], received_on: str, requester_key: str | None, as_json: bool
) -> None:
    """Take in consents: what owners and depicted persons grant, refuse or revoke, purpose by purpose.

    Files are CSV with a header, JSON lines or Parquet. Depicted persons are kept as keyed hashes.

    \b
    Example:
      byleave ingest consents yfcc.store consents.csv --received-on 2026-11-10
    """
    from pipelines.consents import ingest_consents
    from pipelines.steps.consents import COUNTS
    from pipelines.store.store import open_store

    table = ingest_consents(open_store(store), files, received_on=received_on, requester_key=requester_key)
    counts = table.counts
    words = [counted(counts[name], name.removesuffix("s")) for name in COUNTS.values() if counts[name]]
    result = {"list": table.name, "received_on": received_on, "digest": table.digest, **counts}
    entries = counted(counts["rows"], "entry", "entries")
    show(result, f"consents {table.name}: {entries} ({', '.join(words)})", as_json=as_json)
