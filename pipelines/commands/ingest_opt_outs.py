"""``byleave ingest opt-outs``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from pipelines.commands.options import (
    IsoDate,
    files_argument,
    intake_options,
    json_option,
    requester_key_option,
    runner_options,
    show,
    store_argument,
)
from pipelines.plurals import counted

if TYPE_CHECKING:
    from pipelines.runner import Runner
    from transforms.intake import Rules


@click.command(name="opt-outs")
@store_argument
@files_argument
@click.option(
    "--received-on",
    required=True,
    type=IsoDate(to_come=False),
    metavar="DATE",
    help="Day on which the list came in.",
)
@click.option("--allow-empty", is_flag=True, help="Take in a list without entries.")
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
