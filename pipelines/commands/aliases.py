"""``byleave ingest aliases``."""

from __future__ import annotations

import click

from pipelines.commands.options import IsoDate, files_argument, json_option, show, store_argument
from pipelines.plurals import counted


@click.command()
@store_argument
@files_argument
@click.option(
    "--observed-on",
    required=True,
    type=IsoDate(to_come=False),
    metavar="DATE",
    help="Day on which the history was made.",
)
@json_option
def aliases(store: str, files: tuple[str, ...], observed_on: str, as_json: bool) -> None:
    """Take in an alias history: which aliases, names and former ids owners have or had.

    Files are CSV with a header or JSON lines: key and owner_id, and if need be kind (alias, name or owner),
    source and seen_on. Whoever opted out under a name that is in it stays out under any other.

    \b
    Example:
      byleave ingest aliases yfcc.store aliases.csv --observed-on 2026-11-10
    """
    from pipelines.aliases import ingest_aliases
    from pipelines.store.store import open_store

    table = ingest_aliases(open_store(store), files, observed_on=observed_on)
    counts = table.counts
    of_kind = (
        counted(counts["aliases"], "alias", "aliases"),
        counted(counts["names"], "name"),
        counted(counts["former_ids"], "former id"),
    )
    result = {"history": table.name, "observed_on": observed_on, "digest": table.digest, **counts}
    entries = counted(counts["rows"], "entry", "entries")
    show(result, f"aliases {table.name}: {entries} ({', '.join(of_kind)})", as_json=as_json)
