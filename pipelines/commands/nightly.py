"""``byleave nightly``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipelines.commands.options import json_option, runner_options, show

if TYPE_CHECKING:
    from pipelines.runner import Runner


@click.command()
@click.argument("config", metavar="CONFIG", type=click.Path(path_type=Path))
@click.option("--dry-run", is_flag=True, help="Say what would be done; write nothing.")
@runner_options
@json_option
def nightly(config: Path, dry_run: bool, runner: Runner, as_json: bool) -> None:
    """Take in what is new in the inboxes, and cut each release that would be another.

    CONFIG is a TOML file: see configs/nightly.toml, and docs/nightly.md for what each outcome means. One run
    at a time works in a store; if nothing changed, nothing is written.

    \b
    Example:
      byleave nightly configs/nightly.toml
    """
    from pipelines.night.settings import read_settings
    from pipelines.nightly import run_night

    settings = read_settings(config)
    runner.check_store(settings.store)
    summary = run_night(settings, runner, dry_run=dry_run)
    show(summary.to_json(), "\n".join(summary.lines()), as_json=as_json)
    for fault in summary.faults():
        click.echo(f"byleave: {fault}", err=True)
    click.get_current_context().exit(summary.exit_code)
