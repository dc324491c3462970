"""``byleave licenses ledger``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from pipelines.commands.options import IsoDate, json_option, runner_options, show, store_argument
from pipelines.plurals import counted

if TYPE_CHECKING:
    from pipelines.runner import Runner


@click.command()
@store_argument
@click.option(
    "--as-of",
    default=None,
    type=IsoDate(),
    metavar="DATE",
    help="What was known by then. [default: all]",
)
@click.option("--manifest", default=None, metavar="SNAPSHOT", help="Of this manifest. [default: the newest]")
@runner_options
@json_option
def ledger(store: str, as_of: str | None, manifest: str | None, runner: Runner, as_json: bool) -> None:
    """Write the license ledger: what is known of each item's license, as changes in two times.

    It is made of the license snapshots wherever it is not remembered; queries and releases read it.

    \b
    Example:
      byleave licenses ledger yfcc.store
    """
    from pipelines.ledger import ledger_of
    from pipelines.release_inputs import choose_inputs
    from pipelines.store.store import open_store
    from transforms.domain import subbuckets

    opened = open_store(store)
    inputs = choose_inputs(opened, as_of=as_of, manifest=manifest, without_opt_outs=True)
    found = ledger_of(opened, inputs, runner)
    result = {
        "manifest": inputs.manifest.name,
        "as_of": inputs.as_of or None,
        "snapshots": len(inputs.licenses),
        **{name: found.counts[name] for name in ("rows", "items", "events")},
        "buckets": len(subbuckets.by_home(found.buckets, opened.dataset.buckets)),
        "digest": found.digest,
    }
    text = (
        f"ledger of manifest {inputs.manifest.name}: {counted(found.counts['rows'], 'row')} of"
        f" {counted(found.counts['items'], 'item')} from {counted(len(inputs.licenses), 'snapshot')},"
        f" {counted(found.counts['events'], 'change')}\n  digest sha256:{found.digest}"
    )
    show(result, text, as_json=as_json)
