"""``byleave opt-outs``: what a list would remove, what waits for a person, and what became of a request."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

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
    watch,
)
from pipelines.plurals import counted

if TYPE_CHECKING:
    from pipelines.runner import Runner
    from pipelines.store.tables import Table
    from transforms.intake import Rules

_NOT_UNDERSTOOD = 4  # the exit code of an input that has to be mended
_LINES = 20

_requests_argument = click.argument("requests", nargs=-1, metavar="REQUEST...")
_decided_on = click.option(
    "--received-on",
    required=True,
    type=IsoDate(to_come=False),
    metavar="DATE",
    help="Day on which it was decided.",
)
_evidence = click.option("--evidence", required=True, metavar="TEXT", help="Who decided, and why.")
_lists = click.option(
    "--list", "lists", multiple=True, metavar="LIST", help="Everything that waits of this list."
)


@click.group(name="opt-outs")
def opt_outs() -> None:
    """Look at opt-outs before they count, decide on those that wait, and say what became of them."""


@opt_outs.command()
@store_argument
@files_argument
@click.option(
    "--received-on",
    default=None,
    type=IsoDate(to_come=False),
    metavar="DATE",
    help="Day on which it comes in. [default: today, or the newest day that the store knows if later]",
)
@intake_options
@requester_key_option
@runner_options
@json_option
@click.option("--csv", "as_csv", is_flag=True, help="Print a line for each entry, as CSV.")
def check(
    store: str,
    files: tuple[str, ...],
    received_on: str | None,
    purposes: str | None,
    origin: str | None,
    rules: Rules,
    requester_key: str | None,
    runner: Runner,
    as_json: bool,
    as_csv: bool,
) -> int:
    """Say what a list would remove, what waits for a person, what is not understood. Takes in nothing.

    Exit code 0 if all is understood, whether held or not; 4 if a line is not.

    \b
    Example:
      byleave opt-outs check yfcc.store requests.csv
    """
    from pipelines.commands.intake_report import csv_of, json_of, text_of
    from pipelines.optouts.dryrun import check_opt_outs
    from pipelines.optouts.receipts import newest_day
    from pipelines.store.store import open_store
    from transforms.formats.optouts.fields import purposes_option

    opened = open_store(store)
    # A request of yesterday is later than all that a store knows which took in nothing since.
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    found = check_opt_outs(
        opened,
        files,
        received_on=received_on or max(today, newest_day(opened)),
        runner=runner,
        rules=rules,
        purposes=purposes_option(purposes),
        origin=origin,
        requester_key=requester_key,
        most_faults=1 << 62 if as_json else _LINES,
    )
    if as_csv:
        click.echo(csv_of(found), nl=False)
        for faults in found.faults:
            for line in faults.said():
                click.echo(line, err=True)
    else:
        show(json_of(found) if as_json else {}, "" if as_json else text_of(found, _LINES), as_json=as_json)
    return _NOT_UNDERSTOOD if found.not_understood else 0


@opt_outs.command(name="list")
@store_argument
@click.option("--held", is_flag=True, help="Only what waits for a person.")
@json_option
def list_(store: str, held: bool, as_json: bool) -> None:
    """List the opt-out lists, or the entries that wait for a person.

    \b
    Example:
      byleave opt-outs list yfcc.store --held
    """
    from pipelines.commands.intake_report import told_of
    from pipelines.optouts.requests import waiting
    from pipelines.store.store import open_store
    from pipelines.store.tables import OPT_OUTS

    opened = open_store(store)
    if held:
        entries = waiting(opened)
        rows = told_of(entries, ("request", "kind", "key", "raw", "received_on", "held_for", "list"))
        lines = [f"{row['request']}  {row['kind']} {row['raw']!a}: {row['held_for']}" for row in rows]
        text = "\n".join([f"{counted(len(rows), 'entry', 'entries')} held", *lines])
        show({"held": rows}, text, as_json=as_json)
        return
    tables = [_of(table) for table in opened.tables.all(OPT_OUTS)]
    lines = [_line(each) for each in tables]
    show({"lists": tables}, "\n".join(lines) or "no opt-out list yet", as_json=as_json)


def _line(of: Mapping[str, Any]) -> str:
    made_of = ", ".join(f"{each['format']} {each['name']}" for each in of["made_of"])
    return f"{of['list']}  {counted(of['rows'], 'entry', 'entries')}, {of['held']:,} held; {made_of}"


def _of(table: Table) -> dict[str, Any]:
    made_of = [{name: file[name] for name in ("format", "name")} for file in table.files]
    return {
        "list": table.name,
        "received_on": table.date,
        "made_of": made_of,
        "held": 0,
        "withdrawn": 0,
        **table.counts,
    }


@opt_outs.command()
@store_argument
@_requests_argument
@_lists
@_decided_on
@_evidence
@click.option("--only-items", is_flag=True, help="Not the same bytes under other ids.")
@json_option
def approve(
    store: str,
    requests: tuple[str, ...],
    lists: tuple[str, ...],
    received_on: str,
    evidence: str,
    only_items: bool,
    as_json: bool,
) -> None:
    """Let held requests count from a day on.

    \b
    Example:
      byleave opt-outs approve yfcc.store r0123456789abcdef --received-on 2026-11-12 --evidence mail
    """
    from pipelines.optouts import approvals
    from pipelines.store.store import open_store
    from transforms.intake import told

    _need(requests, lists)
    table, intake = approvals.approve(
        open_store(store),
        requests,
        received_on=received_on,
        evidence=evidence,
        lists=lists,
        only_items=only_items,
        watch=watch(),
    )
    met = told(intake.entries, intake.weighing.weights)
    items = sum(met["items"].to_pylist())
    show(
        {**_of(table), "items": items},
        f"opt-outs {table.name}: {counted(table.counts['rows'], 'entry', 'entries')} approved,"
        f" met by {counted(items, 'item')}",
        as_json=as_json,
    )


@opt_outs.command()
@store_argument
@_requests_argument
@_lists
@_decided_on
@_evidence
@json_option
def refuse(
    store: str,
    requests: tuple[str, ...],
    lists: tuple[str, ...],
    received_on: str,
    evidence: str,
    as_json: bool,
) -> None:
    """Refuse held requests: they stay in the ledger, and never count.

    \b
    Example:
      byleave opt-outs refuse yfcc.store r0123456789abcdef --received-on 2026-11-12 --evidence "a test"
    """
    from pipelines.optouts import approvals
    from pipelines.store.store import open_store

    _need(requests, lists)
    table = approvals.refuse(
        open_store(store), requests, received_on=received_on, evidence=evidence, lists=lists
    )
    _tell(table, "refused", as_json)


@opt_outs.command()
@store_argument
@_requests_argument
@_decided_on
@_evidence
@json_option
def withdraw(store: str, requests: tuple[str, ...], received_on: str, evidence: str, as_json: bool) -> None:
    """Take requests back: from a day on they no longer count, and what they removed comes back.

    \b
    Example:
      byleave opt-outs withdraw yfcc.store r0123456789abcdef --received-on 2026-11-20 --evidence "a letter"
    """
    from pipelines.optouts import approvals
    from pipelines.store.store import open_store

    _need(requests, ())
    table = approvals.withdraw(open_store(store), requests, received_on=received_on, evidence=evidence)
    _tell(table, "withdrawn", as_json)


def _need(requests: tuple[str, ...], lists: tuple[str, ...]) -> None:
    if not requests and not lists:
        raise click.UsageError("Name a request, as 'byleave opt-outs list' and 'receipt' show them.")


def _tell(table: Table, how: str, as_json: bool) -> None:
    text = f"opt-outs {table.name}: {counted(table.counts['rows'], 'entry', 'entries')} {how}"
    show(_of(table), text, as_json=as_json)


@opt_outs.command()
@store_argument
@click.argument("request", metavar="ID")
@click.option("--as-of", default=None, type=IsoDate(), metavar="DATE", help="[default: the newest day known]")
@json_option
def receipt(store: str, request: str, as_of: str | None, as_json: bool) -> None:
    """Say what became of a request: its state, its dates, and the releases from which it was honored.

    \b
    Example:
      byleave opt-outs receipt yfcc.store r0123456789abcdef
    """
    from pipelines.commands.intake_report import receipt_text
    from pipelines.optouts.receipts import receipt as made
    from pipelines.store.store import open_store

    found = made(open_store(store), request, as_of=as_of, watch=watch())
    show(found.to_json(), receipt_text(found), as_json=as_json)
