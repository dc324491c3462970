"""``byleave sql``."""

from __future__ import annotations

import contextlib
from pathlib import Path

import click

from pipelines.commands.options import store_argument, watch
from pipelines.config import shipped
from transforms.domain.errors import ConfigError


@click.command()
@store_argument
@click.argument("query", required=False)
@click.option(
    "--file",
    "file",
    default=None,
    help="Read the query from a file; sql/stats/NAME.sql also from those that ship.",
)
@click.option("--release", "release", default=None, metavar="VERSION", help="[default: the newest]")
@click.option("--json", "how", flag_value="json", help="Print a JSON array of objects.")
@click.option("--csv", "how", flag_value="csv", help="Print CSV with a header.")
def sql(store: str, query: str | None, file: str | None, release: str | None, how: str | None) -> None:
    """Ask DuckDB about a store.

    Views: manifest, quarantine, snapshots, licenses, releases; license_ledger, license_events,
    license_terms, license_conflicts; opt_outs, consents, aliases, signals, purposes; of a release: items,
    decisions, exclusions, tallies.

    With values in parentheses: license_as_of(valid_on, known_on), license_transitions(from_date, to_date,
    known_on), drift_by_month(from_date, to_date), restriction_waves(owners_at_least),
    owner_concentration(from_date, to_date), stale(observed_before), opt_outs_as_of(on_date), and what else
    is in sql/drift/ and sql/leave/. Without known_on, what is known now counts.

    Every blob that a query reads is held to its digest first. Of one on gs:// that is a copy, which is gone
    when the query ends, or kept in the folder BYLEAVE_CACHE.

    \b
    Example:
      byleave sql yfcc.store "select license, count(*) from manifest group by all order by 2 desc"
      byleave sql yfcc.store "select license, count(*) from license_as_of('2025-06-01') group by all"
    """
    from pipelines.catalog.queries import ask
    from pipelines.store.store import open_store

    if (query is None) == (file is None):
        raise ConfigError("give either a query or --file, and one of them")
    text = query if query is not None else _read(str(file))
    answer = ask(open_store(store), text, release=release, how=how or "table", watch=watch())
    with contextlib.closing(answer):  # at Ctrl-C too, so that no copy of a blob stays
        for line in answer:
            click.echo(line)


def _read(path: str) -> str:
    for file in (Path(path), shipped("sql") / path.removeprefix("sql/")):
        if file.is_file():
            return file.read_text(encoding="utf-8")
    raise ConfigError(f"{path}: there is no such file")
