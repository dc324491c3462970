"""``byleave ingest signals``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from pipelines.commands.options import IsoDate, json_option, runner_options, show, store_argument
from pipelines.plurals import counted

if TYPE_CHECKING:
    from pipelines.runner import Runner


@click.command()
@store_argument
@click.argument("paths", nargs=-1, required=True, metavar="PATHS...")
@click.option(
    "--observed-on",
    required=True,
    type=IsoDate(to_come=False),
    metavar="DATE",
    help="Day on which sources were asked, where the evidence does not say it.",
)
@click.option(
    "--agent",
    default="byleave",
    show_default=True,
    metavar="NAME",
    help="As whom they were asked: what is addressed to others does not count.",
)
@runner_options
@json_option
def signals(
    store: str, paths: tuple[str, ...], observed_on: str, agent: str, runner: Runner, as_json: bool
) -> None:
    """Take in what machine-readable sources said: robots.txt, ai.txt, tdmrep.json, headers, credentials.

    PATHS are files of captures, as JSON lines, or folders: a site's own documents lie in one of its name.

    \b
    Example:
      byleave ingest signals yfcc.store evidence/ --observed-on 2026-11-10
    """
    from pipelines.signals import ingest_signals
    from pipelines.store.store import open_store

    table = ingest_signals(open_store(store), paths, observed_on=observed_on, agent=agent, runner=runner)
    counts = table.counts
    result = {"list": table.name, "observed_on": observed_on, "digest": table.digest, **counts}
    about = ", ".join(
        counted(counts[f"{kind.lower()}s"], kind)
        for kind in ("host", "URL", "item")
        if counts[f"{kind.lower()}s"]
    )
    text = f"signals {table.name}: {counted(counts['rows'], 'rule')} of {about or 'no source'}"
    for name, words in (
        ("unavailable", "could not be got: what was said before stands, and is stale"),
        ("unreadable", "could not be understood at all"),
        ("malformed", "could be understood in part"),
        ("cut", "cut off at 500 KiB: what is behind was not read"),
        ("passed_over", "passed over, as no evidence"),
    ):
        if counts[name]:
            text += f"\n  {counts[name]:,} {words}"
    show(result, text, as_json=as_json)
